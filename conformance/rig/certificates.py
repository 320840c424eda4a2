"""Keys and certificates of one run: made when it starts, gone when it ends, trusted by one browser.

The browser is told to accept the good leaf's key and no other (``spki``): a certificate scenario
uses another key, so the browser's own verification is what refuses it. Listing the CA's key instead
would excuse an expired leaf under it (Chromium ``ignore_errors_cert_verifier.cc`` looks at the whole
chain).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ssl
import warnings
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from conformance.rig.scratch import scratching

if TYPE_CHECKING:
    from collections.abc import Sequence

_DAY = dt.timedelta(days=1)


class Certificate(StrEnum):
    """What the public fake shows."""

    GOOD = "good"
    SELF_SIGNED = "self_signed"
    EXPIRED = "expired"
    OTHER_HOST = "other_host"
    UNTRUSTED_CA = "untrusted_ca"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a client refuses a server. ``code``: OpenSSL's word on its certificate (X509_V_ERR_*), 0: not for that."""

    reason: str
    code: int = 0


class Certificates:
    """The TLS contexts of one run, for the public hosts it stands in for."""

    def __init__(self, hosts: Sequence[str]) -> None:
        names = list(hosts) or ["localhost"]
        self._names = names
        self._ca = trustme.CA()
        self._good = self._ca.issue_cert(*names)
        self._contexts: dict[tuple[Certificate, bool], ssl.SSLContext] = {}
        self._refusals: dict[ssl.SSLContext, Refusal | None] = {}

    @property
    def spki(self) -> str:
        """The good leaf's key as Chromium's ``--ignore-certificate-errors-spki-list`` wants it."""
        certificate = x509.load_pem_x509_certificate(self._good.cert_chain_pems[0].bytes())
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(key).digest()).decode()

    @property
    def authority(self) -> bytes:
        """The CA's certificate as PEM, for a client that is to trust it."""
        return self._ca.cert_pem.bytes()

    def context(self, kind: Certificate = Certificate.GOOD, *, old_tls: bool = False) -> ssl.SSLContext:
        """A server context that shows ``kind``; ``old_tls``: TLS 1.1 at most."""
        key = (kind, old_tls)
        if key not in self._contexts:
            self._contexts[key] = self._make(kind, old_tls=old_tls)
        return self._contexts[key]

    def refusal(self, context: ssl.SSLContext) -> Refusal | None:
        """Why a careful client refuses a server with this context; None where it does not.

        A client of our own, in memory: it trusts the run's CA, checks the name, and speaks TLS 1.2 and newer.
        """
        if context not in self._refusals:
            client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            client.minimum_version = ssl.TLSVersion.TLSv1_2
            self._ca.configure_trust(client)
            self._refusals[context] = _handshake(client, context, self._names[0])
        return self._refusals[context]

    def _make(self, kind: Certificate, *, old_tls: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # ssl takes no certificate from memory (CPython issue 60691).
        with scratching(), self._leaf(kind).tempfile() as path:
            context.load_cert_chain(path)
        if old_tls:
            # OpenSSL 3 keeps TLS 1.1 and its SHA-1 signatures for security level 0 only.
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # deprecated is what it is to be
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
        else:
            context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _leaf(self, kind: Certificate) -> trustme.Blob:
        now = dt.datetime.now(dt.UTC)
        match kind:
            case Certificate.GOOD:
                leaf = self._good
            case Certificate.SELF_SIGNED:
                return trustme.Blob(_self_signed(self._names, now))
            case Certificate.EXPIRED:
                leaf = self._ca.issue_cert(*self._names, not_before=now - 10 * _DAY, not_after=now - _DAY)
            case Certificate.OTHER_HOST:
                leaf = self._ca.issue_cert("other.example.org")
            case Certificate.UNTRUSTED_CA:
                leaf = trustme.CA(organization_name="nobody's").issue_cert(*self._names)
        return leaf.private_key_and_cert_chain_pem


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> Refusal | None:
    """Let the two shake hands; what the first to refuse has against it, None when both are done."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    waiting = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return Refusal(error.verify_message, error.verify_code)
            except ssl.SSLError as error:
                return Refusal(error.reason or str(error))
            waiting.remove(side)
    return None


def _self_signed(names: Sequence[str], now: dt.datetime) -> bytes:
    """Key and certificate as PEM; its issuer is itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)
