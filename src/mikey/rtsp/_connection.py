"""One RTSP connection, for either end: messages in and out, packets between them.

What is read is bounded by the Framer, what waits to be written by `_MOST_WAITING`: packets that
a slow peer does not take are dropped, a peer that takes no answers is left.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

from mikey.aio.reasons import reason_of
from mikey.carriage.rtsp import Framer, Headers, Interleaved, Request, Response
from mikey.errors import CarriageError, LibraryError, PeerError
from mikey.rtsp.errors import ClosedError, NoAnswerError, RtspError

__all__ = ["Connection", "PacketHandler", "RequestHandler"]

logger = logging.getLogger("mikey.rtsp")

RequestHandler = Callable[[Request], Awaitable[Response]]
PacketHandler = Callable[[bytes], None]

_ALERT = b"\x15\x03"  # how a server of TLS refuses what is none (RFC 8446 5.1)
_MOST_WAITING = 1 << 20  # octets that the peer has not taken yet
_LINGER = 1.0  # seconds for the peer to take the rest
_MOST_QUEUED = 64  # requests of the peer that wait for their answer
_MOST_PER_SECOND = 100  # requests of the peer, on average over a second


class Connection(asyncio.Protocol):
    """Made by `asyncio` as a protocol; `close` it, or leave its `async with`.

    `answer` takes the peer's requests, one at a time; what it raises as a CarriageError is
    answered with its status. `timeout` is for each request of ours, in seconds.
    """

    def __init__(
        self,
        answer: RequestHandler,
        *,
        timeout: float,
        made: Callable[[Connection], None] | None = None,
    ) -> None:
        self._answer = answer
        self._timeout = timeout
        self._made = made
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._channels: dict[int, PacketHandler] = {}
        self._waiting: dict[int, asyncio.Future[Response]] = {}
        self._requests: asyncio.Queue[Request] = asyncio.Queue(_MOST_QUEUED)
        self._worker: asyncio.Task[None] | None = None
        self._cseq = 0
        self._second = 0.0
        self._count = 0
        self._reading = True
        self._heard = False
        # Whether it is TLS, the peer's certificate (DER), the peer's address and our own.
        self.secure = False
        self.certificate = b""
        self.peer_host = ""
        self.own_host = ""
        self.dropped = 0
        self.heard_at = 0.0
        # Why there is no connection any more; `_closed` says that nothing of it is left.
        self.lost: asyncio.Future[PeerError] = asyncio.get_running_loop().create_future()
        self._closed = asyncio.Event()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to answer the peer's requests."""
        # asyncio's own transports do not inherit from the class that describes them
        self._transport = cast(asyncio.Transport, transport)
        self._know(self._transport)
        self._transport.set_write_buffer_limits(high=_MOST_WAITING)
        self._worker = asyncio.create_task(self._serve())
        self.heard_at = asyncio.get_running_loop().time()
        if self._made is not None:
            self._made(self)

    def data_received(self, data: bytes) -> None:
        """Cut what came into messages and packets, and hand them on."""
        if not self._reading:
            return
        first, self._heard = not self._heard, True
        try:
            if first and data.startswith(_ALERT) and not self.secure:
                raise RtspError("the peer speaks TLS: its URL is rtsps://")
            for item in self._framer.feed(data):
                # Not for octets alone: one now and then would hold the connection for ever.
                self.heard_at = asyncio.get_running_loop().time()
                if isinstance(item, Interleaved):
                    handler = self._channels.get(item.channel)
                    if handler is not None:
                        handler(item.data)
                elif isinstance(item, Response):
                    self._answered(item)
                else:
                    self._asked(item)
            if self._framer.fault is not None:
                raise self._framer.fault
        except CarriageError as error:
            self._reading = False
            self._give_up(error, refuse=True)

    def eof_received(self) -> bool:
        """Close when the peer does."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait for what will not come."""
        reason = "the peer closed the connection" if exc is None else _lost(exc)
        if self._waiting and not self._heard and not self.secure:
            reason += ", without a word: it may want TLS (rtsps://)"
        if not self.lost.done():
            self.lost.set_result(ClosedError(reason))
        self._fail_waiting()
        self._closed.set()
        if self._worker is not None:
            self._worker.cancel()

    # our side

    def listen(self, channel: int, handler: PacketHandler) -> None:
        """Hand on the packets of an interleaved channel."""
        self._channels[channel] = handler

    def ignore(self, *channels: int) -> None:
        """Drop the packets of channels from now on."""
        for channel in channels:
            self._channels.pop(channel, None)

    def send_packet(self, channel: int, data: bytes) -> bool:
        """Send an interleaved packet; False where it was dropped for a peer that is slow."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() > _MOST_WAITING:
            self.dropped += 1
            return False
        transport.write(Interleaved(channel, data).encode())
        return True

    async def request(self, request: Request) -> Response:
        """Send a request, with the next CSeq, and return its response, whatever its status.

        Raises NoAnswerError after `timeout`, ClosedError, CarriageError for a peer that talks
        something else.
        """
        if self.lost.done():
            raise self.lost.result()
        self._cseq += 1
        cseq = self._cseq
        headers = Headers((("CSeq", str(cseq)), *request.headers))
        octets = replace(request, headers=headers).encode()
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting[cseq] = answer
        try:
            self._write(octets)
            async with asyncio.timeout(self._timeout):
                return await answer
        except TimeoutError:
            raise NoAnswerError(
                f"no answer to {request.method} within {self._timeout:g} s"
            ) from None
        finally:
            self._waiting.pop(cseq, None)

    async def close(self) -> None:
        """Close the connection, and wait until it is."""
        transport = self._transport
        if transport is None:
            return
        transport.close()
        try:
            async with asyncio.timeout(_LINGER):
                await self._closed.wait()
        except TimeoutError:  # a peer that takes nothing, not even the end
            transport.abort()
            await self._closed.wait()
        if self._worker is not None and self._worker is not asyncio.current_task():
            self._worker.cancel()
            await asyncio.wait({self._worker})

    def abort(self) -> None:
        """Close at once, whatever waits to be written."""
        if self._transport is not None:
            self._transport.abort()

    def _know(self, transport: asyncio.Transport) -> None:
        """Ask for what is told of a connection: the transport of one that is lost raises."""
        tls = cast("ssl.SSLObject | None", transport.get_extra_info("ssl_object"))
        self.secure = tls is not None
        self.certificate = (tls.getpeercert(binary_form=True) or b"") if tls is not None else b""
        self.peer_host = str((transport.get_extra_info("peername") or ("",))[0])
        self.own_host = str((transport.get_extra_info("sockname") or ("",))[0])

    def _write(self, octets: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ClosedError("the connection is closed")
        if transport.get_write_buffer_size() > _MOST_WAITING:
            self._give_up(RtspError("the peer does not read what it is sent"))
            raise self.lost.result()
        transport.write(octets)

    def _answered(self, response: Response) -> None:
        if "CSeq" not in response.headers and len(self._waiting) == 1:
            cseq = next(iter(self._waiting))  # some servers refuse without one
        else:
            cseq = response.cseq
        waiting = self._waiting.get(cseq)
        if waiting is None or waiting.done():
            logger.debug("a response to nothing that waits")
        elif response.status >= 200:
            waiting.set_result(response)

    def _asked(self, request: Request) -> None:
        if self.heard_at - self._second >= 1:
            self._second, self._count = self.heard_at, 0
        self._count += 1
        if self._count > _MOST_PER_SECOND or self._requests.full():
            raise RtspError(f"the peer sends more than {_MOST_PER_SECOND} requests in a second")
        self._requests.put_nowait(request)

    async def _serve(self) -> None:
        while True:
            request = await self._requests.get()
            try:
                response = await self._answer(request)
            except CarriageError as error:
                response = Response(error.status)
                logger.debug("refused %s: %s", request.method, error)
            except PeerError as error:
                response = Response(400)
                logger.debug("refused %s: %s", request.method, error)
            except Exception:
                logger.exception("a request could not be answered")
                response = Response(500)
            try:
                self._write(_stamped(response, request).encode())
            except CarriageError as error:
                logger.debug("no answer was sent: %s", error)

    def _give_up(self, error: PeerError, *, refuse: bool = False) -> None:
        if not self.lost.done():
            self.lost.set_result(error)
        self._fail_waiting()
        if self._transport is None:
            raise LibraryError("octets came before the connection")
        if refuse and isinstance(error, CarriageError) and not self._waiting:
            self._transport.write(Response(error.status).encode())
        self._transport.close()

    def _fail_waiting(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(self.lost.result())


def _lost(error: Exception) -> str:
    reason = reason_of(error) if isinstance(error, OSError) else str(error)
    return f"the connection was lost: {reason}"


def _stamped(response: Response, request: Request) -> Response:
    """Return the response with the request's CSeq and version."""
    headers = response.headers
    cseq = request.headers.get("CSeq")
    if cseq is not None:
        headers = Headers((("CSeq", cseq), *headers.without("CSeq")))
    return replace(response, headers=headers, version=request.version)
