"""A small RTSP server whose streams MIKEY keys, for testing clients."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from mikey.aio.reasons import reason_of
from mikey.carriage.rtsp import VERSIONS, Guard
from mikey.credentials import Certified, NoKey, Psk
from mikey.errors import LocalError
from mikey.policy import PROFILES, Clock, Compat, KeyFlow, Policy, SrtpPolicy
from mikey.rtsp._connection import Connection
from mikey.rtsp._keys import Keyring
from mikey.rtsp._offering import ServerKeys
from mikey.rtsp._sending import SendingStream
from mikey.rtsp._serving import Offer, Serving
from mikey.rtsp.source import Source
from mikey.rtsp.tls import ServerTls
from mikey.secret import Secret
from mikey.text import bracketed

__all__ = ["Server", "ServerOptions"]

logger = logging.getLogger("mikey.rtsp")

_REALM = "mikey"
_NAMES = ("rtsp:server", "rtsp:client")
_MOST_CLIENTS = 256
_HANDSHAKE = 10  # seconds; who has not done it does not count as a client yet
_LOWER = {"udp": "UDP", "tcp": "TCP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How a server keys its streams and whom it serves.

    `profile` is the name of a `policy.PROFILES` entry, `flow` says whose key protects what, in
    place of the profile's. `srtp` is the policy of keys that we make. `psk` is the key shared with
    the clients, for the profile "rfc". With a `credential` the server speaks RTSP 2.0, where it
    answers the RSA-R of each SETUP (RFC 7826 C.1.4.1), inside TLS alone.
    `feedback` makes the profile RTP/SAVPF. `transports` are "udp" and "tcp". `users` need digest
    authentication, by name. `policy`: MIKEY-NULL is served inside TLS, outside only with its
    `allow_null`. `sequence` is the first sequence number of each stream, None: random; `roc` its
    rollover counter then, above 0 in streams that have run for long. `timeout`: the seconds after
    which a silent client is left; `most` clients at a time.
    """

    profile: str = "onvif-cm"
    flow: KeyFlow | None = None
    srtp: SrtpPolicy = field(default_factory=SrtpPolicy)
    psk: Psk | None = field(default=None, repr=False)
    credential: Certified | None = None
    feedback: bool = False
    transports: Sequence[str] = ("udp", "tcp")
    users: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    policy: Policy = field(default_factory=Policy)
    sequence: int | None = None
    roc: int = 0
    timeout: int = 60
    most: int = _MOST_CLIENTS
    clock: Clock = field(default_factory=Clock)
    random: Callable[[int], bytes] = secrets.token_bytes

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise LocalError(f"no profile is named {self.profile!r}; known: {', '.join(PROFILES)}")
        if not self.transports or not set(self.transports) <= set(_LOWER):
            raise LocalError("the transports of a server are udp, tcp or both")
        if self.sequence is not None and not 0 <= self.sequence < 1 << 16:
            raise LocalError("a sequence number has 16 bits")
        if not 0 <= self.roc < 1 << 32:
            raise LocalError("a rollover counter has 32 bits")
        if self.credential is not None:
            if self.psk is not None or self.flow is not None:
                raise LocalError("RTSP 2.0 has one way of keying, by certificates")
        elif (self.psk is None) is (self.compat.flow is KeyFlow.ANSWER):
            raise LocalError("a pre-shared key goes with the flow of RFC 4567, and with no other")

    @property
    def compat(self) -> Compat:
        """How the clients deviate from the RFCs."""
        if self.credential is not None:
            return self.credential.compat
        compat = PROFILES[self.profile]
        return compat if self.flow is None else replace(compat, flow=self.flow)


class Server:
    """Serves one presentation under one path; `open` it, leave it with `async with`.

    `clients` are the connections of now. Each has its own session, keys and run of the sources.
    """

    def __init__(
        self, sources: Sequence[Source], options: ServerOptions, tls: ServerTls | None, path: str
    ) -> None:
        if not sources:
            raise LocalError("a server has at least one source")
        if not path.startswith("/") or not path.isascii() or " " in path:
            raise LocalError(
                "the path of a presentation begins with /, and is ASCII without blanks"
            )
        self._options = options
        self._tls = tls
        self._path = path
        self._listener: asyncio.Server | None = None
        self._closed = False
        self._ending: set[asyncio.Task[None]] = set()
        self._clients: dict[Connection, Serving] = {}
        guard = None
        if options.users:
            guard = Guard(_REALM, options.users, random=options.random)
        self._offer = Offer(
            version=VERSIONS[options.credential is not None],
            # Clients choose how to deviate by this name too, so the profile is told.
            product=f"mikey ({options.profile})",
            sources=tuple(sources),
            path=path,
            profile="RTP/SAVPF" if options.feedback else "RTP/SAVP",
            lower=frozenset(_LOWER[name] for name in options.transports),
            timeout=options.timeout,
            guard=guard,
            clock=options.clock,
            random=options.random,
            sequence=options.sequence,
            roc=options.roc,
            new_keys=self._new_keys,
        )

    @classmethod
    async def open(
        cls,
        sources: Sequence[Source],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        path: str = "/test",
        options: ServerOptions | None = None,
        tls: ServerTls | None = None,
    ) -> Self:
        """Listen; port 0 takes a free one. Raises LocalError for what cannot be served there."""
        options = options or ServerOptions()
        if options.credential is not None and tls is None:
            raise LocalError("RTSP 2.0 keys its streams inside TLS (RFC 7826 C.1.4.1)")
        null = options.compat.flow is not KeyFlow.ANSWER
        if null and tls is None and not options.policy.allow_null:
            raise LocalError(
                "keys would travel in clear: use TLS, or allow it (Policy(allow_null=True))"
            )
        server = cls(sources, options, tls, path)
        context = None if tls is None else tls.context()
        loop = asyncio.get_running_loop()
        try:
            server._listener = await loop.create_server(
                server._client,
                host,
                port,
                ssl=context,
                ssl_handshake_timeout=None if tls is None else min(_HANDSHAKE, options.timeout),
            )
        except OSError as error:
            where = f"{bracketed(host)}:{port}"
            raise LocalError(f"cannot listen on {where}: {reason_of(error)}") from None
        return server

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        if self._listener is None:
            raise LocalError("the server is closed")
        host, port = self._listener.sockets[0].getsockname()[:2]
        return host, port

    @property
    def url(self) -> str:
        """The URL of the presentation."""
        host, port = self.address
        shown = bracketed(host)
        return f"rtsp{'' if self._tls is None else 's'}://{shown}:{port}{self._path}"

    @property
    def clients(self) -> tuple[Serving, ...]:
        """The sessions of now."""
        return tuple(self._clients.values())

    async def close(self) -> None:
        """Stop listening, and end every session."""
        self._closed = True
        if self._listener is not None:
            self._listener.close()
        for connection in tuple(self._clients):
            await connection.close()
        while self._ending:
            await asyncio.wait(self._ending)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    def _client(self) -> Connection:
        serving = Serving(self._offer)

        def made(connection: Connection) -> None:
            if self._closed:  # while it shook hands
                connection.abort()
                return
            if len(self._clients) >= self._options.most:
                logger.warning("more than %d clients: one is refused", self._options.most)
                connection.abort()
                return
            self._clients[connection] = serving
            serving.made(connection)
            task = asyncio.create_task(self._attend(connection, serving))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

        return Connection(serving.answer, timeout=float(self._options.timeout), made=made)

    async def _attend(self, connection: Connection, serving: Serving) -> None:
        """Wait for the end of a connection, or for the silence of its client."""
        loop = asyncio.get_running_loop()
        limit = self._options.timeout
        while not connection.lost.done():
            heard = max(connection.heard_at, serving.heard_at)
            left = heard + limit - loop.time()
            if left <= 0:
                logger.debug("a client said nothing for %d s", limit)
                break
            await asyncio.wait({connection.lost}, timeout=left)
        # The connection first: a request that is being answered could set up another stream.
        await connection.close()
        await serving.close()
        del self._clients[connection]

    def _new_keys(
        self, secure: bool, streams: Sequence[SendingStream]
    ) -> tuple[Keyring, ServerKeys]:
        options = self._options
        keyring = Keyring(
            options.credential or options.psk or NoKey(*_NAMES, compat=options.compat),
            secure=secure,
            policy=options.policy,
            policies=None if options.credential is None else (options.srtp,),
            clock=options.clock,
            random=options.random,
        )
        return keyring, ServerKeys(keyring, streams, options.srtp)
