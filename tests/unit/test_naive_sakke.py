"""The second implementation of SAKKE and ECCSI against the numbers of the RFCs."""

from __future__ import annotations

import pytest

from tests.naive import eccsi, sakke
from tests.vectors import load

RFC_6507 = load("eccsi-rfc6507", "eccsi")[0]
SAKKE = load("sakke-encapsulations", "sakke-encapsulation")


def octets(vector: dict[str, str], *names: str) -> list[bytes]:
    return [bytes.fromhex(vector[name]) for name in names]


def test_the_kms_and_a_signature_of_rfc_6507() -> None:
    master, kpak, identifier, ssk, pvt = octets(
        RFC_6507, "master", "public_key", "identifier", "ssk", "pvt"
    )
    message, v, j, signature = octets(RFC_6507, "message", "v", "j", "signature")
    ksak, secret = int.from_bytes(master), int.from_bytes(ssk)
    assert eccsi.public_key(ksak) == kpak
    assert eccsi.make_pair(ksak, identifier, int.from_bytes(v)) == (secret, pvt)
    assert eccsi.fits(kpak, identifier, secret, pvt)
    assert not eccsi.fits(kpak, identifier + b"\0", secret, pvt)
    made = eccsi.sign(kpak, identifier, secret, pvt, message, int.from_bytes(j))
    assert made == signature
    assert eccsi.verify(kpak, identifier, message, signature)
    assert not eccsi.verify(kpak, identifier, message + b"\0", signature)


def test_the_generator_of_rfc_6509() -> None:
    assert sakke.E.holds(sakke.P)
    assert sakke.E.multiply(sakke.Q, sakke.P) is None
    assert f"{sakke.g():X}".startswith("66FC2A432B6EA392148F15867D623068C6A87BD1FB94C41E")


@pytest.mark.parametrize("vector", SAKKE, ids=lambda vector: vector["title"])
def test_encapsulations(vector: dict[str, str]) -> None:
    names = ("public_key", "identifier", "receiver_key", "ssv", "data")
    public, identifier, rsk, ssv, data = octets(vector, *names)
    hashes = int(vector.get("hashes", 1))
    master = int(vector["master"], 16)
    assert sakke.public_key(master) == public
    assert sakke.receiver_key(master, identifier) == rsk
    assert sakke.encapsulate(public, identifier, ssv, hashes) == data
    assert sakke.decapsulate(public, identifier, rsk, data, hashes) == ssv
    changed = data[:-1] + bytes((data[-1] ^ 1,))
    with pytest.raises(ValueError, match="not for this identifier"):
        sakke.decapsulate(public, identifier, rsk, changed, hashes)
