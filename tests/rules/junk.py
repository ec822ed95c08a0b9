"""Messages that cost their sender nothing, and a Responder that counts what they cost us.

`Sender` makes any number of them from a few honest ones, by changing octets that the sender of
junk may choose freely (CSB ID, T). `Counted` is a Responder with every credential whose public-
key operations are counted: chain and signature checks, CRLs, private keys, exponentiations.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from random import Random
from unittest import mock

from mikey import (
    Certified,
    Clock,
    Context,
    Initiator,
    Method,
    PeerError,
    Psk,
    Responder,
    Sakke,
    Secret,
    SoftwareKey,
    Stream,
    Trust,
    _native,
    drive,
)  # fmt: skip
from mikey.credentials import McxUid
from mikey.crypto import eccsi, sakke
from mikey.wire import Cert, Message, Payload, T, encode
from tests import pki
from tests.rules import sakke_parties

ALICE, BOB, CAROL = (f"sip:{name}@example.com" for name in ("alice", "bob", "carol"))
PSK, OTHER_PSK = Secret(bytes(range(16))), Secret(bytes(16))
CONTEXT = Context(protocols=("mikey",))
STREAMS = (Stream(0xDEADBEEF), Stream())

SIGNED = (Method.PKE, Method.DH_SIGN, Method.RSA_R)
METHODS = (*SIGNED, Method.DHHMAC, Method.SAKKE)
FREE = ("malformed", "stale", "replayed", "for another", "unknown issuer", "wrong MAC")
PLAUSIBLE = ("wrong signature", "wrong issuer")
SCHEME = McxUid()


class CountedKey:
    """A Signer and Decrypter that counts its calls."""

    blocking = False

    def __init__(self, key: SoftwareKey, count: Callable[[str], None]) -> None:
        self._key, self._count = key, count
        self.size, self.public_key = key.size, key.public_key

    def sign(self, octets: bytes, *, hash: str, pss: bool) -> bytes:  # noqa: A002
        self._count("private key")
        return self._key.sign(octets, hash=hash, pss=pss)

    def decrypt(self, ciphertext: bytes) -> Secret:
        self._count("private key")
        return self._key.decrypt(ciphertext)


@cache
def _issued(root: str, who: str, name: str = "root") -> tuple[bytes, pki.Issued]:
    """Return the certificate of an authority, and one that it made for somebody."""
    authority = pki.authority(name, key=pki.ec_key(root))
    return authority.der, pki.issue(authority, f"{who} by {root}", uris=[who])


def certified(
    who: str, peer: str, root: str = "root", name: str = "root", count: Counter[str] | None = None
) -> Certified:
    """Return the credential that the authority `root`, called `name`, gave to somebody."""
    anchor, issued = _issued(root, who, name)
    anchors = [anchor, _issued("root", who)[0]]
    key: CountedKey | SoftwareKey = SoftwareKey(issued.rsa)
    trust = Trust(anchors)
    if count is not None:
        counts = count
        key = CountedKey(SoftwareKey(issued.rsa), lambda what: counts.update([what]))
        trust = Trust(anchors[1:], observe=lambda what: counts.update([what]))
    return Certified(
        key=key, chain=[issued.der], identity=who, peer=peer, trust=trust,
        peer_certificate=None if peer == "*" else _issued("root", peer)[1].der,
    )  # fmt: skip


class Counted:
    """Bob, and what messages cost him: operations by name."""

    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()
        self.responder = Responder(
            [certified(BOB, "*", count=self.operations), Psk(PSK, BOB, ALICE), _by_identity(BOB)],
            clock=Clock(lambda: pki.NOW),
            errors_per_second=10**9,
        )

    def take(self, octets: bytes) -> bool:
        """Return whether a message was accepted; one that is not may get an Error message."""
        try:
            drive(self.responder.receive(octets, context=CONTEXT)).accept({2: 1})
        except PeerError as error:
            self.responder.refuse(error)
            return False
        return True

    @contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        """Count from zero, exponentiations of the native core included."""
        self.operations.clear()
        with _exponentiations(self.operations), _pairings(self.operations):
            yield self.operations


@contextmanager
def _exponentiations(operations: Counter[str]) -> Iterator[None]:
    power, generate = _native.modp_power, _native.modp_generate

    def counted_power(group: int, base: bytes, exponent: bytes) -> bytes:
        operations["exponentiation"] += 1
        return power(group, base, exponent)

    def counted_generate(group: int, exponent: bytes) -> bytes:
        operations["exponentiation"] += 1
        return generate(group, exponent)

    with (
        mock.patch.object(_native, "modp_power", counted_power),
        mock.patch.object(_native, "modp_generate", counted_generate),
    ):
        yield


@contextmanager
def _pairings(operations: Counter[str]) -> Iterator[None]:
    """Count signatures of ECCSI that are checked, and encapsulations that are opened."""
    verify, decapsulate = eccsi.PublicKey.verify, sakke.ReceiverKey.decapsulate

    def counted_verify(
        key: eccsi.PublicKey, identifier: bytes, message: bytes, signature: bytes
    ) -> None:
        operations["signature"] += 1
        verify(key, identifier, message, signature)

    def counted_decapsulate(key: sakke.ReceiverKey, data: bytes) -> Secret:
        operations["pairing"] += 1
        return decapsulate(key, data)

    with (
        mock.patch.object(eccsi.PublicKey, "verify", counted_verify),
        mock.patch.object(sakke.ReceiverKey, "decapsulate", counted_decapsulate),
    ):
        yield


def _by_identity(who: str, peer: str = "*", root: str = "root") -> Sakke:
    """Return the credential that the KMS of a `root` gave to somebody."""
    home = sakke_parties.kms(scheme=SCHEME)
    uri = home.uri if root == "root" else root
    own = sakke_parties.keys(who, pki.NOW, uri, scheme=SCHEME)
    domains = () if root == "root" else (home,)
    return Sakke(identity=who, peer=peer, keys=(own,), domains=domains, peer_kms=home.uri)


class Sender:
    """Whoever sends junk of one method; `replayed` is the honest message that was taken before."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.replayed = self._honest(ALICE, BOB)

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of junk that exist in the method."""
        if self.method is Method.DHHMAC:
            return tuple(kind for kind in FREE if kind != "unknown issuer")
        if self.method is Method.SAKKE:  # a KMS that nobody knows is its unknown issuer
            return (*(kind for kind in FREE if kind != "wrong MAC"), "wrong signature")
        return tuple(kind for kind in (*FREE, *PLAUSIBLE) if kind != "wrong MAC")

    def junk(self, kind: str) -> Iterator[bytes]:
        """Return different messages of a kind, without end."""
        return self._changed(self._base(kind), kind)

    def _changed(self, base: bytes, kind: str) -> Iterator[bytes]:
        random = Random(f"{self.method} {kind}")
        for number in itertools.count(1):
            csb_id = (number * 0x9E3779B1 % (1 << 32)).to_bytes(4)
            fresh = base[:4] + csb_id + base[8:]
            if kind == "malformed":
                yield _damaged(random, fresh)
            elif kind == "stale":
                yield _moved(fresh, random.choice((-1, 1)) * random.randrange(400, 10**6))
            elif kind == "replayed":
                # Itself, or other octets under the same peer, CSB ID and T.
                flipped = bytes([base[-1] ^ (1 + number % 255)])
                yield base if number % 2 else base[:-1] + flipped
            else:
                yield fresh

    def _base(self, kind: str) -> bytes:
        if kind == "replayed":
            return self.replayed
        if kind == "for another":
            return self._honest(ALICE, CAROL)
        if kind == "unknown issuer":
            return self._honest(ALICE, BOB, "mallory", "mallory")
        if kind == "wrong issuer":
            return self._honest(ALICE, BOB, "mallory")
        if kind == "wrong MAC":
            return self._honest(ALICE, BOB, key=OTHER_PSK)
        return self._honest(ALICE, BOB)

    def _honest(
        self, who: str, peer: str, root: str = "root", name: str = "root", key: Secret = PSK
    ) -> bytes:
        credential: Certified | Psk | Sakke = Psk(key, who, peer)
        if self.method is Method.SAKKE:
            credential = _by_identity(who, peer, root)
        elif self.method is not Method.DHHMAC:
            credential = certified(who, peer, root, name)
        initiator = Initiator(credential, method=self.method, clock=Clock(lambda: pki.NOW))
        return initiator.start(STREAMS, context=CONTEXT)


def with_certificates(octets: bytes, *, more: tuple[bytes, ...]) -> bytes:
    """Return a signed message with more certificates in front of its own."""
    message = Message.parse(octets)
    own = message.all(Cert)
    payloads: list[Payload] = [item for item in message.payloads if not isinstance(item, Cert)]
    at = message.payloads.index(own[0])
    payloads[at:at] = [*(Cert(own[0].cert_type, der) for der in more), *own]
    return encode(message.header, tuple(payloads))


def mallorys(count: int, name: str) -> tuple[bytes, ...]:
    """Return certificates for Alice that an authority of Mallory's, called `name`, made."""
    authority = pki.authority(name, key=pki.ec_key("mallory"))
    return tuple(
        pki.issue(authority, f"alice {number}", uris=[ALICE], key=pki.rsa_key("mallory")).der
        for number in range(count)
    )


def signed_by_alice(octets: bytes) -> bytes:
    """Return a message with Alice's signature in place of the one that it has."""
    credential = certified(ALICE, BOB)
    front = octets[: -credential.signature_size]
    return front + credential.sign(front)


def _moved(octets: bytes, seconds: int) -> bytes:
    """Return a message with its timestamp moved."""
    message = Message.parse(octets)
    index = next(i for i, payload in enumerate(message.payloads) if isinstance(payload, T))
    start = message.spans[index + 1][0] + 2
    moved = int.from_bytes(octets[start : start + 8]) + (seconds << 32)
    return octets[:start] + moved.to_bytes(8) + octets[start + 8 :]


def _damaged(random: Random, octets: bytes) -> bytes:
    """Return a message that ends early or late, or has an unknown payload in its chain."""
    how = random.randrange(3)
    if how == 0:
        return octets[: random.randrange(len(octets))]
    if how == 1:
        return octets + random.randbytes(random.randrange(1, 40))
    return octets[:2] + bytes([random.randrange(200, 250)]) + octets[3:]
