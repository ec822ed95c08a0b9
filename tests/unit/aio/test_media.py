"""Audio over SRTP between two sessions on loopback, and what happens on a bad way."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from mikey.aio import AudioFormat, MediaSession, RtpEndpoint, drive
from mikey.aio.l16 import to_l16
from mikey.aio.rtcp import parse
from mikey.aio.rtp import RtpPacket
from mikey.errors import LocalError
from mikey.policy import SrtpPolicy
from mikey.secret import Secret
from mikey.session import Step
from mikey.srtp import MasterKey, Receiver, Sender
from tests.asynchronous import asynchronous

AUDIO = AudioFormat(48000, 1)
POLICY = SrtpPolicy.AES_CM_128_HMAC_SHA1_80
HERS, HIS = 0xA11CE, 0xB0B
LIMIT = 5.0


def master(number: int, mki: bytes = b"") -> MasterKey:
    return MasterKey(Secret(bytes([number]) * 16), Secret(bytes([number]) * 14), mki)


def contexts(own: int, other: int, mki: bytes = b"") -> tuple[Sender, Receiver]:
    keys = {HERS: master(1, mki), HIS: master(2, mki)}
    return (
        Sender(POLICY, [keys[own]], ssrc=own),
        Receiver(POLICY, [keys[other]], ssrc=None),
    )


@asynccontextmanager
async def two(
    write: Callable[[bytes], None], mki: bytes = b""
) -> AsyncIterator[tuple[MediaSession, MediaSession, RtpEndpoint]]:
    async with await RtpEndpoint.open("127.0.0.1") as a, await RtpEndpoint.open("127.0.0.1") as b:
        sender, receiver = contexts(HERS, HIS, mki)
        alice = MediaSession(
            a,
            audio=AUDIO,
            payload_type=96,
            peer=("127.0.0.1", b.port),
            sender=sender,
            receiver=receiver,
        )
        sender, receiver = contexts(HIS, HERS, mki)
        bob = MediaSession(
            b,
            audio=AUDIO,
            payload_type=96,
            peer=("127.0.0.1", a.port),
            sender=sender,
            receiver=receiver,
            write=write,
        )
        yield alice, bob, b


@pytest.mark.realtime
@asynchronous
async def test_audio_arrives_bit_for_bit_through_three_keys() -> None:
    heard = bytearray()
    samples = random.Random(7).randbytes(2 * 24000)
    third = len(samples) // 3 // 2 * 2
    progress: list[int] = []
    async with two(heard.extend, mki=b"\1") as (alice, bob, _), bob:
        async with alice:
            await alice.send(samples[:third], progress.append)
            for number, rest in ((2, samples[third : 2 * third]), (3, samples[2 * third :])):
                keys = [master(10 + number, bytes([number]))]
                bob.rekey_receiver(keys)
                alice.rekey_sender(keys)
                await alice.send(rest)
        await bob.drained(LIMIT)
        assert bytes(heard) == samples
        assert progress[-1] == third // 2
        assert bob.lost == 0
        assert bob.rtp.verified == alice.rtp.sent == 3 * 15
        assert bob.rtp.rejected == bob.rtcp.rejected == 0
        assert bob.rtcp.verified == alice.rtcp.sent >= 2
        assert bob.peer_ssrc == HERS
        assert bob.frames_heard == 24000


@asynchronous
async def test_packets_of_others_are_counted_and_dropped() -> None:
    heard = bytearray()
    packet = RtpPacket(
        payload_type=96, sequence=1, timestamp=0, ssrc=HERS, payload=to_l16(b"\1\0" * 10)
    )
    async with two(heard.extend) as (alice, bob, endpoint):
        sender, _ = contexts(HERS, HIS)
        good = sender.protect(packet.encode())
        strange = sender.protect(
            RtpPacket(payload_type=0, sequence=2, timestamp=0, ssrc=HERS, payload=b"x").encode()
        )
        odd = sender.protect(
            RtpPacket(payload_type=96, sequence=3, timestamp=0, ssrc=HERS, payload=b"x").encode()
        )
        bad = [good[:-1] + bytes([good[-1] ^ 1]), b"", good[:11], packet.encode(), good]
        with socket.socket(type=socket.SOCK_DGRAM) as wire:
            for octets in [good, *bad, strange, odd]:
                wire.sendto(octets, (endpoint.host, endpoint.port))
            for octets in [b"", b"x", bytes(40)]:
                wire.sendto(octets, (endpoint.host, endpoint.port + 1))
        async with bob:  # what came before is not lost
            async with alice:
                pass
            await until(lambda: bob.rtcp.verified + bob.rtcp.rejected >= 4)
            await bob.drained(LIMIT)
    assert (bob.rtp.verified, bob.rtp.rejected) == (3, 5)
    assert bob.rtcp.rejected == 3
    assert bytes(heard) == b"\1\0" * 10


@asynchronous
async def test_packets_of_ours_that_come_back_are_not_the_peers() -> None:
    """One TEK both ways, and a peer whose SSRC is open: ours must not bind it."""
    both = [master(1)]
    async with await RtpEndpoint.open("127.0.0.1") as own:
        session = MediaSession(
            own,
            audio=AUDIO,
            payload_type=96,
            peer=(own.host, own.port),  # an echo
            sender=Sender(POLICY, both, ssrc=HERS),
            receiver=Receiver(POLICY, both, ssrc=None),
        )
        async with session:
            session._send(bytes(20), marker=True)
            await until(lambda: session.rtp.rejected == 1 and session.rtcp.rejected >= 1)
        assert session.rtp.verified == session.rtcp.verified == 0
        assert session.peer_ssrc is None


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():
            await asyncio.sleep(0.001)


@asynchronous
async def test_what_is_lost_is_said() -> None:
    heard = bytearray()
    async with two(heard.extend) as (alice, bob, _), bob:
        keep = alice._endpoint.send_rtp
        dropped = iter([False, True, True, False])

        def drop(octets: bytes, to: tuple[str, int]) -> None:
            if not next(dropped, False):
                keep(octets, to)

        alice._endpoint.send_rtp = drop  # type: ignore[method-assign]
        async with alice:
            await alice.send(b"\1\0" * 4 * AUDIO.frames_per_packet)
        await bob.drained(0.05)
        assert bob.lost == 2
    silence = bytes(2 * 2 * AUDIO.frames_per_packet)
    one = b"\1\0" * AUDIO.frames_per_packet
    assert bytes(heard) == one + silence + one


@asynchronous
async def test_a_full_disk_is_told_once_the_stream_is_over() -> None:
    def full(samples: bytes) -> None:
        raise LocalError("no space left")

    async with two(full) as (alice, bob, _), bob:
        async with alice:
            await alice.send(b"\1\0" * 40 * AUDIO.frames_per_packet)
        with pytest.raises(LocalError, match="no space left"):
            await bob.drained(LIMIT)


@asynchronous
async def test_srtcp_carries_a_report_a_name_and_bye() -> None:
    async with await RtpEndpoint.open("127.0.0.1") as own:
        got: asyncio.Queue[bytes] = asyncio.Queue()
        async with await RtpEndpoint.open("127.0.0.1") as other:
            other.listen(lambda _: None, got.put_nowait)
            sender, receiver = contexts(HERS, HIS)
            session = MediaSession(
                own,
                audio=AUDIO,
                payload_type=96,
                peer=(other.host, other.port),
                sender=sender,
                receiver=receiver,
                cname="alice@host",
                now=lambda: 1_000_000_000,
            )
            async with session:
                session._send(bytes(20), marker=True)
            _, check = contexts(HIS, HERS)
            reports = [parse(check.unprotect_rtcp(await got.get()))]
            while not reports[-1].goodbye:
                reports.append(parse(check.unprotect_rtcp(await got.get())))
    last = reports[-1]
    assert (last.ssrc, last.cname) == (HERS, "alice@host")
    assert last.sender is not None
    assert (last.sender.packets, last.sender.octets) == (1, 20)
    assert last.sender.ntp >> 32 == 2_208_988_801


@asynchronous
async def test_a_key_at_its_end_stops_the_stream_with_an_error() -> None:
    async with await RtpEndpoint.open("127.0.0.1") as own:
        _, receiver = contexts(HERS, HIS)
        session = MediaSession(
            own,
            audio=AUDIO,
            payload_type=96,
            peer=("127.0.0.1", 9),
            sender=Sender(POLICY, [master(1)], ssrc=HERS, lifetime=2, srtcp_lifetime=1),
            receiver=receiver,
        )
        async with session:
            with pytest.raises(LocalError):
                await session.send(b"\1\0" * 4 * AUDIO.frames_per_packet)


@asynchronous
async def test_ports_are_a_pair_and_are_freed() -> None:
    endpoint = await RtpEndpoint.open("127.0.0.1")
    port = endpoint.port
    assert port % 2 == 0
    await endpoint.close()
    for number in (port, port + 1):
        with socket.socket(type=socket.SOCK_DGRAM) as again:
            again.bind(("127.0.0.1", number))
    with pytest.raises(LocalError, match=r"cannot open an RTP port on 192\.0\.2\.1"):
        await RtpEndpoint.open("192.0.2.1")


@asynchronous
async def test_steps_are_answered_by_coroutines() -> None:
    async def fetch(request: str) -> int:
        await asyncio.sleep(0)
        return len(request)

    def first(answer: int) -> int | Step[int]:
        return Step(b"x", lambda octets: answer + len(octets))

    async def more(request: bytes) -> bytes:
        return request * 3

    assert await drive(5) == 5

    def question() -> int | Step[int]:
        return Step("four", first)

    assert await drive(question(), {str: fetch, bytes: more}) == 7
    with pytest.raises(LocalError, match="no handler answers bytes"):
        await drive(question(), {str: fetch})
