"""GStreamer's and gortsplib's RTSP programs as peers, one process each."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.peers import need_go, need_gst_rtsp_server, need_gstreamer
from tests.tls import TlsFiles

_HERE = Path(__file__).parent
_LIMIT = 15.0

CIPHERS = {
    "AES_CM_128_HMAC_SHA1_80": ("aes-128-icm", "hmac-sha1-80"),
    "AES_CM_128_HMAC_SHA1_32": ("aes-128-icm", "hmac-sha1-32"),
    "AES_256_CM_HMAC_SHA1_80": ("aes-256-icm", "hmac-sha1-80"),
    "AEAD_AES_128_GCM": ("aes-128-gcm", "null"),
    "AEAD_AES_256_GCM": ("aes-256-gcm", "null"),
}
"""SRTP policies by name, as srtpenc calls them."""


@dataclass
class Peer:
    """A running server: its port, and the events that it tells."""

    port: int
    events: list[dict[str, Any]] = field(default_factory=list)

    def told(self, name: str) -> list[Any]:
        """Return the values of all events of a name."""
        return [event[name] for event in self.events if name in event]


async def start(command: Sequence[str]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)


@asynccontextmanager
async def _server(command: Sequence[str]) -> AsyncIterator[Peer]:
    process = await start(command)
    assert process.stdout is not None
    assert process.stderr is not None
    stdout, stderr = process.stdout, process.stderr
    line = await asyncio.wait_for(stdout.readline(), _LIMIT)
    assert line, (await stderr.read()).decode()
    peer = Peer(json.loads(line)["port"])

    async def listen() -> None:
        while line := await stdout.readline():
            peer.events.append(json.loads(line))

    listening = asyncio.create_task(listen())
    silence = asyncio.create_task(stderr.read())
    try:
        yield peer
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await listening
        await silence


def gst_server(options: dict[str, Any]) -> contextlib.AbstractAsyncContextManager[Peer]:
    """Run GStreamer's server; `options` are those of rtsp_gst_server.py."""
    python = need_gst_rtsp_server()
    return _server([python, str(_HERE / "rtsp_gst_server.py"), json.dumps(options)])


def go_server(tls: TlsFiles, frames: int) -> contextlib.AbstractAsyncContextManager[Peer]:
    """Run gortsplib's server."""
    binary = need_go(_HERE / "gortsplib")
    return _server([binary, "server", str(tls.certificate), str(tls.key), str(frames)])


async def _told(command: Sequence[str], given: bytes = b"") -> dict[str, Any]:
    process = await start(command)
    try:
        out, err = await asyncio.wait_for(process.communicate(given), _LIMIT)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = out.decode().splitlines()
    assert lines, err.decode()
    told = json.loads(lines[-1])
    assert isinstance(told, dict)
    return told


async def gst_client(options: dict[str, Any]) -> dict[str, Any]:
    """Run GStreamer's client to its end; `options` are those of rtsp_gst_client.py."""
    return await _told([need_gstreamer(), str(_HERE / "rtsp_gst_client.py"), json.dumps(options)])


async def go_client(url: str, transport: str, frames: int) -> dict[str, Any]:
    """Run gortsplib's client to its end."""
    binary = need_go(_HERE / "gortsplib")
    return await _told([binary, "client", url, transport, str(frames)])


async def decoded(packets: Sequence[bytes]) -> dict[str, Any]:
    """Return what GStreamer makes of RTP/JPEG packets: {"frames": N, "bars": N}."""
    lines = "".join(f"{packet.hex()}\n" for packet in packets).encode()
    return await _told([need_gstreamer(), str(_HERE / "rtsp_gst_decode.py")], lines)
