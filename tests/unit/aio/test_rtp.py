"""RTP packets against RFC 3550 5.1, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.aio.rtp import RtpPacket, is_rtcp
from mikey.errors import DecodeError

PACKET = RtpPacket(
    payload_type=96,
    sequence=0x1234,
    timestamp=0xDEADBEEF,
    ssrc=0xCAFEBABE,
    payload=b"hello",
    marker=True,
)
OCTETS = bytes.fromhex("80e01234deadbeefcafebabe") + b"hello"


def test_encode_and_parse() -> None:
    assert PACKET.encode() == OCTETS
    assert RtpPacket.parse(OCTETS) == PACKET


@pytest.mark.parametrize(
    ("octets", "payload"),
    [
        (b"\x82" + OCTETS[1:12] + bytes(8) + b"hello", b"hello"),
        (b"\x90" + OCTETS[1:12] + bytes.fromhex("bede0001 01020304") + b"hello", b"hello"),
        (b"\xa0" + OCTETS[1:] + b"\0\0\3", b"hello"),
        (b"\x80" + OCTETS[1:12], b""),
    ],
)
def test_what_other_senders_add_is_passed_over(octets: bytes, payload: bytes) -> None:
    assert RtpPacket.parse(octets).payload == payload


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        OCTETS[:11],
        b"\x40" + OCTETS[1:],
        b"\x8f" + OCTETS[1:],
        b"\x90" + OCTETS[1:12] + b"\xbe\xde",
        b"\x90" + OCTETS[1:12] + bytes.fromhex("bede0002 01020304"),
        b"\xa0" + OCTETS[1:] + b"\0",
        b"\xa0" + OCTETS[1:] + b"\xff",
    ],
)
def test_no_packet(octets: bytes) -> None:
    with pytest.raises(DecodeError, match="no RTP packet"):
        RtpPacket.parse(octets)


@given(st.binary(max_size=64))
def test_any_octets_parse_or_are_a_decode_error(octets: bytes) -> None:
    try:
        packet = RtpPacket.parse(octets)
    except DecodeError:
        return
    assert octets.find(packet.payload) >= 0


def test_which_is_rtcp() -> None:
    assert is_rtcp(bytes([0x80, 200]))
    assert not is_rtcp(OCTETS)
    assert not is_rtcp(b"\x80")
