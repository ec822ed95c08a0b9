"""Which Error no each kind of damage is reported with (RFC 3830 5.1.2, R3830-5.1.2-11).

Every case starts from one sound message per method and spoils one octet of it.
"""

from __future__ import annotations

import pytest

from mikey.errors import DecodeError, PeerError, TimestampError, UnsupportedError
from mikey.registry import (
    CacheType,
    DataType,
    DhGroup,
    EncrAlg,
    HashFunc,
    IdType,
    MacAlg,
    PrfFunc,
    ProtType,
    SignType,
    TsType,
)
from mikey.wire import (
    Chash,
    Dh,
    Hdr,
    Id,
    Kemac,
    KvSpi,
    Message,
    Pke,
    Rand,
    Sign,
    Sp,
    SrtpId,
    SrtpIdMap,
    T,
    V,
)

STAMP = T(TsType.NTP_UTC, bytes(8))
MAC = bytes(20)
SIGNATURE = Sign(SignType.RSA_PKCS_1_V1_5, bytes(64))


def header(data_type: DataType) -> Hdr:
    return Hdr(data_type, 1, SrtpIdMap((SrtpId(0, 1),)))


KEYS = Kemac(EncrAlg.AES_CM_128, bytes(20), MacAlg.HMAC_SHA_1_160, MAC)
PSK = Message.build(
    header(DataType.PSK_INIT),
    [STAMP, Rand(bytes(16)), Id(IdType.URI, b"sip:a"), Sp(0, ProtType.SRTP), KEYS],
)
CHECK = Message.build(header(DataType.PSK_RESP), [STAMP, V(MacAlg.HMAC_SHA_1_160, MAC)])
PKE = Message.build(
    header(DataType.PKE_INIT),
    [STAMP, KEYS, Chash(HashFunc.SHA_1, MAC), Pke(CacheType.CACHE, bytes(64)), SIGNATURE],
)
DH = Message.build(
    header(DataType.DH_INIT), [STAMP, Dh(DhGroup.OAKLEY_1, bytes(96), KvSpi(b"abcd")), SIGNATURE]
)


def spoiled(message: Message, payload: int, place: int, value: int) -> bytes:
    """The octets with one changed, `place` octets into the payload (0: the header)."""
    at = message.spans[payload][0] + place
    return message.octets[:at] + bytes([value]) + message.octets[at + 1 :]


@pytest.mark.parametrize(
    ("message", "payload", "place", "value", "error", "number"),
    [
        pytest.param(PSK, 0, 0, 2, DecodeError, 12, marks=pytest.mark.rule("R3830-6.1-6")),
        pytest.param(PSK, 0, 2, 0, DecodeError, 12, marks=pytest.mark.rule("R3830-6.1-23")),
        pytest.param(PSK, 0, 2, 99, UnsupportedError, 12, marks=pytest.mark.rule("R3830-6.1-4")),
        pytest.param(PSK, 0, 2, 20, DecodeError, 12, marks=pytest.mark.rule("R3830-6.13-5")),
        pytest.param(PSK, 0, 9, 3, UnsupportedError, 12, marks=pytest.mark.rule("R3830-6.1-20")),
        pytest.param(PSK, 1, 1, 4, TimestampError, 1, marks=pytest.mark.rule("R3830-6.6-6")),
        pytest.param(PSK, 5, 24, 3, UnsupportedError, 3, marks=pytest.mark.rule("R3830-6.2-4")),
        pytest.param(CHECK, 2, 1, 3, UnsupportedError, 3, marks=pytest.mark.rule("R3830-6.2-4")),
        pytest.param(PKE, 3, 1, 3, UnsupportedError, 5, marks=pytest.mark.rule("R3830-6.8-5")),
        pytest.param(PKE, 4, 1, 0xC0, DecodeError, 12, marks=pytest.mark.rule("R3830-6.3-2")),
        pytest.param(DH, 2, 1, 3, UnsupportedError, 6, marks=pytest.mark.rule("R3830-6.4-8")),
        pytest.param(DH, 2, 98, 3, DecodeError, 12, marks=pytest.mark.rule("R3830-6.13-4")),
        pytest.param(DH, 3, 0, 1, DecodeError, 12, marks=pytest.mark.rule("R3830-6.5-3")),
    ],
)
def test_damage_has_its_number(
    message: Message, payload: int, place: int, value: int, error: type[PeerError], number: int
) -> None:
    with pytest.raises(error) as caught:
        Message.parse(spoiled(message, payload, place, value))
    assert type(caught.value) is error
    assert caught.value.number == number


@pytest.mark.parametrize(
    ("payload", "place", "value"),
    [(0, 1, 99), (0, 3, 0x7F), (3, 1, 9), (4, 2, 9), (5, 1, 9)],
    ids=["data type", "PRF func", "ID type", "Prot type", "Encr alg"],
)
def test_values_that_hide_no_length_are_left_to_the_method(
    payload: int, place: int, value: int
) -> None:
    """The method answers 11, 2, 7, 9 and 4, and has the whole message to do so."""
    octets = spoiled(PSK, payload, place, value)
    again = Message.parse(octets)
    assert Message.build(again.header, again.payloads).octets == octets
    assert again.header.prf in (PrfFunc.MIKEY_1, 0x7F)
