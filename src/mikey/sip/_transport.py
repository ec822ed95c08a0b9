"""The transport layer (RFC 3261 18) over our own channels.

sipua's layer, with: UDP and TCP on one port, requests above 1300 octets by TCP (18.1.1), CANCEL,
ACK and repetitions on the transport of their INVITE, connection limits, sockets closed for sure.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import dataclasses
import errno
import ipaddress
import logging
import socket
from collections.abc import Callable

import sipmessage
from sipua.transport import TransportAddress, TransportLayer
from sipua.utils import ANY_HOST, ANY_PORT

from mikey.aio.reasons import reason_of
from mikey.errors import CarriageError, LocalError
from mikey.sip._channels import Channel, Inbox, TcpChannel, UdpChannel
from mikey.sip._message import (
    MalformedRequestError,
    MalformedResponseError,
    ReceivedRequest,
    Reply,
    reply,
)
from mikey.sip._tasks import Tasks
from mikey.sip.settings import Limits
from mikey.text import bracketed, plain

__all__ = ["Transport", "local_address_towards"]

logger = logging.getLogger("mikey.sip")

_ANY_PORT = 5060  # connect wants one
_BIND_ATTEMPTS = 20  # a free UDP port may be taken on TCP


class Transport(TransportLayer, Inbox):
    """Sends and receives SIP messages for one address."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits = limits
        self.on_malformed_response: Callable[[MalformedResponseError], None] | None = None
        self._host = ""
        self._port = 0
        self._closed = False
        self._tasks = Tasks()

    @property
    def address(self) -> tuple[str, int]:
        """The address we listen on."""
        return self._host, self._port

    async def listen_on(self, host: str, port: int) -> None:
        """Bind UDP and TCP to the same port; with port 0 to a free one.

        Raises LocalError if the address cannot be bound; then no socket stays open.
        """
        for attempt in range(_BIND_ATTEMPTS):
            try:
                await self._bind(host, port)
            except OSError as error:
                await self._close_sockets()
                taken = error.errno == errno.EADDRINUSE
                if port == 0 and taken and attempt + 1 < _BIND_ATTEMPTS:
                    continue
                where = f"{bracketed(host)}:{port}"
                raise LocalError(f"cannot listen on {where}: {reason_of(error)}") from error
            return

    async def _bind(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        _, udp = await loop.create_datagram_endpoint(
            lambda: UdpChannel(self, self.limits), sock=await _udp_socket(host, port)
        )
        self._host, self._port = udp.via_host, udp.via_port or 0
        server = await loop.create_server(self._tcp_channel, host=self._host, port=self._port)
        self._tcp_servers.add(server)

    def _tcp_channel(self) -> TcpChannel:
        return TcpChannel(self, self.limits, self._port)

    async def close(self) -> None:
        """Close every socket; what is sent afterwards goes nowhere."""
        self._closed = True
        await self._tasks.close()
        await self._close_sockets()

    async def _close_sockets(self) -> None:
        for server in self._tcp_servers:
            server.close()
        await asyncio.gather(*(channel.close() for channel in set(self._channels)))
        for server in self._tcp_servers:
            await server.wait_closed()
        self._tcp_servers.clear()

    # sending

    async def send_message(self, message: sipmessage.Message) -> bool:
        """Send a message, return whether its transport is reliable.

        Raises ConnectionError if the destination cannot be reached.
        """
        if self._closed:
            return True
        message.content_length = len(message.body)
        try:
            destination = await self._destination(message)
            channel = await self._acquire_channel(destination)
            if self._is_too_long_for(channel, message, destination):
                channel, destination = await self._stream_for(channel, destination)
        except ConnectionError:
            raise
        except (OSError, TimeoutError) as error:
            raise ConnectionError(str(error)) from error
        self._stamp(message, channel, destination)
        await channel.send_message(message, destination)
        return channel.is_reliable

    async def _destination(self, message: sipmessage.Message) -> TransportAddress:
        if isinstance(message, Reply):
            return message.reply_to
        if not isinstance(message, sipmessage.Request):
            raise TypeError("a response is sent as a Reply")
        route = message.route
        uri = route[0].uri if route and "lr" in route[0].uri.parameters else message.uri
        via = message.via[0]
        if via.host != ANY_HOST:
            protocol = via.transport.lower()  # a repetition, CANCEL or ACK: as the INVITE went
        elif uri.scheme == "sips":
            protocol = "tls"
        else:
            protocol = (uri.parameters.get("transport") or "udp").lower()
        port = uri.port or 5060
        if not 0 < port < 65536:  # asyncio would close the socket over it
            raise ConnectionError(f"there is no port {port}")
        return TransportAddress(protocol, await self._resolve(uri.host), port)

    async def _resolve(self, host: str) -> str:
        """The numeric address of the host of a URI, of the family of our socket."""
        host = host.strip("[]")
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(host)
            if address.version != ipaddress.ip_address(self._host).version:
                raise ConnectionError(f"no way from {self._host} to {host}")
            return str(address)
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, None, family=family, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise _as_connection_error(error, f"cannot find the host {host}") from error
        return str(found[0][4][0])

    async def _acquire_channel(self, destination: TransportAddress) -> Channel:
        if destination.protocol not in ("udp", "tcp"):
            raise ConnectionError(f"SIP over {destination.protocol} is not supported")
        for channel in self._channels:
            remote = channel.remote_address
            if isinstance(channel, UdpChannel) and destination.protocol == "udp":
                return channel
            if isinstance(channel, TcpChannel) and remote == destination:
                return channel
        if destination.protocol == "udp":
            raise ConnectionError("the UDP socket is closed")
        local = None if ipaddress.ip_address(self._host).is_unspecified else (self._host, ANY_PORT)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(10.0):
                _, tcp = await loop.create_connection(
                    self._tcp_channel, destination.host, destination.port, local_addr=local
                )
        except OSError as error:
            where = f"{destination.host}:{destination.port}"
            raise _as_connection_error(error, f"cannot reach {where} over TCP") from error
        return tcp

    def _is_too_long_for(
        self, channel: Channel, message: sipmessage.Message, destination: TransportAddress
    ) -> bool:
        if channel.is_reliable or not isinstance(message, sipmessage.Request):
            return False
        if message.via[0].host != ANY_HOST:
            return False
        probe = sipmessage.Request(message.method, message.uri, message.body)
        probe.headers = copy.deepcopy(message.headers)
        self._stamp(probe, channel, destination)
        return len(bytes(probe)) > self.limits.datagram

    async def _stream_for(
        self, datagram: Channel, destination: TransportAddress
    ) -> tuple[Channel, TransportAddress]:
        stream = dataclasses.replace(destination, protocol="tcp")
        try:
            return await self._acquire_channel(stream), stream
        except ConnectionRefusedError:
            logger.debug("no TCP at %s, back to UDP", destination)
            return datagram, destination

    def _stamp(
        self, message: sipmessage.Message, channel: Channel, destination: TransportAddress
    ) -> None:
        """Write our address into a Via and a Contact that have none yet."""
        host = channel.via_host
        if ipaddress.ip_address(host).is_unspecified:
            host = local_address_towards(destination.host)
        host = bracketed(host)
        if isinstance(message, sipmessage.Request) and message.via[0].host == ANY_HOST:
            via = dataclasses.replace(
                message.via[0],
                transport=channel.via_transport,
                host=host,
                port=channel.via_port,
            )
            message.headers.setlist("Via", [f"{via};rport"])
        contacts = message.contact
        if contacts and contacts[0].uri.host == ANY_HOST:
            uri = sipmessage.URI(
                scheme="sip",
                user=contacts[0].uri.user,
                host=host,
                port=channel.via_port,
                parameters=sipmessage.Parameters(transport=channel.uri_transport),
            )
            message.contact = [sipmessage.Address(uri)]

    # receiving

    def opened(self, channel: Channel) -> None:
        """Keep a new channel, or close it if there are too many."""
        if isinstance(channel, TcpChannel) and (
            self._closed or len(self._channels) > self.limits.connections
        ):
            logger.debug("too many TCP connections")
            channel.abort()
            return
        self._channels.add(channel)

    def closed(self, channel: Channel) -> None:
        """Forget a channel."""
        self._channels.discard(channel)

    def message(self, message: ReceivedRequest | sipmessage.Response) -> None:
        """Hand a message to the transaction layer."""
        if not self._closed:
            self._tasks.spawn(self._handle_message(message))

    def malformed(self, error: CarriageError) -> None:
        """Tell the sender, if anybody can be told."""
        logger.debug("malformed: %s", plain(str(error)))
        if self._closed:
            return
        if isinstance(error, MalformedRequestError) and error.request.method != "ACK":
            self._tasks.spawn(self._answer_malformed(error))
        elif isinstance(error, MalformedResponseError) and self.on_malformed_response is not None:
            self.on_malformed_response(error)

    async def _answer_malformed(self, error: MalformedRequestError) -> None:
        await self.send_message(reply(error.request, error.status))


async def _udp_socket(host: str, port: int) -> socket.socket:
    """A bound UDP socket; one on :: is for IPv6 alone, as asyncio makes those of TCP."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    udp = socket.socket(family, kind, protocol)
    try:
        udp.setblocking(False)
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        udp.bind(address)
    except BaseException:
        udp.close()
        raise
    return udp


def local_address_towards(host: str) -> str:
    """The address of ours from which the system sends to `host` (no packet is sent).

    Raises ConnectionError for a host that is not known or cannot be reached.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, _ANY_PORT, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError as error:
        raise _as_connection_error(error, f"no way to the host {host}") from error


def _as_connection_error(error: OSError, what: str) -> ConnectionError:
    kind = ConnectionRefusedError if isinstance(error, ConnectionRefusedError) else ConnectionError
    silent = isinstance(error, TimeoutError) and error.errno is None
    return kind(f"{what}: {'no answer' if silent else reason_of(error)}")
