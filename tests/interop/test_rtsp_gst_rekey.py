"""New keys and late joiners with GStreamer 1.22, as far as it goes.

What it can: rtspsrc tells a new key of its own by its action `set-parameter`; gst-rtsp-server tells
who joins a running stream its rollover counter.

What it cannot: gst-rtsp-server takes no new key and says so (451). rtspsrc takes none either, but
answers 200 to every SET_PARAMETER, so that whoever sends under a new key is not understood any
more. And it does not use the rollover counter of a description: late in a stream of its own server
(ROC 1) it decodes nothing, as in one of ours.
"""

from __future__ import annotations

import asyncio
import base64

import pytest

from mikey import rtsp
from mikey.credentials import NoKey
from mikey.policy import PROFILES, Context, Policy
from mikey.session import Initiator, Stream
from tests.asynchronous import asynchronous
from tests.interop.rtsp_peers import gst_client, gst_server
from tests.rtsp_media import QUICK, watched

pytestmark = [pytest.mark.interop, pytest.mark.realtime]

OPEN = Policy(allow_null=True)
LEGACY = PROFILES["gst-legacy"]


def serving(frames: int, **options: int) -> tuple[list[rtsp.Source], rtsp.ServerOptions]:
    """What a server plays, to GStreamer."""
    played = rtsp.ServerOptions(profile="gst-legacy", policy=OPEN, **options)  # type: ignore[arg-type]
    return [rtsp.bars(frames=frames, fps=100)], played


@asynchronous
async def test_rtspsrc_tells_a_new_key_of_its_own() -> None:
    """`set-parameter` with ONVIF's `mikey`; reports under the key before stay good."""
    initiator = Initiator(NoKey("a:", "b:", compat=LEGACY), policy=OPEN)
    message = initiator.start((Stream(1),), context=Context(), respond=False)
    sources, options = serving(60)
    async with await rtsp.Server.open(sources, options=options) as server:
        watching = asyncio.create_task(watched(server))
        told = await gst_client(
            {
                "url": server.url,
                "protocols": "udp",
                "frames": 60,
                "parameter": ["mikey", base64.b64encode(message).decode()],
            }
        )
        client = await watching
    assert told["answered"] == 200, told
    assert (told["frames"], told["bars"]) == (60, 60)
    assert client.rekeys == 1
    (stream,) = client.streams
    assert stream.rtcp.verified >= 1
    assert stream.rtcp.rejected == 0


@asynchronous
async def test_gst_rtsp_server_takes_no_new_key_and_plays_on() -> None:
    async with (
        gst_server({"frames": 1000, "fps": 100}) as server,
        rtsp.playing(f"rtsp://127.0.0.1:{server.port}/test", settings=QUICK) as session,
    ):
        (stream,) = session.streams
        reports = len(server.told("rtcp"))
        with pytest.raises(rtsp.RefusedError, match="451"):
            await session.rekey()
        before = stream.rtp.verified
        while stream.rtp.verified < before + 50 or len(server.told("rtcp")) < reports + 3:
            await asyncio.sleep(0.01)
        assert (stream.rtp.rejected, stream.rtcp.rejected) == (0, 0)
        assert session.rekeys == 0


@asynchronous
async def test_we_join_a_stream_of_gstreamer_late() -> None:
    """Its ROC is 1 by then, and stands in the SDP's message: every packet is good."""
    options = {"frames": 5000, "fps": 100, "shared": True, "seqnum": 65400}
    async with gst_server(options) as server:
        url = f"rtsp://127.0.0.1:{server.port}/test"
        async with rtsp.playing(url, settings=QUICK) as first:
            while first.streams[0].roc == 0:
                await asyncio.sleep(0.01)
            async with rtsp.playing(url, settings=QUICK) as second:
                (stream,) = second.streams
                assert stream.keys.incoming.session.roc == 1
                assert stream.incoming_key == first.streams[0].incoming_key
                while stream.rtp.verified < 50:
                    await asyncio.sleep(0.01)
                assert (stream.rtp.rejected, stream.roc) == (0, 1)
