"""An RTSP server that says what a test wants, and a client that does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from mikey.carriage.rtsp import Framer, Request, Response

Answer = Callable[[Request], "bytes | Response | None"]
"""Takes a request; None is silence, Response gets its CSeq, octets go as they are."""


@asynccontextmanager
async def server(answer: Answer, *, close: bool = False) -> AsyncIterator[str]:
    """Listen; yield the URL. With `close` the connection ends behind each answer."""
    ended: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        ended.add(task)
        framer = Framer()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                for item in framer.feed(data):
                    assert isinstance(item, Request)
                    said = answer(item)
                    if isinstance(said, Response):
                        said = said.with_header("CSeq", str(item.cseq)).encode()
                    if said is not None:
                        writer.write(said)
                        await writer.drain()
                    if close:
                        writer.close()
                        return
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"rtsp://127.0.0.1:{listener.sockets[0].getsockname()[1]}/test"
    finally:
        listener.close()
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)


async def talk(address: tuple[str, int], octets: bytes, *, limit: float = 5.0) -> bytes:
    """Send octets to a server; return what it says until it closes the connection."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        with contextlib.suppress(ConnectionError):
            writer.write(octets)
            async with asyncio.timeout(limit):
                await writer.drain()
                return await reader.read()
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
