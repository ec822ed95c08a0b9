"""The common header and its three CS ID maps."""

from __future__ import annotations

import pytest

from mikey.errors import DecodeError, LocalError, UnsupportedError
from mikey.registry import DataType, PayloadType, PrfFunc, ProtType
from mikey.wire import (
    EmptyMap,
    GenericId,
    GenericIdMap,
    Hdr,
    Reader,
    SrtpId,
    SrtpIdMap,
    Writer,
)

BARE = Hdr(DataType.PSK_INIT, 0x01020304, EmptyMap())

LAYOUTS = [
    (BARE, "01 00 05 00 01020304 00 01"),
    (Hdr(DataType.PSK_INIT, 0, EmptyMap(7)), "01 00 05 00 00000000 07 01"),
    (
        Hdr(DataType.DH_RESP, 0xFFFFFFFF, SrtpIdMap(), True, PrfFunc(127)),
        "01 05 05 ff ffffffff 00 00",
    ),
    (
        Hdr(DataType(200), 1, SrtpIdMap((SrtpId(9, 0xA, 0xB), SrtpId(255, 0, 0xFFFFFFFF)))),
        "01 c8 05 00 00000001 02 00 09 0000000a 0000000b ff 00000000 ffffffff",
    ),
    (
        Hdr(
            DataType.TRANSFER_INIT,
            1,
            GenericIdMap(
                (
                    GenericId(1, ProtType.SRTP, (4, 5), bytes(10), b"mki", True),
                    GenericId(2, ProtType.SRTP, (), bytes(4)),
                    GenericId(3, ProtType(9), (), b"x", s=True),
                )
            ),
            prf=PrfFunc.PRF_HMAC_SHA_256,
        ),
        "01 0e 05 01 00000001 03 02"
        " 01 00 82 04 05 000a 00000000000000000000 03 6d6b69"
        " 02 00 00 0004 00000000 00"
        " 03 09 80 0001 78 00",
    ),
]


def encoded(header: Hdr) -> bytes:
    writer = Writer("HDR")
    header.encode(writer, PayloadType.T)
    return bytes(writer.octets)


@pytest.mark.rule("R3830-6-1", "R3830-6.1-5", "R3830-6.1-19", "R3830-6.1.1-1", "R4563-5-2")
@pytest.mark.rule("R6043-6.1.1-1", "R3830-6.1-17", "R3830-6.1-18")
@pytest.mark.parametrize(("header", "octets"), LAYOUTS)
def test_layout(header: Hdr, octets: str) -> None:
    whole = bytes.fromhex(octets)
    assert encoded(header) == whole
    assert Hdr.parse(Reader(whole, "HDR")) == header
    assert header.cs_map.count == whole[8]
    for length in range(len(whole)):
        with pytest.raises(DecodeError) as caught:
            Hdr.parse(Reader(whole[:length], "HDR"))
        assert caught.value.number == 12


@pytest.mark.rule("R3830-6.1-20")
@pytest.mark.parametrize("map_type", [3, 7, 241, 255])
def test_an_unknown_map_stops_the_parse(map_type: int) -> None:
    octets = encoded(BARE)[:9] + bytes([map_type]) + bytes(100)
    with pytest.raises(UnsupportedError, match="map") as caught:
        Hdr.parse(Reader(octets, "HDR"))
    assert (caught.value.number, caught.value.offset) == (12, 9)


@pytest.mark.rule("R6043-6.1.1-7")
@pytest.mark.parametrize(
    ("s", "length", "fits"),
    [(0, 0, True), (1, 0, True), (0, 4, True), (1, 10, True), (0, 10, False), (1, 4, False)],
)
def test_srtp_gives_session_data_its_length(s: int, length: int, fits: bool) -> None:
    block = GenericId(1, ProtType.SRTP, (), bytes(length), b"", bool(s))
    header = Hdr(DataType.SAKKE, 0, GenericIdMap((block,)))
    octets = encoded(BARE)[:8] + bytes([1, 2, 1, 0, s << 7, 0, length]) + bytes(length + 1)
    if fits:
        assert encoded(header)[10:] == octets[10:]
        assert Hdr.parse(Reader(octets, "HDR")).cs_map == header.cs_map
        return
    with pytest.raises(DecodeError, match="Session Data"):
        Hdr.parse(Reader(octets, "HDR"))
    with pytest.raises(LocalError, match="Session Data"):
        encoded(header)


def test_255_crypto_sessions_pass_and_256_do_not() -> None:
    full = Hdr(DataType.PSK_INIT, 0, SrtpIdMap((SrtpId(0, 1),) * 255))
    assert len(encoded(full)) == 10 + 255 * 9
    assert Hdr.parse(Reader(encoded(full), "HDR")) == full
    with pytest.raises(LocalError, match=r"^HDR: "):
        encoded(Hdr(DataType.PSK_INIT, 0, SrtpIdMap((SrtpId(0, 1),) * 256)))


@pytest.mark.parametrize(
    "header",
    [
        Hdr(DataType.PSK_INIT, 1 << 32, EmptyMap()),
        Hdr(DataType.PSK_INIT, -1, EmptyMap()),
        Hdr(DataType.PSK_INIT, 0, EmptyMap(256)),
        Hdr(DataType.PSK_INIT, 0, SrtpIdMap((SrtpId(256, 0),))),
        Hdr(DataType.PSK_INIT, 0, SrtpIdMap((SrtpId(0, 1 << 32),))),
        Hdr(DataType.PSK_INIT, 0, SrtpIdMap((SrtpId(0, 0, -1),))),
        Hdr(DataType.PSK_INIT, 0, GenericIdMap((GenericId(256, ProtType.SRTP, ()),))),
        Hdr(DataType.PSK_INIT, 0, GenericIdMap((GenericId(0, ProtType.SRTP, (256,)),))),
        Hdr(DataType.PSK_INIT, 0, GenericIdMap((GenericId(0, ProtType.SRTP, (0,) * 128),))),
        Hdr(DataType.PSK_INIT, 0, GenericIdMap((GenericId(0, ProtType(9), (), bytes(1 << 16)),))),
        Hdr(
            DataType.PSK_INIT,
            0,
            GenericIdMap((GenericId(0, ProtType.SRTP, (), b"", bytes(256)),)),
        ),
    ],
)
def test_a_header_without_encoding_is_not_sent(header: Hdr) -> None:
    with pytest.raises(LocalError, match=r"^HDR: "):
        encoded(header)


@pytest.mark.parametrize(
    ("data_type", "number"),
    [(0, 12), (6, 12), (8, 12), (9, 13), (10, 13), (11, 12), (26, 13), (255, 12)],
)
def test_what_to_report_depends_on_the_data_type(data_type: int, number: int) -> None:
    assert Hdr(DataType(data_type), 0, EmptyMap()).malformed_number == number
