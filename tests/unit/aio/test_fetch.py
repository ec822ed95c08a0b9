"""Fetching certificates by URL: limits on scheme, host, size, time and redirects."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from mikey import Step
from mikey.aio import FetchLimits, drive, fetch_certificate
from mikey.credentials import FetchCertificate
from mikey.errors import PeerError
from mikey.registry import ErrorNumber
from tests.asynchronous import asynchronous
from tests.pki import Issued, authority, issue

BODY = b"\x30\x03the DER octets"
STUCK = b"... and no more"
HERE = FetchLimits(allow_private=True)


def answer(
    body: bytes = BODY,
    *,
    status: str = "200 OK",
    media: str | None = "application/pkix-cert",
    length: int | None = None,
    more: str = "",
) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n"
    if media is not None:
        head += f"Content-Type: {media}\r\n"
    return (head + more + "\r\n").encode() + body


class Server:
    """Answers each request with the octets of its path."""

    def __init__(self, answers: dict[str, bytes | None]) -> None:
        self.answers = answers
        self.requests: list[str] = []
        self.asked = asyncio.Event()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.port = 0
        self.scheme = "http"

    def url(self, path: str) -> FetchCertificate:
        return FetchCertificate(f"{self.scheme}://127.0.0.1:{self.port}{path}")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            self.asked.set()
            octets = self.answers[head.split()[1]]
            writer.write((octets or b"").replace(b"PORT", str(self.port).encode()))
            await writer.drain()
            if not octets or octets.endswith(STUCK):
                await reader.read()  # until the other side gives up
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    answers: dict[str, bytes | None], context: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    server = Server(answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    server.scheme = "http" if context is None else "https"
    try:
        yield server
    finally:
        listening.close()
        await asyncio.gather(*server.tasks)


async def refused(request: FetchCertificate, reason: str, **limits: Any) -> None:
    with pytest.raises(PeerError, match=reason) as caught:
        await fetch_certificate(request, dataclasses.replace(HERE, **limits))
    assert caught.value.number is ErrorNumber.INVALID_CERT
    assert "\n" not in str(caught.value)


@pytest.mark.rule("R4738-3.8-1")
@asynchronous
async def test_a_certificate_is_fetched() -> None:
    async with serving({"/a/b.cer?x=%20": answer()}) as server:
        assert await fetch_certificate(server.url("/a/b.cer?x=%20"), HERE) == BODY
        (head,) = server.requests
        assert head.startswith("GET /a/b.cer?x=%20 HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{server.port}\r\n" in head
        assert "Accept: application/pkix-cert\r\n" in head


@asynchronous
async def test_it_answers_a_step() -> None:
    async def fetch(request: FetchCertificate) -> bytes:
        return await fetch_certificate(request, HERE)

    async with serving({"/": answer()}) as server:
        step: bytes | Step[bytes] = Step(server.url("/"), lambda octets: octets)
        assert await drive(step, {FetchCertificate: fetch}) == BODY


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (answer(status="404 Not Found"), "answers 404"),
        (answer(status="204 No Content", body=b""), "answers 204"),
        (answer(status="206 Partial Content"), "answers 206"),
        (answer(media="text/html"), "not application/pkix-cert"),
        (answer(media=None), "not application/pkix-cert"),
        (answer(more="Content-Encoding: gzip\r\n"), "compressed"),
        (answer(bytes(16 * 1024 + 1)), "more than 16384 octets"),
        (answer(bytes(64), length=1 << 40), "cut off"),
        (answer(status="302 Found"), "redirected to nowhere"),
        (b"SSH-2.0-something\r\n", "BadStatusLine"),
        (b"HTTP/1.1 200 " + b"x" * 70000, "LineTooLong"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n", "HTTPException"),
        (b"\r\n", "BadStatusLine"),
    ],
)
def test_what_is_no_answer(octets: bytes, reason: str) -> None:
    @asynchronous
    async def run() -> None:
        async with serving({"/": octets}) as server:
            await refused(server.url("/"), reason)

    run()


@asynchronous
async def test_parameters_of_the_media_type_and_the_exact_limit() -> None:
    largest = bytes(16 * 1024)
    chunked = (
        b"HTTP/1.1 200 OK\r\nContent-Type: Application/PKIX-Cert; x=y\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    endless = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/pkix-cert\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + bytes(0x400) + b"\r\n"
    ) + (b"400\r\n" + bytes(0x400) + b"\r\n") * 20
    async with serving({"/": answer(largest), "/c": chunked, "/e": endless}) as server:
        assert await fetch_certificate(server.url("/"), HERE) == largest
        assert await fetch_certificate(server.url("/c"), HERE) == b"abcde"
        await refused(server.url("/e"), "more than 16384 octets")


def moved(to: str, status: str = "302 Found") -> bytes:
    return answer(b"", status=status, more=f"Location: {to}\r\n")


@pytest.mark.parametrize("status", ["301 A", "302 B", "303 C", "307 D", "308 E"])
def test_redirects(status: str) -> None:
    @asynchronous
    async def run() -> None:
        answers: dict[str, bytes | None] = {
            "/1": moved("/2", status),
            "/2": moved("http://127.0.0.1:PORT/3#part", status),
            "/3": moved("./4", status),
            "/4": answer(),
        }
        async with serving(answers) as server:
            assert await fetch_certificate(server.url("/1"), HERE) == BODY
            assert len(server.requests) == 4
            await refused(server.url("/1"), "more than 2 times", redirects=2)
            await refused(server.url("/3"), "more than 0 times", redirects=0)

    run()


@pytest.mark.parametrize(
    "to",
    [
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://user@127.0.0.1/",
        "http://[::1",
        "/" + "x" * 3000,
        "/\u00e9",
    ],
)
def test_redirects_to_what_is_no_url_of_ours(to: str) -> None:
    @asynchronous
    async def run() -> None:
        async with serving({"/": moved(to)}) as server:
            await refused(server.url("/"), "not one that is fetched|cannot be fetched")
            assert len(server.requests) == 1

    run()


@asynchronous
async def test_a_circle_of_redirects_ends() -> None:
    async with serving({"/": moved("/")}) as server:
        await refused(server.url("/"), "more than 3 times")
        assert len(server.requests) == 4


@asynchronous
async def test_a_server_that_says_nothing() -> None:
    async with serving({"/": None}) as server:
        await refused(server.url("/"), "takes too long", seconds=0.1)


@asynchronous
async def test_a_server_that_stops_in_the_middle() -> None:
    for octets in (answer(STUCK, length=1000), b"HTTP/1.1 200 OK\r\nX: " + STUCK):
        async with serving({"/": octets}) as server:
            await refused(server.url("/"), "takes too long", seconds=0.1)


@asynchronous
async def test_a_fetch_that_is_cancelled_ends_its_thread() -> None:
    async with serving({"/": None}) as server:
        task = asyncio.create_task(fetch_certificate(server.url("/"), HERE))
        await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.rule("R4738-3.8-3")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
    ],
)
def test_hosts_that_only_we_can_reach(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", connect)

    @asynchronous
    async def run() -> None:
        await refused(FetchCertificate(f"http://{host}/"), "not public", allow_private=False)

    run()


@pytest.mark.rule("R4738-3.8-3")
@asynchronous
async def test_a_name_with_one_private_address_among_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolve(host: str, port: int, **_: object) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("8.8.8.8", "192.168.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    await refused(FetchCertificate("http://example.org/"), "not public", allow_private=False)


@asynchronous
async def test_a_redirect_to_a_host_that_only_we_can_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first host is taken for a public one; the second is not."""
    from mikey.aio import fetch

    public = fetch._is_public
    asked: list[str] = []

    def pretend(address: str) -> bool:
        asked.append(address)
        return len(asked) == 1 or public(address)

    monkeypatch.setattr(fetch, "_is_public", pretend)
    async with serving({"/": moved("http://127.0.0.1:PORT/secret")}) as server:
        await refused(server.url("/"), "not public", allow_private=False)
        assert len(server.requests) == 1
    assert asked == ["127.0.0.1", "127.0.0.1"]


def test_addresses_that_everybody_reaches() -> None:
    from mikey.aio.fetch import _is_public

    for address in ("8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"):
        assert _is_public(address)


@asynchronous
async def test_a_host_that_does_not_exist_or_listen() -> None:
    await refused(FetchCertificate("http://nothing.invalid/"), "cannot be fetched")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        await refused(FetchCertificate(f"http://127.0.0.1:{port}/"), "ConnectionRefused")


def _tls(folder: Path, issued: Issued) -> ssl.SSLContext:
    file = folder / "server"
    file.write_bytes(
        issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + issued.certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_https(tmp_path: Path) -> None:
    root = authority("web root")
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    web = issue(
        root,
        "web",
        extended=[ExtendedKeyUsageOID.SERVER_AUTH],
        extensions=[(address, False)],
    )
    trusting = ssl.create_default_context(
        cadata=root.certificate.public_bytes(Encoding.PEM).decode()
    )

    @asynchronous
    async def run() -> None:
        answers: dict[str, bytes | None] = {
            "/": answer(),
            "/down": moved("http://127.0.0.1:PORT/"),
        }
        async with serving(answers, _tls(tmp_path, web)) as server:
            limits = dataclasses.replace(HERE, context=trusting)
            assert await fetch_certificate(server.url("/"), limits) == BODY
            await refused(server.url("/"), "SSLCertVerificationError")
            await refused(server.url("/down"), "https to http", context=trusting)

    run()


@asynchronous
async def test_strangers_hold_no_thread_of_the_loop() -> None:
    """Nor do other users of the loop's threads hold a fetch up."""
    release = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        waiting = asyncio.create_task(asyncio.to_thread(release.wait))
        try:
            async with serving({"/": answer()}) as server:
                assert await fetch_certificate(server.url("/"), HERE) == BODY
        finally:
            release.set()
            await waiting


@pytest.mark.rule("R4738-3.8-3")
@asynchronous
async def test_a_flood_of_urls_takes_few_threads() -> None:
    async with serving({"/": None, "/1": answer()}) as server:
        await asyncio.gather(
            *(refused(server.url("/"), "takes too long", seconds=0.3) for _ in range(30))
        )
        threads = [thread for thread in threading.enumerate() if "mikey-fetch" in thread.name]
        assert 1 <= len(threads) <= 8
        assert await fetch_certificate(server.url("/1"), HERE) == BODY
