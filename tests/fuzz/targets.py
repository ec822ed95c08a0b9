"""What is fuzzed, and what must hold whatever comes in.

A target takes octets and raises AssertionError (or anything that is no PeerError: a crash) where
the promise of this package does not hold: input from outside ends as success or as PeerError
and nothing else, gives no key that its sender did not prove, changes no state, and costs work in
proportion to its length.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from types import FrameType
from typing import Any

from mikey import (
    Bundle,
    Certified,
    DhGroup,
    LocalError,
    Offer,
    PeerError,
    Policy,
    Psk,
    ReplayCache,
    ReportedError,
    Responder,
    Secret,
    SoftwareKey,
    drive,
)  # fmt: skip
from mikey.carriage.sdp import Description
from mikey.credentials import psk_file
from mikey.credentials.certificate import Purpose
from mikey.policy import Clock
from mikey.registry import CertType
from mikey.wire import Cert, Message, encode, walk
from tests.fuzz import corpus, insiders, rtsp_targets, sakke_targets
from tests.naive import crypto, dhhmac, dhsign, parties, pke, pki, rsa, rsar
from tests.naive import encode as e
from tests.naive.decode import ID, KEMAC, RAND, V, decode, one
from tests.naive.vectors import CSB_ID, IDI, IDR, PSK, RAND_VALUE
from tests.rules import method_parties as methods
from tests.rules import psk_parties as p
from tests.rules.junk import CountedKey

Target = Callable[[bytes], None]
PURPOSES: tuple[Purpose, ...] = ("sign", "encrypt")


class Work:
    """Counts the calls inside: a measure of work that no other process disturbs."""

    def __init__(self) -> None:
        self.calls = 0

    def _count(self, frame: FrameType, event: str, arg: Any) -> None:
        self.calls += event in ("call", "c_call")

    def __enter__(self) -> Work:
        self._before = sys.getprofile()
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)

    def check(self, length: int) -> None:
        assert self.calls < 5000 + 40 * length, f"{self.calls} calls for {length} octets"


def parse(octets: bytes) -> None:
    """Strict parser and inspector's walk agree; what is accepted comes back as it was."""
    seen = 0
    broken = False
    with Work() as work:
        try:
            for item in walk(octets):
                assert item.offset == seen
                seen += item.length
        except PeerError as error:
            broken = True
            _check_place(error, octets)
        try:
            message = Message.parse(octets)
        except PeerError as error:
            _check_place(error, octets)
            message = None
    work.check(len(octets))
    assert seen <= len(octets)
    if message is None:
        return
    assert not broken
    assert encode(message.header, message.payloads) == octets
    assert Message.build(message.header, message.payloads).octets == octets
    assert sum(length for _, length in message.spans) == len(octets)


def _check_place(error: PeerError, octets: bytes) -> None:
    assert error.number is not None
    assert error.offset is None or 0 <= error.offset <= len(octets)


class _World:
    """A Responder that has agreed on one CSB, and what must stay as it is."""

    def __init__(self, credentials: Iterable[Psk | Certified], **options: Any) -> None:
        self.responder = Responder(
            [*credentials], clock=Clock(p.Time()), errors_per_second=10**9, **options
        )
        p.accepted(self.responder, p.offer(csb_id=0x51515151))
        self.forget_replays()

    def forget_replays(self) -> None:
        self.responder._replay = self.cache = ReplayCache()

    def state(self) -> tuple[object, ...]:
        return dict(self.responder._bundles), len(self.cache)

    def check_alive(self) -> None:
        """An honest exchange still goes through."""
        _, bundle = p.accepted(self.responder, p.offer())
        self.responder.close(bundle)
        self.forget_replays()


class _Forger:
    """Messages of somebody without the key."""

    def __init__(self) -> None:
        self.world = _World([Psk(Secret(PSK), p.BOB, p.ALICE)])
        self.count = 0

    def __call__(self, octets: bytes) -> None:
        before = self.world.state()
        accepted, reply = False, None
        with Work() as work:
            try:
                self.world.responder.receive(octets, context=p.CONTEXT)
                accepted = True
            except PeerError as error:
                reply = self.world.responder.refuse(error)
        work.check(len(octets))
        if _is_authentic(octets):
            self.world.forget_replays()
        else:
            assert not accepted
            assert self.world.state() == before
        _check_reply(octets, reply)
        self.count += 1
        if self.count % 100 == 0:
            self.world.check_alive()


def _is_authentic(octets: bytes) -> bool:
    return _with_mac(octets) == octets


def _with_mac(octets: bytes) -> bytes | None:
    """Return the message with the MAC that its KEMAC should have, None if it has none."""
    try:
        parts = decode(octets)
        kemac = one(parts, KEMAC)
    except ValueError:
        return None
    if not kemac.fields["mac"]:
        return None
    alg = kemac.fields["mac_alg"]
    rands = [part.fields["value"] for part in parts if part.type == RAND]
    _, auth_key, _ = crypto.message_keys(
        PSK, parts[0].fields["csb_id"], rands[0] if rands else RAND_VALUE,
        func=parts[0].fields["prf_func"], mac_alg=alg,
    )  # fmt: skip
    end = kemac.offset + kemac.length - len(kemac.fields["mac"])
    mac = crypto.mac(alg, auth_key, octets[:end])
    return octets[:end] + mac + octets[end + len(mac) :]


def _check_reply(octets: bytes, reply: bytes | None) -> None:
    if reply is None:
        return
    assert len(reply) < 2000
    header = decode(reply)[0].fields
    assert header["data_type"] == 6
    assert octets[1] != 6
    assert header["csb_id"] == int.from_bytes(octets[4:8])


class _KeyHolder:
    """Messages of a peer who has the key and means no good: the MAC is put right again."""

    def __init__(self, *, plaintext: bool = False) -> None:
        self.plaintext = plaintext
        self.world = _World([Psk(Secret(PSK), p.BOB, "*")], policy=Policy(allow_null=True))

    def __call__(self, octets: bytes) -> None:
        message = (
            p.Craft().message(plaintext=octets) if self.plaintext else _with_mac(octets) or octets
        )
        # Each message may be of a CSB that lives, or a replay of the one before.
        bundles = dict(self.world.responder._bundles)
        with Work() as work:
            try:
                offer = self.world.responder.receive(message, context=p.CONTEXT)
                assert isinstance(offer, Offer)
                answer, bundle = self._accept(offer)
                # No more of them than fit a message, each usable.
                for session in bundle.crypto_sessions[:3]:
                    assert all(len(m.key) == session.policy.key_length for m in session.keys)
                if answer is not None:
                    assert len(decode(answer)) == 4
            except PeerError as error:
                _check_reply(message, self.world.responder.refuse(error))
                assert self.world.responder._bundles == bundles
        work.check(len(message) + 100 * 255)
        self.world.responder._bundles = bundles
        self.world.forget_replays()

    @staticmethod
    def _accept(offer: Offer) -> tuple[bytes | None, Bundle]:
        ours = {i: 0xB0B0 + i for i, s in enumerate(offer.streams, 1) if not s.ssrc}
        return offer.accept(ours)


class _Answerer:
    """Responses and Error messages of somebody without the key, or with it."""

    def __init__(self, *, signed: bool) -> None:
        self.signed = signed
        draws = [CSB_ID.to_bytes(4), RAND_VALUE, bytes(16)]
        self.alice = p.alice(random=lambda _: draws.pop(0))
        self.first = self.alice.start(p.STREAMS, context=p.CONTEXT)
        self.exchange = dict(self.alice._open)
        self.generations = dict(self.alice._generations)
        self.answer = e.psk_answer(PSK, self.first, {2: p.YOURS}, idr=IDR)

    def seeds(self) -> dict[str, bytes]:
        return {
            "answer": self.answer,
            "bare answer": e.psk_answer(PSK, self.first, {}),
            "error": e.error_message(self.first, [3, 10], policies=[e.AES_CM_128_HMAC_SHA1_80]),
            "authentic error": e.error_message(self.first, [10], psk=PSK),
        }

    def __call__(self, octets: bytes) -> None:
        if self.signed:
            octets = self._with_v(octets) or octets
        result: Any = None
        with Work() as work:
            try:
                result = self.alice.receive(octets, context=p.CONTEXT)
            except ReportedError as error:
                ended = error.authenticated
            except PeerError:
                ended = False
            else:
                ended = True
        work.check(len(octets))
        if ended:
            assert self._is_authentic(octets)
        else:
            assert self.alice._open == self.exchange
        if result is not None:
            assert isinstance(result, Bundle)
            assert result.crypto_sessions[0].ssrc == p.MINE
        self.alice._open = dict(self.exchange)
        self.alice._generations = dict(self.generations)

    def _is_authentic(self, octets: bytes) -> bool:
        return octets in (self._with_v(octets), self._with_v(octets, bare=True))

    def _with_v(self, octets: bytes, *, bare: bool = False) -> bytes | None:
        """Return the message with the V that it should have, None if it has none."""
        try:
            v = one(decode(octets), V)
        except ValueError:
            return None
        if not v.fields["ver_data"]:
            return None
        names = [part.fields["data"] for part in decode(octets) if part.type == ID]
        idr = names[0] if names and octets[1] == 1 else IDR
        alg = v.fields["auth_alg"]
        _, auth_key, _ = crypto.message_keys(PSK, CSB_ID, RAND_VALUE, func=0, mac_alg=alg)
        t = one(decode(self.first), 5).fields["value"]
        parts = (b"", b"", b"") if bare else (IDI, idr, t)
        start = v.offset + 2
        mac = crypto.v_data(octets[:start], auth_key, alg, *parts)
        return octets[:start] + mac + octets[start + len(mac) :]


class _Stranger:
    """Messages of somebody without any key, to a Responder with every kind of credential.

    Nothing is accepted but what was honest to begin with, and nothing else uses a private key.
    """

    def __init__(self) -> None:
        self.uses: list[str] = []
        key = CountedKey(SoftwareKey(pki.key(p.BOB)), self.uses.append)
        bob: list[Psk | Certified] = [
            methods.certified(p.BOB, "*", key=key),
            Psk(Secret(PSK), p.BOB, p.ALICE),
        ]
        self.world = _World(bob, policy=Policy(dh_groups=frozenset(DhGroup)))
        self.honest = frozenset(_signed_requests())

    def __call__(self, octets: bytes) -> None:
        before = self.world.state()
        self.uses.clear()
        offer, reply = None, None
        with Work() as work:
            try:
                offer = drive(self.world.responder.receive(octets, context=p.CONTEXT))
            except PeerError as error:
                reply = self.world.responder.refuse(error)
        # Each certificate costs its parser's calls, however short it is.
        work.check(len(octets) + 100 * 255)
        _check_reply(octets, reply)
        if octets in self.honest:
            assert offer is not None
        if offer is None:
            # An authenticated message may be refused by a signed Error message.
            assert self.uses in ([], ["private key"]) if octets in self.honest else not self.uses
            assert self.world.state() == before
            return
        assert octets in self.honest or _is_authentic(octets)
        bundles = dict(self.world.responder._bundles)
        with suppress(PeerError):
            offer.accept()
        self.world.responder._bundles = bundles
        self.world.forget_replays()


class _Certificates:
    """Certificates of somebody whom no authority of ours certified."""

    def __init__(self) -> None:
        self.trust = methods.trust()
        self.leaves = [pki.certificate(IDI), pki.certificate(IDI, server_only=True)]
        self.leaves += [pki.certificate(IDI, usage) for usage in (pki.SIGN, pki.ENCRYPT)]

    def seeds(self) -> list[bytes]:
        return [*self.leaves, pki.middle().der, pki.root().der, b"http://example.com/a.cer"]

    def __call__(self, octets: bytes) -> None:
        middle = pki.middle().der
        alone: tuple[Cert | bytes, ...] = (Cert(CertType.X509, octets), middle)
        crowd: tuple[Cert | bytes, ...] = (Cert(CertType.X509_SIGN, octets), self.leaves[0], middle)
        url = (Cert(CertType.X509_URL, octets),)
        for certs in (alone, crowd, url, (octets,)):
            for purpose in PURPOSES:
                with Work() as work, suppress(PeerError):
                    leaf = self.trust.verify(certs, now=p.NOW, identity=p.ALICE, purpose=purpose)
                    assert leaf.der in self.leaves
                    assert certs is crowd or octets == leaf.der
                work.check(len(octets) + 4000)


def sdp(octets: bytes) -> None:
    """Text of a session description, as it comes out of a SIP body."""
    text = octets.decode("utf-8", "replace")
    alice, bob = p.alice(), p.bob(errors_per_second=0)
    with Work() as work, suppress(PeerError):
        description = Description(text)
        assert str(description) == text
        assert description.detach() is not None
        for carried in description.messages():
            assert carried.octets
        with suppress(PeerError):
            description.receive(bob)
        with suppress(PeerError, LocalError):
            offered = Description(description.detach()).offer(alice, {})
            assert Description(offered.text).messages()
            offered.receive(alice, description)
    # Each m= line costs a crypto session or two and lines of its own.
    work.check(60 * len(octets))
    assert not alice._open


def psk(octets: bytes) -> None:
    """Text of a PSK file: no PeerError, for a file is ours; and no key in an error."""
    text = octets.decode("utf-8", "replace")
    told = ""
    keys: Mapping[str, Secret] = {}
    with Work() as work:
        try:
            keys = psk_file.parse(text).keys
        except LocalError as error:
            told = str(error)
    assert not any(len(word) >= 12 and word in told for word in text.split())
    work.check(10 * len(octets))
    for key in keys.values():
        assert len(key) >= 16


def targets() -> dict[str, tuple[Target, list[bytes]]]:
    """Return every target with the inputs to begin from."""
    messages = [*corpus.messages().values()]
    requests = _requests()
    unproven, proven = _Answerer(signed=False), _Answerer(signed=True)
    answers = [*unproven.seeds().values()]
    certificates = _Certificates()
    signer, answerer = insiders.Requests(_signed_requests()), insiders.Answers()
    envelopes = insiders.Envelopes(_plaintexts())
    strangers, caller = sakke_targets.Strangers(), sakke_targets.Caller()
    return {
        "parse": (parse, messages),
        "responder": (_Forger(), requests),
        "responder-with-key": (_KeyHolder(), requests),
        "responder-of-all": (_Stranger(), [*_signed_requests(), *requests]),
        "certificates": (certificates, certificates.seeds()),
        "signed-requests": (signer, signer.seeds),
        "signed-answers": (answerer, answerer.seeds),
        "envelopes": (envelopes, envelopes.seeds),
        "sakke": (strangers, strangers.seeds),
        "sakke-caller": (caller, caller.seeds),
        "key-data": (_KeyHolder(plaintext=True), _plaintexts()),
        "initiator": (unproven, answers),
        "initiator-with-key": (proven, answers),
        "sdp": (sdp, [*corpus.texts("sdp").values()]),
        "rtsp": (rtsp_targets.connection, [*corpus.texts("rtsp").values()]),
        "rtsp-sdp": (rtsp_targets.presentation, [*corpus.texts("presentation").values()]),
        "psk": (psk, [*corpus.texts("psk").values()]),
    }


def _requests() -> list[bytes]:
    """Return first messages and updates that are right, so that much damage goes deep."""
    tek = e.key_data(bytes(16), 3, salt=bytes(14), spi=b"\1\2\3\4")
    gcm = [(0, b"\6"), (1, b"\x10"), (20, b"\x10")]
    later = {"csb_id": 0x51515151, "update": True, "ts": (0, p.Time().ts(9))}
    return [
        p.offer(), p.offer(v=False), p.offer(prf=1), p.offer(encr_alg=2),
        p.offer(encr_alg=3, mac_alg=2), p.offer(keys=[tek]), p.offer(policies=[gcm]),
        p.offer(policies=[e.AES_CM_128_HMAC_SHA1_80] * 3), p.offer(policies=()),
        p.offer(cs=[(0, n, n) for n in range(20)]), p.offer(cs=()), p.offer(ts=(2, bytes(4))),
        p.offer(**later), p.offer(keys=[], **later), p.offer(cs=(), **later),
        p.offer(cs=[(0, p.MINE, 1), (0, p.YOURS, 2), (0, 5, 6)], **later),
    ]  # fmt: skip


@cache
def _signed_requests() -> tuple[bytes, ...]:
    """Return first messages of the methods with certificates or Diffie-Hellman values."""
    more = parties.TERMS._replace(policies=[e.AES_CM_128_HMAC_SHA1_80] * 2)
    pss = parties.ALICE._replace(s_type=rsa.PSS, hash="sha256")
    public = parties.BOB_PUBLIC
    return (
        pke.offer(parties.TERMS, parties.ALICE, public, parties.ENVELOPE_KEY, parties.KEYS),
        pke.offer(more, pss, public, parties.ENVELOPE_KEY, parties.KEYS, c=1),
        dhsign.offer(parties.TERMS, parties.ALICE, parties.XI),
        dhsign.offer(more, pss, parties.XI, group=1),
        dhhmac.offer(parties.TERMS, PSK, parties.XI),
        dhhmac.offer(parties.TERMS, PSK, parties.XI, group=2, literal=True),
        rsar.request(parties.TERMS, parties.ALICE),
        rsar.request(parties.LISTENER._replace(sdp_ids=b"mikey"), pss),
    )


def _plaintexts() -> list[bytes]:
    """Return the insides of KEMAC."""
    key, salt = bytes(range(16)), bytes(14)
    return [
        e.chain([e.key_data(key)]),
        e.chain([e.key_data(key, 1, salt=salt, spi=b"\1\2\3\4")]),
        e.chain([e.key_data(key, 3, salt=salt, interval=(bytes(6), b"\xff" * 6))]),
        e.chain([e.key_data(key, 1, salt=salt, spi=e.u(n, 1)) for n in range(6)]),
    ]  # fmt: skip
