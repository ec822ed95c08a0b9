"""A connection to an RTSP server: requests with authentication, and what is behind a URL."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Self

from mikey.carriage.rtsp import (
    VERSIONS,
    Headers,
    Login,
    Presentation,
    Request,
    Response,
    refuse,
)
from mikey.credentials import Certified
from mikey.errors import LocalError, PeerError
from mikey.policy import Clock, Context, Policy
from mikey.rtsp._connecting import open_connection
from mikey.rtsp._connection import Connection
from mikey.rtsp.errors import RedirectedError, RefusedError
from mikey.rtsp.tls import Tls, system_tls
from mikey.rtsp.url import Url
from mikey.secret import Secret

__all__ = ["Client", "Settings"]

logger = logging.getLogger("mikey.rtsp")

_USER_AGENT = "mikey"
_UNAUTHORIZED = 401
_FOUND = 302
_NOT_MODIFIED = 304

RekeyHandler = Callable[[Request], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every exchange of a client shares.

    `timeout` is for connecting and for each request, in seconds; `policy` says what keys are
    taken (`allow_null`: MIKEY-NULL outside TLS); `report_interval` is the mean time between RTCP
    reports, `silence` how long to wait for the first packet over UDP before TCP is tried, both in
    seconds. With a `credential` the client speaks RTSP 2.0, where each SETUP asks for keys by RSA-R
    (RFC 7826 C.1.4.1): over TLS alone, to a server whose certificate is verified.
    """

    timeout: float = 10.0
    silence: float = 5.0
    report_interval: float = 2.5
    policy: Policy = field(default_factory=Policy)
    credential: Certified | None = None
    clock: Clock = field(default_factory=Clock)
    random: Callable[[int], bytes] = secrets.token_bytes

    def __post_init__(self) -> None:
        if min(self.timeout, self.silence, self.report_interval) <= 0:
            raise LocalError("times of waiting are above 0")
        if self.credential is not None and self.credential.url is not None:
            raise LocalError(
                "RTSP 2.0 sends our certificate itself, not its URL (RFC 7826 C.1.4.1)"
            )

    @property
    def version(self) -> str:
        """The version of RTSP that the client speaks."""
        return VERSIONS[self.credential is not None]


class Client:
    """One connection to one server; make it with `connect`, leave it with `async with`."""

    def __init__(
        self, connection: Connection, url: Url, login: Login | None, settings: Settings
    ) -> None:
        self.connection = connection
        self.url = url
        self.settings = settings
        self.methods: tuple[str, ...] = ()
        self.server = ""
        self.on_set_parameter: RekeyHandler | None = None
        self.on_redirect: Callable[[RedirectedError], None] | None = None
        self._login = login
        # One request at a time: two that are refused together would look like a wrong password.
        self._turn = asyncio.Lock()

    @classmethod
    async def connect(
        cls,
        url: str | Url,
        *,
        user: str | None = None,
        password: Secret | None = None,
        tls: Tls | None = None,
        settings: Settings | None = None,
    ) -> Self:
        """Connect to the server of a URL.

        `user` and `password` go before those in the URL, and are sent only when the server asks,
        Basic only inside TLS. Raises LocalError for a URL or options of no use, ClosedError where
        nobody listens, NoAnswerError, and UntrustedError for a certificate without trust.
        """
        url = Url.parse(url) if isinstance(url, str) else url
        settings = settings or Settings()
        tls = tls or system_tls()
        if settings.credential is not None and (not url.secure or tls.insecure):
            raise LocalError("RTSP 2.0 needs TLS with a server that is verified (RFC 7826 C.1.4.1)")
        user = url.user if user is None else user
        password = url.password if password is None else password
        login = None
        if user is not None:
            login = Login(user, password or Secret(b""), secure=url.secure, random=settings.random)
        client: Self | None = None

        async def answer(request: Request) -> Response:
            return Response(501) if client is None else client._asked(request)

        connection = await open_connection(url, tls, answer, settings.timeout)
        client = cls(connection, url, login, settings)
        return client

    @property
    def secure(self) -> bool:
        """Whether the connection is TLS."""
        return self.connection.secure

    async def request(
        self,
        method: str,
        uri: str,
        headers: Headers | None = None,
        body: bytes = b"",
        *,
        accept: Collection[int] = (),
    ) -> Response:
        """Send a request, with credentials if they are asked for; return its 2xx response.

        A status in `accept` is returned too, any other raises RefusedError, or RedirectedError
        for one that names another URL (3xx), which is never followed.
        """
        fields = Headers((*(headers or ()), ("User-Agent", _USER_AGENT)))
        version = self.settings.version
        plain = Request(method, uri, headers=fields, body=body, version=version)
        login = self._login
        async with self._turn:
            response = await self.connection.request(login.authorize(plain) if login else plain)
            # Twice at most: a nonce may be stale, then the fresh one is tried.
            for _ in range(2):
                if login is None or not login.challenged(response):
                    break
                response = await self.connection.request(login.authorize(plain))
        self.server = response.headers.get("Server") or self.server
        if 200 <= response.status < 300 or response.status in accept:
            return response
        if 300 <= response.status < 400 and response.status != _NOT_MODIFIED:
            location = response.headers.get("Location") or ""
            raise RedirectedError(f"{method}: {response.status}", response.status, location)
        phrase = response.reason
        if response.status == _UNAUTHORIZED:
            phrase = f"{phrase} ({_why_unauthorized(login)})"
        raise RefusedError(method, response.status, phrase)

    async def options(self) -> tuple[str, ...]:
        """Return the methods that the server knows."""
        response = await self.request("OPTIONS", self.url.uri)
        public = response.headers.get("Public") or response.headers.get("Allow") or ""
        self.methods = tuple(word.strip().upper() for word in public.split(",") if word.strip())
        return self.methods

    async def describe(self) -> Presentation:
        """Return what the server has under the URL; raises CarriageError for no such answer."""
        response = await self.request(
            "DESCRIBE", self.url.uri, Headers((("Accept", "application/sdp"),))
        )
        return Presentation.of(response, self.url.uri, context=Context(secure=self.secure))

    async def close(self) -> None:
        """Close the connection."""
        await self.connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    def _asked(self, request: Request) -> Response:
        """Answer a request of the server: it may look whether we live, renew keys, and go."""
        if request.method == "OPTIONS":
            return Response(200, headers=Headers({"Public": "OPTIONS, SET_PARAMETER"}))
        if request.method == "GET_PARAMETER" and not request.body:
            return Response(200)
        if request.method == "SET_PARAMETER" and self.on_set_parameter is not None:
            try:
                return self.on_set_parameter(request)
            except PeerError as error:
                logger.debug("refused SET_PARAMETER: %s", error)
                return refuse(error, request)
        if request.method == "REDIRECT" and self.on_redirect is not None:
            location = request.headers.get("Location") or ""
            self.on_redirect(RedirectedError("REDIRECT", _FOUND, location))
            return Response(200)
        return Response(501)


def _why_unauthorized(login: Login | None) -> str:
    if login is None:
        return "it asks for a user and a password"
    if not login.tried:
        return "the password was not sent: it wants neither Digest nor, inside TLS, Basic"
    return "user or password is wrong"
