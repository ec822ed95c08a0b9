"""What a man in the middle reaches: an error, and no key on either side (STS, SIGMA).

Everything in a message that is not a secret may be exchanged for that of another honest
exchange, of the same two parties or of others; messages are replayed and reflected.
"""

from __future__ import annotations

import pytest

from mikey import (
    Bundle,
    Method,
    PeerError,
    ReplayCache,
    Responder,
    Secret,
    SrtpPolicy,
    drive,
)  # fmt: skip
from mikey.credentials import Certified
from mikey.crypto.dh import shared
from mikey.methods._common import envelope
from mikey.methods._common.message_keys import MessageKeys
from mikey.policy.clock import value64
from mikey.registry import DhGroup
from mikey.wire import (
    Cert,
    Chash,
    Dh,
    Hdr,
    Id,
    Kemac,
    Message,
    Payload,
    Pke,
    Rand,
    Sign,
    Sp,
    T,
    V,
)  # fmt: skip
from tests.naive import pki
from tests.naive.vectors import PSK
from tests.rules.method_parties import ALICE, BOB, MALLORY
from tests.rules.psk_parties import CONTEXT, Time, offer_of
from tests.rules.session_parties import (
    METHODS,
    STREAMS,
    alice,
    alices,
    answer,
    bob,
    bobs,
    fails,
    parts,
    run,
    same,
    swapped,
)

KINDS = (T, Rand, Id, Cert, Sp, Dh, Kemac, Chash, Pke, V, Sign)
KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


class Between:
    """Alice calls Bob twice, and once Mallory, who is an honest party there, calls Bob."""

    def __init__(self, method: Method) -> None:
        self.time = Time()
        self.alice, self.bob = alice(method, self.time), bob(self.time)
        self.first = self.alice.start(STREAMS, context=CONTEXT)
        self.time.advance(1)
        other = alice(method, self.time, policies=[SrtpPolicy.AES_CM_128_HMAC_SHA1_32])
        self.other = other.start(STREAMS, context=CONTEXT)
        self.time.advance(1)
        credential = alices(method, BOB, MALLORY, b"k" * 16)
        self.mallory = alice(method, self.time, credential=credential)
        self.mallorys = self.mallory.start(STREAMS, context=CONTEXT)

    def others(self) -> tuple[bytes, bytes]:
        return self.other, self.mallorys


def rejected(to: Responder, octets: bytes) -> None:
    """Assert that the Responder makes no offer of a message."""
    with pytest.raises(PeerError):
        offer_of(to, octets)


@METHODS
@KIND
def test_swapped_in_the_request(method: Method, kind: type[Payload]) -> None:
    scene = Between(method)
    tried = 0
    for other in scene.others():
        forged = swapped(scene.first, kind, parts(other, kind))
        if forged != scene.first:
            rejected(scene.bob, forged)
            tried += 1
    assert (tried > 0) is (kind in differing(scene.first, scene.others()))
    ours, theirs = run(scene.alice, scene.bob, scene.first)
    same(ours, theirs)


def differing(octets: bytes, others: tuple[bytes, ...]) -> set[type[Payload]]:
    """Return the kinds of payloads that differ between messages."""
    return {kind for kind in KINDS for other in others if parts(octets, kind) != parts(other, kind)}


@METHODS
@KIND
def test_swapped_in_the_response(method: Method, kind: type[Payload]) -> None:
    scene = Between(method)
    response, _ = answer(scene.bob, scene.first)
    tried = 0
    for other in scene.others():
        another, _ = answer(scene.bob, other)
        forged = swapped(response, kind, parts(another, kind))
        if forged != response:
            fails(scene.alice, forged)
            tried += 1
    assert isinstance(drive(scene.alice.receive(response, context=CONTEXT)), Bundle)


@METHODS
def test_response_of_another_exchange(method: Method) -> None:
    scene = Between(method)
    csb_id = Message.parse(scene.first).header.csb_id
    response, _ = answer(scene.bob, scene.first)
    for other in scene.others():
        another, _ = answer(scene.bob, other)
        fails(scene.alice, another)
        message = Message.parse(another)
        fails(scene.alice, Message.build(header(message, csb_id), message.payloads).octets)
    assert drive(scene.alice.receive(response, context=CONTEXT)).peer == BOB


def header(message: Message, csb_id: int) -> Hdr:
    old = message.header
    return Hdr(old.data_type, csb_id, old.cs_map, old.v, old.prf, old.version)


@METHODS
def test_request_under_another_csb_id(method: Method) -> None:
    scene = Between(method)
    message = Message.parse(scene.first)
    other = Message.parse(scene.other).header.csb_id
    rejected(scene.bob, Message.build(header(message, other), message.payloads).octets)


@METHODS
def test_somebody_else_answers(method: Method) -> None:
    """Mallory, whom the same authority certifies, answers in place of Bob."""
    scene = Between(method)
    mallory = bob(scene.time, credentials=[c for c in bobs(MALLORY) if c.peer != MALLORY])
    rejected(mallory, scene.first)
    reply, _ = answer(scene.bob, scene.mallorys)
    fails(scene.alice, reply)
    assert scene.alice.receive(answer(scene.bob, scene.first)[0], context=CONTEXT)


@METHODS
@KIND
def test_mallorys_message_under_the_name_of_alice(method: Method, kind: type[Payload]) -> None:
    """Identity misbinding: Mallory passes parts of Alice's message off as its own."""
    scene = Between(method)
    forged = swapped(scene.mallorys, kind, parts(scene.first, kind))
    if forged == scene.mallorys:
        assert parts(scene.first, kind) == parts(scene.mallorys, kind)
        return
    rejected(scene.bob, forged)


@METHODS
def test_replayed_request(method: Method) -> None:
    scene = Between(method)
    run(scene.alice, scene.bob, scene.first)
    rejected(scene.bob, scene.first)
    scene.time.advance(60)
    rejected(scene.bob, scene.first)


@METHODS
def test_replayed_response(method: Method) -> None:
    scene = Between(method)
    response, _ = answer(scene.bob, scene.first)
    scene.alice.receive(response, context=CONTEXT)
    fails(scene.alice, response)
    again = scene.alice.start(STREAMS, context=CONTEXT)
    fails(scene.alice, response)
    run(scene.alice, scene.bob, again)


@METHODS
def test_reflected_request(method: Method) -> None:
    """Alice is Responder too, with the same key: she does not speak with herself."""
    time = Time()
    seen = ReplayCache()
    who = alice(method, time, replay=seen)
    herself = Responder(
        [*bobs(ALICE), alices(method, ALICE, ALICE), *bobs(BOB)], replay=seen, clock=who._clock
    )
    first = who.start(STREAMS, context=CONTEXT)
    rejected(herself, first)
    fails(who, first)


@METHODS
def test_reflected_response(method: Method) -> None:
    scene = Between(method)
    response, _ = answer(scene.bob, scene.first)
    rejected(scene.bob, response)
    rejected(bob(scene.time, credentials=bobs(ALICE)), response)


@METHODS
def test_no_octet_of_a_request_can_change(method: Method) -> None:
    scene = Between(method)
    for at in range(0, len(scene.first), 5):
        changed = bytearray(scene.first)
        changed[at] ^= 1
        rejected(scene.bob, bytes(changed))
    run(scene.alice, scene.bob, scene.first)


@METHODS
def test_no_octet_of_a_response_can_change(method: Method) -> None:
    scene = Between(method)
    response, theirs = answer(scene.bob, scene.first)
    for at in range(0, len(response), 5):
        changed = bytearray(response)
        changed[at] ^= 1
        fails(scene.alice, bytes(changed))
    same(drive(scene.alice.receive(response, context=CONTEXT)), theirs)


def revealed(method: Method, time: Time, first: bytes) -> Bundle:
    """Return what somebody with every long-term key makes of a recorded request, later."""
    _, bundle = answer(bob(time), first)
    return bundle


@METHODS
def test_forward_secrecy(method: Method) -> None:
    """With all long-term keys: PSK and PKE give the TGK away, Diffie-Hellman does not."""
    scene = Between(method)
    response, theirs = answer(scene.bob, scene.first)
    ours = drive(scene.alice.receive(response, context=CONTEXT))
    wanted = [key.key.expose() for key in ours.keys]
    later = revealed(method, scene.time, scene.first)
    found = [key.key.expose() for key in later.keys] == wanted
    assert found is (method in (Method.PSK, Method.PKE))
    assert all(key not in scene.first + response for key in wanted)
    if method in (Method.DH_SIGN, Method.DHHMAC):
        values = [dh.value for dh in (*parts(scene.first, Dh), *parts(response, Dh))
                  if isinstance(dh, Dh)]  # fmt: skip
        assert len(set(values)) == 2
        assert wanted[0] not in values
        assert parts(response, Pke) == ()
        fails(alice(method, scene.time), response)  # Alice's credential without her exponent
        for value in values:
            for known in long_term():
                assert shared(DhGroup.OAKLEY_5, known, value).expose() not in wanted
    if method is Method.RSA_R:  # the response encloses the keys for Alice's certificate
        assert open_recorded(scene, response) == wanted
    assert theirs.keys == ours.keys


def long_term() -> list[Secret]:
    """Return every long-term secret, cut to the length of an exponent."""
    private = [pki.key(name).private_numbers().d.to_bytes(256)[-32:] for name in (ALICE, BOB)]
    return [Secret(PSK.rjust(32, b"\0")), *map(Secret, private)]


def open_recorded(scene: Between, response: bytes) -> list[bytes]:
    """Open a recorded RSA-R answer with Alice's private key alone."""
    message = Message.parse(response)
    request = Message.parse(scene.first)
    credential = alices(Method.RSA_R)
    assert isinstance(credential, Certified)
    key, sound = envelope.decrypt_key(message.one(Pke), credential)
    rand = request.one(Rand).value
    keys = MessageKeys(key, request.header.prf, request.header.csb_id, rand)
    opened = envelope.unseal(message, keys, value64(request.one(T)), sound=sound)
    return [item.key.expose() for item in opened.keys]
