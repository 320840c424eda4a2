"""A third server, neither local nor public: where a redirect to another origin leads.

It serves a good signature to whoever asks, readable by any origin, so that a subject that follows
the redirect finds all it could wish for. What the subject asks it for is in the browser's log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.model import Side, SignatureRule
from conformance.rig.http import response
from conformance.rig.one_answer import OneAnswer
from conformance.signatures import signature_body

if TYPE_CHECKING:
    from conformance.rig.ports import ReservedPort


class Stranger(OneAnswer):
    """Its signature is good by ``rule``: the subject's."""

    def __init__(self, port: ReservedPort) -> None:
        super().__init__(port)
        self.rule = SignatureRule()

    def answer(self) -> bytes:
        """A good signature, for any origin to read."""
        headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*", "Connection": "close"}
        return response(200, headers, signature_body("good", self.rule, Side.LOCAL))
