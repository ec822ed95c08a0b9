"""Updates of a CSB (RFC 3830 4.5) in the form of the pre-shared key method."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from mikey import (
    Bundle,
    Clock,
    DecodeError,
    ErrorNumber,
    Initiator,
    KeyType,
    LocalError,
    PeerError,
    Policy,
    PolicyError,
    Psk,
    Responder,
    Role,
    Secret,
    SrtpPolicy,
    Stream,
)  # fmt: skip
from mikey.registry import TsType
from mikey.wire import KeyData, KvInterval, KvSpi
from tests.naive import crypto
from tests.naive import encode as e
from tests.naive.decode import HDR, ID, KEMAC, RAND, SP, T, V, decode, one
from tests.naive.vectors import CSB_ID, IDI, IDR, PSK, RAND_VALUE, TGK
from tests.plugins_emitted import Emitted
from tests.rules.psk_parties import (
    ALICE,
    BOB,
    CONTEXT,
    ENTRIES,
    MINE,
    STREAMS,
    YOURS,
    Craft,
    Time,
    accepted,
    alice,
    answered,
    bob,
    flips,
    offer,
    offered,
    policies,
    refused,
    same_keys,
)

FILLED = ((0, MINE, 0), (0, YOURS, 0))
NEXT = bytes(range(0x40, 0x50))
AES_256 = SrtpPolicy.AES_256_CM_HMAC_SHA1_80


class Csb:
    """A CSB that our Initiator and our Responder have agreed on."""

    def __init__(self, **options: Any) -> None:
        self.time = Time()
        self.alice = alice(self.time, **options)
        self.bob = bob(self.time)
        self.first = self.alice.start(STREAMS, context=CONTEXT)
        self.rand = one(decode(self.first), RAND).fields["value"]
        self.alices, self.bobs = self.exchange(self.first)

    def exchange(self, octets: bytes) -> tuple[Bundle, Bundle]:
        answer, bobs = accepted(self.bob, octets)
        assert answer is not None
        return answered(self.alice, answer), bobs

    def rekey(self, **options: Any) -> bytes:
        self.time.advance(1)
        update = self.alice.rekey(self.alices, context=CONTEXT, **options)
        self.alices, self.bobs = self.exchange(update)
        assert same_keys(self.alices, self.bobs)
        return update


@dataclass
class Naive:
    """A CSB between the naive Initiator and our Responder."""

    first: bytes
    time: Time
    bob: Responder
    bundle: Bundle

    @classmethod
    def agreed(cls, **changes: Any) -> Naive:
        time = Time()
        responder = bob(time)
        first = offer(**changes)
        return cls(first, time, responder, accepted(responder, first)[1])

    def update(self, **changes: Any) -> bytes:
        """Return an update with a new TGK; `changes` say otherwise."""
        self.time.advance(1)
        values: dict[str, Any] = {
            "keys": [e.key_data(NEXT)], "ts": (0, self.time.ts()), "cs": FILLED, "update": True,
            "policies": (),
        }  # fmt: skip
        return offer(**(values | changes))


@pytest.mark.rule("R3830-4.5-1", "R3830-4.5-3", "R3830-4.5-4", "R3830-3-3")
@pytest.mark.parametrize("new_keys", [True, False])
def test_an_update_has_the_form_of_the_figure(new_keys: bool, emitted: Emitted) -> None:
    csb = Csb()
    update = emitted.add(csb.rekey(new_keys=new_keys))
    parts = decode(update)
    assert [p.type for p in parts if p.type not in (SP, 21)] == [HDR, T, ID, ID, KEMAC]
    assert parts[0].fields["csb_id"] == decode(csb.first)[0].fields["csb_id"]
    assert one(parts, T).fields != one(decode(csb.first), T).fields
    # The MAC is right under the RAND of the first exchange.
    assert len(crypto.kemac_parts(update, PSK, rand=csb.rand)) == new_keys


@pytest.mark.rule("R3830-4.5-1", "R3830-4.5-12", "R4567-4.1.2-8")
def test_a_new_key_without_mki_replaces_the_old_when_the_exchange_is_complete() -> None:
    csb = Csb()
    before = csb.alices
    update = csb.alice.rekey(before, context=CONTEXT)
    assert before.masters(1) == csb.bobs.masters(1)
    _, after = csb.exchange(update)
    assert len(after.masters(1)) == 1
    assert after.masters(1) != before.masters(1)


@pytest.mark.parametrize("key_type", [KeyType.TGK, KeyType.TGK_SALT, KeyType.TEK_SALT])
def test_a_new_key_with_mki_joins_the_last(key_type: KeyType) -> None:
    csb = Csb(mki_length=2, key_type=key_type)
    names = [[m.mki for m in csb.alices.masters(1)]]
    for _ in range(3):
        csb.rekey()
        names.append([m.mki for m in csb.bobs.masters(1)])
    assert names == [
        [b"\0\1"], [b"\0\2", b"\0\1"], [b"\0\3", b"\0\2"], [b"\0\4", b"\0\3"],
    ]  # fmt: skip


@pytest.mark.rule("R3830-4.5-4", "R3830-4.5-12")
@pytest.mark.parametrize("cs", [FILLED, ENTRIES, ()], ids=["all", "open", "none"])
def test_an_empty_kemac_leaves_the_keys(cs: tuple[tuple[int, int, int], ...]) -> None:
    csb = Naive.agreed()
    update = csb.update(keys=[], cs=cs)
    assert one(decode(update), KEMAC).fields["encr_data"] == b""
    found = offered(csb.bob, update)
    assert found.is_update
    answer, bundle = found.accept()
    assert answer is not None
    e.verify_answer(PSK, update, answer, rand_value=RAND_VALUE)
    assert same_keys(bundle, csb.bundle)
    assert bundle.t != csb.bundle.t


@pytest.mark.rule("R3830-4.5-13", "R3830-6.1-22")
def test_no_crypto_session_in_an_update_means_the_map_as_it_is() -> None:
    csb = Naive.agreed()
    update = csb.update(cs=())
    answer, bundle = offered(csb.bob, update).accept()
    assert answer is not None
    assert decode(answer)[0].fields["cs_count"] == 0
    assert [s.ssrc for s in bundle.crypto_sessions] == [MINE, YOURS]
    assert bundle.masters(1) != csb.bundle.masters(1)


@pytest.mark.rule("R3830-4.5-13", "R3830-4.5-1")
def test_streams_are_added_behind_those_that_are_there(emitted: Emitted) -> None:
    csb = Csb()
    before = csb.alices.masters(1)
    streams = [Stream(MINE), Stream(YOURS), Stream(77, policy=AES_256), Stream(policy=AES_256)]
    update = csb.rekey(streams=streams, new_keys=False)
    # Only the policy that is new is sent, under a number of its own.
    assert [sp["policy_no"] for sp in policies(emitted.add(update))] == [1]
    assert [s.ssrc for s in csb.alices.crypto_sessions] == [MINE, YOURS, 77, YOURS + 2]
    assert csb.alices.masters(1) == before
    tek, _ = crypto.session_keys(
        crypto.kemac_parts(csb.first, PSK)[0].fields,
        3, csb.alices.csb_id, csb.rand, key_length=32,
    )  # fmt: skip
    assert csb.bobs.masters(3)[0].key.expose() == tek


@pytest.mark.parametrize(
    "streams",
    [
        [Stream(MINE)],
        [Stream(YOURS), Stream(MINE)],
        [Stream(MINE, policy=AES_256), Stream(YOURS)],
        [Stream(n + 1) for n in range(256)],
    ],
)
@pytest.mark.rule("R3830-4.5-13")
def test_our_update_alters_no_stream_in_place(streams: list[Stream]) -> None:
    csb = Csb()
    with pytest.raises(LocalError):
        csb.alice.rekey(csb.alices, streams=streams, context=CONTEXT)
    csb.rekey()


@pytest.mark.parametrize("cs", [[(0, 1, 0), (0, YOURS, 0)], [(1, MINE, 0), (0, YOURS, 0)]])
@pytest.mark.rule("R3830-4.5-13")
def test_a_peers_update_alters_no_stream_in_place(cs: list[tuple[int, int, int]]) -> None:
    csb = Naive.agreed()
    update = csb.update(cs=cs, policies=[e.AES_CM_128_HMAC_SHA1_80] * 2)
    refused(csb.bob, update, ErrorNumber.UNSPECIFIED, PolicyError)
    assert accepted(csb.bob, csb.update())[1].masters(1) != csb.bundle.masters(1)


def test_the_tail_may_be_dropped_and_a_rollover_counter_moves_on() -> None:
    csb = Naive.agreed()
    _, bundle = accepted(csb.bob, csb.update(cs=[(0, MINE, 5)]))
    assert [(s.ssrc, s.roc) for s in bundle.crypto_sessions] == [(MINE, 5)]


def test_an_sp_with_a_known_number_replaces_that_policy_and_no_sp_leaves_all() -> None:
    csb = Naive.agreed()
    _, bundle = accepted(csb.bob, csb.update())
    assert bundle.crypto_sessions[0].policy == SrtpPolicy.AES_CM_128_HMAC_SHA1_80
    short = (*e.AES_CM_128_HMAC_SHA1_80[:-1], (11, b"\x04"))
    _, bundle = accepted(csb.bob, csb.update(policies=[short]))
    assert bundle.crypto_sessions[0].policy == SrtpPolicy.AES_CM_128_HMAC_SHA1_32


def test_streams_may_come_with_an_update_alone() -> None:
    csb = Naive.agreed(policies=(), cs=())
    assert csb.bundle.crypto_sessions == ()
    _, bundle = accepted(csb.bob, csb.update(cs=FILLED))
    assert bundle.crypto_sessions[1].policy == SrtpPolicy.AES_CM_128_HMAC_SHA1_80
    csb.time.advance(1)
    either = Policy(responder_may_update=True)
    own = Initiator(bobs_key(ALICE), clock=Clock(csb.time), policy=either)
    with pytest.raises(LocalError, match="unchanged"):
        own.rekey(bundle, streams=[Stream(MINE, policy=AES_256), Stream(YOURS)])
    update = own.rekey(bundle, streams=[Stream(MINE), Stream(YOURS), Stream(3)], context=CONTEXT)
    assert decode(update)[0].fields["cs_count"] == 3


def test_an_update_that_brings_the_first_sp_leaves_the_others_their_defaults() -> None:
    csb = Naive.agreed(policies=())
    payloads = [
        e.t(0, csb.time.ts(1)), e.ident(IDI), e.ident(IDR),
        e.sp([(1, b"\x20")], 3), e.general_ext(1, b"mikey"),
    ]  # fmt: skip
    craft = Craft(ts=(0, csb.time.ts(1)), cs_map=e.srtp_map([*FILLED, (3, 9, 0)]))
    _, bundle = accepted(csb.bob, craft.message(payloads, b""))
    assert [s.policy.key_length for s in bundle.crypto_sessions] == [16, 16, 32]


@pytest.mark.rule("R3830-4.5-2")
def test_an_update_of_a_csb_that_is_not_known_is_refused() -> None:
    csb = Naive.agreed()
    unknown = csb.update(csb_id=CSB_ID + 1)
    refused(csb.bob, unknown, ErrorNumber.UNSPECIFIED, DecodeError)
    update = csb.update()
    csb.bob.close(csb.bundle)
    refused(csb.bob, update, ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.rule("R3830-4.5-2", "R3830-6.1-15")
def test_a_first_message_for_a_live_csb_is_refused_and_changes_nothing() -> None:
    csb = Naive.agreed()
    again = offer(ts=(0, csb.time.ts(0.5)), rand_value=bytes(range(16)))
    refused(csb.bob, again, ErrorNumber.UNSPECIFIED, PolicyError)
    with_rand = csb.update(update=False)
    refused(csb.bob, with_rand, ErrorNumber.UNSPECIFIED, PolicyError)
    answer, bundle = accepted(csb.bob, csb.update())
    assert answer is not None
    assert bundle.rand == RAND_VALUE


@pytest.mark.rule("R3830-6.1-15")
def test_csb_ids_of_two_peers_do_not_meet() -> None:
    csb = Naive.agreed()
    responder = bob(
        credentials=[
            bobs_key(ALICE), bobs_key("sip:carol@example.com"),
        ]
    )  # fmt: skip
    accepted(responder, csb.first)
    theirs = offer(idi=b"sip:carol@example.com")
    assert accepted(responder, theirs)[1].peer == "sip:carol@example.com"
    # Nor does one update what the other agreed on.
    update = csb.update(idi=b"sip:carol@example.com", rand_value=RAND_VALUE)
    assert accepted(responder, update)[1].peer == "sip:carol@example.com"
    assert accepted(responder, csb.update())[1].peer == ALICE


@pytest.mark.rule("R3830-4.5-2", "R3830-4.5-15", "R3830-5.4-3")
@pytest.mark.parametrize("seconds", [0, -0.5, -100])
def test_an_update_is_newer_than_what_came_before(seconds: float) -> None:
    csb = Naive.agreed()
    accepted(csb.bob, csb.update())
    late = csb.update(ts=(0, csb.time.ts(seconds)))
    csb.time.advance(-1)
    refused(csb.bob, late, None if seconds == 0 else ErrorNumber.UNSPECIFIED)
    csb.time.advance(2)
    assert accepted(csb.bob, csb.update())[0]


@pytest.mark.rule("R3830-4.5-2")
def test_an_update_keeps_to_the_type_of_timestamp() -> None:
    csb = Naive.agreed()
    refused(csb.bob, csb.update(ts=(2, b"\0\0\0\1")), ErrorNumber.UNSPECIFIED, PolicyError)
    refused(csb.bob, csb.update(ts=(1, csb.time.ts())), ErrorNumber.UNSPECIFIED, PolicyError)


@pytest.mark.rule("R3830-4.5-15", "R3830-5.2-4")
def test_no_two_messages_of_a_csb_have_one_timestamp() -> None:
    """The clock stands still; the key stream of AES-CM may not."""
    csb = Csb()
    stamps = {one(decode(csb.first), T).fields["value"]}
    for _ in range(3):
        update = csb.alice.rekey(csb.alices, context=CONTEXT)
        stamps.add(one(decode(update), T).fields["value"])
        csb.alices, _ = csb.exchange(update)
    assert len(stamps) == 4
    csb.time.advance(-50)
    stamps.add(one(decode(csb.alice.rekey(csb.alices, context=CONTEXT)), T).fields["value"])
    assert len(stamps) == 5


@pytest.mark.rule("R3830-4.5-15")
def test_we_make_no_update_that_is_not_newer() -> None:
    csb = Csb()
    late = Time()
    late.advance(-20)
    for clock in (Clock(late), Clock(late, ts_type=TsType.COUNTER)):
        with pytest.raises(LocalError, match="not ahead"):
            alice(clock=clock).rekey(csb.alices, context=CONTEXT)


@pytest.mark.rule("R3830-4.5-16")
def test_an_update_keeps_to_the_prf() -> None:
    csb = Naive.agreed()
    refused(csb.bob, csb.update(prf=1), ErrorNumber.INVALID_PRF, PolicyError)
    assert accepted(csb.bob, csb.update())[0]


@pytest.mark.parametrize(
    ("first", "update"),
    [
        ({"spi": b"\1"}, {}),
        ({}, {"spi": b"\1"}),
        ({"spi": b"\1"}, {"spi": b"\1\2"}),
        ({"spi": b"\1"}, {"spi": b"\1"}),
        ({}, {"interval": (bytes(6), b"\xff" * 6)}),
    ],
)
def test_an_update_keeps_to_the_way_keys_are_named(
    first: dict[str, Any], update: dict[str, Any]
) -> None:
    csb = Naive.agreed(keys=[e.key_data(TGK, **first)])
    octets = csb.update(keys=[e.key_data(NEXT, **update)])
    refused(csb.bob, octets, ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.rule("R3830-4.5-3", "R3830-6.2-10")
def test_no_bit_of_an_update_can_be_changed() -> None:
    csb = Naive.agreed()
    update = csb.update()
    for changed in flips(update):
        with pytest.raises(PeerError):
            csb.bob.receive(changed, context=CONTEXT)
    answer, bundle = accepted(csb.bob, update)
    assert answer is not None
    assert [p.type for p in e.verify_answer(PSK, update, answer, rand_value=RAND_VALUE)] == [
        HDR, T, ID, V,
    ]  # fmt: skip
    (key,) = crypto.kemac_parts(update, PSK, rand=RAND_VALUE)
    tek, _ = crypto.session_keys(key.fields, 1, CSB_ID, RAND_VALUE)
    assert bundle.masters(1)[0].key.expose() == tek


def test_one_exchange_of_a_csb_is_open_at_a_time() -> None:
    csb = Csb(mki_length=1)
    lost = csb.alice.rekey(csb.alices, context=CONTEXT)
    with pytest.raises(LocalError, match="waits for its response"):
        csb.alice.rekey(csb.alices, context=CONTEXT)
    # Bob took the update, and his answer was lost: the next one fits nevertheless.
    accepted(csb.bob, lost)
    csb.alice.cancel(lost)
    csb.time.advance(1)
    ours, theirs = csb.exchange(csb.alice.rekey(csb.alices, context=CONTEXT))
    assert [m.mki for m in ours.masters(1)] == [b"\3", b"\1"]
    assert [m.mki for m in theirs.masters(1)] == [b"\3", b"\2"]
    assert same_newest(ours, theirs)


def same_newest(ours: Bundle, theirs: Bundle) -> bool:
    return ours.masters(1)[0] == theirs.masters(1)[0]


def test_cancel_means_the_exchange_of_that_message() -> None:
    csb = Csb()
    first = csb.alice.rekey(csb.alices, context=CONTEXT)
    csb.alice.cancel(first)
    second = csb.alice.rekey(csb.alices, context=CONTEXT)
    csb.alice.cancel(first)  # long over
    ours, theirs = csb.exchange(second)
    assert same_newest(ours, theirs)


def test_two_updates_at_once_one_is_overtaken() -> None:
    csb = Naive.agreed()
    one_offer = offered(csb.bob, csb.update())
    other = offered(csb.bob, csb.update(keys=[e.key_data(TGK)]))
    _, bundle = other.accept()
    with pytest.raises(PolicyError, match="meanwhile") as caught:
        one_offer.accept()
    refusal = csb.bob.refuse(caught.value)
    assert refusal is not None
    assert decode(refusal)[-1].type == V
    assert accepted(csb.bob, csb.update(keys=[]))[1].masters(1) == bundle.masters(1)


def test_updates_without_a_response() -> None:
    csb = Csb()
    update = csb.alice.rekey(csb.alices, context=CONTEXT, respond=False)
    answer, bobs = accepted(csb.bob, update)
    assert answer is None
    early = csb.alice.early_bundle(update)
    assert same_keys(early, bobs)
    later = csb.alice.rekey(early, context=CONTEXT)
    assert same_keys(*csb.exchange(later))


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (KeyData(KeyType.TEK, Secret(NEXT)), "salt"),
        (KeyData(KeyType.TEK_SALT, Secret(NEXT), Secret(bytes(12))), "salt"),
        (KeyData(KeyType.TEK_SALT, Secret(NEXT + NEXT), Secret(bytes(14))), "TEK"),
        (KeyData(KeyType.TGK, Secret(NEXT), validity=KvSpi(b"\1")), "keeps to"),
        (KeyData(KeyType.TGK, Secret(b"")), "empty"),
        (KeyData(KeyType.TGK, Secret(bytes(64))), "twice"),
        (KeyData(KeyType.TGK, Secret(NEXT), validity=KvInterval(b"\1" * 6, bytes(6))), "ends"),
    ],
)
def test_what_is_wrong_with_our_own_keys_is_our_fault(key: KeyData, reason: str) -> None:
    csb = Csb()
    with pytest.raises(LocalError, match=reason):
        csb.alice.rekey(csb.alices, keys=[key], context=CONTEXT)
    csb.rekey(keys=[KeyData(KeyType.TEK_SALT, Secret(NEXT), Secret(bytes(range(14))))])


def test_the_responder_of_a_csb_updates_it_only_where_both_allow_it() -> None:
    csb = Csb()
    own = Initiator(bobs_key(ALICE), clock=Clock(csb.time))
    with pytest.raises(LocalError, match="Initiator of the CSB"):
        own.rekey(csb.bobs, context=CONTEXT)
    with pytest.raises(LocalError, match="may_update"):
        csb.bob.adopt(csb.bobs)

    either = Policy(responder_may_update=True)
    csb.time.advance(1)
    own = Initiator(bobs_key(ALICE), clock=Clock(csb.time), policy=either)
    update = own.rekey(csb.bobs, context=CONTEXT)
    credential = bobs_key(ALICE)
    theirs = replace(credential, identity=ALICE, peer=BOB)
    strict = Responder([theirs], clock=Clock(csb.time))
    refused(strict, update, ErrorNumber.UNSPECIFIED)
    responder = Responder([theirs], clock=Clock(csb.time), policy=either)
    responder.adopt(csb.alices)
    answer, alices = accepted(responder, update)
    assert answer is not None
    bobs = answered(own, answer)
    assert same_keys(alices, bobs)
    assert (alices.role, bobs.role) == (Role.INITIATOR, Role.RESPONDER)
    with pytest.raises(LocalError, match="not newer"):
        responder.adopt(csb.alices)

    # And back: Alice goes on from what Bob sent.
    csb.time.advance(1)
    receiver = bob(csb.time, policy=either)
    receiver.adopt(bobs)
    again = csb.alice.rekey(alices, context=CONTEXT)
    answer, bobs = accepted(receiver, again)
    assert answer is not None
    assert same_keys(answered(csb.alice, answer), bobs)


def bobs_key(peer: str) -> Psk:
    """Return Bob's credential for a peer."""
    return Psk(Secret(PSK), BOB, peer)
