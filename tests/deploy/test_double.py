"""The double itself: it says what it cannot do, and drops nothing in silence."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

pytest.importorskip("pulumi", reason="pulumi is not installed; .ci/deploy makes an environment that has it")

from moto import mock_aws

from tests.deploy.double import Engine, deploy, whole
from tests.deploy.making import Aws, Made, physical, take
from tests.deploy.stack import config

AWS = Aws(lacks=frozenset({"OriginRequestPolicy"}))


@pytest.fixture
def moto() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.mark.usefixtures("moto")
def test_what_aws_refuses_ends_the_program_and_is_said_by_name() -> None:
    with pytest.raises(RuntimeError, match=r"aws:route53/record:Record certificate-proof: NoSuchHostedZone"):
        deploy(AWS, config("Z0NOTHERE"))


def test_a_setting_that_is_missing_is_the_program_s_own_error() -> None:
    settings = config("Z1")
    del settings["semantest-public:originSecret"]
    with pytest.raises(RuntimeError, match="originSecret"):
        deploy(AWS, settings)


def test_a_type_without_a_maker_is_an_error() -> None:
    with pytest.raises(LookupError, match="no maker"):
        Engine(AWS)._call("aws:s3/bucket:Bucket", "one", {}, AWS)


def test_a_type_that_the_stand_in_lacks_gets_an_id_and_no_more() -> None:
    made = Engine(AWS)._call("aws:cloudfront/originRequestPolicy:OriginRequestPolicy", "one", {"a": 1}, AWS)
    assert made == Made(physical("one"))


def test_an_input_that_a_maker_does_not_know_is_an_error() -> None:
    assert take({"a": 1, "c": 3}, "a", "b?", "c") == (1, None, 3)
    with pytest.raises(LookupError, match="surprise"):
        take({"a": 1, "surprise": 2}, "a")
    with pytest.raises(KeyError):
        take({}, "a")


def test_whole_numbers_arrive_as_such() -> None:
    assert whole({"a": [1.0, 0.5, True, "1.0"]}) == {"a": [1, 0.5, True, "1.0"]}


def test_a_region_s_client_speaks_to_its_region() -> None:
    here = Aws(endpoint="http://127.0.0.1:9").within("eu-west-1", {"project": "semantest"})
    assert here("dynamodb").meta.region_name == "eu-west-1"
    assert here.tag_list() == [{"Key": "project", "Value": "semantest"}]


def test_the_stack_itself_is_no_resource_of_aws() -> None:
    engine = Engine(AWS)
    request = SimpleNamespace(type="pulumi:pulumi:Stack", name="one", provider="")
    assert engine._make("urn", request, {}) == Made("")
    assert engine.deployed.resources == []
