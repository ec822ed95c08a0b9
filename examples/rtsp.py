"""RTSP: a server with a test pattern, a client that plays it, and new keys on the way.

Both run here, over loopback without TLS, which has to be allowed: the keys travel in clear then.
"""

from __future__ import annotations

import asyncio

from mikey import rtsp
from mikey.policy import Policy

OPEN = Policy(allow_null=True)


async def main() -> None:
    """Play a second of bars and tone."""
    frames = 0

    def packet(stream: rtsp.MediaStream, octets: bytes) -> None:
        nonlocal frames
        frames += stream.kind == "video" and bool(octets[1] & 0x80)  # the marker ends a picture

    options = rtsp.ServerOptions(profile="onvif-cm", policy=OPEN)
    async with (
        await rtsp.Server.open(
            [rtsp.bars(frames=25), rtsp.tone(packets=50)], options=options
        ) as server,
        rtsp.playing(
            server.url, handlers=rtsp.Handlers(packet), settings=rtsp.Settings(policy=OPEN)
        ) as session,
    ):
        print(f"profile {session.choice.profile}, because {session.choice.reason}")
        print(f"flow: {session.flow.value}")
        await session.rekey()
        await session.wait()  # until both streams said BYE
        for stream in session.streams:
            mki = stream.incoming_key.mki.hex()
            print(f"{stream.kind} {stream.encoding}: {stream.rtp.verified} verified, MKI now {mki}")
            assert (stream.rtp.rejected, stream.lost) == (0, 0)
    print(f"{frames} pictures")


if __name__ == "__main__":
    asyncio.run(main())
