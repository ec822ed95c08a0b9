"""Our client and our server: each flow, each profile, new keys while media flow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mikey import rtsp
from mikey.aio import RtpEndpoint
from mikey.aio.rtcp import Report, compose
from mikey.carriage.rtsp import Headers, Request, ask_body, mikey_body, parse_parameters
from mikey.credentials import NoKey, Psk
from mikey.errors import LocalError, PeerError
from mikey.policy import PROFILES, KeyFlow, Policy, SrtpPolicy
from mikey.rtsp._keys import StreamKey
from mikey.secret import Secret
from mikey.session import Initiator, Stream
from mikey.wire import Message, SrtpIdMap
from tests.asynchronous import asynchronous
from tests.rtsp_media import QUICK, Seen, received
from tests.tls import make

OPEN = Policy(allow_null=True)
KEY = Secret(bytes(range(32)))
PRODUCTS = [name for name in PROFILES if PROFILES[name].flow is not KeyFlow.ANSWER]


def counting(packets: int, *, rate: float = 5000.0) -> rtsp.Source:
    """A source whose payloads are numbers."""

    async def play() -> AsyncIterator[rtsp.Unit]:
        for number in range(packets):
            yield rtsp.Unit(number.to_bytes(4), number * 160, number / rate, marker=True)

    return rtsp.Source(kind="audio", payload_type=96, rtpmap="L16/8000", play=play)


def srtp_of(profile: str) -> SrtpPolicy:
    if profile == "gst-sha1-32":
        return SrtpPolicy.AES_CM_128_HMAC_SHA1_32
    if "gcm" in profile:
        return SrtpPolicy.AEAD_AES_128_GCM
    return SrtpPolicy.AES_CM_128_HMAC_SHA1_80


def numbers(seen: Seen) -> list[int]:
    return [int.from_bytes(packet[12:]) for packet in seen.packets]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("profile", PRODUCTS)
@asynchronous
async def test_each_profile_plays(profile: str, transport: str) -> None:
    gcm, srtp = "gcm" in profile, srtp_of(profile)
    options = rtsp.ServerOptions(profile=profile, srtp=srtp, policy=OPEN)
    async with await rtsp.Server.open([counting(20)], options=options) as server:
        seen = await received(
            server.url,
            rtsp.Options(profile=profile, transport=transport, srtp=srtp if gcm else None),
        )
    (stream,) = seen.session.streams
    assert numbers(seen) == list(range(20))
    assert seen.session.flow is PROFILES[profile].flow
    assert (stream.rtp.rejected, stream.rtcp.rejected, stream.lost) == (0, 0, 0)
    assert stream.policy.name == srtp.name
    assert stream.rtcp.verified >= 1
    assert stream.incoming_key.mki == (b"\0\0\0\1" if PROFILES[profile].mki_length else b"")


@pytest.mark.parametrize("profile", PRODUCTS)
@asynchronous
async def test_the_choice_fits_each_profile(profile: str) -> None:
    """The profile that is chosen may have another name, but its packets are all read."""
    options = rtsp.ServerOptions(profile=profile, srtp=srtp_of(profile), policy=OPEN)
    async with await rtsp.Server.open([counting(20)], options=options) as server:
        seen = await received(server.url)
    (stream,) = seen.session.streams
    assert numbers(seen) == list(range(20))
    assert seen.session.flow is PROFILES[profile].flow
    assert stream.rtp.rejected == 0


@pytest.mark.rule("R4567-4.2-2", "R4567-4.2-5")
@asynchronous
async def test_the_exchange_of_rfc_4567() -> None:
    """The server's key needs no TLS: it is encrypted under the one that both share."""
    options = rtsp.ServerOptions(profile="rfc", psk=Psk(KEY, "rtsp:server", "rtsp:client"))
    async with await rtsp.Server.open([counting(20), counting(9)], options=options) as server:
        seen = await received(server.url, rtsp.Options(psk=Psk(KEY, "rtsp:client", "rtsp:server")))
    assert seen.session.choice.profile == "rfc"
    assert seen.session.flow is KeyFlow.ANSWER
    assert len(seen.packets) == 29
    keys = {stream.incoming_key.key.expose() for stream in seen.session.streams}
    assert len(keys) == 2


@asynchronous
async def test_a_wrong_shared_key_is_refused() -> None:
    options = rtsp.ServerOptions(profile="rfc", psk=Psk(KEY, "rtsp:server", "rtsp:client"))
    wrong = Psk(Secret(bytes(32)[:31] + b"x"), "rtsp:client", "rtsp:server")
    async with await rtsp.Server.open([counting(1)], options=options) as server:
        with pytest.raises(PeerError, match="authentication failed"):
            await received(server.url, rtsp.Options(psk=wrong))


@asynchronous
async def test_a_key_in_clear_is_refused_outside_tls(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="use TLS"):
        await rtsp.Server.open([counting(1)])
    careful = rtsp.Settings(timeout=5.0, report_interval=0.1)
    options = rtsp.ServerOptions(profile="gst-legacy", policy=OPEN)
    async with await rtsp.Server.open([counting(1)], options=options) as server:
        with pytest.raises(PeerError, match="MIKEY-NULL is refused"):
            await received(server.url, settings=careful)
    files = make(tmp_path)
    tls = rtsp.ServerTls(files.certificate, files.key)
    async with await rtsp.Server.open([counting(5)], tls=tls) as server:
        seen = await received(server.url, tls=rtsp.Tls(pin=files.pin), settings=careful)
        assert numbers(seen) == list(range(5))


@asynchronous
async def test_a_refused_key_is_followed_by_one_with_mki() -> None:
    """463: the key of the SETUP had no MKI; with one for both directions it plays (Q14)."""
    options = rtsp.ServerOptions(profile="onvif-cm", policy=OPEN)
    async with await rtsp.Server.open([counting(5)], options=options) as server:
        seen = await received(server.url, rtsp.Options(profile="mediamtx", flow=KeyFlow.TWO_KEYS))
    assert numbers(seen) == list(range(5))
    assert seen.session.choice.profile == "onvif-cm"
    assert "refused the key of mediamtx (463)" in seen.session.choice.reason


@asynchronous
async def test_a_refused_transport_is_followed_by_the_other() -> None:
    options = rtsp.ServerOptions(policy=OPEN, transports=["tcp"])
    async with await rtsp.Server.open([counting(5)], options=options) as server:
        seen = await received(server.url)
        assert seen.session.streams[0].transport.lower == "TCP"
        assert numbers(seen) == list(range(5))
        with pytest.raises(rtsp.RefusedError, match="SETUP: 461"):
            await received(server.url, rtsp.Options(transport="udp"))


@pytest.mark.parametrize("transports", [("udp", "tcp"), ("udp",)])
@asynchronous
async def test_tcp_is_tried_once_where_udp_stays_silent(
    transports: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall lets no datagram through, in either direction."""
    for name in ("send_rtp", "send_rtcp"):
        monkeypatch.setattr(RtpEndpoint, name, lambda *_: None)
    options = rtsp.ServerOptions(policy=OPEN, transports=transports)
    brief = replace(QUICK, silence=0.1)
    async with await rtsp.Server.open([counting(20)], options=options) as server:
        if "tcp" not in transports:
            with pytest.raises(rtsp.RtspError, match=r"over UDP within 0.1 s, and over TCP.*461"):
                await received(server.url, settings=brief)
            return
        seen = await received(server.url, settings=brief)
        assert seen.session.streams[0].transport.lower == "TCP"
        assert numbers(seen) == list(range(20))
        async with rtsp.playing(
            server.url, options=rtsp.Options(transport="udp"), settings=brief
        ) as session:  # who asks for UDP gets it
            assert not await session.hears(0.05)
            assert session.streams[0].transport.lower == "UDP"


@asynchronous
async def test_a_session_that_is_over_needs_another_description() -> None:
    """Its keys are not used again: packets would be encrypted twice under the same numbers."""
    options = rtsp.ServerOptions(profile="gst-legacy", policy=OPEN)
    async with (
        await rtsp.Server.open([counting(5)], options=options) as server,
        await rtsp.Client.connect(server.url, settings=QUICK) as client,
    ):
        presentation = await client.describe()
        async with await rtsp.setup(client, presentation=presentation) as session:
            old = session.streams[0].incoming_key
        with pytest.raises(rtsp.RefusedError, match="454"):
            await rtsp.setup(client, presentation=presentation)
        async with await rtsp.setup(client) as session:
            assert session.streams[0].incoming_key != old


@asynchronous
async def test_some_streams_of_several() -> None:
    options = rtsp.ServerOptions(policy=OPEN)
    sources = [rtsp.bars(frames=3, fps=500), counting(7)]
    async with await rtsp.Server.open(sources, options=options) as server:
        seen = await received(server.url)
        assert [stream.kind for stream in seen.session.streams] == ["video", "audio"]
        assert [stream.rtp.verified for stream in seen.session.streams] == [6, 7]
        seen = await received(server.url, rtsp.Options(only=["audio"]))
        assert numbers(seen) == list(range(7))
        assert seen.session.streams[0].index == 1
        with pytest.raises(LocalError, match="no stream 'text', but 0 video"):
            await received(server.url, rtsp.Options(only=["text"]))


@pytest.mark.parametrize("profile", ["onvif-cm", "gst-legacy", "live555", "rfc"])
@pytest.mark.realtime
@asynchronous
async def test_sixty_new_keys_lose_no_packet(profile: str) -> None:
    """Also across the end of the sequence numbers: the ROC goes on (RFC 3711 3.3.1)."""
    rfc = profile == "rfc"
    options = rtsp.ServerOptions(
        profile=profile,
        policy=OPEN,
        sequence=65000,
        psk=Psk(KEY, "rtsp:server", "rtsp:client") if rfc else None,
    )
    packets: list[bytes] = []
    async with (
        await rtsp.Server.open([counting(3000, rate=2000)], options=options) as server,
        rtsp.playing(
            server.url,
            options=rtsp.Options(
                profile=None if rfc else profile,
                psk=Psk(KEY, "rtsp:client", "rtsp:server") if rfc else None,
            ),
            handlers=rtsp.Handlers(lambda _stream, packet: packets.append(packet)),
            settings=QUICK,
        ) as session,
    ):
        (client,) = server.clients
        (stream,) = session.streams
        before = {stream.incoming_key.key.expose()}
        for _ in range(60):
            if session.flow is KeyFlow.CLIENT_KEY:
                await session.rekey()
            else:
                await client.rekey()
            before.add(stream.incoming_key.key.expose())
            await asyncio.sleep(0.01)
        await session.wait()
        assert (stream.rtp.rejected, stream.lost, stream.roc) == (0, 0, 1)
        assert client.streams[0].rtcp.rejected == 0
    assert [int.from_bytes(packet[12:]) for packet in packets] == list(range(3000))
    assert len(before) == 61


@asynchronous
async def test_the_client_renews_the_key_of_its_reports() -> None:
    options = rtsp.ServerOptions(profile="gst-legacy", policy=OPEN)
    async with (
        await rtsp.Server.open([counting(600, rate=1000)], options=options) as server,
        rtsp.playing(server.url, settings=QUICK) as session,
    ):
        (client,) = server.clients
        (stream,) = session.streams
        old = stream.outgoing_key
        await session.rekey()
        assert stream.outgoing_key != old
        heard = client.streams[0].rtcp.verified
        stream.report()
        while client.streams[0].rtcp.verified == heard:
            await asyncio.sleep(0.01)
        assert client.streams[0].rtcp.rejected == 0
        assert client.rekeys == 1


@asynchronous
async def test_who_makes_no_keys_renews_none() -> None:
    options = rtsp.ServerOptions(profile="live555", policy=OPEN)
    async with (
        await rtsp.Server.open([counting(50)], options=options) as server,
        rtsp.playing(
            server.url, options=rtsp.Options(profile="live555"), settings=QUICK
        ) as session,
    ):
        with pytest.raises(LocalError, match="the server makes the keys"):
            await session.rekey()
    options = rtsp.ServerOptions(profile="onvif-cm", policy=OPEN)
    async with (
        await rtsp.Server.open([counting(50)], options=options) as server,
        rtsp.playing(server.url, settings=QUICK),
    ):
        with pytest.raises(LocalError, match="the client makes the keys"):
            await server.clients[0].rekey()


@asynchronous
async def test_pause_and_play_again() -> None:
    options = rtsp.ServerOptions(policy=OPEN)
    async with await rtsp.Server.open([counting(10)], options=options) as server:
        packets: list[bytes] = []
        async with rtsp.playing(
            server.url,
            handlers=rtsp.Handlers(lambda _stream, packet: packets.append(packet)),
            settings=QUICK,
        ) as session:
            while len(packets) < 10:
                await asyncio.sleep(0.01)
            await session.pause()
            assert not server.clients[0].playing
            await session.play()
            while len(packets) < 20:
                await asyncio.sleep(0.01)
        assert session.streams[0].lost == 0


@pytest.mark.realtime
@asynchronous
async def test_a_quiet_session_is_kept_alive() -> None:
    """The server leaves after two seconds of silence: the client says something in time."""
    quiet = rtsp.Settings(policy=OPEN, report_interval=100.0)
    options = rtsp.ServerOptions(policy=OPEN, timeout=2)
    async with (
        await rtsp.Server.open([counting(2, rate=0.2)], options=options) as server,
        rtsp.playing(server.url, settings=quiet) as session,
    ):
        await asyncio.sleep(3.0)
        assert len(server.clients) == 1
        assert session.streams[0].rtp.verified == 1


@asynchronous
async def test_the_error_of_a_sink_ends_the_session() -> None:
    def full(_stream: rtsp.MediaStream, _packet: bytes) -> None:
        raise LocalError("the disk is full")

    options = rtsp.ServerOptions(policy=OPEN)
    async with (
        await rtsp.Server.open([counting(100)], options=options) as server,
        rtsp.playing(server.url, handlers=rtsp.Handlers(full), settings=QUICK) as session,
    ):
        with pytest.raises(LocalError, match="the disk is full"):
            await session.wait()


@asynchronous
async def test_a_late_joiner_is_told_the_rollover_counter() -> None:
    """GET_PARAMETER `mikey` brings the key in use with the ROC of now (Q15; ONVIF Streaming)."""
    options = rtsp.ServerOptions(profile="gst-legacy", policy=OPEN, sequence=65530)
    async with (
        await rtsp.Server.open([counting(300, rate=300)], options=options) as server,
        rtsp.playing(server.url, settings=QUICK) as session,
    ):
        (stream,) = session.streams
        while stream.roc == 0:
            await asyncio.sleep(0.01)
        uri = stream.track.control
        response = await session.client.request("GET_PARAMETER", uri, body=ask_body())
        (spec,) = parse_parameters(response.body, response.headers).key_mgmt
        described = Message.parse(spec.data).header.cs_map
        assert isinstance(described, SrtpIdMap)
        (told,) = described.sessions
        assert (told.ssrc, told.roc) == (stream.ssrc, 1)
        key = stream.incoming_key
        await session.ask_keys()
        assert stream.incoming_key == key
        before = stream.rtp.verified
        while stream.rtp.verified < before + 10:
            await asyncio.sleep(0.01)
        assert (stream.rtp.rejected, stream.roc) == (0, 1)


@asynchronous
async def test_a_server_that_says_goodbye_by_redirect() -> None:
    """REDIRECT ends the session with the URL that it names, and nobody goes there."""
    options = rtsp.ServerOptions(policy=OPEN)
    async with (
        await rtsp.Server.open([counting(500, rate=500)], options=options) as server,
        rtsp.playing(server.url, settings=QUICK) as session,
    ):
        (client,) = server.clients
        headers = Headers({"Location": "rtsp://other.example:8554/test", "Range": "npt=now-"})
        connection, _ = client._live
        answer = await connection.request(Request("REDIRECT", server.url, headers=headers))
        assert answer.status == 200
        with pytest.raises(rtsp.RedirectedError, match=r"REDIRECT.*://other\.example:8554/test"):
            await session.wait()


@pytest.mark.parametrize("profile", ["gst-legacy", "mediamtx", "live555", "rfc"])
@asynchronous
async def test_who_joins_late_decodes_from_the_first_packet(profile: str) -> None:
    """The ROC of a stream that has run for long stands in the message of the description."""
    rfc = profile == "rfc"
    options = rtsp.ServerOptions(
        profile=profile,
        policy=OPEN,
        sequence=65530,
        roc=70_000,
        psk=Psk(KEY, "rtsp:server", "rtsp:client") if rfc else None,
    )
    psk = Psk(KEY, "rtsp:client", "rtsp:server") if rfc else None
    async with await rtsp.Server.open([counting(20)], options=options) as server:
        seen = await received(server.url, rtsp.Options(profile=None if rfc else profile, psk=psk))
    (stream,) = seen.session.streams
    assert numbers(seen) == list(range(20))
    assert (stream.roc, stream.rtp.rejected) == (70_001, 0)


@asynchronous
async def test_who_joins_late_with_a_key_of_its_own_asks_for_the_rollover_counter() -> None:
    """Where the client makes the keys, GET_PARAMETER brings the ROC before PLAY (ONVIF)."""
    options = rtsp.ServerOptions(profile="onvif-cm", policy=OPEN, sequence=65530, roc=3)
    packets: list[bytes] = []
    async with (
        await rtsp.Server.open([counting(20)], options=options) as server,
        await rtsp.Client.connect(server.url, settings=QUICK) as client,
        await rtsp.setup(
            client, handlers=rtsp.Handlers(lambda _stream, packet: packets.append(packet))
        ) as session,
    ):
        await session.ask_keys()
        await session.play()
        await session.wait()
        (stream,) = session.streams
        assert (stream.roc, stream.rtp.rejected, stream.lost) == (4, 0, 0)
    assert [int.from_bytes(packet[12:]) for packet in packets] == list(range(20))


@asynchronous
async def test_a_new_key_at_the_aggregated_uri_is_for_all_streams() -> None:
    """GStreamer says it there; where no client has keys it is refused."""
    options = rtsp.ServerOptions(profile="gst-legacy", policy=OPEN)
    sources = [counting(200, rate=500), counting(200, rate=500)]
    for profile in ("gst-legacy", "live555"):
        changed = replace(options, profile=profile)
        async with (
            await rtsp.Server.open(sources, options=changed) as server,
            rtsp.playing(
                server.url, options=rtsp.Options(profile=profile), settings=QUICK
            ) as session,
        ):
            initiator = Initiator(
                NoKey("rtsp:client", "rtsp:server", compat=PROFILES[profile]), policy=OPEN
            )
            message = initiator.start((Stream(1),), respond=False)
            uri = session.presentation.uri_of(None)
            headers = Headers({"Content-Type": "text/parameters"})
            body = mikey_body(message)
            if profile == "live555":
                with pytest.raises(rtsp.RefusedError, match="455"):
                    await session.client.request("SET_PARAMETER", uri, headers, body)
                continue
            await session.client.request("SET_PARAMETER", uri, headers, body)
            (client,) = server.clients
            assert client.rekeys == 1
            key = StreamKey.of(initiator.early_bundle(message), None)
            for ours, theirs in zip(session.streams, client.streams, strict=True):
                before = theirs.rtcp.verified
                sender = key.sender(ours.our_ssrc)
                for _ in range(50):  # the first few have the indices of real ones
                    report = compose(Report(ssrc=ours.our_ssrc, cname="x"))
                    theirs.rtcp_received(sender.protect_rtcp(report))
                assert theirs.rtcp.verified >= before + 25
