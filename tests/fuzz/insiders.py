"""Targets for parties who have a certificate or a key, and mean no good.

Their damaged messages are signed or MACed again, so that what stands behind the signature gets
to see them. Whatever they say, it is them who said it: nobody is proven but the key's owner.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from unittest import mock

from mikey import (
    Bundle,
    Certified,
    DhGroup,
    Group,
    Initiator,
    Method,
    Offer,
    PeerError,
    Policy,
    ReplayCache,
    ReportedError,
    Secret,
    Stream,
    drive,
)  # fmt: skip
from mikey.methods._common import envelope
from mikey.methods._common.message_keys import MessageKeys
from mikey.registry import DataType, MacAlg, PrfFunc
from mikey.wire import Message, Rand, T
from tests.naive.vectors import PSK
from tests.rules import session_parties as s
from tests.rules.method_parties import ALICE, BOB, certified
from tests.rules.psk_parties import CONTEXT, Time, offer_of

_SIGNATURE = 256
_MAC = 20
_V15 = b"\x01\x00"  # SIGN's own octets for RSA PKCS #1 v1.5 and 256 octets
_DHHMAC = (DataType.DHHMAC_INIT, DataType.DHHMAC_RESP)
_ALL_GROUPS = Policy(dh_groups=frozenset(DhGroup))


def signed(octets: bytes, credential: Certified, appended: bytes = b"") -> bytes:
    """Return a message whose signature is right over what stands in front of it."""
    front = octets[: -_SIGNATURE - 2] + _V15
    return front + credential.sign(front + appended)


def maced(octets: bytes, rand: bytes) -> bytes:
    """Return a DHHMAC message whose MAC is right; `rand` where it has none of its own."""
    with suppress(PeerError):
        rand = Message.parse(octets).one(Rand).value
    front = octets[:-_MAC]
    keys = MessageKeys(Secret(PSK), PrfFunc.MIKEY_1, int.from_bytes(front[4:8]), rand)
    return front + keys.mac(MacAlg.HMAC_SHA_1_160, front)


def _check(bundle: Bundle, peer: str) -> None:
    """The keys fit, and are shared with whom the key's owner is."""
    assert bundle.peer == peer
    for session in bundle.crypto_sessions[:3]:
        assert all(len(master.key) == session.policy.key_length for master in session.keys)


class Requests:
    """First messages and updates of Alice's, who has a certificate and a pre-shared key."""

    def __init__(self, seeds: tuple[bytes, ...]) -> None:
        time = Time()
        self.bob = s.bob(time, policy=_ALL_GROUPS, errors_per_second=10**9)
        self.rand = bytes(16)
        updates = []
        for method in (Method.PKE, Method.DH_SIGN, Method.DHHMAC):
            who = s.alice(method, time, mki_length=1)
            ours, _ = s.run(who, self.bob, who.start(s.STREAMS, context=CONTEXT))
            time.advance(1)
            updates += [who.rekey(ours, context=CONTEXT)]
            who.close(ours)
            updates += [who.rekey(ours, new_keys=False, context=CONTEXT)]
            if method is Method.DHHMAC:
                self.rand = ours.rand
        self.seeds = [*seeds, *updates]
        self.bundles = dict(self.bob._bundles)
        self.credential = certified(ALICE, BOB)

    def __call__(self, octets: bytes) -> None:
        kind = octets[1:2]
        if kind == bytes([DataType.DHHMAC_INIT]):
            octets = maced(octets, self.rand)
        else:
            octets = signed(octets, self.credential)
        self.bob._replay = ReplayCache()
        try:
            offer = drive(self.bob.receive(octets, context=CONTEXT))
            assert isinstance(offer, Offer)
            assert offer.initiator == ALICE
            ours = {i: 0xB0 + i for i, stream in enumerate(offer.streams, 1) if not stream.ssrc}
            response, bundle = offer.accept(ours)
            _check(bundle, ALICE)
            if response is not None:
                Message.parse(response)
        except PeerError as error:
            reply = self.bob.refuse(error)
            assert reply is None or Message.parse(reply).header.data_type is DataType.ERROR
            assert self.bob._bundles == self.bundles
        self.bob._bundles = dict(self.bundles)


@dataclass(frozen=True)
class _Waiting:
    """An exchange that Alice has open, and the answer that was honest."""

    who: Initiator
    answer: bytes
    appended: bytes
    rand: bytes


class Answers:
    """Responses of Bob's, whom Alice has called."""

    def __init__(self) -> None:
        self.credential = certified(BOB, "*")
        self.waiting: dict[int, _Waiting] = {}
        for method, join in (
            (Method.DH_SIGN, False), (Method.DHHMAC, False),
            (Method.RSA_R, False), (Method.RSA_R, True),
        ):  # fmt: skip
            who, to = s.alice(method, mki_length=1), s.bob(mki_length=1)
            first = who.start(() if join else s.STREAMS, join=join, context=CONTEXT)
            offer = offer_of(to, first)
            group = Group.new([Stream(0xC1)]) if join else None
            answer, _ = offer.accept({} if join else {2: 0xB2}, group=group)
            assert answer is not None
            message = Message.parse(first)
            appended = b""
            if method is Method.RSA_R:
                appended = ALICE.encode() + BOB.encode() + message.one(T).value
            rand = message.get(Rand)
            self.waiting[message.header.csb_id] = _Waiting(
                who, answer, appended, b"" if rand is None else rand.value
            )
        self.seeds = [each.answer for each in self.waiting.values()]

    def __call__(self, octets: bytes) -> None:
        called = self.waiting.get(int.from_bytes(octets[4:8]))
        if called is None:
            called = next(iter(self.waiting.values()))
        if octets[1:2] == bytes([DataType.DHHMAC_RESP]):
            octets = maced(octets, called.rand)
        else:
            octets = signed(octets, self.credential, called.appended)
        who = called.who
        before, generations = dict(who._open), dict(who._generations)
        ended = False
        try:
            _check(drive(who.receive(octets, context=CONTEXT)), BOB)
        except PeerError as error:
            ended = isinstance(error, ReportedError) and error.authenticated
        else:
            ended = True
        assert ended or who._open == before
        who._open, who._generations = before, generations


class Envelopes:
    """The insides of KEMAC in PKE (Alice's) and RSA-R (Bob's): an identity, and keys."""

    def __init__(self, plaintexts: list[bytes]) -> None:
        self.seeds = [
            bytes([20, 1]) + len(name).to_bytes(2) + name.encode() + text
            for name in (ALICE, BOB)
            for text in plaintexts
        ]
        self.bob = s.bob(errors_per_second=10**9)
        self.alice = s.alice(Method.RSA_R)
        self.asked = self.alice.start(s.STREAMS, context=CONTEXT)
        self.open = dict(self.alice._open)

    def __call__(self, octets: bytes) -> None:
        self.bob._replay, self.bob._bundles = ReplayCache(), {}
        with mock.patch.object(envelope, "encode_id_and_key_data", return_value=octets):
            if ALICE.encode() in octets:
                first = s.alice(Method.PKE).start(s.STREAMS, context=CONTEXT)
            else:
                first = self.asked
            try:
                answer, bundle = drive(self.bob.receive(first, context=CONTEXT)).accept({2: 0xB2})
                _check(bundle, ALICE)
            except PeerError as error:
                Message.parse(self.bob.refuse(error) or b"")
                return
        if first is self.asked:
            assert answer is not None
            with suppress(PeerError):
                _check(drive(self.alice.receive(answer, context=CONTEXT)), BOB)
            self.alice._open = dict(self.open)
