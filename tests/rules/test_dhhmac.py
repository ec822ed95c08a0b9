"""Diffie-Hellman under a pre-shared key (RFC 4650), octets against the naive implementation's."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

import pytest

from mikey.crypto import dh
from mikey.errors import (
    AuthenticationError,
    DecodeError,
    LibraryError,
    PeerError,
    PolicyError,
    UnsupportedError,
)
from mikey.methods import dhhmac
from mikey.methods._common.dh_values import Half, make_half
from mikey.policy import Compat
from mikey.registry import DataType, DhGroup, ErrorNumber, KeyType
from mikey.wire import Hdr, KvNull, KvSpi, Message, Validity
from tests.naive import crypto, exchange
from tests.naive import dh as naive_dh
from tests.naive import dhhmac as naive
from tests.naive import encode as e
from tests.naive.decode import DH, ERR, ID, KEMAC, RAND, SP, Fields, decode, one
from tests.naive.parties import LATER, TERMS, YOURS, types
from tests.naive.vectors import CSB_ID, IDI, IDR, PSK, RAND_VALUE
from tests.rules.method_parties import (
    ALICE_ID,
    AROUND,
    BOB_ID,
    MALLORY,
    MALLORY_ID,
    XI,
    XR,
    draft,
    no_change_is_taken,
    psk_keys,
    received,
    refused,
    reply,
    tgks,
)

GROUPS = list(DhGroup.__members__.values())


def half(group: DhGroup | None, validity: Validity | None, exponent: int) -> Half | None:
    if group is None:
        return None
    return make_half(group, validity or KvNull(), lambda length: exponent.to_bytes(length))


def opening(
    *,
    group: DhGroup | None = DhGroup.OAKLEY_5,
    validity: Validity | None = None,
    exponent: int = XI,
    update: bool = False,
    psk: bytes = PSK,
    compat: Compat | None = None,
    **says: Any,
) -> dhhmac.Opening:
    """Return Alice's I_MESSAGE; `group` None leaves the TGK."""
    return dhhmac.build_request(
        draft(DataType.DHHMAC_INIT, update=update, certs=(), **says),
        psk_keys(key=psk),
        half(group, validity, exponent),
        idi=ALICE_ID,
        rand=RAND_VALUE,
        compat=compat or Compat(),
    )


def verified(octets: bytes, psk: bytes = PSK) -> dhhmac.VerifiedRequest:
    """Let Bob verify an I_MESSAGE; nothing is exponentiated."""
    message = Message.parse(octets)
    dhhmac.check_request(message, groups=GROUPS)
    return dhhmac.verify_request(message, psk_keys(key=psk))


def answered(octets: bytes, exponent: int = XR, **changes: Any) -> tuple[bytes, list[bytes]]:
    """Return Bob's R_MESSAGE and his TGK."""
    request = verified(octets)
    keys = request.keys(lambda length: exponent.to_bytes(length))
    told = request.respond(reply(DataType.DHHMAC_RESP, **({"certs": ()} | changes)), ALICE_ID)
    return told, tgks(keys)


def naive_answer(first: bytes, **options: Any) -> tuple[bytes, Fields | None]:
    options.setdefault("idr", IDR)
    return naive.answer(first, PSK, {2: YOURS}, XR, **options)


def mac(octets: bytes, psk: bytes = PSK) -> bytes:
    """Return a message with the MAC that it needs."""
    _, auth_key, _ = crypto.message_keys(psk, CSB_ID, RAND_VALUE)
    return octets + crypto.mac(1, auth_key, octets)


def crafted(first: dhhmac.Opening, *payloads: e.Payload, kemac: bytes = b"\0\0\0\1") -> bytes:
    """Return a response of any shape, with a right MAC."""
    return mac(exchange.reply(8, first.octets, [*payloads, (KEMAC, kemac)], {2: YOURS}))


def requested(*payloads: e.Payload, kemac: bytes = b"\0\0\0\1") -> bytes:
    """Return a request of any shape, with a right MAC."""
    return mac(exchange.build(7, [*payloads, (KEMAC, kemac)], TERMS))


def value(exponent: int, group: int = 0) -> e.Payload:
    return naive_dh.payload(group, naive_dh.public(group, exponent))


@pytest.mark.rule("R4650-3-1", "R4650-3-2", "R4650-4.2-1", "R4650-4.2-2")
def test_the_messages_are_those_of_the_figure() -> None:
    first = opening()
    assert types(first.octets)[1:] == [5, RAND, ID, ID, SP, 21, DH, KEMAC]
    told, _ = answered(first.octets)
    assert types(told)[1:] == [5, ID, ID, DH, DH, KEMAC]
    for octets in (first.octets, told):
        part = one(decode(octets), KEMAC)
        # Next payload 0, the registered numbers of NULL and HMAC-SHA-1, no data, at the end.
        assert octets[part.offset : part.offset + 5] == b"\0\0\0\0\1"
        assert part.offset + part.length == len(octets)
    assert (decode(told)[0].fields["data_type"], decode(told)[0].fields["v"]) == (8, False)


@pytest.mark.rule("R4650-3-3", "R4650-1.1-1", "R4650-4.2-3", "R4650-3-4")
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("validity", [KvNull(), KvSpi(b"\7\7")])
def test_both_ends_make_the_tgk_of_the_other_implementation(
    group: DhGroup, validity: Validity
) -> None:
    first = opening(group=group, validity=validity)
    told, ours = answered(first.octets)
    theirs = naive.finish(first.octets, told, PSK, XI, idi=IDI)
    assert theirs is not None
    assert ours == [theirs["key"]]
    done = received(first, told)
    (key,) = done.keys
    assert (key.key.expose(), key.validity) == (ours[0], validity)
    assert (key.key_type, key.salt) == (KeyType.TGK, None)
    assert (done.idr, done.rand, done.csb_id) == (BOB_ID, RAND_VALUE, CSB_ID)
    answer, made = naive_answer(first.octets)
    assert made is not None
    assert tgks(received(first, answer).keys) == [made["key"]] == ours


@pytest.mark.rule("R4650-4.2-2")
def test_the_numbers_that_the_rfc_prints_are_taken_and_never_sent() -> None:
    theirs = naive.offer(TERMS, PSK, XI, literal=True)
    assert theirs[-25:-20] == b"\0\2\0\0\0"
    told, ours = answered(theirs)
    assert one(decode(told), KEMAC).fields["mac_alg"] == 1
    made = naive.finish(theirs, told, PSK, XI, idi=IDI)
    assert made is not None
    assert ours == [made["key"]]
    first = opening()
    literal, key = naive_answer(first.octets, literal=True)
    assert key is not None
    assert tgks(received(first, literal).keys) == [key["key"]]
    # Their MAC counts like the other.
    no_change_is_taken(literal[-30:], lambda end: received(first, literal[:-30] + end))


@pytest.mark.rule("R4650-4.2-1", "R4650-4.2-2")
@pytest.mark.parametrize(
    ("kemac", "mac_octets", "number"),
    [
        (b"\0\0\0\0", 0, ErrorNumber.INVALID_MAC),  # no MAC, whatever the numbers are
        (b"\2\0\0\0", 0, ErrorNumber.INVALID_EA),
        (b"\2\0\0\1", 20, ErrorNumber.INVALID_EA),  # a key wrap
        (b"\1\0\0\1", 20, ErrorNumber.INVALID_EA),
        (b"\0\0\0\0", 20, ErrorNumber.INVALID_MAC),
        (b"\0\0\0\2", 32, ErrorNumber.INVALID_MAC),
        (b"\2\0\0\0", 19, ErrorNumber.UNSPECIFIED),
        (b"\2\0\0\0", 21, ErrorNumber.UNSPECIFIED),
        (b"\0\0\1k\1", 20, ErrorNumber.UNSPECIFIED),
    ],
)
def test_a_message_ends_in_its_one_mac(kemac: bytes, mac_octets: int, number: ErrorNumber) -> None:
    payloads = [*exchange.front(TERMS), value(XI), (KEMAC, kemac)]
    right = mac(exchange.build(7, payloads, TERMS))
    octets = right[:-20] + right[-20:].ljust(mac_octets, b"\0")[:mac_octets]
    refused(partial(verified, octets), number)


@pytest.mark.rule("R4650-4.1-1", "R4650-4.3-1")
@pytest.mark.parametrize(
    "stranger",
    [
        (2, b"\0\1\1"),
        (7, b"\0\0\1\1"),
        (8, b"\0" + bytes(20)),
        (14, b"\1\1\0\1a"),
    ],
)
def test_other_payloads_have_no_place(stranger: e.Payload) -> None:
    octets = requested(*exchange.front(TERMS), stranger, value(XI))
    refused(partial(verified, octets), ErrorNumber.UNSPECIFIED, DecodeError)
    first = opening()
    told = crafted(first, e.ident(IDR), e.ident(IDI), stranger, value(XR), value(XI))
    refused(partial(received, first, told), ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.rule("R4650-3-1")
def test_the_responder_is_always_named() -> None:
    octets = requested(*exchange.front(TERMS._replace(idi=None, idr=None)), value(XI))
    refused(partial(verified, octets), ErrorNumber.UNSPECIFIED, DecodeError)
    with pytest.raises(LibraryError):
        opening(idr=None)
    lone = opening(idi=None)
    assert dhhmac.request_ids(Message.parse(lone.octets)) == (None, BOB_ID)
    assert dhhmac.request_ids(Message.parse(opening().octets)) == (ALICE_ID, BOB_ID)
    # And the initiator in the response.
    told, ours = answered(lone.octets)
    assert exchange.names(told) == (IDI, IDR)
    assert tgks(received(lone, told).keys) == ours
    unnamed, _ = answered(lone.octets, idr=None)
    assert exchange.names(unnamed) == (IDI, None)
    assert received(lone, unnamed).idr == BOB_ID


@pytest.mark.rule("R3830-6.1-10")
def test_the_v_flag_means_nothing() -> None:
    header = Message.parse(opening().octets).header
    first = opening(header=Hdr(header.data_type, header.csb_id, header.cs_map, v=False))
    told, ours = answered(first.octets)
    assert tgks(received(first, told).keys) == ours


@pytest.mark.rule("R4650-3-5")
@pytest.mark.parametrize("case", range(8))
def test_responses_that_do_not_fit_are_refused(case: int) -> None:
    first = opening()
    names = [e.ident(IDR), e.ident(IDI)]
    payloads = [
        [*names, value(XR), value(XR)],
        [*names, value(XI), value(XR)],
        [*names, value(XR)],
        [*names],
        [*names, value(XR, 2), value(XI)],
        [*names, value(XI), value(XI)],
        [e.ident(IDR), e.ident(MALLORY.encode()), value(XR), value(XI)],
        [value(XR), value(XI)],
    ][case]
    refused(partial(received, first, crafted(first, *payloads)), None, DecodeError)


@pytest.mark.rule("R4650-3-5")
def test_responses_of_others_are_refused() -> None:
    first = opening()
    told, _ = answered(first.octets)
    refused(partial(received, opening(exponent=XI + 2), told), None, DecodeError)
    refused(partial(received, opening(update=True), told), None, DecodeError)
    refused(partial(received, first, first.octets), None, DecodeError)
    named = crafted(first, e.ident(MALLORY.encode()), e.ident(IDI), value(XR), value(XI))
    refused(partial(received, first, named), ErrorNumber.INVALID_ID, PolicyError)
    other = opening(psk=PSK[::-1])
    refused(partial(verified, other.octets), ErrorNumber.AUTH_FAILURE, AuthenticationError)
    wrong = told[:-1] + bytes([told[-1] ^ 1])
    refused(partial(received, first, wrong), ErrorNumber.AUTH_FAILURE, AuthenticationError)
    assert received(first, told)


def test_a_peer_that_sends_a_timestamp_of_its_own() -> None:
    first = opening(compat=Compat(fresh_response_timestamp=True))
    told, _ = answered(first.octets)
    stamp = one(decode(told), 5)
    other = told[: stamp.offset + 2] + bytes(8) + told[stamp.offset + 10 :]
    assert received(first, mac(other[:-20]))
    refused(partial(received, opening(), mac(other[:-20])), None, DecodeError)


@pytest.mark.rule("R4650-3.1-1")
def test_an_update_has_dh_values_in_both_messages_or_in_none() -> None:
    new = opening(update=True, exponent=XI + 1)
    assert RAND not in types(new.octets)
    told, ours = answered(new.octets)
    assert tgks(received(new, told).keys) == ours
    theirs = naive.finish(new.octets, told, PSK, XI + 1, idi=IDI, rand=RAND_VALUE)
    assert theirs is not None
    assert [theirs["key"]] == ours
    same = opening(update=True, group=None)
    told, ours = answered(same.octets)
    assert (ours, DH in types(told), DH in types(same.octets)) == ([], False, False)
    assert received(same, told).keys == ()
    names = [e.ident(IDR), e.ident(IDI)]
    refused(partial(received, new, crafted(new, *names)), None, DecodeError)
    more = crafted(same, *names, value(XR), value(XI))
    refused(partial(received, same, more), None, DecodeError)
    octets = naive.offer(LATER, PSK, group=None)
    assert verified(octets).keys(secrets.token_bytes) == ()
    first = naive.offer(TERMS, PSK, group=None)
    refused(partial(verified, first), ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.rule("R4650-5.3-1", "R4650-5.1-1")
def test_exponents_are_fresh_and_forgotten() -> None:
    drawn: list[bytes] = []

    def random(length: int) -> bytes:
        drawn.append(secrets.token_bytes(length))
        return drawn[-1]

    request = verified(opening().octets)
    keys = request.keys(random)
    assert request.keys(random) is keys
    assert [len(octets) for octets in drawn] == [32]
    assert not hasattr(request, "__dict__")
    held = [getattr(request, name) for name in type(request).__slots__]
    assert not any(isinstance(each, Half) for each in held)
    text = f"{opening()!r}{request!r}{held!r}{keys!r}"
    auth_key = crypto.message_keys(PSK, CSB_ID, RAND_VALUE)[1]
    for secret in (drawn[0], PSK, auth_key, keys[0].key.expose()):
        assert secret.hex() not in text
        assert repr(secret)[2:-1] not in text


def test_short_groups_need_a_word_of_the_policy() -> None:
    for group in (DhGroup.OAKLEY_1, DhGroup.OAKLEY_2):
        message = Message.parse(opening(group=group).octets)
        refused(partial(dhhmac.check_request, message), ErrorNumber.INVALID_DH, UnsupportedError)


def test_any_change_of_a_request_is_refused() -> None:
    no_change_is_taken(opening().octets, verified)
    no_change_is_taken(naive.offer(TERMS, PSK, XI, literal=True), verified)


def test_any_change_of_a_response_is_refused() -> None:
    first = opening(group=DhGroup.OAKLEY_1)
    told, _ = answered(first.octets)
    no_change_is_taken(told, lambda octets: received(first, octets))


def test_nothing_is_exponentiated_before_the_mac_held(monkeypatch: pytest.MonkeyPatch) -> None:
    first = opening()
    told, _ = answered(first.octets)

    def never(*arguments: object) -> None:
        raise AssertionError("an exponentiation")

    monkeypatch.setattr(dh, "shared", never)
    for at in range(len(told)):
        wrong = told[:at] + bytes([told[at] ^ 1]) + told[at + 1 :]
        with pytest.raises(PeerError):
            received(first, wrong)
    with pytest.raises(AssertionError):
        received(first, told)


def test_errors_are_bare_unless_the_peer_takes_a_kemac() -> None:
    first = opening()
    request = verified(first.octets)
    numbers = (ErrorNumber.INVALID_SPPAR,)
    bare = request.error(numbers, request.message.payloads[4:5])  # type: ignore[arg-type]
    assert types(bare)[1:] == [5, ERR]
    error = first.read_error(Message.parse(bare), AROUND)
    assert (error.numbers, error.authenticated) == (numbers, False)
    told = request.error(numbers, authenticate=True)
    assert naive.check_error(first.octets, told, PSK) == [10]
    error = first.read_error(Message.parse(told), AROUND)
    assert (error.numbers, error.authenticated) == (numbers, True)
    theirs = naive.error(first.octets, [6], PSK)
    assert first.read_error(Message.parse(theirs), AROUND).authenticated
    no_change_is_taken(told, lambda octets: first.read_error(Message.parse(octets), AROUND))


def test_a_response_is_made_of_a_half() -> None:
    with pytest.raises(LibraryError):
        verified(opening().octets).respond(reply(DataType.DHHMAC_RESP), MALLORY_ID)
