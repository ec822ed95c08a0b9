"""One client of a server: its requests, its session, its streams."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from mikey.aio import RtpEndpoint
from mikey.carriage.rtsp import (
    CONTENT_TYPE,
    VERSIONS,
    Guard,
    Headers,
    KeyMgmt,
    Request,
    Response,
    Session,
    Transport,
    UnauthorizedError,
    key_mgmt_body,
    mikey_body,
    parse_address,
    parse_parameters,
    parse_transport,
    refuse,
    take_transport,
)
from mikey.errors import CarriageError, LocalError, PeerError
from mikey.policy import Clock
from mikey.rtsp._connection import Connection
from mikey.rtsp._description import describe
from mikey.rtsp._keys import Keyring
from mikey.rtsp._offering import ServerKeys
from mikey.rtsp._sending import SendingStream
from mikey.rtsp.errors import RefusedError
from mikey.rtsp.source import Source
from mikey.text import bracketed

__all__ = ["Offer", "Serving"]

logger = logging.getLogger("mikey.rtsp")

_GET_READY = 0.05  # seconds for the client to read the answer to PLAY before packets come
_MIKEY = "mikey"
_LIVE = (
    ("Accept-Ranges", "npt"),
    ("Media-Properties", "No-Seeking, Time-Progressing, Time-Duration=0.0"),
    ("Media-Range", "npt=now-"),
)
"""What RTSP 2.0 wants to be told of sources that are live (RFC 7826 13.3, 18.29)."""
_PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What every client of a server is offered; `product` is what its Server header says."""

    version: str
    product: str
    sources: Sequence[Source]
    path: str
    profile: str
    lower: frozenset[str]
    timeout: int
    guard: Guard | None
    clock: Clock
    random: Callable[[int], bytes]
    sequence: int | None
    roc: int
    new_keys: Callable[[bool, Sequence[SendingStream]], tuple[Keyring, ServerKeys]]


@dataclass(slots=True)
class _Leg:
    """One stream that was set up: how it travels, and the task that sends it."""

    stream: SendingStream
    transport: Transport
    endpoint: RtpEndpoint | None
    task: asyncio.Task[None] | None = field(default=None)


class Serving:
    """Answers the requests of one connection; it has at most one session."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._connection: Connection | None = None
        self._ident = ""
        self._legs: dict[int, _Leg] = {}
        self._streams: list[SendingStream] = []
        self._keyring: Keyring | None = None
        self._keys: ServerKeys | None = None
        self.user = ""
        self.rekeys = 0

    @property
    def streams(self) -> tuple[SendingStream, ...]:
        """The streams of the session, in the order of the description."""
        return tuple(self._streams)

    @property
    def heard_at(self) -> float:
        """When an authentic report came last, by the clock of the loop."""
        return max((stream.heard_at for stream in self._streams), default=0.0)

    @property
    def dropped(self) -> int:
        """Interleaved packets that a slow client did not take."""
        return 0 if self._connection is None else self._connection.dropped

    @property
    def playing(self) -> bool:
        """Whether any stream is being sent."""
        return any(leg.task is not None and not leg.task.done() for leg in self._legs.values())

    def made(self, connection: Connection) -> None:
        """Begin."""
        self._connection = connection

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        try:
            response = await self._respond(request)
        except UnauthorizedError as error:
            return Response(
                error.status,
                headers=Headers(("WWW-Authenticate", value) for value in error.challenges),
            )
        except PeerError as error:
            logger.debug("refused %s: %s", request.method, error)
            mikey = None if self._keyring is None else self._keyring.refuse(error)
            return refuse(error, request, mikey=mikey)
        fields = Headers((("Server", self._offer.product), *response.headers))
        if self._ident and "Session" not in fields:
            fields = fields.and_field("Session", self._session)
        return replace(response, headers=fields)

    async def rekey(self) -> None:
        """Give the client a new key of ours for each stream (SET_PARAMETER), then send under it.

        Raises LocalError where the client makes the keys, RefusedError where it refuses.
        """
        connection, keys = self._live
        for index in tuple(self._legs):  # the client may go on with SETUP meanwhile
            message = keys.renew(index)
            uri = keys.presentation.tracks[index].control
            body = mikey_body(message)
            if self._keyring is not None and self._keyring.credential.compat.rekey_in_key_mgmt:
                body = key_mgmt_body(KeyMgmt(_MIKEY, uri, message))
            headers = Headers((("Session", self._ident), ("Content-Type", CONTENT_TYPE)))
            request = Request("SET_PARAMETER", uri, headers=headers, body=body)
            response = await connection.request(request)
            if response.status >= 300:
                raise RefusedError("SET_PARAMETER", response.status, response.reason)
            keys.switch(index)
        self.rekeys += 1

    async def close(self) -> None:
        """End the session, and close its sockets."""
        for leg in tuple(self._legs.values()):
            if leg.task is not None:
                leg.task.cancel()
                await asyncio.wait({leg.task})
            if leg.endpoint is not None:
                await leg.endpoint.close()
        self._legs.clear()
        self._ident = ""
        # The contexts are gone, and with them the indices: set up again, the same keys would
        # protect other packets under the same ones. Another DESCRIBE makes new keys.
        self._keyring = self._keys = None

    # requests

    @property
    def _live(self) -> tuple[Connection, ServerKeys]:
        if self._connection is None or self._keys is None:
            raise CarriageError("there is no session", status=454)
        return self._connection, self._keys

    @property
    def _session(self) -> str:
        return Session(self._ident, self._offer.timeout).encode()

    @property
    def _secure(self) -> bool:
        return self._connection is not None and self._connection.secure

    async def _respond(self, request: Request) -> Response:
        method = request.method
        if request.version != self._offer.version:
            raise CarriageError(f"{self._offer.version} is spoken here", status=505)
        if method == "OPTIONS":
            return Response(200, headers=Headers({"Public": _PUBLIC}))
        if self._offer.guard is not None:
            now = self._offer.clock.now()
            self.user = self._offer.guard.check(request, now=now, secure=self._secure)
        if method == "DESCRIBE":
            return self._describe(request)
        if method == "SETUP":
            return await self._setup(request)
        self._check_session(request)
        if method == "PLAY":
            return self._play()
        if method == "PAUSE":
            return await self._pause()
        if method == "TEARDOWN":
            await self.close()
            return Response(200)
        if method == "GET_PARAMETER":
            return self._get_parameter(request)
        if method == "SET_PARAMETER":
            return self._set_parameter(request)
        raise CarriageError(f"{method} is not implemented", status=501)

    def _check_session(self, request: Request) -> None:
        said = request.headers.get("Session")
        if said is None and request.method in ("GET_PARAMETER", "SET_PARAMETER"):
            return  # for the connection as a whole
        if said is None or not self._ident or Session.parse(said).id != self._ident:
            raise CarriageError("no such session", status=454)

    def _describe(self, request: Request) -> Response:
        if self._connection is None or self._legs:
            raise CarriageError("DESCRIBE while a session is set up", status=455)
        if not _is_under(request.uri, self._offer.path):
            raise CarriageError("there is no such presentation", status=404)
        offer = self._offer
        host = self._connection.own_host
        self._streams = [self._stream(source) for source in offer.sources]
        self._keyring, self._keys = offer.new_keys(self._secure, self._streams)
        number = int.from_bytes(offer.random(4))
        text = describe(offer.sources, host=host, number=number, profile=offer.profile)
        base = request.uri.rstrip("/") + "/"
        body = self._keys.describe(text, base).encode()
        headers = Headers((("Content-Base", base), ("Content-Type", "application/sdp")))
        return Response(200, headers=headers, body=body)

    def _stream(self, source: Source) -> SendingStream:
        offer = self._offer
        taken = {0, *(stream.ssrc for stream in self._streams)}
        ssrc = 0
        while ssrc in taken:
            ssrc = int.from_bytes(offer.random(4))
        # Far from its end, so that the first packets cannot wrap it (RFC 3711 3.3.1)
        sequence = offer.sequence
        if sequence is None:
            sequence = int.from_bytes(offer.random(2)) >> 1
        return SendingStream(
            source,
            ssrc=ssrc,
            sequence=sequence,
            roc=offer.roc,
            timestamp=int.from_bytes(offer.random(4)),
            cname=_MIKEY,
        )

    async def _setup(self, request: Request) -> Response:
        connection, keys = self._live
        if self._legs:
            self._check_session(request)
        index = keys.index_of(request.uri)
        if index in self._legs:
            raise CarriageError("the stream is set up already", status=455)
        chosen = self._choose(request)
        stream = self._streams[index]
        repeated = answer = None
        if chosen.mikey is None:
            repeated = keys.set_up(index, request, first=not self._legs)
        else:
            answer = keys.grant(index, chosen.mikey)
        agreed, endpoint = await self._connect(connection, stream, chosen)
        self._legs[index] = _Leg(stream, agreed, endpoint)
        if not self._ident:
            self._ident = self._offer.random(8).hex()
        said = replace(agreed, mikey=answer)
        headers = Headers((("Transport", said.encode()), ("Session", self._session)))
        if self._is_second:
            headers = Headers((*headers, *_LIVE))
        if repeated is not None:
            spec = KeyMgmt(_MIKEY, request.uri, repeated)
            headers = headers.and_field("KeyMgmt", spec.encode(blanks=False))
        return Response(200, headers=headers)

    @property
    def _is_second(self) -> bool:
        return self._offer.version == VERSIONS[1]

    def _listed(self, request: Request) -> Iterable[Transport]:
        """Return the transports of a SETUP; the addresses of RTSP 2.0 become ports."""
        if self._is_second:
            return map(self._addressed, take_transport(request))
        value = request.headers.get("Transport")
        if value is None:
            raise CarriageError("SETUP has no Transport", status=400)
        return (replace(transport, mikey=None) for transport in parse_transport(value))

    def _addressed(self, transport: Transport) -> Transport:
        """Return a transport with its ports; without, where it is to somebody else."""
        ends = [parse_address(address) for address in transport.dest_addr]
        ours = all(host in ("", self._peer_host) for host, _ in ends)
        ports = (ends[0][1], ends[1][1]) if len(ends) == 2 and ours else None
        return replace(transport, client_port=ports)

    @property
    def _peer_host(self) -> str:
        return "" if self._connection is None else self._connection.peer_host

    def _choose(self, request: Request) -> Transport:
        for transport in self._listed(request):
            ports = transport.client_port if transport.lower == "UDP" else transport.interleaved
            if (
                transport.profile == self._offer.profile
                and transport.lower in self._offer.lower
                and not transport.multicast
                and (ports is not None or transport.lower == "TCP")
                and self._is_free(transport)
            ):
                return transport
        raise CarriageError("no transport that is served", status=461)

    def _is_free(self, transport: Transport) -> bool:
        used = {
            channel for leg in self._legs.values() for channel in (leg.transport.interleaved or ())
        }
        return used.isdisjoint(transport.interleaved or ())

    async def _connect(
        self, connection: Connection, stream: SendingStream, asked: Transport
    ) -> tuple[Transport, RtpEndpoint | None]:
        """Open what a stream travels by; return the Transport of the answer."""
        if asked.lower == "TCP":
            free = 2 * len(self._legs)
            rtp, rtcp = asked.interleaved or (free, free + 1)
            stream.sends(
                lambda packet: connection.send_packet(rtp, packet),
                lambda packet: connection.send_packet(rtcp, packet),
            )
            connection.listen(rtp, stream.rtp_received)
            connection.listen(rtcp, stream.rtcp_received)
            agreed = Transport(
                profile=asked.profile, lower="TCP", interleaved=(rtp, rtcp), ssrc=(stream.ssrc,)
            )
            return agreed, None
        endpoint = await RtpEndpoint.open(connection.own_host)
        client = asked.client_port or (0, 0)
        # To nobody but the client itself, whatever `destination` it asks for (RFC 2326 12.39)
        host = connection.peer_host
        stream.sends(
            lambda packet: endpoint.send_rtp(packet, (host, client[0])),
            lambda packet: endpoint.send_rtcp(packet, (host, client[1])),
        )
        endpoint.listen(stream.rtp_received, stream.rtcp_received)
        server = endpoint.port, endpoint.port + 1
        agreed = Transport(profile=asked.profile, ssrc=(stream.ssrc,))
        if self._is_second:
            own = connection.own_host
            agreed = replace(agreed, dest_addr=_at(host, client), src_addr=_at(own, server))
        else:
            agreed = replace(agreed, client_port=client, server_port=server)
        return agreed, endpoint

    def _play(self) -> Response:
        _, keys = self._live
        infos = []
        for index, leg in self._legs.items():
            url, sequence = keys.presentation.tracks[index].control, leg.stream.sequence
            info = f"url={url};seq={sequence}"
            if self._is_second:
                info = f'url="{url}" ssrc={leg.stream.ssrc:08X}:seq={sequence}'
            infos.append(info)
            if leg.task is None or leg.task.done():
                leg.task = asyncio.create_task(self._send(leg.stream))
        headers = Headers((("RTP-Info", ",".join(infos)), ("Range", "npt=now-")))
        if self._is_second:
            headers = Headers((*headers, *_LIVE[2:]))
        return Response(200, headers=headers)

    async def _send(self, stream: SendingStream) -> None:
        await asyncio.sleep(_GET_READY)
        try:
            await stream.run()
        except LocalError as error:
            logger.error("a source failed: %s", error)
        except Exception:
            logger.exception("a source failed")

    async def _pause(self) -> Response:
        for leg in self._legs.values():
            if leg.task is not None:
                leg.task.cancel()
                await asyncio.wait({leg.task})
        return Response(200)

    def _get_parameter(self, request: Request) -> Response:
        asked = parse_parameters(request.body, request.headers)
        if asked.unknown:
            raise CarriageError("unknown parameters", status=451)
        if not asked.asks_for_mikey:
            return Response(200)
        _, keys = self._live
        message = keys.current(keys.index_of(request.uri))
        headers = Headers({"Content-Type": CONTENT_TYPE})
        return Response(200, headers=headers, body=mikey_body(message))

    def _set_parameter(self, request: Request) -> Response:
        said = parse_parameters(request.body, request.headers)
        if said.unknown:
            raise CarriageError("unknown parameters", status=451)
        if said.key_mgmt:
            _, keys = self._live
            for spec in said.key_mgmt:
                for index in keys.indices_of(spec.uri or request.uri):
                    keys.renewed(index, spec.data)
            self.rekeys += 1
        return Response(200)


def _at(host: str, ports: tuple[int, int]) -> tuple[str, ...]:
    shown = bracketed(host)
    return tuple(f"{shown}:{port}" for port in ports)


def _is_under(uri: str, path: str) -> bool:
    """Whether a request URI names the presentation: its path, whatever host it is called by."""
    rest = uri.partition("://")[2]
    _, slash, found = rest.partition("/")
    return (slash + found).rstrip("/") == path.rstrip("/")
