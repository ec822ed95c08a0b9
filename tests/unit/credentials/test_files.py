"""Keys, certificates and lists in files."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from mikey.credentials.files import load_certificates, load_crl, load_key
from mikey.credentials.public_key import PublicKey
from mikey.errors import LocalError
from mikey.secret import Secret
from tests import pki

ROOT = pki.authority("root")
LEAF = pki.issue(ROOT, "alice", uris=["sip:alice@example.org"])
PEM = Encoding.PEM
DER = Encoding.DER


def private(
    path: Path, encoding: Encoding = PEM, encryption: KeySerializationEncryption | None = None
) -> Path:
    path.write_bytes(
        LEAF.key.private_bytes(encoding, PrivateFormat.PKCS8, encryption or NoEncryption())
    )
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("encoding", [PEM, DER])
def test_private_keys(tmp_path: Path, encoding: Encoding) -> None:
    key = load_key(private(tmp_path / "key", encoding))
    assert key.public_key == PublicKey(LEAF.key.public_key())


def test_a_private_key_with_a_password(tmp_path: Path) -> None:
    path = private(tmp_path / "key", encryption=BestAvailableEncryption(b"open"))
    assert load_key(path, password=Secret(b"open")).size == 256
    with pytest.raises(LocalError, match="needs a password"):
        load_key(path)
    with pytest.raises(LocalError, match="password is wrong"):
        load_key(path, password=Secret(b"shut"))
    with pytest.raises(LocalError, match="has no password"):
        load_key(private(tmp_path / "plain"), password=Secret(b"open"))


def test_files_that_are_not_private_keys_of_ours(tmp_path: Path) -> None:
    path = private(tmp_path / "key")
    path.chmod(0o644)
    with pytest.raises(LocalError, match="chmod 600"):
        load_key(path)
    other = tmp_path / "other"
    other.touch(0o600)
    for octets, reason in (
        (b"", "no private key"),
        (ROOT.key.private_bytes(PEM, PrivateFormat.PKCS8, NoEncryption()), "not RSA"),
        (b"\0" * ((1 << 24) + 1), "longer than"),
    ):
        other.write_bytes(octets)
        with pytest.raises(LocalError, match=reason):
            load_key(other)
    with pytest.raises(LocalError, match="No such file"):
        load_key(tmp_path / "nothing")
    with pytest.raises(LocalError, match="no file has such a name"):
        load_key("a\0b")


def test_certificates(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.write_bytes(b"".join(c.certificate.public_bytes(PEM) for c in (LEAF, ROOT)))
    assert load_certificates(bundle) == (LEAF.der, ROOT.der)
    bundle.write_bytes(LEAF.der)
    assert load_certificates(bundle) == (LEAF.der,)
    bundle.write_bytes(b"-----BEGIN CERTIFICATE-----\n")
    with pytest.raises(LocalError, match="no certificates"):
        load_certificates(bundle)


@pytest.mark.parametrize("encoding", [PEM, DER])
def test_revocation_lists(tmp_path: Path, encoding: Encoding) -> None:
    crl = pki.revocations(ROOT, [1])
    path = tmp_path / "crl"
    path.write_bytes(crl.public_bytes(encoding))
    assert load_crl(path) == crl.public_bytes(DER)
    path.write_bytes(b"junk")
    with pytest.raises(LocalError, match="no certificate revocation list"):
        load_crl(path)


def test_nobody_is_told_to_change_a_device() -> None:
    with pytest.raises(LocalError, match="others than its owner may open it") as caught:
        load_key("/dev/zero")
    assert "chmod" not in str(caught.value)
