"""Certificates: one key is trusted, and only that one."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conformance.errors import StorageFailed
from conformance.rig.certificates import Certificate, Certificates

HOST = "api.extension.semantest.com"


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates([HOST])


def parsed(certificates: Certificates, kind: Certificate) -> x509.Certificate:
    pem = certificates._leaf(kind).bytes()
    return x509.load_pem_x509_certificate(pem[pem.index(b"-----BEGIN CERTIFICATE") :])


def test_every_kind_makes_a_server_context(certificates: Certificates) -> None:
    assert all(isinstance(certificates.context(kind), ssl.SSLContext) for kind in Certificate)


def test_a_context_is_made_once(certificates: Certificates) -> None:
    assert certificates.context() is certificates.context()


def test_no_room_for_one_is_the_harness_failure(
    certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageFailed, match=r"gone/\S+: no such file or directory; free space or set TMPDIR"):
        certificates._make(Certificate.GOOD, old_tls=False)


def test_no_bad_certificate_shares_the_trusted_key(certificates: Certificates) -> None:
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    keys = [parsed(certificates, kind).public_key().public_bytes(*form) for kind in Certificate]
    assert len(set(keys)) == len(keys)


def test_the_self_signed_one_is_its_own_issuer(certificates: Certificates) -> None:
    leaf = parsed(certificates, Certificate.SELF_SIGNED)
    assert leaf.issuer == leaf.subject


def test_the_expired_one_is_expired(certificates: Certificates) -> None:
    leaf = parsed(certificates, Certificate.EXPIRED)
    assert leaf.not_valid_after_utc < parsed(certificates, Certificate.SELF_SIGNED).not_valid_before_utc + (
        leaf.not_valid_after_utc - leaf.not_valid_before_utc
    )
    assert names(leaf) == [HOST]


def test_the_other_host_is_another(certificates: Certificates) -> None:
    assert HOST not in names(parsed(certificates, Certificate.OTHER_HOST))


def test_old_tls_is_no_newer_than_1_1(certificates: Certificates) -> None:
    assert certificates.context(old_tls=True).maximum_version == ssl.TLSVersion.TLSv1_1
    assert certificates.context().minimum_version == ssl.TLSVersion.TLSv1_2


def test_two_runs_share_no_key() -> None:
    assert Certificates([HOST]).spki != Certificates([HOST]).spki


def test_a_client_that_has_the_authority_trusts_the_good_one(certificates: Certificates) -> None:
    authority = x509.load_pem_x509_certificate(certificates.authority)
    leaf = parsed(certificates, Certificate.GOOD)
    leaf.verify_directly_issued_by(authority)
    with pytest.raises(ValueError, match="does not match"):
        parsed(certificates, Certificate.SELF_SIGNED).verify_directly_issued_by(authority)


def names(leaf: x509.Certificate) -> list[str]:
    san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return san.value.get_values_for_type(x509.DNSName)
