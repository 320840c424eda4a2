"""Faults of TLS: wrong certificate, wrong version, none where it must be, some where it must not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from conformance.model import Side
from conformance.rig.certificates import Certificate, Certificates
from conformance.rig.faults.base import TlsFault, fault

if TYPE_CHECKING:
    import ssl

    from conformance.rig.certificates import Refusal
    from conformance.rig.link import Link

# OpenSSL's x509_vfy.h, X509_V_ERR_*: what a careful client finds first.
_FAULT_FOUND = {
    Certificate.SELF_SIGNED: 18,
    Certificate.EXPIRED: 10,
    Certificate.OTHER_HOST: 62,
    Certificate.UNTRUSTED_CA: 20,
}


@fault
@dataclass(frozen=True, slots=True)
class BadCertificate(TlsFault):
    """Shows a certificate that the browser must not accept."""

    kind: Literal["self_signed", "expired", "other_host", "untrusted_ca"]
    name: ClassVar[str] = "certificate"
    sides: ClassVar[tuple[Side, ...]] = (Side.PUBLIC,)

    def apply(self, certificates: Certificates) -> ssl.SSLContext:
        """A context with that certificate."""
        return certificates.context(Certificate(self.kind))

    def shortfall(self, refusal: Refusal | None) -> str:
        """A certificate that is good, or bad in another way."""
        if refusal is None:
            return "a careful client accepts it"
        found = refusal.code == _FAULT_FOUND[Certificate(self.kind)]
        return "" if found else f"a careful client has something else against it ({refusal.reason})"


@fault
@dataclass(frozen=True, slots=True)
class OldTls(TlsFault):
    """Speaks TLS 1.1 at most (RFC 8996 forbids it)."""

    name: ClassVar[str] = "old_tls"
    sides: ClassVar[tuple[Side, ...]] = (Side.PUBLIC,)

    def apply(self, certificates: Certificates) -> ssl.SSLContext:
        """A context with the good certificate and an old version."""
        return certificates.context(old_tls=True)

    def shortfall(self, refusal: Refusal | None) -> str:
        """A version that is new enough."""
        if refusal is None:
            return "a careful client accepts it"
        return f"a careful client refuses the certificate ({refusal.reason})" if refusal.code else ""


@fault
@dataclass(frozen=True, slots=True)
class Plaintext(TlsFault):
    """Speaks plain HTTP where TLS should be."""

    name: ClassVar[str] = "plaintext"
    sides: ClassVar[tuple[Side, ...]] = (Side.PUBLIC,)

    def apply(self, certificates: Certificates) -> None:  # noqa: ARG002 - the method all TLS faults have
        """No context at all."""
        return

    def shortfall(self, refusal: Refusal | None) -> str:  # noqa: ARG002 - the method all TLS faults have
        """Nothing: that there is no TLS is seen without a client."""
        return ""


@fault
@dataclass(frozen=True, slots=True)
class TlsOnPort(TlsFault):
    """Speaks TLS where plain HTTP should be: another program holds the port."""

    name: ClassVar[str] = "tls_on_port"
    sides: ClassVar[tuple[Side, ...]] = (Side.LOCAL,)

    def apply(self, certificates: Certificates) -> ssl.SSLContext:
        """The good context, on the plain port."""
        return certificates.context()

    def shortfall(self, refusal: Refusal | None) -> str:  # noqa: ARG002 - the method all TLS faults have
        """Nothing: that there is TLS is seen without a client."""
        return ""


def note_tls(link: Link, fault: TlsFault, context: ssl.SSLContext | None, outcome: str, *, wanted: bool) -> None:
    """Enter what is wrong with serving a client so, by another's judgement than the fault's; or nothing.

    ``wanted``: whether there is to be TLS at all. ``outcome``: what came of the handshake.
    """
    refusal = link.fake.certificates.refusal(context) if context is not None and wanted else None
    if context is None:
        effect = "plain text where TLS should be" if wanted else ""
    elif not wanted:
        effect = "TLS where plain text should be"
    else:
        effect = f"a careful client refuses it ({refusal.reason})" if refusal else ""
    if effect:
        link.note(fault, f"{effect}: {outcome}", fault.shortfall(refusal))
