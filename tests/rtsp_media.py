"""An RTSP presentation as our client sees it, and a server's client as the server sees it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from mikey import rtsp
from mikey.policy import Policy

QUICK = rtsp.Settings(policy=Policy(allow_null=True), timeout=5.0, report_interval=0.1)


@dataclass
class Seen:
    """What came: the RTP packets in clear, and the session, which is over."""

    session: rtsp.Session
    packets: list[bytes] = field(default_factory=list)

    @property
    def sequences(self) -> list[int]:
        """The sequence numbers in the order of arrival."""
        return [int.from_bytes(packet[2:4]) for packet in self.packets]


async def received(
    url: str,
    options: rtsp.Options | None = None,
    tls: rtsp.Tls | None = None,
    *,
    frames: int | None = None,
    settings: rtsp.Settings = QUICK,
) -> Seen:
    """Play a presentation until its streams say BYE, or for so many frames (marker bits)."""
    packets: list[bytes] = []
    enough = asyncio.Event()

    def took(_stream: rtsp.MediaStream, packet: bytes) -> None:
        packets.append(packet)
        if packet[1] & 0x80 and frames is not None:
            took_frames[0] += 1
            if took_frames[0] == frames:
                enough.set()

    took_frames = [0]
    async with rtsp.playing(
        url, options=options, tls=tls, handlers=rtsp.Handlers(took), settings=settings
    ) as session:
        ends = [asyncio.ensure_future(session.wait()), asyncio.ensure_future(enough.wait())]
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        for end in done:
            await end
    return Seen(session, packets)


async def watched(server: rtsp.Server) -> rtsp.Serving:
    """Return the first client of a server when it has set up a stream and has gone."""
    while not (server.clients and server.clients[0].streams):
        await asyncio.sleep(0.005)
    client = server.clients[0]
    while client in server.clients:
        await asyncio.sleep(0.005)
    return client
