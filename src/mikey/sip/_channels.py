"""UDP and TCP under sipua's transport layer: framing, limits, a log without keys.

They take the place of sipua's own channels, which take every TCP segment for one message and log
what passes in the clear.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import sipmessage
from sipua.transport import TransportAddress, TransportChannel

from mikey.carriage.redact import redact
from mikey.errors import CarriageError
from mikey.sip._message import ReceivedRequest, Source, parse_message
from mikey.text import plain

if TYPE_CHECKING:
    from mikey.sip.settings import Limits

__all__ = ["Channel", "Inbox", "StreamFramer", "TcpChannel", "UdpChannel", "log_message"]

logger = logging.getLogger("mikey.sip")

_CONTENT_LENGTH = re.compile(
    rb"(?:^|\r\n)(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*(?=\r\n|$)", re.I
)


class Inbox(abc.ABC):
    """What a channel does with the messages, and the errors, that come out of it."""

    @abc.abstractmethod
    def opened(self, channel: Channel) -> None:
        """A channel is ready."""

    @abc.abstractmethod
    def closed(self, channel: Channel) -> None:
        """A channel is gone."""

    @abc.abstractmethod
    def message(self, message: ReceivedRequest | sipmessage.Response) -> None:
        """A well-formed message came in."""

    @abc.abstractmethod
    def malformed(self, error: CarriageError) -> None:
        """Something else came in."""


def log_message(direction: str, peer: object, octets: bytes) -> None:
    """One message into the log `mikey.sip`, keys and control characters taken out."""
    if logger.isEnabledFor(logging.DEBUG):
        text = redact(octets.decode("utf-8", "backslashreplace").replace("\r\n", "\n"))
        shown = "\n".join(map(plain, text.rstrip("\n").split("\n")))
        logger.debug("%s %s\n%s", direction, peer, shown)


class StreamFramer:
    """Cuts a stream into SIP messages by Content-Length (RFC 3261 18.3)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._size: int | None = None  # of the message under way, once its headers are here

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """The messages that `octets` complete; CarriageError where the framing is lost."""
        self._buffer += octets
        while True:
            # Headers are read once, however many pieces the body comes in.
            if self._size is None:
                self._size = self._measured()
            if self._size is None or len(self._buffer) < self._size:
                return
            message = bytes(self._buffer[: self._size])
            del self._buffer[: self._size]
            self._size = None
            yield message

    def _measured(self) -> int | None:
        """The octets of the next message, None while its headers are not complete."""
        while self._buffer[:2] == b"\r\n":  # keep-alive, or blank lines before a message (7.5)
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n", 0, self._limits.head + 4)
        if end < 0:
            if len(self._buffer) > self._limits.head:
                raise CarriageError("the headers of the SIP message are too long", status=400)
            return None
        lengths = set(_CONTENT_LENGTH.findall(self._buffer[:end]))
        if len(lengths) != 1:
            raise CarriageError("no usable Content-Length in a stream", status=400)
        size = end + 4 + int(lengths.pop())
        if size > self._limits.message:
            raise CarriageError(f"SIP message of {size} octets is too long", status=400)
        return size


class Channel(TransportChannel):
    """What both channels share."""

    def __init__(self, inbox: Inbox, limits: Limits, port: int) -> None:
        self.inbox = inbox
        self.limits = limits
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.via_host = ""
        # the port on which we listen, also on a connection that we opened from another one
        self.via_port = port

    def _received(self, octets: bytes, source: Source) -> None:
        log_message("<=", f"{source.transport} {source.host}:{source.port}", octets)
        try:
            message = parse_message(octets, source, self.limits)
        except CarriageError as error:
            self.inbox.malformed(error)
        else:
            self.inbox.message(message)

    def _gone(self) -> None:
        self.inbox.closed(self)
        if not self.gone.done():
            self.gone.set_result(None)


class UdpChannel(Channel, asyncio.DatagramProtocol):
    """One bound UDP socket."""

    is_reliable = False
    uri_transport = "udp"
    via_transport = "UDP"

    def __init__(self, inbox: Inbox, limits: Limits, port: int = 0) -> None:
        super().__init__(inbox, limits, port)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is bound."""
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.via_host, self.via_port = transport.get_extra_info("sockname")[:2]
        self.inbox.opened(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The socket is closed."""
        self._gone()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """One datagram; a blank one keeps a binding alive (RFC 5626 3.5.1)."""
        if data.strip(b"\r\n\0"):
            self._received(data, Source("udp", addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error: the timers of the transaction tell the caller."""
        logger.debug("UDP error: %s", exc)

    async def send_message(
        self, message: sipmessage.Message, destination: TransportAddress
    ) -> None:
        """Send one datagram."""
        octets = _octets(message)
        log_message("=>", f"udp {destination.host}:{destination.port}", octets)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(octets, (destination.host, destination.port))

    async def close(self) -> None:
        """Close the socket and wait until it is closed."""
        if self._transport is not None:
            self._transport.close()
            await self.gone


class TcpChannel(Channel, asyncio.Protocol):
    """One TCP connection, opened by either side."""

    is_reliable = True
    uri_transport = "tcp"
    via_transport = "TCP"

    def __init__(self, inbox: Inbox, limits: Limits, port: int) -> None:
        super().__init__(inbox, limits, port)
        self._transport: asyncio.Transport | None = None
        self._framer = StreamFramer(limits)
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self.limits.unread)
        self.via_host = transport.get_extra_info("sockname")[0]
        host, port = transport.get_extra_info("peername")[:2]
        self.remote_address = TransportAddress("tcp", host, port)
        self._watch()
        self.inbox.opened(self)

    def pause_writing(self) -> None:
        """The peer asks and does not read the answers."""
        self.abort()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The connection is gone."""
        if self._idle is not None:
            self._idle.cancel()
        self._gone()

    def data_received(self, data: bytes) -> None:
        """Some octets of the stream."""
        remote = self.remote_address
        if remote is None:
            return
        self._watch()
        source = Source("tcp", remote.host, remote.port)
        try:
            for octets in self._framer.feed(data):
                self._received(octets, source)
        except CarriageError as error:
            self.inbox.malformed(error)
            self.abort()  # nobody knows where the next message begins

    async def send_message(
        self, message: sipmessage.Message, destination: TransportAddress
    ) -> None:
        """Write one message; ConnectionError if the connection is gone."""
        octets = _octets(message)
        log_message("=>", f"tcp {destination.host}:{destination.port}", octets)
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the TCP connection is closed")
        self._transport.write(octets)

    async def close(self) -> None:
        """Close the connection, after what was written, and wait until it is closed."""
        if self._transport is None:
            return
        self._transport.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await asyncio.shield(self.gone)
        self.abort()  # a peer that reads no more does not keep us
        await self.gone

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _watch(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(self.limits.idle, self.abort)


def _octets(message: sipmessage.Message) -> bytes:
    if not isinstance(message, sipmessage.Request | sipmessage.Response):
        raise TypeError("a SIP message is a Request or a Response")
    return bytes(message)
