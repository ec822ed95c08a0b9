"""What `--record` makes of packets whose timestamps are unusual."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from mikey.carriage.rtsp import Presentation
from mikey.cli.rtsp.record import Recorder

SDP = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=x\r
t=0 0\r
m=audio 0 RTP/SAVP 96\r
a=rtpmap:96 L16/8000\r
a=control:stream=0\r
"""


def waiting(port: int) -> int | None:
    """Return the octets that a UDP port has not been asked for, None for one that is not open."""
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        _, local, _, _, queues, *_ = line.split()
        if local.endswith(f":{port:04X}"):
            return int(queues.partition(":")[2], 16)
    return None


def recorded(path: Path, timestamps: Sequence[int]) -> list[int]:
    """Record packets of L16 with these timestamps; return where each is played, in ms."""
    av = pytest.importorskip("av")
    with Recorder(path) as recorder:
        recorder.start(Presentation(SDP, "rtsp://camera/test").tracks)
        (way,) = recorder._ways.values()
        while waiting(way.port) is None:  # the demuxer opens its port in a thread of its own
            assert recorder._error is None
        for sequence, timestamp in enumerate(timestamps):
            header = b"\x80\x60" + sequence.to_bytes(2) + timestamp.to_bytes(4) + b"\0\0\0\1"
            recorder.rtp(0, header + bytes(320))
            while waiting(way.port):  # else the BYE may overtake it
                assert recorder._error is None
        asyncio.run(recorder.finish())
        recorder.keep()
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
    return [round(packet.pts * packet.time_base * 1000) for packet in packets]


@pytest.mark.realtime
def test_a_first_timestamp_of_0_is_one(tmp_path: Path) -> None:
    assert recorded(tmp_path / "x.mkv", [0, 160, 320, 480]) == [0, 20, 40, 60]


@pytest.mark.realtime
def test_timestamps_that_go_round(tmp_path: Path) -> None:
    stamps = [(2**32 - 320 + 160 * number) % 2**32 for number in range(4)]
    assert recorded(tmp_path / "x.mkv", stamps) == [0, 20, 40, 60]


@pytest.mark.realtime
def test_a_clock_that_is_set_back_costs_no_recording(tmp_path: Path) -> None:
    played = recorded(tmp_path / "x.mkv", [16000, 16160, 16320, 8000, 16480])
    assert len(played) == 5
    assert played == sorted(played)
