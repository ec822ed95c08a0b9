"""SAKKE and ECCSI to and from wolfSSL: keys, encapsulations and signatures both ways."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from mikey.crypto import eccsi, sakke
from mikey.errors import AuthenticationError
from mikey.secret import Secret
from tests.interop.wolfssl_peer import RefusedError, WolfSsl
from tests.vectors import load

pytestmark = pytest.mark.interop

ROUNDS = 200
KEYS = 8  # receivers and signers among whom the rounds are shared
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # q of P-256
CASES = load("sakke-encapsulations", "sakke-encapsulation")


@pytest.fixture(scope="module")
def peer() -> Iterator[WolfSsl]:
    with WolfSsl() as process:
        yield process


@pytest.fixture
def source() -> random.Random:
    return random.Random(6508)


def identifier(source: random.Random, longest: int = 127) -> bytes:
    """Return an identifier of any length, of any octets, that is a number above 1."""
    return source.randbytes(source.randrange(1, longest)) + b"\x02"


class Receiver:
    """A KMS with one user, whose RSK wolfSSL and we make alike."""

    def __init__(self, peer: WolfSsl, source: random.Random) -> None:
        self.identifier = identifier(source)
        self.master = sakke.make_master(source.randbytes)
        self.public = sakke.make_public_key(self.master)
        rsk = sakke.make_receiver_key(self.master, self.identifier)
        self.rsk = rsk.expose()
        octets = self.master.expose()
        assert peer.one("sakke-public", octets) == self.public.octets
        assert peer.one("sakke-rsk", octets, self.identifier) == self.rsk
        assert peer.holds("sakke-validate", self.public.octets, self.identifier, self.rsk)
        self.key = sakke.ReceiverKey(self.public, self.identifier, rsk)


@pytest.mark.rule(
    "R6508-6.1-1", "R6508-6.1.1-1", "R6508-6.1.2-1", "R6508-6.2.1-1", "R6508-6.2.2-1", "R6508-4-1"
)
def test_ssvs_both_ways(peer: WolfSsl, source: random.Random) -> None:
    receivers = [Receiver(peer, source) for _ in range(KEYS)]
    for number in range(ROUNDS):
        user = receivers[number % KEYS]
        z, name = user.public.octets, user.identifier
        ssv = source.randbytes(sakke.SSV_OCTETS)
        ours = user.public.encapsulate(name, Secret(ssv))
        assert peer.one("sakke-decapsulate", z, name, user.rsk, ours) == ssv
        other = source.randbytes(sakke.SSV_OCTETS)
        theirs = peer.one("sakke-encapsulate", z, name, other)
        assert user.key.decapsulate(theirs) == Secret(other)


@pytest.mark.rule("R6508-6.2.2-1", "R6508-6.1.2-1")
def test_both_refuse_what_was_changed(peer: WolfSsl, source: random.Random) -> None:
    user = Receiver(peer, source)
    z, name = user.public.octets, user.identifier
    data = user.public.encapsulate(name, Secret(source.randbytes(sakke.SSV_OCTETS)))
    places = [1, 128, 129, 256, 257, 272, *(source.randrange(1, len(data)) for _ in range(10))]
    for place in places:
        octets = bytearray(data)
        octets[place] ^= 1 << source.randrange(8)
        with pytest.raises(AuthenticationError):
            user.key.decapsulate(bytes(octets))
        with pytest.raises(RefusedError):
            peer.ask("sakke-decapsulate", z, name, user.rsk, bytes(octets))
    assert not peer.holds("sakke-validate", z, name + b"\0", user.rsk)


@pytest.mark.rule("R6508-5.1-1", "R6508-4-2", "R6508-6.2.1-1", "R6508-6.2.2-1")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_leading_zeros_top_bits_and_long_ssvs(case: dict[str, str], peer: WolfSsl) -> None:
    master, name, z, rsk, ssv, data = (
        bytes.fromhex(case[field])
        for field in ("master", "identifier", "public_key", "receiver_key", "ssv", "data")
    )
    assert peer.one("sakke-public", master) == z
    assert peer.one("sakke-rsk", master, name) == rsk
    assert peer.holds("sakke-validate", z, name, rsk)
    if case["result"] == "valid":
        assert peer.one("sakke-encapsulate", z, name, ssv) == data
        assert peer.one("sakke-decapsulate", z, name, rsk, data) == ssv
        return
    # ceil(lg n / hashlen) is 1 for n = 2^256 (RFC 6508 5.1): wolfSSL reads the RFC as we do, and
    # takes nothing from products that hash twice.
    assert peer.one("sakke-encapsulate", z, name, ssv) != data
    with pytest.raises(RefusedError):
        peer.ask("sakke-decapsulate", z, name, rsk, data)


class Signer:
    """A KMS with one user, who has a pair from us and one from wolfSSL."""

    def __init__(self, peer: WolfSsl, source: random.Random) -> None:
        self.identifier = identifier(source)
        master = eccsi.make_master(source.randbytes)
        self.public = eccsi.make_public_key(master)
        ours = eccsi.make_pair(master, self.identifier, source.randbytes)
        both = master.expose() + self.public.octets[1:]
        ssk, pvt = peer.ask("eccsi-pair", both, self.identifier)
        self.pairs = [(ours[0].expose(), ours[1]), (ssk, pvt)]
        self.keys = [
            eccsi.SigningKey(self.public, self.identifier, Secret(ssk), pvt)
            for ssk, pvt in self.pairs
        ]
        for pair in self.pairs:
            assert peer.holds("eccsi-validate", self.public.octets, self.identifier, *pair)


@pytest.mark.rule("R6507-5.1.1-1", "R6507-5.1.2-1", "R6507-5.2.1-1", "R6507-5.2.2-1")
def test_signatures_both_ways(peer: WolfSsl, source: random.Random) -> None:
    signers = [Signer(peer, source) for _ in range(KEYS)]
    for number in range(ROUNDS):
        user = signers[number % KEYS]
        kpak, name = user.public.octets, user.identifier
        message = source.randbytes(source.randrange(300))
        pair, key = user.pairs[number // KEYS % 2], user.keys[number // KEYS % 2]
        theirs = peer.one("eccsi-sign", kpak, name, *pair, message)
        user.public.verify(name, message, theirs)
        ours = key.sign(message, source.randbytes)
        assert peer.holds("eccsi-verify", kpak, name, message, ours)


@pytest.mark.rule("R6507-5.2.2-1", "R6507-6-2")
def test_both_refuse_other_signatures(peer: WolfSsl, source: random.Random) -> None:
    user = Signer(peer, source)
    kpak, name = user.public.octets, user.identifier
    signature = user.keys[0].sign(b"message", source.randbytes)
    for changed in (
        (name, b"message", bytes((signature[0] ^ 1,)) + signature[1:]),
        (name, b"message", signature[:40] + bytes((signature[40] ^ 1,)) + signature[41:]),
        (name, b"Message", signature),
        (name + b"\0", b"message", signature),
        (name, b"message", bytes(32) + signature[32:]),
        (name, b"message", signature[:32] + bytes(32) + signature[64:]),
        (name, b"message", signature[:32] + ORDER.to_bytes(32) + signature[64:]),
        (name, b"message", signature[:-1] + bytes((signature[-1] ^ 1,))),
        (name, b"message", signature[:65] + bytes(64)),
        (name, b"message", signature[:-1]),
        (name, b"message", signature + b"\0"),
    ):
        assert not peer.holds("eccsi-verify", kpak, *changed)
        with pytest.raises(AuthenticationError):
            user.public.verify(*changed)
    mirrored = ORDER - int.from_bytes(signature[32:64])
    twin = signature[:32] + mirrored.to_bytes(32) + signature[64:]
    user.public.verify(name, b"message", twin)
    assert peer.holds("eccsi-verify", kpak, name, b"message", twin)
