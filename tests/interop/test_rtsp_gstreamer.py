"""What GStreamer's RTSP server does beside the matrix: authentication, several streams, pauses."""

from __future__ import annotations

import asyncio

import pytest

from mikey import rtsp
from mikey.secret import Secret
from tests.asynchronous import asynchronous
from tests.interop.rtsp_peers import gst_server
from tests.rtsp_media import QUICK, received

pytestmark = [pytest.mark.interop, pytest.mark.realtime]


@asynchronous
async def test_digest_authentication() -> None:
    options = {"frames": 5, "fps": 100, "user": "alice", "password": "s:cret"}
    async with gst_server(options) as server:
        where = f"127.0.0.1:{server.port}/test"
        with pytest.raises(rtsp.RefusedError, match="asks for a user and a password"):
            await received(f"rtsp://{where}")
        with pytest.raises(rtsp.RefusedError, match="user or password is wrong"):
            await received(f"rtsp://alice:wrong@{where}")
        seen = await received(f"rtsp://alice:s%3Acret@{where}")
        assert sum(packet[1] >> 7 for packet in seen.packets) == 5
        async with rtsp.playing(
            f"rtsp://{where}", user="alice", password=Secret(b"s:cret"), settings=QUICK
        ) as session:
            assert session.client.server.startswith("GStreamer")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@asynchronous
async def test_two_streams(transport: str) -> None:
    async with gst_server({"frames": 1000, "fps": 50, "audio": True}) as server:
        async with rtsp.playing(
            f"rtsp://127.0.0.1:{server.port}/test",
            options=rtsp.Options(transport=transport),
            settings=QUICK,
        ) as session:
            video, audio = session.streams
            assert (video.encoding, audio.encoding) == ("JPEG", "L16")
            for stream in (video, audio):
                while stream.rtp.verified < 50 or not stream.rtcp.verified:
                    await asyncio.sleep(0.01)
                assert (stream.rtp.rejected, stream.rtcp.rejected, stream.lost) == (0, 0, 0)
            assert video.incoming_key != audio.incoming_key
            while not {video.our_ssrc, audio.our_ssrc} <= set(server.told("rtcp")):
                await asyncio.sleep(0.01)
        while not server.told("teardown"):
            await asyncio.sleep(0.01)


@asynchronous
async def test_pause_and_play() -> None:
    async with gst_server({"frames": 1000, "fps": 50}) as server:
        url = f"rtsp://127.0.0.1:{server.port}/test"
        async with rtsp.playing(url, settings=QUICK) as session:
            (stream,) = session.streams
            while stream.rtp.verified < 50:
                await asyncio.sleep(0.01)
            await session.pause()
            await asyncio.sleep(0.1)
            before = stream.rtp.verified
            await session.play()
            while stream.rtp.verified < before + 50:
                await asyncio.sleep(0.01)
            assert stream.rtp.rejected == 0
