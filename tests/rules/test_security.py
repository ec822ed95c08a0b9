"""What keeps the pre-shared key method from being weaker than it looks."""

from __future__ import annotations

import hmac
import inspect
import secrets
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from mikey import (
    Clock,
    Context,
    DecodeError,
    EncrAlg,
    ErrorNumber,
    Initiator,
    KeyType,
    LocalError,
    MacAlg,
    NoKey,
    Policy,
    PolicyError,
    PrfFunc,
    Psk,
    ReportedError,
    Responder,
    Secret,
    UnsupportedError,
)  # fmt: skip
from mikey.policy import Compat
from tests.naive import encode as e
from tests.naive.decode import GENERAL_EXT, decode, one
from tests.naive.vectors import IDR, PSK, TGK
from tests.rules.psk_parties import (
    ALICE,
    BOB,
    CONTEXT,
    STREAMS,
    Craft,
    Time,
    accepted,
    alice,
    answer_to,
    bob,
    offer,
    offered,
    refused,
)

CRAFT = Craft()
NO_LIST = CRAFT.payloads()[:-1]
SEVERAL = replace(CONTEXT, protocols=("mikey", "keyp1", "keyp2"))


@pytest.mark.rule("R4567-7-1", "R4567-4.1.4-1")
@pytest.mark.parametrize("protocols", [("mikey",), ("mikey", "keyp1", "keyp2")])
def test_the_list_of_protocols_travels_under_the_mac(protocols: tuple[str, ...]) -> None:
    context = replace(CONTEXT, protocols=protocols)
    first = alice().start(STREAMS, context=context)
    extension = one(decode(first), GENERAL_EXT)
    assert extension.fields == {"ext_type": 1, "data": ";".join(protocols).encode()}
    at = extension.offset + extension.length - 1
    changed = first[:at] + bytes([first[at] ^ 1]) + first[at + 1 :]
    refused(bob(), changed, ErrorNumber.AUTH_FAILURE, context=context)
    accepted(bob(), first, context)


@pytest.mark.rule("R4567-7-2")
@pytest.mark.parametrize(
    "shown",
    [("mikey",), ("keyp1", "mikey", "keyp2"), ("mikey", "keyp1"), ("mikey", "keyp1", "KEYP2"),
     ("mikey", "keyp1", "keyp2", "keyp3"), ("mikey", "keyp1;keyp2", "")],
)  # fmt: skip
def test_a_list_that_differs_from_what_arrived_is_bidding_down(shown: tuple[str, ...]) -> None:
    first = alice().start(STREAMS, context=SEVERAL)
    context = replace(CONTEXT, protocols=shown)
    refused(bob(), first, ErrorNumber.UNSPECIFIED, PolicyError, context)
    accepted(bob(), first, SEVERAL)


@pytest.mark.rule("R4567-4.1.4-3")
def test_a_list_may_be_absent_only_where_mikey_is_alone_and_that_is_allowed() -> None:
    message = CRAFT.message(NO_LIST)
    tolerant = Compat(missing_sdp_ids=True)
    refused(bob(), message, ErrorNumber.UNSPECIFIED, PolicyError)
    accepted(bob(compat=tolerant), message)
    refused(bob(compat=tolerant), message, ErrorNumber.UNSPECIFIED, PolicyError, SEVERAL)
    # A carrier that has no list asks for none.
    accepted(bob(), message, Context())
    accepted(bob(), offer(), Context())


def test_a_list_in_a_message_that_nothing_protects_is_not_asked_for() -> None:
    """R4567-4.2-8: MIKEY-NULL goes without."""
    null = Responder([NoKey(BOB, ALICE)], clock=Clock(Time()))
    secure = replace(CONTEXT, secure=True)
    accepted(null, offer(encr_alg=0, mac_alg=0, sdp_ids=None), secure)
    other = offer(encr_alg=0, mac_alg=0, sdp_ids=b"keyp1", csb_id=1)
    refused(null, other, ErrorNumber.UNSPECIFIED, PolicyError, secure)


@pytest.mark.rule("R4567-7-2")
def test_two_lists_are_none() -> None:
    both = [*CRAFT.payloads(), e.general_ext(1, b"mikey")]
    refused(bob(), CRAFT.message(both), ErrorNumber.UNSPECIFIED, DecodeError)


def test_a_list_may_name_each_protocol_once_for_those_who_do_so() -> None:
    """R4567-4.1.4-2."""
    context = replace(CONTEXT, protocols=("mikey", "keyp1", "mikey"))
    merged = offer(sdp_ids=b"mikey;keyp1")
    refused(bob(), merged, ErrorNumber.UNSPECIFIED, PolicyError, context)
    accepted(bob(compat=Compat(deduplicated_sdp_ids=True)), merged, context)
    accepted(bob(), offer(sdp_ids=b"mikey;keyp1;mikey"), context)


@pytest.mark.parametrize("protocol", ["schlüssel", "", "one two", "a;b"])
def test_identifiers_are_letters_and_digits_of_ascii(protocol: str) -> None:
    with pytest.raises(LocalError, match="identifiers"):
        alice().start(STREAMS, context=replace(CONTEXT, protocols=("mikey", protocol)))


@pytest.mark.rule("R3830-6.9-4")
def test_macs_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def spy(one: Any, other: Any) -> bool:
        compared.extend((one, other))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    answer, _ = accepted(bob(), first)
    assert answer is not None
    a.receive(answer, context=CONTEXT)
    assert {first[-20:], answer[-20:]} <= set(compared)


@pytest.mark.rule("R3830-4.2.2-1")
def test_randomness_is_the_systems() -> None:
    assert inspect.signature(Initiator).parameters["random"].default is secrets.token_bytes


@pytest.mark.rule("R3830-4.1.2-5")
def test_keys_that_the_prf_would_cancel_are_refused() -> None:
    half = bytes(range(32))
    for key in (half * 2, half * 2 + b"\1", half + bytes(32) + half):
        with pytest.raises(LocalError, match="cancels"):
            Psk(Secret(key), ALICE, BOB)
        refused(bob(), offer(keys=[e.key_data(key)]), ErrorNumber.UNSPECIFIED, DecodeError)
    accepted(bob(), offer(keys=[e.key_data(half + half[:-1])]))
    # A TEK goes through no PRF; here it just has the wrong length.
    refused(bob(), offer(keys=[e.key_data(half * 2, 3, salt=bytes(14))]), ErrorNumber.INVALID_SPPAR)


@pytest.mark.parametrize(
    "keys",
    [
        [e.key_data(TGK), e.key_data(TGK[::-1])],
        [e.key_data(TGK, spi=b"\1"), e.key_data(TGK[::-1])],
        [e.key_data(TGK, spi=b"\1"), e.key_data(TGK[::-1], spi=b"\1")],
        [e.key_data(TGK, spi=b"\1"), e.key_data(TGK[::-1], spi=b"\1\2")],
        [e.key_data(b"")],
        [e.key_data(TGK, 6)],
        [e.key_data(TGK, interval=(b"\1" * 6, bytes(6)))],
        [e.key_data(TGK, interval=(b"\1" * 5, b"\2" * 6))],
    ],
)
def test_keys_that_nobody_can_tell_apart_or_use_are_refused(keys: list[e.Payload]) -> None:
    """R3830-A.1-1, R3830-6.14-4."""
    refused(bob(), offer(keys=keys), ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.rule("R3830-9.5-2")
def test_a_message_for_somebody_else_costs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    responder = bob()
    monkeypatch.setattr("mikey.session.verifiers.MessageKeys", None)
    strange = offer(idr=b"sip:carol@example.com")
    refused(responder, strange, ErrorNumber.INVALID_ID, PolicyError)


@pytest.mark.rule("R3830-5.3-5")
def test_strangers_leave_nothing_behind() -> None:
    responder = bob(errors_per_second=0)
    for number in range(50):
        strange = offer(csb_id=number, psk=bytes(range(1, 17)))
        refused(responder, strange, ErrorNumber.AUTH_FAILURE)
        offered_only = offer(csb_id=1000 + number)
        responder.receive(offered_only, context=CONTEXT)
    assert not responder._bundles  # only accept makes state


def test_a_responder_keeps_what_was_accepted_until_it_is_closed() -> None:
    responder = bob()
    bundles = [accepted(responder, offer(csb_id=n))[1] for n in range(10)]
    assert len(responder._bundles) == 10
    for bundle in bundles:
        responder.close(bundle)
        responder.close(bundle)
    assert not responder._bundles


def test_an_initiator_keeps_nothing_of_what_is_over() -> None:
    a, responder = alice(), bob()
    for number in count():
        first = a.start(STREAMS, context=CONTEXT, respond=number % 2 == 0)
        answer, _ = accepted(responder, first)
        if answer is None:
            a.close(a.early_bundle(first))
        else:
            bundle = a.receive(answer, context=CONTEXT)
            assert not a._open
            a.close(bundle)  # type: ignore[arg-type]
        if number == 5:
            break
    a.cancel(a.start(STREAMS))
    first = a.start(STREAMS, context=CONTEXT)
    no = offered(responder, first).reject(ErrorNumber.INVALID_SP)
    assert no is not None
    with pytest.raises(ReportedError):
        a.receive(no)
    assert not a._open
    assert not a._generations


def test_what_an_initiator_refuses_to_be() -> None:
    for wrong in (
        lambda: Initiator(Psk(Secret(PSK), ALICE, "*")),
        lambda: Initiator(Psk(Secret(PSK), "*", BOB)),
        lambda: alice(policies=()),
        lambda: alice(mki_length=256),
        lambda: alice(encr=EncrAlg(99)),
        lambda: alice(mac=MacAlg(99)),
        lambda: alice(prf=PrfFunc(99)),
        lambda: alice(key_type=KeyType.TEK),
        lambda: Psk(Secret(bytes(15)), ALICE, BOB),
        lambda: Psk(Secret(PSK), "", BOB),
        lambda: Psk(Secret(PSK), ALICE, "x" * 65536),
        lambda: alice().start(STREAMS, keys=[]),
    ):
        with pytest.raises(LocalError):
            wrong()


def test_a_secure_context_does_not_lower_anything_else() -> None:
    secure = replace(CONTEXT, secure=True)
    refused(bob(), offer(psk=bytes(range(1, 17))), ErrorNumber.AUTH_FAILURE, context=secure)
    refused(bob(), offer(ts=(0, bytes(8))), ErrorNumber.INVALID_TS, context=secure)


@pytest.mark.rule("R3830-6.2-13")
def test_nulls_are_refused_in_an_answer_to_a_request_that_had_a_mac() -> None:
    a = alice(policy=Policy(allow_null=True))
    first = a.start(STREAMS, context=CONTEXT)
    craft = answer_to(first)
    naked = craft.response([e.t(*craft.ts), e.ident(IDR)], alg=0)
    with pytest.raises(UnsupportedError, match="weakly"):
        a.receive(naked, context=replace(CONTEXT, secure=True))


def test_a_message_is_not_its_own_answer() -> None:
    """R3830-3.1-8: the data type is under the MAC."""
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    with pytest.raises(DecodeError, match="is no PSK-RESP"):
        a.receive(first, context=CONTEXT)
    both = bob(credentials=[Psk(Secret(PSK), ALICE, BOB)])
    refused(both, first, ErrorNumber.INVALID_ID, PolicyError)
