"""What makers have in common: which AWS they speak to, and what they give back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeAlias

import boto3


@dataclass(frozen=True, slots=True)
class Made:
    """A resource as AWS has it: its id, and the outputs that the program may read."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


@cache
def _client(service: str, region: str, endpoint: str | None) -> Any:
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - neither stand-in asks for more
    )


@dataclass(frozen=True, slots=True)
class Aws:
    """One region of an AWS.

    ``endpoint``: where it is; None inside of moto's mock. ``lacks``: types that this stand-in for AWS has no call for;
    of these only an id is made up.
    """

    endpoint: str | None = None
    lacks: frozenset[str] = frozenset()
    region: str = "us-east-1"
    tags: Mapping[str, str] = field(default_factory=dict)

    def within(self, region: str, tags: Mapping[str, str]) -> Aws:
        """The same AWS, in another region, with the tags that a provider gives to all that it makes."""
        return replace(self, region=region, tags=tags)

    def __call__(self, service: str) -> Any:
        return _client(service, self.region, self.endpoint)

    def tag_list(self) -> list[dict[str, str]]:
        """The tags as most services want them."""
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]


Maker: TypeAlias = "Callable[[Aws, str, Mapping[str, Any]], Made]"


def physical(name: str) -> str:
    """Pulumi's names have some characters of chance at their end, so that two stacks may live in one account."""
    return f"{name}-7e57"


def take(given: Mapping[str, Any], *names: str) -> tuple[Any, ...]:
    """The inputs of these names, in order; ``name?`` may be missing. All that is given has to be named."""
    known = {name.removesuffix("?") for name in names}
    if not set(given) <= known:
        raise LookupError(f"the double does not know what to do with {sorted(set(given) - known)}")
    return tuple(given.get(name[:-1]) if name.endswith("?") else given[name] for name in names)
