"""Error messages (RFC 3830 5.1.2), made by our Responder and taken by our Initiator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mikey import (
    AuthenticationError,
    Bundle,
    Context,
    DecodeError,
    ErrorNumber,
    LocalError,
    MacAlg,
    NoKey,
    PeerError,
    Policy,
    PolicyError,
    Psk,
    ReportedError,
    Responder,
    Secret,
    SrtpPolicy,
    UnsupportedError,
    offered_policies,
)  # fmt: skip
from mikey.policy import SECOND
from mikey.registry import ProtType, SrtpParam
from mikey.session.refusal import TokenBucket
from mikey.wire import Sp, SpParam
from tests.naive import crypto
from tests.naive import encode as e
from tests.naive.decode import ERR, HDR, SP, T, V, decode, one
from tests.naive.vectors import CSB_ID, IDI, IDR, PSK, RAND_VALUE, TGK, TS
from tests.plugins_emitted import Emitted
from tests.rules.psk_parties import (
    ALICE,
    BOB,
    CONTEXT,
    STREAMS,
    YOURS,
    Craft,
    Time,
    accepted,
    alice,
    answer_to,
    answered,
    bob,
    flips,
    offer,
    offered,
    policies,
    refused,
)

SHORT_TAG = (*e.AES_CM_128_HMAC_SHA1_80[:-1], (11, b"\x04"))
NULL_CIPHER = ((0, b"\0"), *e.AES_CM_128_HMAC_SHA1_80[1:])
CRAFT = Craft()


def swapped(kind: int, payload: e.Payload) -> bytes:
    """Return a first message in which one payload is another."""
    return CRAFT.message([payload if p[0] == kind else p for p in CRAFT.payloads()])


def unsigned(encr_alg: int, mac_alg: int, prf: int = 0) -> bytes:
    """Return a first message of algorithms for which nobody can make a MAC."""
    kemac = e.kemac(encr_alg, bytes(20), mac_alg, bytes(20) if mac_alg == 1 else b"")
    return e.build(0, [*CRAFT.payloads(), kemac], csb_id=1, prf=prf)


# What is wrong, the number, and whether the sender was authenticated when it was found.
MAPPING: list[tuple[str, bytes, int, bool]] = [
    ("MAC", offer(psk=bytes(range(1, 17))), 0, False),
    ("unknown IDi", offer(idi=b"sip:eve@example.com"), 0, False),
    ("T", offer(ts=(0, Time().ts(-301))), 1, False),
    ("PRF", unsigned(1, 1, prf=5), 2, False),
    ("Encr alg", unsigned(9, 1), 4, False),
    ("Mac alg", unsigned(1, 7), 3, False),
    ("NULL MAC", offer(encr_alg=0, mac_alg=0), 3, False),
    ("NULL encryption", offer(encr_alg=0), 4, False),
    ("CHASH", e.build(0, [e.t(0, TS), (8, b"\7" + bytes(20))], csb_id=1), 5, False),
    ("DH group", e.build(4, [e.t(0, TS), (3, b"\x09" + bytes(200))], csb_id=1), 6, False),
    ("IDr", offer(idr=b"sip:carol@example.com"), 7, False),
    ("ID type", swapped(6, e.ident(IDI, 2)), 7, False),
    ("Prot type", swapped(10, e.sp([], prot_type=7)), 9, True),
    ("SP type", swapped(10, e.sp([(99, b"\1")])), 10, True),
    ("SP value", swapped(10, e.sp([(0, b"\x63")])), 10, True),
    ("SP length", swapped(10, e.sp([(0, b"")])), 10, True),
    ("SP refused", offer(policies=[NULL_CIPHER]), 10, True),
    ("Policy_no", offer(cs=[(9, 1, 0)]), 10, True),
    ("data type", e.build(4, [e.t(0, TS), (4, b"\0\1\0")], csb_id=1), 11, False),
    ("unassigned data type", e.build(99, [e.t(0, TS)], csb_id=1), 11, False),
    ("missing KEMAC", e.build(0, [e.t(0, TS), e.rand(RAND_VALUE)], csb_id=1), 12, False),
    ("surplus PKE", CRAFT.message([*CRAFT.payloads(), (2, b"\0\1\0")]), 12, False),
    ("RAND of 8", replace(CRAFT, rand=bytes(8)).message(), 12, False),
    ("Key data", CRAFT.message(plaintext=b"\0\0\0\xff"), 12, True),
    ("no key", CRAFT.message(plaintext=b""), 12, True),
    ("unknown CSB", offer(update=True), 12, False),
    ("unknown payload", e.build(0, [e.t(0, TS), (99, b"")], csb_id=1), 12, False),
    ("octets behind", offer() + b"\0", 12, False),
    ("protocol list", offer(sdp_ids=b"mikey;other"), 12, True),
]  # fmt: skip

MAPPED = [pytest.param(*values, id=name) for name, *values in MAPPING]


def verification(octets: bytes, auth_key: bytes, idi: bytes, idr: bytes) -> None:
    """Assert that an Error message ends in V of the form of 6.9: message, identities, T."""
    parts = decode(octets)
    assert [p.type for p in parts if p.type not in (ERR, SP)] == [HDR, T, V]
    v = parts[-1]
    covered = octets[: v.offset + 2]
    assert v.fields["ver_data"] == crypto.v_data(covered, auth_key, 1, idi, idr, TS)


def auth_key(csb_id: int = CSB_ID, rand: bytes = RAND_VALUE) -> bytes:
    return crypto.message_keys(PSK, csb_id, rand)[1]


@pytest.mark.parametrize(("octets", "number", "authentic"), MAPPED)
@pytest.mark.rule(
    "R3830-5.1.2-11", "R3830-5.1.2-2", "R3830-5.1.2-3", "R3830-5.1.2-4", "R3830-5.1.2-5",
    "R3830-6.2-4", "R3830-6.1-13", "R3830-6.7-7", "R3830-6.8-5", "R3830-6.4-8",
    "R3830-6.10.1-11",
)  # fmt: skip
def test_each_fault_has_its_number(
    octets: bytes, number: int, authentic: bool, emitted: Emitted
) -> None:
    responder = bob()
    error = refused(responder, octets, ErrorNumber(number))
    reply = responder.refuse(error)
    # T of the offender lies behind what could not be measured: nothing is said.
    asked = [p for p in _readable(octets) if p.type == T]
    if not asked:
        assert reply is None
        return
    assert reply is not None
    parts = decode(emitted.add(reply))
    assert one(parts, ERR).fields == {"number": number, "reserved": 0}
    assert one(parts, T).fields == asked[0].fields
    theirs, ours = decode_header(octets), parts[0].fields
    for name in ("version", "prf_func", "csb_id"):
        assert ours[name] == theirs[name]
    assert (ours["data_type"], ours["v"], ours["cs_count"]) == (6, 0, 0)
    if authentic:
        verification(reply, auth_key(), IDI, IDR)
    else:
        assert [p.type for p in parts] == [HDR, T, ERR]
    # Nothing came of it: the honest message finds the Responder as it was.
    assert accepted(responder, offer(ts=(0, Time().ts(5))))[1].csb_id == CSB_ID


def decode_header(octets: bytes) -> dict[str, Any]:
    """Return the header of a message that may be broken behind it."""
    return {
        "version": octets[0], "prf_func": octets[3] & 0x7F,
        "csb_id": int.from_bytes(octets[4:8], "big"),
    }  # fmt: skip


def _readable(octets: bytes) -> list[Any]:
    """Return T, which all messages of MAPPING have first."""
    start = 10 + 9 * octets[8]
    found = decode(octets[:2] + b"\5" + octets[3:start] + b"\0" + octets[start + 1 : start + 10])
    return found[1:]


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(offer()[:9] + b"\x77" + offer()[10:], id="map type"),
        pytest.param(e.build(0, [e.t(9, TS)], csb_id=1), id="TS type"),
        pytest.param(offer()[:30], id="cut in T"),
        pytest.param(offer()[:5], id="cut in HDR"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\2" + offer()[1:], id="version"),
        pytest.param(e.build(0, [(99, b"")], csb_id=1), id="unknown payload before T"),
        pytest.param(e.error_message(offer(), [0]), id="an Error message"),
        pytest.param(e.error_message(offer(), [0], psk=PSK), id="an authentic Error message"),
        pytest.param(e.build(6, [e.t(0, TS), (99, b"")], csb_id=1), id="a broken Error message"),
        pytest.param(e.psk_answer(PSK, offer(), {2: YOURS}), id="a response"),
        pytest.param(e.psk_answer(PSK, offer(), {2: YOURS})[:-1], id="a broken response"),
    ],
)
@pytest.mark.rule(
    "R3830-5.1.2-3", "R3830-5.1.2-9", "R3830-5.1.2-10", "R3830-6.1-20", "R3830-6.6-6",
    "R3830-6.1-6",
)  # fmt: skip
def test_nothing_is_said_of_some_messages(octets: bytes) -> None:
    responder = bob()
    with pytest.raises(PeerError) as caught:
        responder.receive(octets, context=CONTEXT)
    assert responder.refuse(caught.value) is None
    assert accepted(responder, offer())[0]


def test_numbers_of_what_cannot_be_measured() -> None:
    unknown_map = offer()[:9] + b"\x77" + offer()[10:]
    refused(bob(), unknown_map, ErrorNumber.UNSPECIFIED, UnsupportedError)
    refused(bob(), e.build(0, [e.t(9, TS)], csb_id=1), ErrorNumber.INVALID_TS)


@pytest.mark.rule("R3830-5.1.2-4")
def test_the_map_type_is_copied_if_it_has_no_octets() -> None:
    responder = bob()
    empty = replace(CRAFT, cs_map=(1, 0, b"")).message([*CRAFT.payloads()[:4]], b"")
    for octets, map_type in ((empty, 1), (offer(csb_id=1, psk=bytes(range(1, 17))), 0)):
        with pytest.raises(PeerError) as caught:
            responder.receive(octets, context=CONTEXT)
        reply = responder.refuse(caught.value)
        assert reply is not None
        assert decode(reply)[0].fields["cs_id_map_type"] == map_type


@pytest.mark.rule("R3830-5.1.2-2", "R3830-6.10.1-11")
def test_a_refused_policy_is_answered_with_ours(emitted: Emitted) -> None:
    ours = [SrtpPolicy.AES_256_CM_HMAC_SHA1_80, SrtpPolicy.AEAD_AES_128_GCM]
    responder = bob(policies=ours)
    a = alice()
    error = refused(responder, a.start(STREAMS, context=CONTEXT), ErrorNumber.INVALID_SPPAR)
    reply = responder.refuse(error)
    assert reply is not None
    assert [sp["policy_no"] for sp in policies(emitted.add(reply))] == [0, 1]
    with pytest.raises(ReportedError) as caught:
        a.receive(reply, context=CONTEXT)
    assert caught.value.authenticated
    assert caught.value.numbers == (ErrorNumber.INVALID_SPPAR,)
    assert offered_policies(caught.value) == tuple(ours)
    # The exchange is over; a new message with what Bob takes goes through.
    with pytest.raises(PeerError, match="no exchange"):
        a.receive(reply, context=CONTEXT)
    again = alice(policies=[offered_policies(caught.value)[0]])
    assert accepted(responder, again.start(STREAMS, context=CONTEXT))[0]


def test_by_default_all_that_protect_are_listed_and_taken() -> None:
    responder = bob()
    reply = responder.refuse(refused(responder, offer(policies=[NULL_CIPHER]), ErrorNumber(10)))
    assert reply is not None
    listed = offered_policies(
        ReportedError((), authenticated=True, offered=_sps(reply))
    )  # fmt: skip
    assert listed
    for number, policy in enumerate(listed):
        assert not policy.is_weak
        a = alice(policies=[policy])
        assert accepted(responder, a.start(STREAMS, context=CONTEXT))[0], number


def _sps(octets: bytes) -> tuple[Sp, ...]:
    return tuple(
        Sp(sp["policy_no"], ProtType(sp["prot_type"]), tuple(SpParam(*p) for p in sp["params"]))
        for sp in policies(octets)
    )


def test_options_in_an_error_message_are_alternatives() -> None:
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    options = [*SHORT_TAG, (int(SrtpParam.AUTH_TAG_LEN), b"\x0a")]
    with pytest.raises(ReportedError) as caught:
        a.receive(e.error_message(first, [10], policies=[options], psk=PSK))
    assert set(offered_policies(caught.value)) == {
        SrtpPolicy.AES_CM_128_HMAC_SHA1_80, SrtpPolicy.AES_CM_128_HMAC_SHA1_32,
    }  # fmt: skip


@pytest.mark.rule("R3830-5.1.2-5", "R3830-5.1.2-2")
@pytest.mark.parametrize("form", ["6.9", "bare"])
def test_both_forms_of_an_authenticated_error_end_the_exchange(form: str) -> None:
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    craft = answer_to(first, data_type=6, cs_map=(0, 0, b""))
    payloads = [e.t(*craft.ts), e.err(3), e.err(10), e.sp(SHORT_TAG)]
    if form == "6.9":
        reply = craft.response(payloads)
    else:
        reply = craft.response(payloads, idi=b"", idr=b"", t=b"")
    with pytest.raises(ReportedError) as caught:
        a.receive(reply)
    assert caught.value.authenticated
    assert caught.value.numbers == (ErrorNumber.INVALID_MAC, ErrorNumber.INVALID_SPPAR)
    assert caught.value.number is None  # nothing is answered to it
    with pytest.raises(LocalError, match="no exchange is open"):
        a.early_bundle(first)


@pytest.mark.rule("R3830-5.1.2-5", "R3830-5.3-7")
@pytest.mark.parametrize("sender", ["nobody", "a stranger", "null"])
def test_an_error_that_is_not_authenticated_ends_nothing(sender: str) -> None:
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    craft = answer_to(first, data_type=6, cs_map=(0, 0, b""))
    if sender == "a stranger":
        forged = replace(craft, psk=bytes(range(1, 17))).response([e.t(*craft.ts), e.err(0)])
        with pytest.raises(AuthenticationError):
            a.receive(forged)
    else:
        reply = (
            e.error_message(first, [0])
            if sender == "nobody"
            else craft.response([e.t(*craft.ts), e.err(0)], alg=0)
        )
        with pytest.raises(ReportedError) as caught:
            a.receive(reply)
        assert not caught.value.authenticated
    answer, bobs = accepted(bob(), first)
    assert answer is not None
    assert answered(a, answer).csb_id == bobs.csb_id


@pytest.mark.rule("R3830-5.1.2-5", "R3830-5.3-7")
def test_no_bit_of_an_authenticated_error_can_be_changed_and_keep_its_word() -> None:
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    reply = e.error_message(first, [10], psk=PSK)
    for changed in flips(reply):
        with pytest.raises(PeerError) as caught:
            a.receive(changed, context=CONTEXT)
        if isinstance(caught.value, ReportedError):
            assert not caught.value.authenticated
    assert a.early_bundle(first)


@pytest.mark.rule("R3830-5.1.2-3", "R3830-5.2-5")
def test_an_error_repeats_our_t_and_names_an_error() -> None:
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    craft = answer_to(first, data_type=6, cs_map=(0, 0, b""))
    for payloads, reason in (
        ([e.t(0, bytes(8)), e.err(0)], "another timestamp"),
        ([e.t(*craft.ts)], "names no error"),
        ([e.err(0)], "T payload"),
    ):
        with pytest.raises(DecodeError, match=reason):
            a.receive(craft.response(payloads))
    assert a.early_bundle(first)


def test_an_error_answers_a_message_that_wants_no_response() -> None:
    """R3830-3.1-6: the one thing that can come back."""
    a, responder = alice(), bob(policies=[SrtpPolicy.AEAD_AES_128_GCM])
    first = a.start(STREAMS, context=CONTEXT, respond=False)
    reply = responder.refuse(refused(responder, first, ErrorNumber.INVALID_SPPAR))
    assert reply is not None
    with pytest.raises(ReportedError) as caught:
        a.receive(reply)
    assert caught.value.authenticated


@pytest.mark.parametrize("number", [0, 7, 10, 12])
def test_a_rejected_offer_is_answered_and_cannot_be_accepted(number: int, emitted: Emitted) -> None:
    responder = bob()
    found = offered(responder, offer())
    reply = found.reject(ErrorNumber(number), "no wish to talk")
    assert reply is not None
    verification(emitted.add(reply), auth_key(), IDI, IDR)
    assert bool(policies(reply)) == (number == 10)
    with pytest.raises(LocalError, match="answered before"):
        found.accept()


def test_an_offer_is_accepted_once() -> None:
    responder = bob()
    found = offered(responder, offer())
    with pytest.raises(LocalError, match="no crypto session 3"):
        found.accept({3: 1})
    with pytest.raises(LocalError, match="sender's to choose"):
        found.accept({1: 1})
    _, bundle = found.accept({2: YOURS})
    for _ in range(2):
        with pytest.raises(LocalError, match="answered before"):
            found.accept({2: YOURS})
        responder.close(bundle)


@pytest.mark.rule("R3830-5.1.2-9")
@pytest.mark.parametrize("rate", [10, 3, 0])
def test_errors_are_few(rate: int) -> None:
    time = Time()
    responder = bob(time, errors_per_second=rate)

    def replies(count: int) -> int:
        bad = offer(psk=bytes(range(1, 17)), ts=(0, time.ts()))
        errors = [refused(responder, bad, ErrorNumber.AUTH_FAILURE) for _ in range(count)]
        return sum(responder.refuse(error) is not None for error in errors)

    assert replies(30) == rate
    time.advance(0.5)
    assert replies(30) == rate // 2
    time.advance(3600)
    assert replies(30) == rate
    time.advance(-3600)
    assert replies(5) == 0


def test_the_bucket_never_overflows() -> None:
    bucket = TokenBucket(2)
    assert [bucket.take(now * SECOND) for now in (0, 0, 0, 100, 100, 100)] == [
        True, True, False, True, True, False,
    ]  # fmt: skip


@pytest.mark.rule("R3830-5.3-3")
def test_whether_a_timestamp_is_reported_is_policy() -> None:
    old = offer(ts=(0, Time().ts(-1000)))
    for policy, says in ((Policy(), True), (Policy(report_timestamps=False), False)):
        responder = bob(policy=policy)
        reply = responder.refuse(refused(responder, old, ErrorNumber.INVALID_TS))
        assert (reply is not None) == says


def test_refuse_speaks_of_what_this_responder_received() -> None:
    assert bob().refuse(PolicyError("made up")) is None
    assert bob().refuse(ReportedError((ErrorNumber.UNSPECIFIED,), authenticated=False)) is None


def test_a_null_responder_has_nothing_to_authenticate_with() -> None:
    responder = Responder([NoKey(BOB, "*")], clock=alice()._clock)
    secure = Context(secure=True)
    first = offer(encr_alg=0, mac_alg=0, sdp_ids=None, policies=[NULL_CIPHER])
    reply = responder.refuse(refused(responder, first, ErrorNumber.INVALID_SPPAR, context=secure))
    assert reply is not None
    assert [p.type for p in decode(reply) if p.type != SP] == [HDR, T, ERR]


@pytest.mark.rule("R3830-6.1-13")
def test_an_unknown_prf_is_refused_also_where_no_key_of_messages_is_derived() -> None:
    responder = Responder([NoKey(BOB, ALICE)], clock=alice()._clock)
    secure = Context(secure=True)
    first = Craft(encr_alg=0, mac_alg=0).message([p for p in CRAFT.payloads() if p[0] != 21])
    accepted(responder, first, secure)
    unknown = first[:3] + b"\x85" + first[4:7] + b"\xff" + first[8:]
    refused(responder, unknown, ErrorNumber.INVALID_PRF, UnsupportedError, secure)


def test_errors_of_an_update_are_keyed_by_the_first_rand() -> None:
    time = Time()
    responder = bob(time)
    accepted(responder, offer())
    time.advance(1)
    update = offer(
        ts=(0, time.ts()), update=True, prf=0, policies=[NULL_CIPHER], keys=[e.key_data(TGK)]
    )
    reply = responder.refuse(refused(responder, update, ErrorNumber.INVALID_SPPAR))
    assert reply is not None
    v = decode(reply)[-1]
    assert v.fields["ver_data"] == crypto.v_data(
        reply[: v.offset + 2], auth_key(), 1, IDI, IDR, time.ts()
    )


def test_the_mac_of_an_error_is_that_of_the_request() -> None:
    responder = bob()
    first = offer(mac_alg=2, policies=[NULL_CIPHER])
    reply = responder.refuse(refused(responder, first, ErrorNumber.INVALID_SPPAR))
    assert reply is not None
    assert one(decode(reply), V).fields["auth_alg"] == MacAlg.HMAC_SHA_256_256


def test_bundles_and_keys_do_not_show_in_errors() -> None:
    responder = bob(credentials=[Psk(Secret(PSK), BOB, "*")])
    error = refused(responder, offer(keys=[e.key_data(b"")]), ErrorNumber.UNSPECIFIED)
    for text in (str(error), repr(error), repr(error.origin)):
        assert PSK.hex() not in text
    _, bundle = accepted(responder, offer(ts=(0, Time().ts(1))))
    assert isinstance(bundle, Bundle)
    assert TGK.hex() not in repr(bundle)
    assert repr(TGK)[2:-1] not in repr(bundle)
