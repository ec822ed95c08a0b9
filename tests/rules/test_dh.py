"""The signed Diffie-Hellman method (RFC 3830 3.3), octets against the naive implementation's."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

import pytest

from mikey.credentials import Certified, Trust
from mikey.crypto import dh
from mikey.errors import (
    AuthenticationError,
    DecodeError,
    LibraryError,
    PeerError,
    PolicyError,
    UnsupportedError,
)
from mikey.methods import dhsign
from mikey.methods._common.exchange import Random
from mikey.registry import DataType, DhGroup, ErrorNumber, KeyType
from mikey.wire import Dh, Hdr, KvInterval, KvNull, KvSpi, Message, Validity
from tests.naive import dh as naive_dh
from tests.naive import dhsign as naive
from tests.naive import encode as e
from tests.naive import exchange, pki
from tests.naive.decode import CERT, DH, ID, RAND, SIGN, SP, Fields, decode, one
from tests.naive.parties import ALICE as ALICE_SIGNER
from tests.naive.parties import (
    ALICE_PUBLIC,
    BOB_PUBLIC,
    LATER,
    TERMS,
    YOURS,
    types,
)
from tests.naive.parties import BOB as BOB_SIGNER
from tests.naive.vectors import CSB_ID, IDI, IDR, RAND_VALUE, TS
from tests.rules.method_parties import (
    ALICE,
    AROUND,
    BOB,
    BOB_ID,
    MALLORY,
    MALLORY_ID,
    XI,
    XR,
    certified,
    draft,
    names,
    no_change_is_taken,
    received,
    refused,
    reply,
    tgks,
)

GROUPS = list(DhGroup.__members__.values())
SPI = KvSpi(b"\1\2\3\4")
INTERVAL = KvInterval(bytes(6), b"\xff" * 6)


def drawing(exponent: int) -> Random:
    """Return a random source that gives this exponent."""
    return lambda length: exponent.to_bytes(length)


def opening(
    *,
    group: DhGroup | None = DhGroup.OAKLEY_5,
    validity: Validity | None = None,
    exponent: int = XI,
    credential: Certified | None = None,
    update: bool = False,
    **says: Any,
) -> dhsign.Opening:
    """Return Alice's I_MESSAGE; `group` None leaves the TGK."""
    half = None
    if group is not None:
        half = dhsign.make_half(group, validity or KvNull(), drawing(exponent))
    wanted = draft(DataType.DH_INIT, update=update, **says)
    return dhsign.build_request(wanted, credential or certified(), half, rand=RAND_VALUE)


def verified(
    octets: bytes,
    credential: Certified | None = None,
    *,
    signalled: str | None = None,
    groups: list[DhGroup] | None = None,
) -> dhsign.VerifiedRequest:
    """Let Bob verify an I_MESSAGE; nothing is exponentiated."""
    message = Message.parse(octets)
    dhsign.check_request(message, groups=groups or GROUPS)
    initiator, _ = names(message, signalled=signalled)
    return dhsign.verify_request(
        message, credential or certified(BOB, ALICE), AROUND, initiator=initiator
    )


def answered(octets: bytes, exponent: int = XR, **changes: Any) -> tuple[bytes, list[bytes]]:
    """Return Bob's R_MESSAGE and his TGK."""
    request = verified(octets, signalled=ALICE)
    keys = request.keys(drawing(exponent))
    return request.respond(reply(DataType.DH_RESP, **changes)), tgks(keys)


def naive_answer(first: bytes, **options: Any) -> tuple[bytes, Fields | None]:
    options.setdefault("idr", IDR)
    return naive.answer(first, ALICE_PUBLIC, BOB_SIGNER, {2: YOURS}, XR, **options)


def crafted(first: dhsign.Opening, *payloads: e.Payload, signer: Any = BOB_SIGNER) -> bytes:
    """Return a signed response of any shape."""
    out = exchange.reply(5, first.octets, [*payloads, exchange.sign_head(signer)], {2: YOURS})
    return exchange.signed(out, signer)


def certs() -> list[e.Payload]:
    return [exchange.certificate(cert) for cert in BOB_SIGNER.certs]


def value(exponent: int, group: int = 0, validity: naive_dh.Validity | None = None) -> e.Payload:
    public = naive_dh.public(group, exponent)
    return naive_dh.payload(group, public, validity or naive_dh.Validity())


@pytest.mark.rule("R3830-3.3-1", "R3830-3.3-2")
def test_the_messages_are_those_of_the_figure() -> None:
    first = opening()
    assert types(first.octets)[1:] == [5, RAND, ID, CERT, CERT, ID, SP, 21, DH, SIGN]
    told, _ = answered(first.octets)
    assert types(told)[1:] == [5, ID, CERT, CERT, ID, DH, DH, SIGN]
    hdr = decode(told)[0].fields
    assert (hdr["data_type"], hdr["csb_id"], hdr["v"]) == (5, CSB_ID, False)


@pytest.mark.rule("R3830-3.3-2")
def test_the_initiator_is_named_even_if_it_was_not() -> None:
    first = opening(idi=None)
    assert exchange.names(first.octets) == (None, IDR)
    told, ours = answered(first.octets)
    assert exchange.names(told) == (IDI, IDR)
    assert tgks(received(first, told).keys) == ours
    unnamed = crafted(first, e.ident(IDR), *certs(), value(XR), value(XI))
    # The lone name is IDi, and that is not Alice's.
    refused(partial(received, first, unnamed), None, DecodeError)
    nobody = crafted(first, *certs(), value(XR), value(XI))
    refused(partial(received, first, nobody), None, DecodeError)


@pytest.mark.rule("R3830-3.3-4")
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("validity", [KvNull(), SPI, INTERVAL])
def test_both_ends_make_the_tgk_of_the_other_implementation(
    group: DhGroup, validity: Validity
) -> None:
    first = opening(group=group, validity=validity)
    told, ours = answered(first.octets)
    theirs = naive.finish(first.octets, told, BOB_PUBLIC, XI, idi=IDI)
    assert theirs is not None
    assert ours == [theirs["key"]]
    done = received(first, told)
    (key,) = done.keys
    assert (key.key.expose(), key.validity) == (ours[0], validity)
    assert (key.key_type, key.salt) == (KeyType.TGK, None)
    assert (done.idr, done.rand, done.csb_id) == (BOB_ID, RAND_VALUE, CSB_ID)
    assert (done.policies, done.message_key) == ((), None)
    answer, made = naive_answer(first.octets)
    assert made is not None
    assert tgks(received(first, answer).keys) == [made["key"]] == ours


@pytest.mark.rule("R3830-3.3-5")
@pytest.mark.parametrize(("name", "pss"), [("sha1", False), ("sha256", True)])
def test_signatures_cover_their_own_message_alone(name: str, pss: bool) -> None:
    first = opening(credential=certified(sign_hash=name, pss=pss))
    assert exchange.check_signature(first.octets, ALICE_PUBLIC) == name
    told, ours = answered(first.octets)
    assert exchange.check_signature(told, BOB_PUBLIC) == "sha1"
    # What covers more, as in RSA-R, is refused.
    shape = told[: one(decode(told), SIGN).offset + 2]
    longer = exchange.signed(shape, BOB_SIGNER, appended=IDI + IDR + TS)
    refused(partial(received, first, longer), ErrorNumber.AUTH_FAILURE, AuthenticationError)
    assert tgks(received(first, told).keys) == ours


@pytest.mark.rule("R3830-6.1-10")
def test_the_v_flag_means_nothing() -> None:
    header = Message.parse(opening().octets).header
    first = opening(header=Hdr(header.data_type, header.csb_id, header.cs_map, v=False))
    told, ours = answered(first.octets)
    assert tgks(received(first, told).keys) == ours


def leading_zero(group: DhGroup) -> int:
    """Return an exponent whose public value begins with a zero octet."""
    for exponent in range(1 << 255, (1 << 255) + 4096):
        if dh.make_keypair(group, drawing(exponent))[1][0] == 0:
            return exponent
    raise AssertionError("one of 256 values begins with zero")


@pytest.mark.rule("R3830-6.4-5", "R3830-4.1.3-6")
def test_values_and_tgk_are_padded_to_the_group() -> None:
    exponent = leading_zero(DhGroup.OAKLEY_1)
    first = opening(group=DhGroup.OAKLEY_1, exponent=exponent)
    sent = Message.parse(first.octets).one(Dh).value
    assert (len(sent), sent[0]) == (96, 0)
    assert sent == naive_dh.public(1, exponent)
    told, ours = answered(first.octets)
    theirs = naive.finish(first.octets, told, BOB_PUBLIC, exponent, idi=IDI)
    assert theirs is not None
    assert [theirs["key"]] == ours
    for xr in range(1 << 254, (1 << 254) + 4096):
        shared = pow(int.from_bytes(sent), xr, naive_dh.modulus(1))
        if shared < 1 << 760:
            break
    told, ours = answered(first.octets, xr)
    assert (len(ours[0]), ours[0][0]) == (96, 0)
    assert tgks(received(first, told).keys) == ours == [shared.to_bytes(96)]


@pytest.mark.rule("R3830-6.4-6")
def test_reserved_bits_are_sent_as_zero_and_ignored() -> None:
    first = opening()
    assert one(decode(first.octets), DH).fields["reserved"] == 0
    group, body = value(XR)
    payload = group, body[:193] + bytes([body[193] | 0xA0]) + body[194:]
    told = crafted(first, e.ident(IDR), *certs(), e.ident(IDI), payload, value(XI))
    assert len(tgks(received(first, told).keys)) == 1


@pytest.mark.rule("R3830-6.4-9", "R3830-3.3-6")
@pytest.mark.parametrize("case", range(9))
def test_responses_that_do_not_fit_are_refused(case: int) -> None:
    first = opening()
    head = [e.ident(IDR), *certs(), e.ident(IDI)]
    spi = naive_dh.spi(b"\1")
    payloads = [
        [value(XR), value(XR)],  # no echo
        [value(XI), value(XR)],  # wrong order
        [value(XR)],
        [value(XI)],
        [],
        [value(XR, 2), value(XI)],  # another group
        [value(XR), value(XI, 2)],
        [value(XR, validity=spi), value(XI)],  # another key validity
        [value(XI), value(XI)],  # our own value as theirs
    ][case]
    error = refused(partial(received, first, crafted(first, *head, *payloads)), None)
    assert isinstance(error, DecodeError)


@pytest.mark.parametrize("number", [0, 1, -1, 0x100])
def test_values_out_of_range_are_refused(number: int) -> None:
    modulus = naive_dh.modulus(0)
    public = (modulus + number if number in (-1, 0x100) else number).to_bytes(192)
    first = opening()
    head = [e.ident(IDR), *certs(), e.ident(IDI)]
    told = crafted(first, *head, naive_dh.payload(0, public), value(XI))
    refused(partial(received, first, told), ErrorNumber.UNSPECIFIED, DecodeError)
    payloads = [
        *exchange.front(TERMS, ALICE_SIGNER.certs), naive_dh.payload(0, public),
        exchange.sign_head(ALICE_SIGNER),
    ]  # fmt: skip
    octets = exchange.signed(exchange.build(4, payloads, TERMS), ALICE_SIGNER)
    refused(partial(verified, octets), ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.rule("R3830-3.3-6")
def test_responses_of_others_are_refused() -> None:
    first = opening()
    told, _ = answered(first.octets)
    # To another of Alice's messages: other T, other value.
    other = opening(exponent=XI + 2)
    refused(partial(received, other, told), None, DecodeError)
    later = opening(update=True)
    refused(partial(received, later, told), None, DecodeError)
    refused(partial(received, first, first.octets), None, DecodeError)
    # To another initiator.
    for_mallory, _ = naive.answer(first.octets, ALICE_PUBLIC, BOB_SIGNER, {2: YOURS}, XR, idr=IDR)
    assert received(first, for_mallory)
    head = [e.ident(IDR), *certs(), e.ident(MALLORY.encode())]
    refused(partial(received, first, crafted(first, *head, value(XR), value(XI))), None)
    # By somebody else with a good certificate, under Bob's name and under his own.
    mallory = pki.signer(MALLORY.encode())
    theirs = [exchange.certificate(cert) for cert in mallory.certs]
    values = [e.ident(IDI), value(XR), value(XI)]
    forged = crafted(first, e.ident(IDR), *theirs, *values, signer=mallory)
    refused(partial(received, first, forged), ErrorNumber.INVALID_CERT)
    forged = crafted(first, e.ident(IDR), *certs(), *values, signer=mallory)
    refused(partial(received, first, forged), ErrorNumber.AUTH_FAILURE, AuthenticationError)
    named = crafted(first, e.ident(MALLORY.encode()), *theirs, *values, signer=mallory)
    refused(partial(received, first, named), ErrorNumber.INVALID_ID, PolicyError)
    # An initiator that did not say whom it wants takes whom its credential allows.
    anyone = opening(credential=certified(peer="*"), idr=None)
    named = crafted(anyone, e.ident(MALLORY.encode()), *theirs, *values, signer=mallory)
    assert received(anyone, named).idr == MALLORY_ID


def test_a_signed_message_is_not_taken_over() -> None:
    """Mallory signs Alice's DHi himself: he becomes the peer, and never Alice."""
    mallory = pki.signer(MALLORY.encode())
    part = one(decode(opening().octets), DH)
    body = opening().octets[part.offset + 1 : part.offset + part.length]
    for name in (IDI, MALLORY.encode()):
        payloads = [
            *exchange.front(TERMS._replace(idi=name), mallory.certs), (DH, body),
            exchange.sign_head(mallory),
        ]  # fmt: skip
        octets = exchange.signed(exchange.build(4, payloads, TERMS), mallory)
        refused(partial(verified, octets), _number(name))
    request = verified(octets, certified(BOB, "*"))
    assert request.initiator == MALLORY_ID
    request.keys(drawing(XR))
    told = request.respond(reply(DataType.DH_RESP))
    # His answer is of no use with Alice: it names him.
    refused(partial(received, opening(), told), None, DecodeError)


def _number(name: bytes) -> ErrorNumber:
    return ErrorNumber.INVALID_CERT if name == IDI else ErrorNumber.INVALID_ID


@pytest.mark.rule("R3830-3.3-4")
@pytest.mark.parametrize("group", [DhGroup.OAKLEY_1, DhGroup.OAKLEY_2])
def test_short_groups_need_a_word_of_the_policy(group: DhGroup) -> None:
    message = Message.parse(opening(group=group).octets)
    refused(partial(dhsign.check_request, message), ErrorNumber.INVALID_DH, UnsupportedError)
    dhsign.check_request(message, groups=[group])
    dhsign.check_request(Message.parse(opening().octets))


@pytest.mark.rule("R3830-3.3-3")
def test_exponents_are_fresh_and_long() -> None:
    drawn: list[bytes] = []

    def random(length: int) -> bytes:
        drawn.append(secrets.token_bytes(length))
        return drawn[-1]

    request = verified(opening().octets)
    keys = request.keys(random)
    assert request.keys(random) is keys
    assert [len(octets) for octets in drawn] == [32]
    # When the TGK is made, what is left of the exponent is the public value.
    assert drawn[0] not in _held(request)
    half = dhsign.make_half(DhGroup.OAKLEY_5, KvNull(), random)
    again = dhsign.make_half(DhGroup.OAKLEY_5, KvNull(), random)
    assert half.exponent != again.exponent
    assert half.payload.value != again.payload.value
    assert drawn[1].hex() not in f"{half!r}{opening()!r}{request!r}"


def _held(request: dhsign.VerifiedRequest) -> list[bytes]:
    """Return the octets of every secret that hangs on a request."""
    answer = request._answer
    assert answer is not None
    return [key.key.expose() for key in answer.keys] + [dhr.value for dhr in answer.payloads]


@pytest.mark.rule("R3830-3.3-9")
def test_the_response_states_no_policy() -> None:
    """The policy is the Initiator's: an SP in the answer is not taken up."""
    first = opening()
    head = [e.ident(IDR), *certs(), e.ident(IDI), e.sp(e.AES_CM_128_HMAC_SHA1_80, 0)]
    told = crafted(first, *head, value(XR), value(XI))
    assert received(first, told).policies == ()
    assert SP not in types(answered(first.octets)[0])


@pytest.mark.rule("R3830-4.5-8")
def test_an_update_has_dh_values_in_both_messages_or_in_none() -> None:
    new = opening(update=True, exponent=XI + 1)
    assert RAND not in types(new.octets)
    told, ours = answered(new.octets)
    done = received(new, told)
    assert (tgks(done.keys), done.rand) == (ours, RAND_VALUE)
    theirs = naive.finish(new.octets, told, BOB_PUBLIC, XI + 1, idi=IDI)
    assert theirs is not None
    assert [theirs["key"]] == ours
    same = opening(update=True, group=None)
    assert DH not in types(same.octets)
    told, ours = answered(same.octets)
    assert ours == []
    assert DH not in types(told)
    assert received(same, told).keys == ()
    assert naive.finish(same.octets, told, BOB_PUBLIC, idi=IDI) is None
    # One side alone.
    head = [e.ident(IDR), *certs(), e.ident(IDI)]
    refused(partial(received, new, crafted(new, *head)), None, DecodeError)
    more = crafted(same, *head, value(XR), value(XI))
    refused(partial(received, same, more), None, DecodeError)
    octets = naive.offer(LATER, ALICE_SIGNER, group=None)
    assert verified(octets).keys(drawing(XR)) == ()


def test_a_first_message_has_a_dh_value() -> None:
    octets = naive.offer(TERMS, ALICE_SIGNER, group=None)
    refused(partial(verified, octets), ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.parametrize(
    "stranger", [(9, b"\0"), (1, b"\0\0\0\0"), (2, b"\0\1\1"), (RAND, b"\x10" + bytes(16))]
)
def test_strangers_are_refused(stranger: e.Payload) -> None:
    first = opening()
    values = [*certs(), e.ident(IDI), value(XR), value(XI)]
    if stranger[0] != 9:  # nothing stands behind V
        told = crafted(first, stranger, *values)
        refused(partial(received, first, told), ErrorNumber.UNSPECIFIED, DecodeError)
    if stranger[0] != RAND:
        payloads = [
            *exchange.front(TERMS, ALICE_SIGNER.certs), value(XI), stranger,
            exchange.sign_head(ALICE_SIGNER),
        ]  # fmt: skip
        octets = exchange.signed(exchange.build(4, payloads, TERMS), ALICE_SIGNER)
        refused(partial(verified, octets), ErrorNumber.UNSPECIFIED, DecodeError)


def test_any_change_of_a_request_is_refused() -> None:
    first = opening(group=DhGroup.OAKLEY_1, certs=certified().cert_payloads()[:1])
    trust = Trust([pki.root().der], intermediates=[pki.middle().der])
    credential = certified(BOB, ALICE, trust=trust)
    no_change_is_taken(first.octets, lambda octets: verified(octets, credential))


def test_any_change_of_a_response_is_refused() -> None:
    first = opening(group=DhGroup.OAKLEY_1)
    told, _ = answered(first.octets)
    no_change_is_taken(told, lambda octets: received(first, octets))


def test_nothing_is_exponentiated_before_the_signature_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = opening()
    told, _ = answered(first.octets)

    def never(*arguments: object) -> None:
        raise AssertionError("an exponentiation")

    monkeypatch.setattr(dh, "shared", never)
    for at in range(0, len(told), 11):
        wrong = told[:at] + bytes([told[at] ^ 1]) + told[at + 1 :]
        with pytest.raises(PeerError):
            received(first, wrong)
    with pytest.raises(AssertionError):
        received(first, told)


@pytest.mark.rule("R3830-5.1.2-6")
def test_errors_are_signed_over_themselves_alone() -> None:
    first = opening(credential=certified(peer_certificate=pki.certificate(IDR), trust=known()))
    request = verified(first.octets)
    numbers = (ErrorNumber.INVALID_SPPAR, ErrorNumber.INVALID_SP)
    policies = request.message.payloads[6:7]
    told = request.error(numbers, policies)  # type: ignore[arg-type]
    assert types(told) == [*types(told)[:1], 5, 12, 12, SP, SIGN]
    assert exchange.check_error(first.octets, told, public=BOB_PUBLIC) == [10, 9]
    error = first.read_error(Message.parse(told), AROUND)
    assert (error.numbers, error.authenticated, error.offered) == (numbers, True, policies)
    theirs = exchange.error(first.octets, [6], signer=BOB_SIGNER)
    assert first.read_error(Message.parse(theirs), AROUND).authenticated
    # Whoever does not know the certificate, which has no place in it, takes it as a hint.
    stranger = opening()
    assert not stranger.read_error(Message.parse(told), AROUND).authenticated
    bare = exchange.error(first.octets, [6])
    assert not first.read_error(Message.parse(bare), AROUND).authenticated
    no_change_is_taken(told, lambda octets: first.read_error(Message.parse(octets), AROUND))
    longer = exchange.signed(
        told[: one(decode(told), SIGN).offset + 2], BOB_SIGNER, appended=IDI + IDR + TS
    )
    refused(
        lambda: first.read_error(Message.parse(longer), AROUND),
        ErrorNumber.AUTH_FAILURE,
        AuthenticationError,
    )


def known() -> Trust:
    return Trust([pki.root().der], intermediates=[pki.middle().der])


def test_a_response_is_made_of_a_half() -> None:
    request = verified(opening().octets)
    with pytest.raises(LibraryError):
        request.respond(reply(DataType.DH_RESP))
