"""What a session makes of the payloads of a message (RFC 3830 5.2, 6): order, strangers, names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mikey import (
    AuthenticationError,
    Context,
    DecodeError,
    ErrorNumber,
    Initiator,
    LocalError,
    PeerError,
    PolicyError,
    Psk,
    Secret,
    SrtpPolicy,
    Stream,
    UnsupportedError,
)  # fmt: skip
from tests.naive import encode as e
from tests.naive.decode import CERT, CHASH, DH, ID, PKE, RAND, SIGN, V, decode, one
from tests.naive.vectors import CSB_ID, IDI, IDR, PSK, RAND_VALUE, TS
from tests.rules.psk_parties import (
    ALICE,
    BOB,
    CONTEXT,
    MINE,
    STREAMS,
    YOURS,
    Craft,
    Time,
    accepted,
    alice,
    answer_to,
    answered,
    bob,
    offer,
    offered,
    refused,
    same_keys,
)

CRAFT = Craft()
T_, RAND_, IDI_, IDR_, SP_, EXT_ = CRAFT.payloads()


@pytest.mark.rule("R3830-5.2-3")
@pytest.mark.parametrize(
    "payloads",
    [
        [T_, SP_, RAND_, IDI_, IDR_, EXT_],
        [EXT_, SP_, IDI_, RAND_, IDR_, T_],
        [IDI_, IDR_, T_, RAND_, EXT_, SP_],
    ],
)
def test_the_order_of_the_middle_is_free(payloads: list[e.Payload]) -> None:
    answer, bundle = accepted(bob(), CRAFT.message(payloads))
    assert answer is not None
    assert same_keys(bundle, accepted(bob(), CRAFT.message())[1])


@pytest.mark.rule("R3830-5.2-3", "R3830-6.2-9", "R3830-6.9-2")
def test_the_authenticating_payload_is_the_last() -> None:
    kemac = CRAFT.kemac(e.chain([e.key_data(bytes(range(16)))]))
    sealed = (kemac[0], kemac[1] + bytes(20))
    early = e.build(0, [T_, RAND_, IDI_, IDR_, sealed, SP_], csb_id=CSB_ID, cs_map=CRAFT.cs_map)
    refused(bob(), early, ErrorNumber.UNSPECIFIED, DecodeError)

    a = alice()
    craft = answer_to(a.start(STREAMS, context=CONTEXT))
    payloads = [e.t(*craft.ts), (V, b"\1" + bytes(20)), e.ident(IDR)]
    out = e.build(1, payloads, csb_id=craft.csb_id, cs_map=craft.cs_map)
    with pytest.raises(DecodeError, match="not the last"):
        a.receive(out, context=CONTEXT)


@pytest.mark.rule("R3830-5.2-3", "R3830-6.7-8")
def test_of_two_identities_the_first_is_the_senders() -> None:
    swapped = CRAFT.message([T_, RAND_, IDR_, IDI_, SP_, EXT_])
    refused(bob(), swapped, ErrorNumber.INVALID_ID, PolicyError)
    both = [Psk(Secret(PSK), BOB, ALICE), Psk(Secret(PSK), ALICE, BOB)]
    found = offered(bob(credentials=both), swapped)
    assert (found.initiator, found.responder) == (BOB, ALICE)


@pytest.mark.rule("R3830-6.7-8")
def test_a_lone_identity_is_the_senders_unless_it_is_ours_and_the_carrier_names_another() -> None:
    assert offered(bob(), offer(idr=None)).initiator == ALICE
    named = replace(CONTEXT, initiator=ALICE)
    assert offered(bob(), offer(idi=None), named).initiator == ALICE
    # Nobody says who sends: then Bob is the sender, and Bob has no key with himself.
    refused(bob(), offer(idi=None), ErrorNumber.AUTH_FAILURE)
    # An answer's ID is that of the Responder.
    a = alice()
    answer, _ = accepted(bob(), a.start(STREAMS, context=CONTEXT))
    assert answer is not None
    assert one(decode(answer), ID).fields["data"] == IDR


STRANGERS = {
    "PKE": (PKE, b"\0\1\0"),
    "DH": (DH, b"\1" + bytes(96) + b"\0"),
    "V": (V, b"\1" + bytes(20)),
    "SIGN": (SIGN, b"\0\1\0"),
}


@pytest.mark.rule("R3830-6-5")
@pytest.mark.parametrize("kind", STRANGERS)
def test_strangers_that_carry_keys_or_authenticate_are_refused(kind: str) -> None:
    responder = bob()
    if kind != "SIGN":
        message = CRAFT.message([*CRAFT.payloads(), STRANGERS[kind]])
        refused(responder, message, ErrorNumber.UNSPECIFIED, DecodeError)
    else:
        message = e.build(0, [*CRAFT.payloads(), STRANGERS[kind]], csb_id=CSB_ID)
        refused(responder, message, ErrorNumber.UNSPECIFIED, DecodeError)
    accepted(responder, offer())


@pytest.mark.rule("R3830-6-5", "R3830-6.15-4")
def test_other_strangers_and_unknown_extensions_are_ignored_behind_the_mac() -> None:
    extras = [
        (CERT, b"\0\0\1\x30"), (CHASH, b"\0" + bytes(20)), e.err(3),
        e.general_ext(0, b"vendor"), e.general_ext(200, b"?"), e.general_ext(245, b""),
    ]  # fmt: skip
    message = CRAFT.message([*CRAFT.payloads(), *extras])
    at = message.index(b"vendor")
    changed = message[:at] + b"V" + message[at + 1 :]
    responder = bob()
    refused(responder, changed, ErrorNumber.AUTH_FAILURE, AuthenticationError)
    accepted(responder, message)

    a = alice()
    craft = answer_to(a.start(STREAMS, context=CONTEXT))
    payloads = [e.t(*craft.ts), e.ident(IDR), e.sp(e.AES_CM_128_HMAC_SHA1_80), *extras]
    assert answered(a, craft.response(payloads)).peer == BOB
    for extra in (STRANGERS["PKE"], STRANGERS["DH"], e.rand(RAND_VALUE), (1, b"\0\0\0\0")):
        b = alice()
        craft = answer_to(b.start(STREAMS, context=CONTEXT))
        with pytest.raises(DecodeError, match="has no"):
            b.receive(craft.response([e.t(*craft.ts), extra]), context=CONTEXT)


@pytest.mark.rule("R3830-6.1-11")
def test_the_v_flag_of_a_response_means_nothing() -> None:
    for flag in (False, True):
        a = alice()
        craft = replace(answer_to(a.start(STREAMS, context=CONTEXT)), v=flag)
        assert answered(a, craft.response([e.t(*craft.ts)])).peer == BOB
        a = alice()
        craft = answer_to(a.start(STREAMS, context=CONTEXT), data_type=6, v=flag)
        with pytest.raises(PeerError, match="peer reports error 0"):
            a.receive(craft.response([e.t(*craft.ts), e.err(0)]))
    answer, _ = accepted(bob(), offer())
    assert answer is not None
    assert decode(answer)[0].fields["v"] == 0


@pytest.mark.rule("R3830-6.1-16", "R3830-6.1-21", "R3830-6.1-22", "R3830-6.1.1-5")
@pytest.mark.parametrize("cs", [(), [(0, MINE, 0)], [(0, MINE, 7), (0, 0, 0), (0, 5, 0)]])
@pytest.mark.parametrize("prf", [0, 1])
def test_a_response_repeats_the_header(cs: list[tuple[int, int, int]], prf: int) -> None:
    first = offer(cs=cs, prf=prf)
    answer, _ = accepted(bob(), first)
    assert answer is not None
    asked, given = decode(first)[0].fields, decode(answer)[0].fields
    for name in ("version", "prf_func", "csb_id", "cs_count", "cs_id_map_type"):
        assert given[name] == asked[name]
    for before, after in zip(asked["cs_map"], given["cs_map"], strict=True):
        assert after == (before if before["ssrc"] else before | {"ssrc": YOURS})


@pytest.mark.rule("R3830-6.1-16", "R3830-6.1-21")
def test_the_empty_map_comes_back_as_it_was() -> None:
    craft = replace(CRAFT, cs_map=(1, 3, b""))
    answer, bundle = accepted(bob(), craft.message([T_, RAND_, IDI_, IDR_, EXT_]))
    assert answer is not None
    hdr = decode(answer)[0].fields
    assert (hdr["cs_id_map_type"], hdr["cs_count"]) == (1, 3)
    assert bundle.crypto_sessions == ()


def test_a_generic_id_map_is_for_other_methods() -> None:
    craft = replace(CRAFT, cs_map=e.generic_map([(1, [0], bytes(4), b"")]))
    refused(bob(), craft.message(), ErrorNumber.UNSPECIFIED, UnsupportedError)


@pytest.mark.rule("R3830-6.1-15")
def test_a_csb_id_that_is_in_use_is_drawn_again() -> None:
    draws = [b"\0\0\0\1", bytes(16), b"\7" * 16, b"\0\0\0\1", b"\0\0\0\2", bytes(16), b"\x08" * 16]
    draws += [b"\0\0\0\1", b"\0\0\0\2", b"\0\0\0\3", bytes(16), b"\x09" * 16]
    draws += [b"\0\0\0\1", bytes(16), b"\x0a" * 16]
    a = alice(random=lambda _: draws.pop(0))
    first = a.start(STREAMS, context=CONTEXT)
    second = a.start(STREAMS, context=CONTEXT)
    assert second[4:8] == b"\0\0\0\2"
    answer, _ = accepted(bob(), first)
    assert answer is not None
    bundle = answered(a, answer)
    # 1 is live and 2 is open: both are taken.
    assert a.start(STREAMS, context=CONTEXT)[4:8] == b"\0\0\0\3"
    a.close(bundle)
    assert a.start(STREAMS, context=CONTEXT)[4:8] == b"\0\0\0\1"


@pytest.mark.rule("R3830-6.1-15", "R3830-6.1-16")
def test_many_exchanges_are_open_and_each_takes_its_own_answer() -> None:
    a, responder = alice(), bob()
    firsts = [a.start(STREAMS, context=CONTEXT) for _ in range(4)]
    answers = [accepted(responder, first)[0] for first in firsts]
    for first, answer in reversed([*zip(firsts, answers, strict=True)]):
        assert answer is not None
        assert answered(a, answer).csb_id == int.from_bytes(first[4:8])


def test_a_message_that_will_not_be_answered_is_given_up() -> None:
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    answer, _ = accepted(bob(), first)
    a.cancel(first)
    a.cancel(first)
    assert answer is not None
    with pytest.raises(PolicyError, match="no exchange is open"):
        a.receive(answer, context=CONTEXT)
    with pytest.raises(LocalError, match="no exchange is open"):
        a.early_bundle(first)


@pytest.mark.rule("R3830-6.7-6")
@pytest.mark.parametrize(
    ("identity", "id_type"),
    [("sip:a@b.example", 1), ("tel:+4930123", 1), ("a@b.example", 0), ("b.example", 0)],
)
def test_an_identity_is_the_bare_string(identity: str, id_type: int) -> None:
    a = Initiator(Psk(Secret(PSK), identity, BOB))
    ids = [p.fields for p in decode(a.start(STREAMS)) if p.type == ID]
    assert ids[0] == {"id_type": id_type, "data": identity.encode()}


@pytest.mark.rule("R3830-6.7-9")
@pytest.mark.parametrize(
    "name", [b"sip:ALICE@example.com", b"SIP:alice@example.com", b"sip:alice@example.com ",
             b"sip:alice@example.com\0", b"alice@example.com"],
)  # fmt: skip
def test_identities_are_compared_octet_by_octet(name: bytes) -> None:
    refused(bob(), offer(idi=name), _number(name))
    accepted(bob(credentials=[Psk(Secret(PSK), BOB, "*")]), offer(idi=b"sip:ALICE@example.com"))


def _number(name: bytes) -> ErrorNumber:
    # A control character is no identity at all; another spelling is another identity.
    return ErrorNumber.INVALID_ID if b"\0" in name else ErrorNumber.AUTH_FAILURE


@pytest.mark.rule("R3830-6.7-7")
@pytest.mark.parametrize("payload", [e.ident(IDI, 2), e.ident(b"\xff\xfe"), e.ident(b"", 1)])
def test_an_identity_that_is_no_text_is_refused(payload: e.Payload) -> None:
    message = CRAFT.message([T_, RAND_, payload, IDR_, SP_, EXT_])
    refused(bob(), message, ErrorNumber.INVALID_ID, PolicyError)


@pytest.mark.parametrize("which", ["initiator", "responder"])
def test_the_signalling_and_the_message_name_the_same_parties(which: str) -> None:
    """R4567-8-2."""
    other: dict[str, Any] = {which: "sip:carol@example.com"}
    context = replace(CONTEXT, **other)
    refused(bob(), offer(), ErrorNumber.INVALID_ID, PolicyError, context)
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    answer, _ = accepted(bob(), first)
    assert answer is not None
    if which == "responder":
        with pytest.raises(PolicyError, match="carol"):
            a.receive(answer, context=context)
    assert answered(a, answer).peer == BOB


@pytest.mark.rule("R3830-5.2-9", "R3830-5.2-10")
def test_macs_cover_the_octets_and_what_is_appended_is_not_sent() -> None:
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    answer, _ = accepted(bob(), first)
    assert answer is not None
    e.verify_answer(PSK, first, answer)
    assert decode(answer)[-1].next_payload == 0
    assert answer.count(IDI) == 0


@pytest.mark.rule("R3830-6.1.1-10")
def test_without_an_sp_the_defaults_hold() -> None:
    _, bundle = accepted(bob(), offer(policies=(), cs=[(7, MINE, 0)]))
    assert bundle.crypto_sessions[0].policy == SrtpPolicy.AES_CM_128_HMAC_SHA1_80
    _, bundle = accepted(bob(), offer(policies=[()]))
    assert bundle.crypto_sessions[0].policy == SrtpPolicy.AES_CM_128_HMAC_SHA1_80


@pytest.mark.rule("R3830-6.1.1-6")
def test_an_ssrc_that_stays_open_is_none() -> None:
    answer, bundle = offered(bob(), offer()).accept()
    assert answer is not None
    assert [s["ssrc"] for s in decode(answer)[0].fields["cs_map"]] == [MINE, 0]
    assert [s.ssrc for s in bundle.crypto_sessions] == [MINE, None]
    with pytest.raises(LocalError, match="no SSRC yet"):
        bundle.srtp_sender(2)


@pytest.mark.rule("R3830-6.1.1-9")
def test_streams_under_one_tek_have_ssrcs_of_their_own() -> None:
    tek = [e.key_data(bytes(16), 3, salt=bytes(14))]
    refused(bob(), offer(keys=tek, cs=[(0, 5, 0), (0, 5, 0)]), ErrorNumber.INVALID_SPPAR)
    found = offered(bob(), offer(keys=tek))
    with pytest.raises(PolicyError, match="share a TEK"):
        found.accept({2: MINE})
    assert found.accept({2: YOURS})[0]
    # Keys from a TGK differ by the CS.
    _, bundle = accepted(bob(), offer(cs=[(0, 5, 0), (0, 5, 0)]))
    assert bundle.masters(1) != bundle.masters(2)


@pytest.mark.rule("R3830-6.1-13")
def test_an_unknown_prf_is_refused() -> None:
    kemac = e.kemac(1, bytes(20), 1, bytes(20))
    message = e.build(0, [*CRAFT.payloads(), kemac], csb_id=CSB_ID, prf=2)
    refused(bob(), message, ErrorNumber.INVALID_PRF, UnsupportedError)


@pytest.mark.rule("R3830-5.3-4")
def test_the_form_is_checked_before_anything_else() -> None:
    """Old, for somebody else, without KEMAC: the last is what is told."""
    old = Time().ts(-(10**6))
    message = e.build(
        0, [e.t(0, old), e.rand(RAND_VALUE), e.ident(b"x:y"), e.ident(b"x:z")], csb_id=1
    )
    refused(bob(), message, ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.rule("R3830-3-3", "R3830-4.5-2")
def test_a_first_message_has_a_rand_of_sixteen_octets() -> None:
    for length, fits in ((0, False), (15, False), (16, True), (255, True)):
        message = replace(CRAFT, rand=bytes(range(length))).message()
        if fits:
            accepted(bob(), message)
        else:
            refused(bob(), message, ErrorNumber.UNSPECIFIED, PolicyError)
    without = [p for p in CRAFT.payloads() if p[0] != RAND]
    refused(bob(), CRAFT.message(without), ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.rule("R4567-7.1-3", "R4567-7.1-4")
@pytest.mark.parametrize(
    ("count", "lines", "all_lines", "fits"),
    [(4, 2, 3, True), (6, 2, 3, True), (2, 2, 3, True), (1, 2, 3, True), (3, 2, 3, False),
     (5, 2, 2, False), (0, 1, 1, False), (2, 1, None, True)],
)  # fmt: skip
def test_the_crypto_sessions_fit_the_lines(
    count: int, lines: int, all_lines: int | None, fits: bool
) -> None:
    """R4567-7.1-3, R4567-7.1-4."""
    context = replace(CONTEXT, lines=lines, all_lines=all_lines)
    message = offer(cs=[(0, n + 1, 0) for n in range(count)])
    if fits:
        assert len(offered(bob(), message, context).streams) == count
    else:
        refused(bob(), message, ErrorNumber.UNSPECIFIED, PolicyError, context)


def test_at_most_255_crypto_sessions() -> None:
    a = alice()
    streams = [Stream(n + 1) for n in range(255)]
    first = a.start(streams, context=CONTEXT)
    answer, bundle = accepted(bob(), first)
    assert answer is not None
    assert len(answered(a, answer).crypto_sessions) == len(bundle.crypto_sessions) == 255
    with pytest.raises(LocalError, match="255"):
        a.start([*streams, Stream()], context=CONTEXT)


@pytest.mark.parametrize("context", [CONTEXT, Context()])
def test_ts_and_rand_are_those_of_the_message(context: Context) -> None:
    _, bundle = accepted(bob(), offer(sdp_ids=b"mikey" if context.protocols else None), context)
    assert (bundle.t.value, bundle.rand) == (TS, RAND_VALUE)
