"""Whom `mikey answer` lets in: one caller, with an address and an identity that can be used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mikey.carriage.sdp import Description
from mikey.cli.calls.callee import Callee, Terms
from mikey.cli.calls.description import peer_of
from mikey.credentials import Psk
from mikey.credentials.psk_file import PskFile, parse
from mikey.errors import CarriageError, LocalError
from mikey.secret import Secret
from mikey.session import Initiator
from mikey.sip import CallError, CallRefusedError, UserAgent
from tests.asynchronous import asynchronous
from tests.unit.sip.peer import TIMERS, RawPeer

KEY = bytes(range(16))
ALICE = "sip:alice@example.com"
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/SAVP 96\r\na=rtpmap:96 L16/8000\r\n"
)


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Callee, str, list[str]]]:
    """A callee, its URI, and what it refused."""
    refused: list[str] = []
    callee = Callee(
        Terms(keys=parse(f"* {KEY.hex()}")), refused=lambda _who, why: refused.append(why)
    )
    async with UserAgent(on_invite=callee.handle, timers=TIMERS) as agent:
        callee.agent = agent
        yield callee, f"sip:bob@127.0.0.1:{agent.address[1]}", refused


def offer(uri: str, sdp: str = SDP) -> bytes:
    initiator = Initiator(Psk(Secret(KEY), ALICE, uri))
    return Description(sdp).offer(initiator, {0: 0x1234}).text.encode()


@asynchronous
async def test_a_second_caller_hears_busy_and_the_first_is_heard() -> None:
    async with listening() as (callee, uri, _), UserAgent(timers=TIMERS) as alice:
        call = await alice.invite(uri, from_uri=ALICE, body=offer(uri))
        with pytest.raises(CallRefusedError, match="486"):
            await alice.invite(uri, from_uri=ALICE, body=offer(uri))
        hearing = asyncio.create_task(callee.hear(None))
        await call.bye()
        with pytest.raises(CallRefusedError, match="486"):  # also while the end is awaited
            await alice.invite(uri, from_uri=ALICE, body=offer(uri))
        with pytest.raises(CallError, match="sent no audio"):
            await hearing


@asynchronous
async def test_a_caller_who_comes_when_nobody_waits_any_more_hears_busy() -> None:
    async with listening() as (callee, uri, _), UserAgent(timers=TIMERS) as alice:
        with pytest.raises(CallError, match=r"no call within 0\.01 s"):
            await callee.hear(0.01)
        with pytest.raises(CallRefusedError, match="486"):
            await alice.invite(uri, from_uri=ALICE, body=offer(uri))


def test_a_caller_who_falls_silent_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mikey.cli.calls.watching._SILENCE", 0.05)
    monkeypatch.setattr("mikey.cli.calls.watching._LOOK", 0.01)

    @asynchronous
    async def silence() -> None:
        async with listening() as (callee, uri, _), UserAgent(timers=TIMERS) as alice:
            call = await alice.invite(uri, from_uri=ALICE, body=offer(uri))
            with pytest.raises(CallError, match="nothing authentic came"):
                await callee.hear(None)
            assert await call.ended() == "ended by the peer"

    silence()


@asynchronous
async def test_a_caller_without_a_sip_uri_is_refused_and_the_next_is_heard() -> None:
    async with listening() as (callee, uri, refused), UserAgent(timers=TIMERS) as alice:
        async with RawPeer() as peer:
            text = peer.request("INVITE", body=offer(uri).decode())
            _, _, port = uri.rpartition(":")
            peer.send(text.replace("<sip:alice@example.com>", "<tel:+123>"), int(port))
            assert (await peer.expect(488))["Warning"].endswith("tel:+123' is no SIP URI\"")
        assert refused == ["'tel:+123' is no SIP URI"]
        call = await alice.invite(uri, from_uri=ALICE, body=offer(uri))
        hearing = asyncio.create_task(callee.hear(None))
        await call.bye()
        with pytest.raises(CallError, match="sent no audio"):
            await hearing


@asynchronous
async def test_an_offer_that_names_no_address_is_refused() -> None:
    async with listening() as (_, uri, refused), UserAgent(timers=TIMERS) as alice:
        for address in ("IP4 media.example", "IP6 ::1", "IP4 256.0.0.1"):
            sdp = SDP.replace("c=IN IP4 127.0.0.1", f"c=IN {address}")
            with pytest.raises(CallRefusedError, match="488"):
                await alice.invite(uri, from_uri=ALICE, body=offer(uri, sdp))
            assert "no IPv4 address" in refused[-1]


@asynchronous
async def test_identities_that_cannot_be_used_are_told_before_anybody_calls() -> None:
    with pytest.raises(LocalError, match="printable"):
        Callee(Terms(keys=PskFile({"sip:\u200b": Secret(KEY)})))


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("", 40001),
        ("a=rtcp:5000\r\n", 5000),
        ("a=rtcp:5000 IN IP4 127.0.0.1\r\n", 5000),
        ("a=rtcp:x\r\n", 40001),
        (f"a=rtcp:{'9' * 5000}\r\n", 40001),
    ],
)
def test_where_the_peer_takes_rtcp(line: str, port: int) -> None:
    assert peer_of(Description(SDP + line), 0, "127.0.0.2")[1] == ("127.0.0.1", port)


def test_an_rtcp_port_that_is_none() -> None:
    with pytest.raises(CarriageError, match="impossible RTCP port"):
        peer_of(Description(SDP + "a=rtcp:0\r\n"), 0, "127.0.0.1")
