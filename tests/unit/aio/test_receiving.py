"""A received stream: counts, reports, keys that change, a rollover counter learned late."""

from __future__ import annotations

import struct

import pytest

from mikey.aio import StreamReceiver
from mikey.aio.rtcp import Report, SenderInfo, compose, parse
from mikey.errors import LocalError
from mikey.policy import SrtpPolicy
from mikey.secret import Secret
from mikey.srtp import MasterKey, Receiver, Sender

POLICY = SrtpPolicy.AES_CM_128_HMAC_SHA1_80
SSRC, OURS = 0x11223344, 0x55667788
SECOND = 10**9


def key(number: int) -> MasterKey:
    return MasterKey(Secret(bytes([number]) * 16), Secret(bytes(14)), mki=bytes([number]))


def rtp(sequence: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, sequence & 0xFFFF, sequence * 160, SSRC) + b"x" * 20


class Both:
    """The server's sender, and the receiver under test."""

    def __init__(self, *, roc: int = 0, known: int = 0) -> None:
        self.server = Sender(POLICY, [key(1)], ssrc=SSRC, roc=roc)
        self.packets: list[bytes] = []
        self.reports: list[bytes] = []
        self.now = 0
        self.stream = StreamReceiver(
            receiver=Receiver(POLICY, [key(1)], ssrc=None, roc=known),
            sender=Sender(POLICY, [key(1)], ssrc=OURS),
            clock_rate=8000,
            cname="me",
            on_rtp=self.packets.append,
            on_rtcp=self.reports.append,
            now=lambda: self.now,
        )

    def send(self, *sequences: int) -> None:
        for sequence in sequences:
            self.stream.rtp_received(self.server.protect(rtp(sequence)))


def test_packets_are_delivered_once_and_counted() -> None:
    both = Both()
    packets = [both.server.protect(rtp(number)) for number in (7, 8, 10)]
    damaged = bytearray(both.server.protect(rtp(11)))
    damaged[-1] ^= 1
    for packet in (*packets, packets[1], b"", bytes(damaged)):
        both.stream.rtp_received(packet)
    assert both.packets == [rtp(7), rtp(8), rtp(10)]
    assert (both.stream.rtp.verified, both.stream.rtp.rejected) == (3, 3)
    assert (both.stream.expected, both.stream.lost, both.stream.ssrc) == (4, 1, SSRC)
    assert both.stream.last_error == "authentication failed"


def test_reports_say_what_came() -> None:
    both = Both()
    both.send(7, 8, 10)
    both.now = 5 * SECOND
    info = SenderInfo(ntp=0x1111_2222_3333_4444, rtp=0, packets=3, octets=60)
    both.stream.rtcp_received(both.server.protect_rtcp(compose(Report(ssrc=SSRC, sender=info))))
    both.now = 6 * SECOND
    checker = Receiver(POLICY, [key(1)], ssrc=OURS)
    octets = both.stream.report(goodbye=True)
    assert octets is not None
    report = parse(checker.unprotect_rtcp(octets))
    (block,) = report.blocks
    assert (report.ssrc, report.cname, report.goodbye) == (OURS, "me", True)
    assert (block.ssrc, block.lost, block.highest) == (SSRC, 1, 10)
    assert (block.last_sr, block.delay) == (0x2222_3333, 65536)
    assert (both.stream.rtcp.sent, both.stream.rtcp.verified) == (1, 1)
    assert len(both.reports) == 1
    assert not both.stream.goodbye


def test_bye_ends_the_stream_if_it_is_authentic() -> None:
    both = Both()
    bye = compose(Report(ssrc=SSRC, goodbye=True))
    both.stream.rtcp_received(bye)
    assert not both.stream.goodbye
    assert both.stream.rtcp.rejected == 1
    both.stream.rtcp_received(both.server.protect_rtcp(bye))
    assert both.stream.goodbye


def test_old_keys_are_good_until_the_new_one_comes() -> None:
    both = Both()
    both.send(1)
    both.stream.rekey([key(2), key(1)])
    both.send(2)
    both.server.install([key(2)])
    both.send(3)
    assert both.packets == [rtp(1), rtp(2), rtp(3)]
    both.stream.rekey_sender([key(2)])
    octets = both.stream.report()
    assert octets is not None
    Receiver(POLICY, [key(2)], ssrc=OURS).unprotect_rtcp(octets)


def test_a_rollover_counter_learned_late() -> None:
    both = Both(roc=5)
    both.send(1)
    assert both.packets == []
    both.stream.replace(Receiver(POLICY, [key(1)], ssrc=None, roc=5))
    both.send(2)
    assert both.packets == [rtp(2)]
    assert both.stream.roc == 5


def test_our_own_reports_that_come_back_are_not_the_streams() -> None:
    """With one key for both directions they are authentic, and came from nobody else."""
    both = Both()
    report = both.stream.report()
    assert report is not None
    both.stream.rtcp_received(report)
    assert (both.stream.ssrc, both.stream.rtcp.verified, both.stream.rtcp.rejected) == (None, 0, 1)
    both.send(1)
    assert both.packets == [rtp(1)]


def test_no_reports_without_a_key_or_when_it_is_used_up() -> None:
    both = Both()
    receiver = Receiver(POLICY, [key(1)], ssrc=None)
    silent = StreamReceiver(
        receiver=receiver, sender=None, clock_rate=8000, cname="", on_rtp=both.packets.append
    )
    assert silent.report() is None
    silent.rekey_sender([key(2)])
    short = Sender(POLICY, [key(1)], ssrc=OURS, srtcp_lifetime=1)
    once = StreamReceiver(
        receiver=receiver, sender=short, clock_rate=8000, cname="", on_rtp=both.packets.append
    )
    assert once.report() is not None
    assert once.report() is None
    with pytest.raises(LocalError):
        short.protect_rtcp(compose(Report(ssrc=OURS)))
