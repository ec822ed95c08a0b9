"""A pair of UDP sockets for RTP and RTCP (RFC 3550 11)."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections import deque
from collections.abc import Callable
from typing import Self, cast

from mikey.errors import LocalError

__all__ = ["Address", "RtpEndpoint"]

logger = logging.getLogger("mikey.aio")

Address = tuple[str, int]
DatagramHandler = Callable[[bytes], None]

_ATTEMPTS = 100
_RECEIVE_BUFFER = 4 << 20
_MOST_EARLY = 256  # packets that come before anybody knows the keys


class _Socket(asyncio.DatagramProtocol):
    """One socket; what comes before there is a handler waits, the oldest goes first."""

    def __init__(self) -> None:
        self._early: deque[bytes] = deque(maxlen=_MOST_EARLY)
        self._handler: DatagramHandler | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._is_full = False
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own transports do not inherit from the class that describes them
        self._transport = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.closed.set()

    def datagram_received(self, data: bytes, _addr: Address) -> None:
        if self._handler is None:
            self._early.append(data)
        else:
            self._handler(data)

    def pause_writing(self) -> None:
        self._is_full = True  # the system takes no more: asyncio would keep it without a limit

    def resume_writing(self) -> None:
        self._is_full = False

    def error_received(self, exc: Exception) -> None:
        logger.debug("UDP error: %s", exc)  # a peer that is not listening yet

    def listen(self, handler: DatagramHandler) -> None:
        self._handler = handler
        while self._early:
            handler(self._early.popleft())

    def send(self, octets: bytes, to: Address) -> None:
        if self._is_full or self._transport is None or self._transport.is_closing():
            return  # late media is of no use
        self._transport.sendto(octets, to)

    @property
    def address(self) -> Address:
        if self._transport is None:
            raise LocalError("the socket is not bound")
        host, port = self._transport.get_extra_info("sockname")[:2]
        return host, port

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            await self.closed.wait()


class RtpEndpoint:
    """RTP on an even port of `host`, RTCP on the next one.

    Make one with `open`; it is an async context manager, and leaving closes both sockets.
    """

    def __init__(self, rtp: _Socket, rtcp: _Socket) -> None:
        self._rtp = rtp
        self._rtcp = rtcp

    @classmethod
    async def open(cls, host: str) -> Self:
        """Bind a free pair. LocalError if the host is not ours, or no pair is free."""
        for _ in range(_ATTEMPTS):
            rtp = rtcp = None
            try:
                rtp = await _bind(host, 0)
                port = rtp.address[1]
                if port % 2 == 0:
                    rtcp = await _bind(host, port + 1)
                    return cls(rtp, rtcp)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    reason = error.strerror or str(error)
                    raise LocalError(f"cannot open an RTP port on {host}: {reason}") from error
            finally:
                if rtp is not None and rtcp is None:
                    await rtp.close()
        raise LocalError(f"no pair of RTP ports is free on {host}")

    @property
    def host(self) -> str:
        """Our address."""
        return self._rtp.address[0]

    @property
    def port(self) -> int:
        """The RTP port; RTCP has the next one."""
        return self._rtp.address[1]

    def listen(self, on_rtp: DatagramHandler, on_rtcp: DatagramHandler) -> None:
        """Hand on datagrams from now on, beginning with those that came before (up to 256)."""
        self._rtp.listen(on_rtp)
        self._rtcp.listen(on_rtcp)

    def send_rtp(self, octets: bytes, to: Address) -> None:
        """Send one datagram from the RTP port."""
        self._rtp.send(octets, to)

    def send_rtcp(self, octets: bytes, to: Address) -> None:
        """Send one datagram from the RTCP port."""
        self._rtcp.send(octets, to)

    async def close(self) -> None:
        """Close both sockets."""
        await self._rtp.close()
        await self._rtcp.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


async def _bind(host: str, port: int) -> _Socket:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(_Socket, local_addr=(host, port))
    # As much as the system allows: a video frame is a burst, and we may be busy while it comes.
    plain: socket.socket = transport.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    return protocol
