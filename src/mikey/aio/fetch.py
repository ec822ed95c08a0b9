"""Fetch a certificate by URL, within limits (RFC 4738 3.8; cert type 1 of RFC 3830 6.7).

    await aio.drive(responder.receive(octets), {FetchCertificate: aio.fetch_certificate})

Nothing fetches unless the caller passes this function. The URL comes from a message that nobody
authenticated yet, so the host must not be one that only we can reach (R4738-3.8-3): every
address that its name has is checked, and the connection goes to a checked address.
"""

from __future__ import annotations

import asyncio
import functools
import http.client
import ipaddress
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import SplitResult, urljoin, urlsplit

from mikey.credentials import FetchCertificate
from mikey.errors import PeerError
from mikey.registry import ErrorNumber

MEDIA_TYPE = "application/pkix-cert"

_MOST_AT_ONCE = 8
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """What a fetch may take: `octets` of body, `seconds` for everything, `redirects`.

    `allow_private` permits addresses that are not globally reachable (loopback, link-local,
    private networks): for a camera network of one's own. `context` is for https, the system's
    authorities by default.
    """

    octets: int = 16 * 1024
    seconds: float = 5.0
    redirects: int = 3
    allow_private: bool = False
    context: ssl.SSLContext | None = field(default=None, repr=False)


DEFAULT_LIMITS = FetchLimits()


async def fetch_certificate(
    request: FetchCertificate, limits: FetchLimits = DEFAULT_LIMITS
) -> bytes:
    """Return the DER octets at the URL of `request`, which are not looked at here.

    http and https, media type application/pkix-cert. At most 8 are fetched at once in a process,
    in threads of their own: others wait their turn, within their seconds. Raises PeerError (8)
    for whatever goes wrong, among it a limit that is passed.
    """
    fetch = _Fetch(limits)
    try:
        async with asyncio.timeout(limits.seconds):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(_threads(), fetch.run, request)
    except TimeoutError:
        raise _failed("it takes too long") from None
    finally:
        # The thread cannot be stopped, but its connection can: then it ends by itself.
        fetch.abort()


@functools.cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads of all fetches: strangers may hold these, and not those of the loop."""
    return ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="mikey-fetch")


class _Fetch:
    """One fetch with its redirects, in a thread of its own."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits
        self._deadline = time.monotonic() + limits.seconds
        self._socket: socket.socket | None = None
        self._aborted = False

    def abort(self) -> None:
        """End the connection, whatever the thread waits for."""
        self._aborted = True
        connection = self._socket
        if connection is not None:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # closed already, or not connected yet
                connection.close()

    def run(self, request: FetchCertificate) -> bytes:
        for _ in range(self._limits.redirects + 1):
            try:
                answer = self._get(urlsplit(request.url))
                if isinstance(answer, bytes):
                    return answer
                url = urljoin(request.url, answer.partition("#")[0])
            except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
                raise _failed(type(error).__name__) from None
            # The constructor checks the new URL as it did the first.
            following = FetchCertificate(url)
            if urlsplit(request.url).scheme == "https" != urlsplit(following.url).scheme:
                raise _failed("it is redirected from https to http")
            request = following
        raise _failed(f"it is redirected more than {self._limits.redirects} times")

    def connect(self, host: str, port: int, *, tls: bool) -> socket.socket:
        """Connect to an address of `host` that may be connected to."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, address in found:
            if not self._limits.allow_private and not _is_public(str(address[0])):
                raise _failed("its host is on a network that is not public")
        family, kind, protocol, _, address = found[0]
        plain = self._socket = socket.socket(family, kind, protocol)
        try:
            self._hurry(plain)
            plain.connect(address)
            if not tls:
                return plain
            context = self._limits.context or ssl.create_default_context()
            secured = context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
        self._socket = secured
        return secured

    def _get(self, url: SplitResult) -> bytes | str:
        """Return the body, or where it moved to."""
        host = url.hostname or ""
        connection = _Connection(self, host, url.port or _PORTS[url.scheme], url.scheme == "https")
        try:
            connection.request(
                "GET",
                (url.path or "/") + (f"?{url.query}" if url.query else ""),
                headers={"Accept": MEDIA_TYPE, "Accept-Encoding": "identity"},
            )
            response = connection.getresponse()
            if response.status in _REDIRECTS:
                location = response.headers.get("Location")
                if location is None:
                    raise _failed("it is redirected to nowhere")
                return str(location)
            if response.status != HTTPStatus.OK:
                raise _failed(f"the server answers {response.status}")
            if response.headers.get_content_type() != MEDIA_TYPE:
                raise _failed(f"it is not {MEDIA_TYPE}")
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise _failed("it is compressed")
            return self._body(response)
        finally:
            connection.close()

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        body = bytearray()
        while True:
            self._hurry(self._socket)
            part = response.read1(self._limits.octets + 1 - len(body))
            if not part:
                break
            body += part
            if len(body) > self._limits.octets:
                raise _failed(f"it has more than {self._limits.octets} octets")
        # Zero where the length was announced and all of it came.
        if response.length:
            raise _failed("it is cut off")
        return bytes(body)

    def _hurry(self, connection: socket.socket | None) -> None:
        """Give the next operation the time that is left."""
        left = self._deadline - time.monotonic()
        if self._aborted or left <= 0 or connection is None:
            raise _failed("it takes too long")
        connection.settimeout(left)


class _Connection(http.client.HTTPConnection):
    """An HTTP connection to an address that was checked."""

    def __init__(self, fetch: _Fetch, host: str, port: int, tls: bool) -> None:
        self.default_port = _PORTS["https" if tls else "http"]  # for the Host field
        super().__init__(host, port)
        self._fetch = fetch
        self._tls = tls

    def connect(self) -> None:
        self.sock = self._fetch.connect(self.host, self.port, tls=self._tls)


def _is_public(text: str) -> bool:
    """Return whether everybody reaches the address, also the IPv4 one within an IPv6 one."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address.teredo is not None:
            return False
        if inner is not None:
            return _is_public(str(inner))
    return address.is_global and not address.is_multicast


def _failed(reason: str) -> PeerError:
    return PeerError(
        f"a certificate cannot be fetched: {reason}",
        number=ErrorNumber.INVALID_CERT,
        payload="CERT",
    )
