"""A network that loses, reorders and repeats packets, between GStreamer and us, both ways.

The sequence numbers begin near their end: what the relay dropped is missing, all else is there,
once, with the rollover counter at 1.
"""

from __future__ import annotations

import pytest

from mikey import rtsp
from mikey.policy import Policy
from tests.asynchronous import asynchronous
from tests.interop.rtsp_peers import gst_client, gst_server
from tests.lossy import Impairment, LossyRtsp
from tests.rtsp_media import received

pytestmark = [pytest.mark.interop, pytest.mark.realtime]

FIRST = 65400


def test_the_network_does_what_it_says() -> None:
    network = Impairment(seed=7)
    packets = [number.to_bytes(4) for number in range(10_000)]
    out = [p for packet in packets for p in network.take(packet)] + network.flush()
    assert sorted({*out, *network.dropped}) == packets
    assert len(out) == len(packets) - len(network.dropped) + network.repeated == network.passed
    assert 150 < len(network.dropped) < 250
    assert 60 < network.repeated < 140
    places: dict[bytes, int] = {}
    for place, packet in enumerate(out):
        places.setdefault(packet, place)
    order = sorted(places, key=lambda packet: places[packet])
    overtaken = [number for number, packet in enumerate(order) if packet != packets[number]]
    assert overtaken


def sequence(packet: bytes) -> int:
    """Return the sequence number, counted on beyond 65535."""
    number = int.from_bytes(packet[2:4])
    return number if number >= FIRST else number + 0x10000


@pytest.mark.parametrize("seed", [1, 2])
@asynchronous
async def test_from_gstreamer(seed: int) -> None:
    options = {"frames": 300, "fps": 300, "seqnum": FIRST}
    async with (
        gst_server(options) as server,
        LossyRtsp(("127.0.0.1", server.port), seed=seed) as network,
    ):
        seen = await received(
            f"rtsp://127.0.0.1:{network.port}/test", rtsp.Options(transport="udp")
        )
        (relay,) = network.relays
    assert relay.impairment is not None
    (stream,) = seen.session.streams
    came = [sequence(packet) for packet in seen.packets]
    dropped = {sequence(packet) for packet in relay.impairment.dropped}
    assert len(set(came)) == len(came)
    assert set(came) | dropped == set(range(FIRST, max(came) + 1))
    assert set(came).isdisjoint(dropped)
    assert len(dropped) > 5
    assert stream.roc == 1
    assert stream.rtp.rejected == relay.impairment.repeated > 0
    assert relay.impairment.passed == stream.rtp.verified + stream.rtp.rejected


@asynchronous
async def test_to_gstreamer() -> None:
    """GStreamer counts the packets that it decrypted: all but those that were dropped."""
    options = rtsp.ServerOptions(
        profile="gst-legacy", sequence=FIRST, policy=Policy(allow_null=True)
    )
    source = rtsp.bars(frames=300, fps=300)
    async with (
        await rtsp.Server.open([source], options=options) as server,
        LossyRtsp(server.address, seed=3) as network,
    ):
        told = await gst_client(
            {
                "url": f"rtsp://127.0.0.1:{network.port}/test",
                "protocols": "udp",
                "frames": 10_000,
                "seconds": 10,
                "count": True,
            }
        )
        (relay,) = network.relays
    assert relay.impairment is not None
    dropped = {sequence(packet) for packet in relay.impairment.dropped}
    came = [number if number >= FIRST else number + 0x10000 for number in told["sequences"]]
    assert len(set(came)) == len(came)
    assert set(came) | dropped == set(range(FIRST, FIRST + 600))
    assert set(came).isdisjoint(dropped)
