"""What a server's stream sends, packet by packet."""

from __future__ import annotations

from collections.abc import AsyncIterator

from mikey import rtsp
from mikey.aio.rtcp import parse
from mikey.policy import Policy
from mikey.rtsp._sending import SendingStream
from mikey.secret import Secret
from mikey.srtp import MasterKey, Receiver, Sender
from tests.asynchronous import asynchronous
from tests.rtsp_media import received


async def two_units() -> AsyncIterator[rtsp.Unit]:
    for at in (0, 160):
        yield rtsp.Unit(b"x", at, 0.0)


SOURCE = rtsp.Source(kind="audio", payload_type=96, rtpmap="L16/8000", play=two_units)


def test_timestamps_begin_anywhere_and_go_round() -> None:
    """RFC 3550 5.1: the first is as random as the first sequence number."""
    policy = rtsp.ServerOptions().srtp
    stream = SendingStream(
        SOURCE, ssrc=7, sequence=1, timestamp=2**32 - 100, cname="x", now=lambda: now
    )
    master = MasterKey(Secret(bytes(16)), Secret(bytes(14)))
    sent: list[bytes] = []
    stream.sends(sent.append, sent.append)
    stream.use(Sender(policy, [master], ssrc=7), None)
    for at in (0, 160):
        now = at * 10**9 // 8000
        stream.send(rtsp.Unit(b"x", at, at / 8000))
    stream.report()
    receiver = Receiver(policy, [master], ssrc=7)
    first, second = (receiver.unprotect(packet) for packet in sent[:2])
    assert [int.from_bytes(packet[4:8]) for packet in (first, second)] == [2**32 - 100, 60]
    report = parse(receiver.unprotect_rtcp(sent[2])).sender
    assert report is not None
    assert report.rtp == 60


def test_reports_tell_the_time_of_sending_not_that_of_showing() -> None:
    """A clock that jumped with every B-frame would have players show them out of order."""
    policy = rtsp.ServerOptions().srtp
    master = MasterKey(Secret(bytes(16)), Secret(bytes(14)))
    film = rtsp.Source(kind="video", payload_type=96, rtpmap="H264/90000", play=two_units)
    now = 10**18
    stream = SendingStream(film, ssrc=7, sequence=1, timestamp=5000, cname="x", now=lambda: now)
    sent: list[bytes] = []
    stream.sends(lambda _packet: None, sent.append)
    stream.use(Sender(policy, [master], ssrc=7), None)
    receiver = Receiver(policy, [master], ssrc=7)
    told = []
    for number, shown in enumerate((0, 4, 2, 1, 3)):
        stream.send(rtsp.Unit(b"x", 3600 * shown, number / 25))
        now += 10**9 // 25
        stream.report()
        report = parse(receiver.unprotect_rtcp(sent[-1])).sender
        assert report is not None
        told.append(report.rtp)
    assert told == [5000 + 3600 * number for number in range(1, 6)]


@asynchronous
async def test_each_session_has_timestamps_of_its_own() -> None:
    options = rtsp.ServerOptions(policy=Policy(allow_null=True))
    async with await rtsp.Server.open([SOURCE], options=options) as server:
        runs = [await received(server.url) for _ in range(3)]
    stamps = [[int.from_bytes(packet[4:8]) for packet in seen.packets] for seen in runs]
    assert len({first for first, _ in stamps}) == 3
    assert len({(second - first) % 2**32 for first, second in stamps}) == 1
