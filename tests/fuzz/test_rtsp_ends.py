"""Our RTSP client and server with damage between them: PeerError and nothing else, in time."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import logging
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from mikey import rtsp
from mikey.credentials import Psk
from mikey.errors import PeerError
from mikey.policy import PROFILES, KeyFlow, Policy, SrtpPolicy
from mikey.secret import Secret
from tests.asynchronous import asynchronous
from tests.fuzz.mutations import mutate

ROUNDS = 200 if os.environ.get("CI") else 25
BRIEF = rtsp.Settings(
    policy=Policy(allow_null=True), timeout=0.2, silence=0.1, report_interval=0.05
)
KEY = Secret(bytes(range(32)))

_MESSAGE = re.compile(rb"AQ[A-Za-z0-9+/]{40,}={0,2}")
_LENGTH = re.compile(rb"(?i)(content-length: *)\d+")

Damage = Callable[[bytes], bytes]


def damaged(random: Random, octets: bytes) -> bytes:
    """Damage one piece of a conversation in three: the text, or a MIKEY message in it."""
    if octets[:1] == b"$" or random.random() < 0.6:
        return octets
    found = list(_MESSAGE.finditer(octets))
    if found and random.random() < 0.6:
        place = random.choice(found)
        with contextlib.suppress(binascii.Error):
            message = base64.b64encode(mutate(random, base64.b64decode(place[0])))
            octets = octets[: place.start()] + message + octets[place.end() :]
    else:
        octets = mutate(random, octets)
    head, blank, body = octets.partition(b"\r\n\r\n")
    if random.random() < 0.7:
        head = _LENGTH.sub(lambda match: match[1] + str(len(body)).encode(), head)
    return head + blank + body


@asynccontextmanager
async def between(address: tuple[str, int], up: Damage, down: Damage) -> AsyncIterator[int]:
    """Relay connections to `address`; yield the port."""
    tasks: set[asyncio.Task[None]] = set()

    async def pump(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, damage: Damage
    ) -> None:
        try:
            while octets := await reader.read(65536):
                writer.write(damage(octets))
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far, back = await asyncio.open_connection(*address)
        except OSError:
            writer.close()
            return
        tasks.add(asyncio.create_task(pump(reader, back, up)))
        tasks.add(asyncio.create_task(pump(far, writer, down)))

    listener = await asyncio.start_server(relay, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def numbers() -> rtsp.Source:
    async def play() -> AsyncIterator[rtsp.Unit]:
        for number in range(20):
            yield rtsp.Unit(bytes(4), number, number / 2000)

    return rtsp.Source(kind="audio", payload_type=96, rtpmap="L16/8000", play=play)


async def converse(
    url: str, options: rtsp.Options, server: rtsp.Server, *, server_renews: bool
) -> None:
    """Play, renew keys from both ends, ask for them."""
    async with rtsp.playing(url, options=options, settings=BRIEF) as session:
        clients = server.clients
        steps = [session.ask_keys]
        if session.flow in (KeyFlow.TWO_KEYS, KeyFlow.CLIENT_KEY):
            steps.append(session.rekey)
        if clients and clients[0].streams and server_renews:
            steps.append(clients[0].rekey)
        for step in steps:
            with contextlib.suppress(PeerError):
                await step()


@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("number", range(ROUNDS))
@asynchronous
async def test_damaged_conversations(
    side: str, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    random = Random(f"{side} {number}")
    profile = random.choice([*PROFILES])
    shared = PROFILES[profile].flow is KeyFlow.ANSWER
    srtp = SrtpPolicy.AEAD_AES_128_GCM if "gcm" in profile else SrtpPolicy()
    served = rtsp.ServerOptions(
        profile=profile,
        policy=Policy(allow_null=True),
        srtp=srtp,
        psk=Psk(KEY, "rtsp:server", "rtsp:client") if shared else None,
        users=random.choice(({}, {"u": Secret(b"secret")})),
        timeout=3,
    )
    options = rtsp.Options(
        profile=random.choice((None, profile)),
        psk=Psk(KEY, "rtsp:client", "rtsp:server") if shared else None,
        transport=random.choice(("udp", "tcp", "auto")),
    )

    def whole(octets: bytes) -> bytes:
        return octets

    def broken(octets: bytes) -> bytes:
        return damaged(random, octets)

    said = ""
    ways = (whole, broken) if side == "client" else (broken, whole)
    async with (
        await rtsp.Server.open([numbers(), numbers()], options=served) as server,
        between(server.address, *ways) as port,
    ):
        try:
            await converse(
                f"rtsp://u:secret@127.0.0.1:{port}/test",
                options,
                server,
                server_renews=PROFILES[profile].flow is not KeyFlow.CLIENT_KEY,
            )
        except PeerError as error:
            said = str(error)
        assert "\n" not in said
        assert "secret" not in said
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
