"""Bad input one kind at a time, each with the number that is reported for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from mikey import (
    AuthenticationError,
    DecodeError,
    ErrorNumber,
    PeerError,
    PolicyError,
    Psk,
    Secret,
    UnsupportedError,
)  # fmt: skip
from mikey.wire import Message
from tests.fuzz.targets import Work
from tests.interop.samples import RFC_4567_ANSWER, RFC_4567_OFFER
from tests.naive import crypto
from tests.naive import encode as e
from tests.naive.decode import GENERAL_EXT, HDR, ID, KEMAC, RAND, SP, Part, decode
from tests.naive.vectors import ANSWER, CSB_ID, IDI, IDR, OFFER, PSK, TGK
from tests.rules.psk_parties import (
    BOB,
    CONTEXT,
    Craft,
    accepted,
    alice,
    answer_to,
    bob,
    offer,
    refused,
)

CRAFT = Craft()
T_, RAND_, IDI_, IDR_, SP_, EXT_ = CRAFT.payloads()
LONG = bytes(0xFFFF)


@pytest.mark.rule("R3830-6.1-3")
def test_a_message_cut_at_any_octet_is_malformed() -> None:
    responder = bob()
    for end in range(len(OFFER)):
        with pytest.raises(DecodeError) as caught:
            responder.receive(OFFER[:end], context=CONTEXT)
        assert caught.value.number == ErrorNumber.UNSPECIFIED
        assert caught.value.offset is not None
        assert caught.value.offset <= end
    for end in range(len(ANSWER)):
        with pytest.raises(DecodeError):
            Message.parse(ANSWER[:end])
    assert accepted(responder, OFFER)[0]


@pytest.mark.rule("R3830-6.1-3")
@pytest.mark.parametrize("count", [1, 2, 4, 1000])
@pytest.mark.parametrize("octet", [b"\0", b"\1", b"\xff"])
def test_octets_behind_the_end_are_malformed(octet: bytes, count: int) -> None:
    responder = bob()
    for first in (OFFER + octet * count, CRAFT.message() + octet * count):
        refused(responder, first, ErrorNumber.UNSPECIFIED, DecodeError)


def lengths(parts: list[Part]) -> Iterator[tuple[str, int, int]]:
    """Yield every length field of a first message: its name, where it is, its octets."""
    yield "#CS", 8, 1
    for part in parts:
        at = part.offset
        if part.type == RAND:
            yield "RAND len", at + 1, 1
        elif part.type == ID:
            yield "ID len", at + 2, 2
        elif part.type == SP:
            yield "Policy param length", at + 3, 2
            tlv = at + 5
            for number, value in part.fields["params"]:
                yield f"length of parameter {number}", tlv + 1, 1
                tlv += 2 + len(value)
        elif part.type == GENERAL_EXT:
            yield "extension length", at + 2, 2
        elif part.type == KEMAC:
            yield "Encr data len", at + 2, 2


@pytest.mark.rule("R3830-6.1-3", "R3830-5.3-4")
def test_every_length_field_is_checked() -> None:
    responder, tried = bob(), 0
    for _name, at, width in lengths(decode(OFFER)):
        right = int.from_bytes(OFFER[at : at + width])
        most = 256**width
        for wrong in {0, 1, right - 1, right + 1, right + 8, most // 2, most - 2, most - 1}:
            if wrong in (right, -1):
                continue
            tried += 1
            changed = OFFER[:at] + wrong.to_bytes(width) + OFFER[at + width :]
            with Work() as work, pytest.raises(PeerError):
                responder.receive(changed, context=CONTEXT)
            work.check(len(changed))
    assert tried > 100
    assert accepted(responder, OFFER)[0]


@pytest.mark.parametrize("part", decode(OFFER)[1:], ids=lambda part: str(part.type))
def test_a_payload_twice(part: Part) -> None:
    """R3830-6-4: at most two ID; SP and extensions have rules of their own; all else once."""
    usual = CRAFT.payloads()
    body = OFFER[part.offset + 1 : part.offset + part.length]
    again = [*usual, (part.type, body)]
    error = refused(bob(), CRAFT.message(again), None if part.type == HDR else _twice(part.type))
    assert str(error)


def _twice(kind: int) -> ErrorNumber:
    # Two policies of one number are error 10, all else is malformed.
    return ErrorNumber.INVALID_SPPAR if kind == SP else ErrorNumber.UNSPECIFIED


@pytest.mark.rule("R3830-6.13-1", "R3830-6.1-3")
def test_payloads_of_64_kib() -> None:
    """They are read, they are authentic, and they cost what they weigh."""
    name = b"sip:" + b"a" * (0xFFFF - 4)
    responder = bob(credentials=[Psk(Secret(PSK), BOB, "*")])
    for front in (
        [T_, RAND_, e.ident(name), IDR_, SP_, EXT_],
        [T_, RAND_, IDI_, IDR_, SP_, EXT_, e.general_ext(0, LONG)],
        [T_, RAND_, IDI_, IDR_, SP_, EXT_, *[e.general_ext(0, LONG)] * 10],
    ):
        message = CRAFT.message(front)
        with Work() as work:
            assert responder.receive(message, context=CONTEXT)
        work.check(1000)
        responder = bob(credentials=[Psk(Secret(PSK), BOB, "*")])
    too_long = CRAFT.message([T_, RAND_, IDI_, IDR_, SP_, EXT_, *[e.general_ext(0, LONG)] * 20])
    refused(responder, too_long, ErrorNumber.UNSPECIFIED, DecodeError)
    # 21 845 parameters of no value
    policy = e.sp([(n % 256, b"") for n in range(0xFFFF // 2)])
    refused(responder, CRAFT.message([T_, RAND_, IDI_, IDR_, policy, EXT_]), ErrorNumber(10))
    # Every octet of KEMAC that there can be, and one more.
    key = e.key_data(bytes(n % 251 for n in range(65530 - 24 - 8)), spi=b"\1")
    plaintext = e.chain([key])
    for size, fits in ((65536 - 25, True), (65536 - 24, False)):
        filled = replace(CRAFT, encr_alg=1).message(
            plaintext=plaintext + bytes(size - len(plaintext))
        )
        refused(bob(), filled, ErrorNumber.UNSPECIFIED, DecodeError)
        kemac_fits = "2^16" not in str(refused(bob(), filled, ErrorNumber.UNSPECIFIED))
        assert kemac_fits == fits


NESTED = {
    "length past the end": b"\0\0\0\xff" + TGK,
    "cut in the header": b"\0\0",
    "chain goes on": b"\x14" + e.chain([e.key_data(TGK)])[1:],
    "another payload in the chain": b"\5" + e.chain([e.key_data(TGK)])[1:],
    "octets behind": e.chain([e.key_data(TGK)]) + b"\0",
    "salt past the end": b"\0\x10\0\x10" + TGK + b"\0\xff\0",
    "no salt": b"\0\x10\0\x10" + TGK,
    "SPI past the end": b"\0\1\0\x10" + TGK + b"\xff\1",
    "interval past the end": b"\0\2\0\x10" + TGK + b"\6" + bytes(6) + b"\6\0",
    "KV of 3": b"\0\3\0\x10" + TGK,
    "type of 15": b"\0\xf0\0\x10" + TGK,
    "noise": bytes(range(40)),
}


# The zeros that fill a wrapped plaintext would make these two something else.
FILLED = {"octets behind", "no salt"}
CASES = [(kind, alg) for kind in NESTED for alg in (1, 2, 3) if alg != 2 or kind not in FILLED]


@pytest.mark.parametrize(("kind", "encr_alg"), CASES)
def test_key_data_that_is_none(kind: str, encr_alg: int) -> None:
    craft = replace(CRAFT, encr_alg=encr_alg)
    responder = bob()
    refused(responder, craft.message(plaintext=NESTED[kind]), ErrorNumber.UNSPECIFIED)
    accepted(responder, offer(csb_id=1))


def test_key_data_cut_at_any_octet() -> None:
    whole = e.chain(
        [e.key_data(TGK, 1, salt=bytes(14), spi=b"\1\2\3\4"), e.key_data(TGK, spi=b"\0\0\0\1")]
    )
    for end in range(len(whole)):
        refused(bob(), CRAFT.message(plaintext=whole[:end]), ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.parametrize("octets", [1, 8, 16, 23, 25, 24])
def test_a_key_wrap_that_does_not_open(octets: int) -> None:
    front = [*CRAFT.payloads(), e.kemac(2, bytes(octets), 1)]
    out = e.build(0, front, csb_id=CSB_ID, cs_map=CRAFT.cs_map, v=True)
    _, auth_key, _ = replace(CRAFT, encr_alg=2).keys()
    responder = bob()
    message = out + crypto.mac(1, auth_key, out)
    refused(responder, message, ErrorNumber.AUTH_FAILURE, AuthenticationError)


def test_a_parameter_of_no_octets() -> None:
    for number in range(22):
        policy = e.sp([(number, b"")])
        message = CRAFT.message([T_, RAND_, IDI_, IDR_, policy, EXT_])
        refused(bob(), message, ErrorNumber.INVALID_SPPAR, PolicyError)


def test_an_empty_kemac_begins_no_csb() -> None:
    for encr_alg in (0, 1, 2, 3):
        message = replace(CRAFT, encr_alg=encr_alg).message(plaintext=b"")
        refused(bob(), message, ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.parametrize("value", range(256))
def test_every_data_type(value: int) -> None:
    octets = OFFER[:1] + bytes([value]) + OFFER[2:]
    responder = bob()
    if value == 0:
        accepted(responder, octets)
    else:
        with pytest.raises(PeerError) as caught:
            responder.receive(octets, context=CONTEXT)
        reply = responder.refuse(caught.value)
        # A response or an Error message is not answered; what there is no T in neither.
        assert (reply is None) == (value in (1, 3, 5, 6, 8, 10) or caught.value.number is None)


@pytest.mark.parametrize("alg", [*range(4, 12), 255])
def test_every_unknown_algorithm(alg: int) -> None:
    def made(encr_alg: int, mac_alg: int, prf: int) -> bytes:
        kemac = e.kemac(encr_alg, bytes(24), mac_alg, bytes(20))
        return e.build(0, [*CRAFT.payloads(), kemac], csb_id=1, prf=prf)

    refused(bob(), made(alg, 1, 0), ErrorNumber.INVALID_EA, UnsupportedError)
    refused(bob(), made(1, alg, 0), ErrorNumber.INVALID_MAC, UnsupportedError)
    refused(bob(), made(1, 1, alg & 0x7F), ErrorNumber.INVALID_PRF, UnsupportedError)
    a = alice()
    craft = answer_to(a.start((), context=CONTEXT))
    out = e.build(1, [e.t(*craft.ts), (9, bytes([alg]) + bytes(20))], csb_id=craft.csb_id)
    with pytest.raises(UnsupportedError):
        a.receive(out, context=CONTEXT)


@pytest.mark.parametrize("kind", [*range(13, 20), *range(22, 30), 200, 255])
def test_payloads_of_other_methods_and_of_none(kind: int) -> None:
    message = e.build(0, [T_, RAND_, (kind, bytes(30)), SP_], csb_id=1)
    refused(bob(), message, ErrorNumber.UNSPECIFIED)


def test_the_example_of_rfc_4567() -> None:
    """It is well formed; its key is not published, and it lacks the list of protocols."""
    assert Message.parse(RFC_4567_OFFER).octets == RFC_4567_OFFER
    assert Message.parse(RFC_4567_ANSWER).octets == RFC_4567_ANSWER
    responder = bob(credentials=[Psk(Secret(PSK), "mickey@mouse.com", "*")])
    error = refused(responder, RFC_4567_OFFER, ErrorNumber.AUTH_FAILURE, AuthenticationError)
    reply = responder.refuse(error)
    assert reply is not None
    assert decode(reply)[0].fields["csb_id"] == 0xCD177E50
    with pytest.raises(PolicyError, match="no exchange is open"):
        alice().receive(RFC_4567_ANSWER, context=CONTEXT)


def test_a_chain_without_end_costs_what_it_weighs() -> None:
    message = e.build(0, [T_, *[e.general_ext(0, b"")] * 50_000], csb_id=1)
    with Work() as work:
        refused(bob(), message, ErrorNumber.UNSPECIFIED, DecodeError)
    work.check(len(message))


def test_identities_of_noise() -> None:
    for number, data in zip(count(1), (b"\0", b"\n", b"\x1b[2J", "\u202e".encode(), IDI + b"\r\n")):
        first = offer(idi=data, csb_id=number)
        error = refused(
            bob(credentials=[Psk(Secret(PSK), "*", "*")]), first, ErrorNumber.INVALID_ID
        )
        assert str(error).isprintable()
    assert IDR.decode() == BOB
