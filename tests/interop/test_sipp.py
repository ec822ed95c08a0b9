"""sipp and the library: the fixed exchange of VEC-7 and VEC-8, in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from mikey.carriage.sdp import Agreed, Description, Sender
from mikey.credentials import Psk
from mikey.policy import Clock, Context
from mikey.secret import Secret
from mikey.session import Initiator, Responder
from mikey.sip import Call, Invitation, UserAgent, bare_uri
from tests.asynchronous import asynchronous
from tests.interop.sipp_process import sipp
from tests.naive import vectors
from tests.naive.encode import key_mgmt

pytestmark = pytest.mark.interop

NOW = 1_161_351_786_500_000_000  # c8e350ea80000000 in nanoseconds since 1970
ALICE, BOB = vectors.IDI.decode(), vectors.IDR.decode()
KEYS = (
    ("a27504f32768f45cbba61a1f18f3f22f", "fe77a4daef7f126c627c4b3432b9"),
    ("010ef40a620614cda44fc2d3d6e6a219", "7e93a0e05d8ad310b2243a56f8d6"),
)
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/SAVP 96\r\na=rtpmap:96 L16/8000\r\n"
)


def clock() -> Clock:
    return Clock(lambda: NOW)


def script(*draws: bytes) -> Callable[[int], bytes]:
    """A random source that gives out these octets, in the order of the wire."""
    left = iter(draws)

    def random(length: int) -> bytes:
        draw = next(left)
        assert len(draw) == length
        return draw

    return random


def check_keys(agreed: Agreed) -> None:
    for sender, (key, salt) in zip(Sender, KEYS, strict=True):
        bundle, cs_id = agreed.find(0, sender)
        (master,) = bundle.masters(cs_id)
        assert master.key.expose().hex() == key
        assert master.salt.expose().hex() == salt


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@asynchronous
async def test_sipp_calls_with_vec_7_and_gets_vec_8(transport: str, tmp_path: Path) -> None:
    responder = Responder([Psk(Secret(vectors.PSK), BOB, ALICE)], clock=clock())
    results: asyncio.Queue[tuple[Agreed, Call]] = asyncio.Queue()

    async def answer(invitation: Invitation) -> None:
        assert invitation.source.transport == transport
        context = Context(
            initiator=bare_uri(invitation.from_uri), responder=bare_uri(invitation.to_uri)
        )
        offer = Description(invitation.body.decode(), context=context)
        agreed = offer.answer(responder, Description(SDP), {0: 0xCAFEBABE})
        results.put_nowait((agreed, await invitation.accept(agreed.text.encode())))

    async with UserAgent(on_invite=answer) as bob:
        with sipp(
            "uac_accepted",
            tmp_path / "sipp",
            line=key_mgmt(vectors.OFFER),
            to=bob.address[1],
            transport=transport,
        ) as alice:
            agreed, call = await results.get()
            await call.confirmed()
            assert await call.ended() == "ended by the peer"
            await asyncio.to_thread(alice.wait)
            assert alice.lines() == [key_mgmt(vectors.OFFER), key_mgmt(vectors.ANSWER)]
    check_keys(agreed)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@asynchronous
async def test_we_call_with_vec_7_and_take_vec_8(transport: str, tmp_path: Path) -> None:
    initiator = Initiator(
        Psk(Secret(vectors.PSK), ALICE, BOB),
        clock=clock(),
        random=script(vectors.CSB_ID.to_bytes(4), vectors.RAND_VALUE, vectors.TGK),
    )
    context = Context(initiator=ALICE, responder=BOB)
    offered = Description(SDP, context=context).offer(initiator, {0: 0xDEADBEEF})
    assert offered.messages == {None: vectors.OFFER}
    with sipp(
        "uas_answers", tmp_path / "sipp", line=key_mgmt(vectors.ANSWER), transport=transport
    ) as bob:
        if transport == "tcp":
            await listening(bob.port)
        async with UserAgent() as alice:
            call = await alice.invite(
                f"sip:bob@127.0.0.1:{bob.port}",
                from_uri=ALICE,
                body=offered.text.encode(),
                transport=transport,
            )
            answer = Description(call.remote_body.decode(), context=context)
            agreed = offered.receive(initiator, answer)
            await call.bye()
        await asyncio.to_thread(bob.wait)
        assert key_mgmt(vectors.OFFER) in bob.lines()
    check_keys(agreed)


async def listening(port: int) -> None:
    """Wait until somebody listens there over TCP (over UDP the INVITE is repeated)."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return
