"""A client that sends nonsense to our server: an answer or the end, and others play on."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator

import pytest

from mikey import rtsp
from mikey.credentials import Psk
from mikey.errors import LocalError
from mikey.policy import KeyFlow, Policy
from mikey.secret import Secret
from tests.asynchronous import asynchronous
from tests.rtsp_media import received
from tests.unit.rtsp.scripted import talk

OPEN = Policy(allow_null=True)
UDP = "Transport: RTP/SAVP;unicast;client_port=5000-5001"


def options(**changes: object) -> rtsp.ServerOptions:
    return rtsp.ServerOptions(policy=OPEN, **changes)  # type: ignore[arg-type]


def bars() -> rtsp.Source:
    return rtsp.bars(frames=3, fps=500)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"\xff\xd8\xff\xe0\n" * 9, 400),
        (b"OPTIONS * RTSP/1.0\r\nX: " + b"x" * 65536 + b"\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\n" + b"X: y\r\n" * 20_000, 400),
        (b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: x\r\n\r\n", 400),
        (b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 9999999\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 200, 400),
    ],
)
@asynchronous
async def test_nonsense_ends_the_connection(said: bytes, status: int) -> None:
    async with await rtsp.Server.open([bars()], options=options()) as server:
        heard = await talk(server.address, said)
        if heard:  # a reset may overtake the answer
            assert heard.split(b" ")[1] == str(status).encode()
        seen = await received(server.url)
        assert len(seen.packets) == 6


class Talk:
    """One connection, request by request."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._cseq = 0
        self.session = ""

    async def __aenter__(self) -> Talk:
        url = rtsp.Url.parse(self._url)
        self.reader, self.writer = await asyncio.open_connection(url.host, url.port)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def ask(self, method: str, suffix: str = "", *lines: str, body: str = "") -> int:
        self._cseq += 1
        head = [f"{method} {self._url}{suffix} RTSP/1.0", f"CSeq: {self._cseq}", *lines]
        if self.session:
            head.append(f"Session: {self.session}")
        if body:
            head.append(f"Content-Length: {len(body)}")
        self.writer.write(("\r\n".join(head) + f"\r\n\r\n{body}").encode())
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        for line in answer.splitlines():
            name, _, value = line.partition(": ")
            if name == "Content-Length":
                await self.reader.readexactly(int(value))
            if name == "Session":
                self.session = value.partition(";")[0]
        return int(answer.split(" ")[1])


def key_mgmt(octets: bytes, uri: str = "") -> str:
    return f'KeyMgmt: prot=mikey;uri="{uri}";data="{base64.b64encode(octets).decode()}"'


GSTREAMER = base64.b64decode(
    "AQAFANDwv84BAAAm/kOaAAAAAAsA7q5huAtVFQUKECSDlpOhhBJYS/hSVXPUhVoBAAAAFQABAQEBEAIBAQMBCgcBAQgB"
    "AQoBAQAAACIAIAAeJUol6bCV1y+VMhjtBaMVYoVFJrl4eWttZ+usk50XAA=="
)


@asynchronous
async def test_requests_out_of_place() -> None:
    async with (
        await rtsp.Server.open([bars()], options=options(profile="gst-legacy")) as server,
        Talk(server.url) as talk,
    ):
        assert await talk.ask("SETUP", "/stream=0", UDP) == 454
        assert await talk.ask("PLAY") == 454
        assert await talk.ask("RECORD") == 454
        assert await talk.ask("DESCRIBE", "/elsewhere") == 404
        assert await talk.ask("DESCRIBE") == 200
        assert await talk.ask("SETUP", "/stream=7", UDP) == 404
        assert await talk.ask("SETUP", "/stream=0") == 400
        assert await talk.ask("SETUP", "/stream=0", UDP.replace("SAVP", "AVP")) == 461
        assert await talk.ask("SETUP", "/stream=0", UDP.replace("unicast", "multicast")) == 461
        assert await talk.ask("SETUP", "/stream=0", UDP, key_mgmt(GSTREAMER)) == 200
        assert await talk.ask("SETUP", "/stream=0", UDP, key_mgmt(GSTREAMER)) == 455
        assert await talk.ask("DESCRIBE") == 455
        assert await talk.ask("RECORD") == 501
        assert await talk.ask("SET_PARAMETER", body="colour: red\r\n") == 451
        assert await talk.ask("GET_PARAMETER", body="colour\r\n") == 451
        assert await talk.ask("GET_PARAMETER", "/stream=0", body="mikey\r\n") == 200
        assert await talk.ask("GET_PARAMETER") == 200
        assert await talk.ask("TEARDOWN") == 200
        talk.session = "another"
        assert await talk.ask("PLAY") == 454


@pytest.mark.parametrize(
    "line",
    [
        key_mgmt(GSTREAMER[:60]),
        key_mgmt(GSTREAMER, "rtsp://127.0.0.1/elsewhere"),
        key_mgmt(b"\1\1" + GSTREAMER[2:]),  # another data type
        key_mgmt(GSTREAMER[:47] + b"\x01\x00\x00\x00\x02\x00\x00" + GSTREAMER[73:]),  # SP, empty
        key_mgmt(GSTREAMER[:73] + bytes(5)),  # KEMAC without keys
        key_mgmt(GSTREAMER[:50] + b"\0\x14" + GSTREAMER[52:70] + b"\x0a\0" + GSTREAMER[73:]),
        key_mgmt(
            GSTREAMER[:75] + b"\0\x21" + GSTREAMER[77:79] + b"\0\x1d" + GSTREAMER[81:110] + b"\0"
        ),  # a TEK of 29 octets
        'KeyMgmt: prot=mikey;uri="";data="??"',
        f"{key_mgmt(GSTREAMER)}, {key_mgmt(GSTREAMER)[9:]}",
    ],
)
@asynchronous
async def test_keys_of_no_use_are_refused(line: str) -> None:
    async with (
        await rtsp.Server.open([bars()], options=options(profile="gst-legacy")) as server,
        Talk(server.url) as talk,
    ):
        assert await talk.ask("DESCRIBE") == 200
        assert await talk.ask("SETUP", "/stream=0", UDP, line) == 463
        assert await talk.ask("SETUP", "/stream=0", UDP, key_mgmt(GSTREAMER)) == 200


@pytest.mark.rule("R4567-4.2-5")
@asynchronous
async def test_missing_keys() -> None:
    """An ONVIF device refuses with 463 what has no key or no MKI (Q2), RFC 4567 with 403."""
    async with (
        await rtsp.Server.open([bars()], options=options()) as server,
        Talk(server.url) as talk,
    ):
        assert await talk.ask("DESCRIBE") == 200
        assert await talk.ask("SETUP", "/stream=0", UDP) == 463
        assert await talk.ask("SETUP", "/stream=0", UDP, key_mgmt(GSTREAMER)) == 463
    psk = Psk(Secret(bytes(range(32))), "rtsp:server", "rtsp:client")
    async with (
        await rtsp.Server.open([bars()], options=options(profile="rfc", psk=psk)) as server,
        Talk(server.url) as talk,
    ):
        assert await talk.ask("DESCRIBE") == 200
        assert await talk.ask("SETUP", "/stream=0", UDP) == 403
        assert await talk.ask("SETUP", "/stream=0", UDP, key_mgmt(GSTREAMER)) == 463


@asynchronous
async def test_packets_go_to_nobody_but_the_client() -> None:
    """A `destination` of the client's choice would make the server flood a stranger."""
    async with (
        await rtsp.Server.open([bars()], options=options(profile="live555")) as server,
        Talk(server.url) as talk,
    ):
        assert await talk.ask("DESCRIBE") == 200
        asked = f"{UDP};destination=192.0.2.1"
        assert await talk.ask("SETUP", "/stream=0", asked) == 200
        (client,) = server.clients
        assert client.streams[0].rtp.sent == 0


@asynchronous
async def test_a_client_that_reads_nothing_costs_no_memory() -> None:
    """What it does not take is dropped, and the server goes on."""

    async def flood() -> AsyncIterator[rtsp.Unit]:
        for number in range(15_000):
            yield rtsp.Unit(bytes(1400), number, 0.0)

    source = rtsp.Source(kind="video", payload_type=96, rtpmap="X/90000", play=flood)
    async with (
        await rtsp.Server.open([source], options=options(profile="live555")) as server,
        Talk(server.url) as talk,
    ):
        assert await talk.ask("DESCRIBE") == 200
        way = "Transport: RTP/SAVP/TCP;unicast;interleaved=0-1"
        assert await talk.ask("SETUP", "/stream=0", way) == 200
        assert await talk.ask("PLAY") == 200
        (client,) = server.clients
        while client.playing:
            await asyncio.sleep(0.01)
        assert client.streams[0].rtp.sent == 15_000
        assert client.dropped > 1000


@asynchronous
async def test_silent_clients_are_left() -> None:
    async with await rtsp.Server.open([bars()], options=options(timeout=1)) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        assert server.clients == ()


@asynchronous
async def test_no_more_clients_than_allowed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "mikey.rtsp")
    async with (
        await rtsp.Server.open([bars()], options=options(most=1)) as server,
        Talk(server.url) as first,
    ):
        assert await first.ask("OPTIONS") == 200
        with pytest.raises(rtsp.RtspError):
            await received(server.url)
        assert "one is refused" in caplog.text
        assert await first.ask("OPTIONS") == 200


@asynchronous
async def test_options_that_fit_nothing() -> None:
    with pytest.raises(LocalError, match="at least one source"):
        await rtsp.Server.open([], options=options())
    with pytest.raises(LocalError, match="begins with /"):
        await rtsp.Server.open([bars()], options=options(), path="test")
    with pytest.raises(LocalError, match=r"cannot listen on 192\.0\.2\.1"):
        await rtsp.Server.open([bars()], options=options(), host="192.0.2.1")
    for changes in (
        {"profile": "acme"},
        {"transports": ["sctp"]},
        {"sequence": 1 << 16},
        {"flow": KeyFlow.ANSWER},
    ):
        with pytest.raises(LocalError):
            options(**changes)
    for wrong in (
        {"kind": "text"},
        {"payload_type": 128},
        {"rtpmap": "JPEG"},
        {"attributes": ("a\r\nb",)},
    ):
        source = bars()
        values = {name: getattr(source, name) for name in ("kind", "payload_type", "rtpmap")}
        with pytest.raises(LocalError):
            rtsp.Source(**{**values, "play": source.play, **wrong})
    with pytest.raises(LocalError, match="sixteens"):
        rtsp.bars(width=100)
