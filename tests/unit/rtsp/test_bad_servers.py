"""A server that answers nonsense: one line, in time, with every socket closed."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from pathlib import Path

import pytest

from mikey import rtsp
from mikey.carriage.rtsp import Headers, Request, Response
from mikey.errors import LocalError, PeerError
from mikey.policy import Policy
from mikey.secret import Secret
from tests.asynchronous import asynchronous
from tests.rtsp_media import received
from tests.tls import make
from tests.unit.carriage.rtsp_texts import DESCRIBE
from tests.unit.rtsp.scripted import Answer, server

PATIENT = rtsp.Settings(policy=Policy(allow_null=True), timeout=20.0, report_interval=0.1)
BRIEF = replace(PATIENT, timeout=0.5)  # for those that never answer
GOOD = (
    "AQAFAP1td9ABAADpbeu+AAAAAAsA6Xu0GbYHQ/0KEPEUxKOjo3xmeD2UR3JmqkQBAAAAEgABAQEBEAIBAQMBFAcBAQgB"
)
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/SAVP 26\r\na=control:stream=0\r\n"
)


def described(sdp: str) -> Response:
    return Response(200, headers=Headers({"Content-Type": "application/sdp"}), body=sdp.encode())


def answers(sdp: str, setup: Response | None = None) -> Answer:
    def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(200, headers=Headers({"Public": "DESCRIBE, SETUP, PLAY"}))
        if request.method == "DESCRIBE":
            return described(sdp)
        assert isinstance(setup, Response)
        return setup

    return answer


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no RTSP message begins with"),
        (b"\x16\x03\x01\x02\x00\x01\n" * 40, "NUL inside a line"),
        (b"RTSP/9.9 200 OK\r\nCSeq: 1\r\n\r\n", "version .* is not supported"),
        (b"RTSP/1.0 200 OK\r\nX: " + b"x" * 65536 + b"\r\n\r\n", "longer than"),
        (b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 20_000, "header fields"),
        (b"RTSP/1.0 200 OK\r\n" + b"X: " + b"y" * 1000 + b"\r\n" + b" z\r\n" * 20_000, "longer"),
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 99999999\r\n\r\n", "a body of"),
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 50\r\n\r\nshort", "no answer"),
        (b"RTSP/1.0 200 OK\r\nCSeq: 77\r\n\r\n", "no answer to OPTIONS within 0.5 s"),
        (b"", "no answer to OPTIONS within 0.5 s"),
        (b"GET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 500, "requests in a second"),
    ],
)
@asynchronous
async def test_nonsense(said: bytes, told: str) -> None:
    async with server(lambda _request: said) as url:
        with pytest.raises(PeerError, match=told) as caught:
            await received(url, settings=BRIEF if told.startswith("no answer") else PATIENT)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@asynchronous
async def test_a_connection_that_closes() -> None:
    async with server(lambda _request: None, close=True) as url:
        with pytest.raises(rtsp.ClosedError, match="closed the connection"):
            await received(url, settings=PATIENT)


@asynchronous
async def test_nobody_listens() -> None:
    listener = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    with pytest.raises(rtsp.ClosedError, match=f"cannot connect to 127.0.0.1:{port}"):
        await received(f"rtsp://127.0.0.1:{port}/test", settings=PATIENT)


def keyed(data: str) -> str:
    return f"{SDP}a=key-mgmt:mikey {data}\r\n"


@pytest.mark.parametrize(
    ("sdp", "told"),
    [
        ("hello", "RTSP|SDP|description"),
        (SDP.partition("m=")[0], "has no streams"),
        (SDP.replace("SAVP", "AVP"), r"plain RTP \(RTP/AVP\)"),
        (keyed("****"), "no base64"),
        (keyed("AAAA"), "MIKEY|HDR|shorter|octet"),
        (keyed(GOOD + "=" * (-len(GOOD) % 4)), "octet"),
    ],
)
@asynchronous
async def test_descriptions_of_no_use(sdp: str, told: str) -> None:
    async with server(answers(sdp)) as url:
        with pytest.raises(PeerError, match=told):
            await received(url, settings=PATIENT)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, "has no Transport"),
        ({"Transport": "RTP/SAVP;unicast;server_port=1-2"}, "names no session"),
        ({"Transport": "RTP/AVP;unicast;server_port=1-2", "Session": "1"}, "another Transport"),
        ({"Transport": "RTP/SAVP;multicast;port=1-2", "Session": "1"}, "another Transport"),
        ({"Transport": "RTP/SAVP/TCP;interleaved=0-1", "Session": "1"}, "another Transport"),
        ({"Transport": "nonsense", "Session": "1"}, "names no profile"),
        (
            {
                "Transport": "RTP/SAVP;unicast;server_port=1-2",
                "Session": "1",
                "KeyMgmt": 'prot=mikey;data="?"',
            },
            "base64",
        ),
    ],
)
@asynchronous
async def test_answers_to_setup_of_no_use(headers: dict[str, str], told: str) -> None:
    setup = Response(200, headers=Headers(headers))
    async with server(answers(SDP, setup)) as url:
        with pytest.raises(PeerError, match=told):
            await received(url, rtsp.Options(transport="udp"), settings=PATIENT)


@asynchronous
async def test_a_key_that_is_refused_again() -> None:
    async with server(answers(SDP, Response(463))) as url:
        with pytest.raises(rtsp.RefusedError, match="SETUP: 463") as caught:
            await received(url, settings=PATIENT)
    assert caught.value.status == 463


@asynchronous
async def test_authentication() -> None:
    options = rtsp.ServerOptions(policy=Policy(allow_null=True), users={"alice": Secret(b"right")})
    async with await rtsp.Server.open([rtsp.bars(frames=3, fps=500)], options=options) as served:
        host, port = served.address
        with pytest.raises(rtsp.RefusedError, match="asks for a user and a password"):
            await received(served.url, settings=PATIENT)
        with pytest.raises(rtsp.RefusedError, match="user or password is wrong") as caught:
            await received(f"rtsp://alice:wr0ng@{host}:{port}/test", settings=PATIENT)
        assert "wr0ng" not in repr(caught.value)
        seen = await received(f"rtsp://alice:right@{host}:{port}/test", settings=PATIENT)
        assert len(seen.packets) == 6


@asynchronous
async def test_a_password_that_would_go_in_clear_is_not_called_wrong() -> None:
    said: list[Request] = []

    def basic(request: Request) -> Response:
        said.append(request)
        return Response(401, headers=Headers((("WWW-Authenticate", 'Basic realm="x"'),)))

    async with server(basic) as url:
        with pytest.raises(rtsp.RefusedError, match="not sent: it wants neither Digest nor"):
            await received(url.replace("//", "//alice:right@"), settings=BRIEF)
    assert said
    assert not any("Authorization" in request.headers for request in said)


@asynchronous
async def test_certificates(tmp_path: Path) -> None:
    files = make(tmp_path / "ours")
    other = make(tmp_path / "other")
    served_tls = rtsp.ServerTls(files.certificate, files.key)
    careful = rtsp.Settings(timeout=2.0, report_interval=0.1)
    async with await rtsp.Server.open([rtsp.bars(frames=2, fps=500)], tls=served_tls) as served:
        ways = r"authority \(ca\), by its SHA-256 \(pin\), or not at all \(insecure\)"
        for tls in (None, rtsp.Tls(ca=other.certificate), rtsp.Tls(pin=other.pin)):
            with pytest.raises(rtsp.UntrustedError, match=ways):
                await received(served.url, tls=tls, settings=careful)
        assert await rtsp.certificate_pin(served.url) == files.pin
        colons = ":".join(files.pin[i : i + 2].upper() for i in range(0, 64, 2))
        for tls in (
            rtsp.Tls(ca=files.certificate),
            rtsp.Tls(pin=files.pin),
            rtsp.Tls(pin=colons),
            rtsp.Tls(insecure=True),
        ):
            seen = await received(served.url, tls=tls, settings=careful)
            assert len(seen.packets) == 4
        plain = served.url.replace("rtsps", "rtsp")
        with pytest.raises(rtsp.ClosedError, match="the peer closed the connection"):
            await received(plain, settings=careful)
    async with server(lambda _request: Response(200)) as url:
        with pytest.raises(rtsp.ClosedError, match=r"cannot connect to \S+: \w+"):
            await received(url.replace("rtsp", "rtsps"), settings=careful)


def test_options_that_fit_nothing(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="give one"):
        rtsp.Tls(pin="00" * 32, insecure=True)
    with pytest.raises(LocalError, match="64 hexadecimal digits"):
        rtsp.Tls(pin="abc")
    with pytest.raises(LocalError, match="cannot read the authorities"):
        rtsp.Tls(ca=tmp_path / "none").context()
    with pytest.raises(LocalError, match="cannot use"):
        rtsp.ServerTls(tmp_path / "none", tmp_path / "none").context()
    with pytest.raises(LocalError, match="no profile is named"):
        rtsp.Options(profile="acme")
    for text in ("http://host/", "rtsp://", "rtsp://host:port/", "rtsp://host/a b"):
        with pytest.raises(LocalError, match="URL"):
            rtsp.Url.parse(text)


def test_urls_hide_their_passwords() -> None:
    url = rtsp.Url.parse("rtsps://bob:p%40ss@[::1]:8322/a?b=c")
    assert (url.host, url.port, url.user, url.secure) == ("::1", 8322, "bob", True)
    assert url.password == Secret(b"p@ss")
    assert url.uri == str(url) == "rtsps://[::1]:8322/a?b=c"
    assert "p@ss" not in repr(url)
    assert rtsp.Url.parse("rtsp://host/x").port == 554


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (
            DESCRIBE[:75] + b"\0\x21" + DESCRIBE[77:79] + b"\0\x1d" + DESCRIBE[81:110] + b"\0",
            "a TEK of 29 octets does not fit",
        ),
        (DESCRIBE[:50] + b"\0\x14" + DESCRIBE[52:70] + b"\x0a\0" + DESCRIBE[73:], "parameter"),
        (DESCRIBE[:73] + bytes(5), "at least one key"),
        (DESCRIBE[:75] + b"\x7f" + DESCRIBE[76:], "octets are due"),
    ],
)
@asynchronous
async def test_messages_of_no_use(octets: bytes, told: str) -> None:
    """Like GStreamer's, but for one thing."""
    async with server(answers(keyed(base64.b64encode(octets).decode()))) as url:
        with pytest.raises(PeerError, match=told):
            await received(url, settings=PATIENT)


@pytest.mark.parametrize(
    ("headers", "told", "location"),
    [
        (
            {"Location": "rtsp://bob:secret@other.example/x"},
            "sends us to rtsp://other.example/x, which is not followed",
            "rtsp://other.example/x",
        ),
        ({"Location": "rtsp://a/\x1b[2J" + "x" * 9000}, r"rtsp://a/\?\[2Jx+\.\.\.", None),
        ({}, "names no other URL", ""),
    ],
)
@asynchronous
async def test_another_url_is_named_and_not_followed(
    headers: dict[str, str], told: str, location: str | None
) -> None:
    """3xx: neither user nor password nor keys go to whom the server names."""
    asked: list[Request] = []

    def elsewhere(request: Request) -> Response:
        asked.append(request)
        return Response(301 + len(asked) % 2, headers=Headers(headers))

    async with server(elsewhere) as url:
        with pytest.raises(rtsp.RedirectedError, match=told) as caught:
            await received(url.replace("//", "//alice:cret@"), settings=PATIENT)
    assert len(asked) == 1
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 250
    if location is not None:
        assert caught.value.location == location
