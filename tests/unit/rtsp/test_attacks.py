"""Who is on the way, or at the other end, and means harm."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mikey import Bundle, Initiator, Stream, drive, rtsp
from mikey.carriage.rtsp import (
    Headers,
    Request,
    Response,
    Transport,
    mikey_body,
    parse_key_mgmt,
    parse_transport,
)
from mikey.carriage.sdp import Description
from mikey.credentials import Psk
from mikey.errors import LocalError, PeerError, PolicyError
from mikey.policy import KeyFlow, Policy
from mikey.rtsp import Session
from mikey.rtsp._sending import SendingStream
from mikey.secret import Secret
from mikey.srtp import MasterKey, Receiver, Sender
from tests.asynchronous import asynchronous
from tests.rtsp_media import QUICK, received
from tests.tls import make
from tests.unit.rtsp.scripted import server as scripted
from tests.unit.rtsp.test_bad_clients import GSTREAMER, UDP, Talk, options
from tests.unit.rtsp.test_bad_servers import SDP, answers

KEY = Secret(bytes(range(32)))
OURS = Psk(KEY, "rtsp:client", "rtsp:server")
THEIRS = Psk(KEY, "rtsp:server", "rtsp:client")
NULL = base64.b64encode(GSTREAMER).decode()
MASTER = MasterKey(Secret(bytes(16)), Secret(bytes(14)))


def steady(packets: int = 200, rate: float = 1000.0) -> rtsp.Source:
    async def play() -> AsyncIterator[rtsp.Unit]:
        for number in range(packets):
            yield rtsp.Unit(bytes(4), number, number / rate)

    return rtsp.Source(kind="audio", payload_type=96, rtpmap="L16/8000", play=play)


# a shared key is not to be talked away


@pytest.mark.parametrize("sdp", [SDP, f"{SDP}a=key-mgmt:mikey {NULL}\r\n"])
@asynchronous
async def test_a_description_without_the_protected_key(sdp: str) -> None:
    """Whoever strips or replaces the server's message would get ours in clear."""
    setups: list[Request] = []

    def answer(request: Request) -> bytes | Response | None:
        if request.method == "SETUP":
            setups.append(request)
        return answers(sdp, Response(463))(request)

    async with scripted(answer) as url:
        with pytest.raises(rtsp.RtspError, match="no key that the shared one protects"):
            await received(url, rtsp.Options(psk=OURS))
        with pytest.raises(PeerError):
            await received(url, rtsp.Options(psk=OURS, profile="rfc"))
    assert setups == []


@pytest.mark.rule("R4567-3.2-5")
@asynchronous
async def test_a_failure_does_not_lead_to_a_key_in_clear() -> None:
    """The answer is for a description that is not the last one: another CSB."""
    served = rtsp.ServerOptions(profile="rfc", psk=THEIRS)
    async with (
        await rtsp.Server.open([steady()], options=served) as server,
        await rtsp.Client.connect(server.url, settings=QUICK) as client,
    ):
        first = await client.describe()
        await client.describe()
        with pytest.raises(rtsp.RefusedError, match="SETUP: 463"):
            await rtsp.setup(client, presentation=first, options=rtsp.Options(psk=OURS))


def test_a_shared_key_and_a_flow_without_it() -> None:
    for changes in ({"profile": "onvif-cm"}, {"flow": KeyFlow.TWO_KEYS}):
        with pytest.raises(LocalError, match="goes with the flow of RFC 4567"):
            rtsp.Options(psk=OURS, **changes)


# no key stream twice


@pytest.mark.rule("R3711-9.1-1")
@pytest.mark.parametrize("profile", ["live555", "gst-legacy", "mediamtx"])
@asynchronous
async def test_the_keys_of_a_session_end_with_it(profile: str) -> None:
    """Set up again, the same key and SSRC would begin at the same SRTCP index."""
    async with (
        await rtsp.Server.open([steady()], options=options(profile=profile)) as server,
        Talk(server.url) as talk,
    ):
        assert await talk.ask("DESCRIBE") == 200
        assert await talk.ask("SETUP", "/stream=0", UDP) == 200
        assert await talk.ask("TEARDOWN") == 200
        talk.session = ""
        assert await talk.ask("SETUP", "/stream=0", UDP) == 454
        assert await talk.ask("DESCRIBE") == 200
        assert await talk.ask("SETUP", "/stream=0", UDP) == 200


@asynchronous
async def test_a_server_with_the_ssrc_of_our_reports() -> None:
    agreed = Transport(profile="RTP/SAVP", server_port=(1, 2), ssrc=(0x01010101,)).encode()
    answer = answers(SDP, Response(200, headers=Headers({"Transport": agreed, "Session": "1"})))
    fixed = rtsp.Settings(
        policy=Policy(allow_null=True), timeout=1.0, random=lambda octets: b"\1" * octets
    )
    async with scripted(answer) as url:
        with pytest.raises(rtsp.RtspError, match="under the SSRC of our reports"):
            await received(url, rtsp.Options(transport="udp"), settings=fixed)


@asynchronous
async def test_reports_that_come_back_to_the_server() -> None:
    """One key for both directions makes a reflected report authentic."""
    policy = rtsp.ServerOptions().srtp
    stream = SendingStream(steady(), ssrc=7, sequence=1, cname="x")
    sent: list[bytes] = []
    stream.sends(sent.append, sent.append)
    stream.use(Sender(policy, [MASTER], ssrc=7), Receiver(policy, [MASTER], ssrc=None))
    stream.report()
    stream.rtcp_received(sent[0])
    assert (stream.rtcp.verified, stream.rtcp.rejected, stream.heard_at) == (0, 1, 0.0)


# keys that a peer changes


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"mikey: AQAF\r\n", 463),
        (b"mikey: ????\r\n", 463),
        (b"mikey: " + NULL[:76].encode() + b"\r\n", 463),
        (b"colour: red\r\n", 451),
        (b"", 451),
    ],
)
@asynchronous
async def test_rekeys_of_no_use(monkeypatch: pytest.MonkeyPatch, body: bytes, status: int) -> None:
    monkeypatch.setattr("mikey.rtsp._serving.mikey_body", lambda _message: body)
    async with (
        await rtsp.Server.open([steady()], options=options(profile="live555")) as server,
        rtsp.playing(
            server.url, options=rtsp.Options(profile="live555"), settings=QUICK
        ) as session,
    ):
        key = session.streams[0].incoming_key
        with pytest.raises(rtsp.RefusedError) as caught:
            await server.clients[0].rekey()
        assert caught.value.status == status
        assert session.streams[0].incoming_key == key


async def _until_verified(session: Session) -> None:
    while not session.streams[0].rtp.verified:
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("early", [True, False])
@asynchronous
async def test_a_current_key_that_does_not_fit(
    monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    """The stream has MKIs, the key that the server then tells has none."""
    said = b"mikey: " + NULL.encode() + b"\r\n"
    async with (
        await rtsp.Server.open([steady()], options=options()) as server,
        rtsp.playing(server.url, settings=QUICK) as session,
    ):
        monkeypatch.setattr("mikey.rtsp._serving.mikey_body", lambda _message: said)
        if not early:
            await _until_verified(session)
        with pytest.raises(PolicyError, match="MKI of another length"):
            await session.ask_keys()
        monkeypatch.undo()
        await session.rekey()
        await _until_verified(session)
        assert session.streams[0].rtp.rejected == 0


@asynchronous
async def test_a_setup_during_a_rekey() -> None:
    reply = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
    async with (
        await rtsp.Server.open([steady(), steady()], options=options(profile="live555")) as server,
        Talk(server.url) as talk,
    ):
        assert await talk.ask("DESCRIBE") == 200
        assert await talk.ask("SETUP", "/stream=0", UDP) == 200
        (client,) = server.clients
        rekey = asyncio.create_task(client.rekey())
        asked = await talk.reader.readuntil(b"\r\n\r\n")
        assert asked.startswith(b"SET_PARAMETER")
        await talk.reader.readuntil(b"\r\n")  # its body
        assert await talk.ask("SETUP", "/stream=1", UDP) == 200
        talk.writer.write(reply)
        await rekey
        assert client.rekeys == 1


@pytest.mark.rule("R4567-4.2-2")
@asynchronous
async def test_a_key_of_all_streams_is_renewed_once() -> None:
    """One message at session level: for the second stream it would be a replay."""
    alice = Initiator(THEIRS)
    text = f"{SDP}m=audio 0 RTP/SAVP 0\r\na=control:stream=1\r\n"
    streams = {0: Stream(0x11), 1: Stream(0x22)}
    offered = Description(text).offer(alice, streams, media_levels=()).text
    bundles: list[Bundle] = []

    def answer(request: Request) -> bytes | Response | None:
        if request.method != "SETUP":
            return answers(offered)(request)
        for spec in parse_key_mgmt(request.headers.all("KeyMgmt")):
            bundles.append(drive(alice.receive(spec.data)))
        (asked,) = parse_transport(request.headers["Transport"])
        return Response(200, headers=Headers({"Transport": asked.encode(), "Session": "1"}))

    async with scripted(answer) as url, await rtsp.Client.connect(url, settings=QUICK) as client:
        chosen = rtsp.Options(psk=OURS, transport="tcp")
        session = await rtsp.setup(client, options=chosen)
        (bundle,) = bundles
        update = alice.rekey(bundle, respond=False)
        said = session._renewed(Request("SET_PARAMETER", url, body=mikey_body(update)))
        assert said.status == 200
        renewed = alice.early_bundle(update)
        for index, stream in enumerate(session.streams):
            assert stream.incoming_key == renewed.masters(2 * index + 1)[0]
        with pytest.raises(PeerError):  # and no second time
            session._renewed(Request("SET_PARAMETER", url, body=mikey_body(update)))


# resources


@asynchronous
async def test_a_handshake_that_never_comes(tmp_path: Path) -> None:
    files = make(tmp_path)
    tls = rtsp.ServerTls(files.certificate, files.key)
    served = rtsp.ServerOptions(timeout=1)
    async with await rtsp.Server.open([steady()], options=served, tls=tls) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()


@asynchronous
async def test_octets_alone_keep_no_connection() -> None:
    """A request that never ends holds its place no longer than silence would."""
    async with await rtsp.Server.open([steady()], options=options(timeout=1)) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(b"OPTIONS * RTSP/1.0\r\n")

        async def dribble() -> None:
            while True:
                await asyncio.sleep(0.05)
                writer.write(b"X: y\r\n")

        task = asyncio.create_task(dribble())
        with contextlib.suppress(ConnectionResetError):  # so octets that come too late are answered
            assert await reader.read() == b""
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        writer.close()
        assert server.clients == ()


@pytest.mark.parametrize(
    "url",
    [f"rtsp://{'a' * 64}/x", "rtsp://a..b/x", "rtsp://a\0b/x", "rtsp://a b/x", "rtsp://\udc80/x"],
)
def test_hosts_that_are_none(url: str) -> None:
    with pytest.raises(LocalError, match="URL"):
        rtsp.Url.parse(url)


@asynchronous
async def test_a_description_of_a_thousand_streams() -> None:
    sdp = SDP + "m=audio 0 RTP/SAVP 0\r\n" * 999
    async with scripted(answers(sdp)) as url:
        with pytest.raises(PeerError, match="more than 127 m= lines"):
            await received(url)


@asynchronous
async def test_two_requests_with_a_nonce_that_is_used_up() -> None:
    """The server refuses both at once, and does not say that the nonce was stale."""
    nonces = ["a"]

    def answer(request: Request) -> bytes | Response | None:
        said = request.headers.get("Authorization") or ""
        if f'nonce="{nonces[-1]}"' in said:
            return Response(200)
        challenge = f'Digest realm="x", nonce="{nonces[-1]}", qop="auth"'
        return Response(401, headers=Headers({"WWW-Authenticate": challenge}))

    async with (
        scripted(answer) as url,
        await rtsp.Client.connect(
            url, user="u", password=Secret(b"secret"), settings=QUICK
        ) as client,
    ):
        await client.request("OPTIONS", "*")
        nonces.append("b")
        await asyncio.gather(*(client.request("OPTIONS", "*") for _ in range(3)))


@asynchronous
async def test_the_stream_that_is_plain_is_named() -> None:
    sdp = f"{SDP}m=audio 0 RTP/AVP 0\r\na=control:stream=1\r\n"
    async with scripted(answers(sdp)) as url:
        with pytest.raises(PeerError, match=r"stream 1 is plain RTP \(RTP/AVP\)"):
            await received(url)


@pytest.mark.rule("R4567-3.2-6")
@asynchronous
async def test_a_key_beside_the_description() -> None:
    """In the KeyMgmt header of the answer to DESCRIBE."""

    def answer(request: Request) -> bytes | Response | None:
        said = answers(SDP)(request) if request.method != "SETUP" else Response(463)
        if request.method == "DESCRIBE" and isinstance(said, Response):
            spec = f'prot=mikey;uri="{request.uri}/stream=0";data="{NULL}"'
            return said.with_header("KeyMgmt", spec)
        return said

    async with scripted(answer) as url, await rtsp.Client.connect(url, settings=QUICK) as client:
        presentation = await client.describe()
        (carried,) = presentation.messages()
        assert (carried.media, carried.octets) == (0, GSTREAMER)
