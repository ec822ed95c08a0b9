"""Compound RTCP packets against RFC 3550 6, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.aio.reception import Reception
from mikey.aio.rtcp import Report, ReportBlock, SenderInfo, compose, parse
from mikey.errors import DecodeError

SSRC = 5
BLOCK = ReportBlock(
    ssrc=0x22222222,
    fraction_lost=1,
    lost=-2,
    highest=0x10003,
    jitter=4,
    last_sr=0x55556666,
    delay=0x8000,
)
FULL = Report(
    ssrc=0x11111111,
    cname="a@b",
    sender=SenderInfo(ntp=0x0123456789ABCDEF, rtp=7, packets=8, octets=9),
    blocks=(BLOCK,),
    goodbye=True,
)
OCTETS = bytes.fromhex(
    "81c8000c 11111111 01234567 89abcdef 00000007 00000008 00000009"
    "22222222 01fffffe 00010003 00000004 55556666 00008000"
    "81ca0003 11111111 01036140 62000000"
    "81cb0001 11111111"
)


def test_a_full_report() -> None:
    assert compose(FULL) == OCTETS
    assert parse(OCTETS) == FULL


def test_a_receiver_report_comes_first_even_if_empty() -> None:
    octets = compose(Report(ssrc=1, cname="x"))
    assert octets.hex() == "80c9000100000001" + "81ca000200000001" + "01017800"
    assert parse(octets) == Report(ssrc=1, cname="x")


@given(
    st.builds(
        Report,
        ssrc=st.integers(0, 2**32 - 1),
        cname=st.text(min_size=1, max_size=60, alphabet="abc@.é"),
        goodbye=st.booleans(),
        blocks=st.lists(
            st.builds(
                ReportBlock,
                ssrc=st.integers(0, 2**32 - 1),
                fraction_lost=st.integers(0, 255),
                lost=st.integers(-0x800000, 0x7FFFFF),
                highest=st.integers(0, 2**32 - 1),
                jitter=st.integers(0, 2**32 - 1),
                last_sr=st.integers(0, 2**32 - 1),
                delay=st.integers(0, 2**32 - 1),
            ),
            max_size=3,
        ).map(tuple),
    )
)
def test_what_is_composed_parses(report: Report) -> None:
    octets = compose(report)
    assert len(octets) % 4 == 0
    assert parse(octets) == report


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        OCTETS[:6],
        OCTETS[:40],
        b"\x41" + OCTETS[1:],
        OCTETS[52:],  # begins with SDES
        bytes.fromhex("82c9000111111111"),
        bytes.fromhex("80c8000111111111"),
        bytes.fromhex("80c90000"),
        bytes.fromhex("80c9000111111111 81ca000211111111 01ff6162"),
        bytes.fromhex("80c9000111111111 81cb000211111111"),  # a BYE longer than the datagram
    ],
)
def test_no_packet(octets: bytes) -> None:
    with pytest.raises(DecodeError, match="no RTCP packet"):
        parse(octets)


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda tail: OCTETS[:8] + tail))
def test_any_octets_parse_or_are_a_decode_error(octets: bytes) -> None:
    try:
        report = parse(octets)
    except DecodeError:
        return
    assert 0 <= report.ssrc < 2**32


def test_unknown_kinds_and_other_sources_are_passed_over() -> None:
    app = bytes.fromhex("80cc0002 11111111 61626364")
    bye_of_another = bytes.fromhex("82cb0001 33333333")  # of two, and one of them cut off
    sdes_of_another = bytes.fromhex("81ca0003 33333333 01036140 62000000")
    report = parse(bytes.fromhex("80c9000111111111") + app + bye_of_another + sdes_of_another)
    assert report == Report(ssrc=0x11111111)


def test_a_name_may_fill_its_chunk() -> None:
    octets = bytes.fromhex("80c9000111111111 81ca000211111111 01026162")
    assert parse(octets) == Report(ssrc=0x11111111, cname="ab")


def test_a_bye_of_nobody_is_not_that_of_ssrc_0() -> None:
    bye = bytes.fromhex("82cb0001 33333333")
    assert parse(bytes.fromhex("80c9000100000000") + bye) == Report(ssrc=0)


def test_reception_counts_over_the_wrap() -> None:
    reception = Reception(8000)
    assert reception.report(0.0) is None
    numbers = [65534, 65535, 1, 0, 3]  # 2 is lost, two come in the wrong order
    extended = [
        reception.arrived(number, (index * 160 + 2**32 - 200) % 2**32, SSRC, index * 0.02)
        for index, number in enumerate(numbers)
    ]
    assert [number - extended[0] for number in extended] == [0, 1, 3, 2, 5]
    assert (reception.received, reception.expected) == (5, 6)
    reception.sender_report(0x0123456789ABCDEF, 0.5)
    block = reception.report(1.0)
    assert block == ReportBlock(
        ssrc=SSRC,
        fraction_lost=256 // 6,
        lost=1,
        highest=0x10003,
        jitter=0,
        last_sr=0x456789AB,
        delay=0x8000,
    )
    quiet = reception.report(1.0)
    assert quiet is not None
    assert quiet.fraction_lost == 0


def test_an_earlier_packet_may_come_after_the_first() -> None:
    reception = Reception(8000)
    first = reception.arrived(10, 0, SSRC, 0.0)
    assert reception.arrived(9, 0, SSRC, 0.0) == first - 1
    assert reception.expected == 2


def test_jitter_is_that_of_the_rfc() -> None:
    reception = Reception(8000)
    reception.arrived(0, 0, SSRC, 0.0)
    reception.arrived(1, 160, SSRC, 0.04)  # 160 units late
    block = reception.report(0.04)
    assert block is not None
    assert block.jitter == 160 // 16
