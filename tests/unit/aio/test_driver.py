"""Exchanges beside an event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

import mikey
from mikey import Certified, Initiator, Method, Psk, Responder, Secret, SoftwareKey, Trust
from mikey.aio import drive, run
from mikey.credentials import FetchCertificate
from mikey.errors import AuthenticationError, LocalError, PeerError
from tests import pki
from tests.asynchronous import asynchronous

ALICE, BOB = "sip:alice@example.org", "sip:bob@example.org"
ROOT = pki.authority("root")
LEAVES = {who: pki.issue(ROOT, who, uris=[who]) for who in (ALICE, BOB)}
URL = "http://certs.example.org/alice.cer"
STREAMS = (mikey.Stream(1), mikey.Stream())
PATIENCE = 30  # seconds after which a test that hangs fails


class SlowKey:
    """A key whose signatures wait until somebody on the event loop lets them go."""

    blocking = True

    def __init__(self, who: str) -> None:
        self.key = SoftwareKey(LEAVES[who].rsa)
        self.size = self.key.size
        self.loop = asyncio.get_running_loop()
        self.entered = asyncio.Event()
        self.released = threading.Event()

    def sign(self, octets: bytes, *, hash: str, pss: bool) -> bytes:  # noqa: A002
        self.loop.call_soon_threadsafe(self.entered.set)
        if not self.released.wait(PATIENCE):
            raise LocalError("the event loop stood still")
        return self.key.sign(octets, hash=hash, pss=pss)


def certified(me: str, key: SlowKey | None = None, *, url: str | None = None) -> Certified:
    return Certified(
        key=key or SoftwareKey(LEAVES[me].rsa),
        chain=[LEAVES[me].der],
        identity=me,
        trust=Trust([ROOT.der]),
        url=url,
    )


def clock() -> mikey.Clock:
    return mikey.Clock(lambda: pki.NOW)


async def meanwhile(key: SlowKey) -> None:
    """Be awake while the key signs, and let it go on."""
    async with asyncio.timeout(PATIENCE):
        await key.entered.wait()
    key.released.set()


@asynchronous
async def test_a_key_that_waits_leaves_the_loop_to_others() -> None:
    ours, theirs = SlowKey(ALICE), SlowKey(BOB)
    alice = Initiator(certified(ALICE, ours), method=Method.DH_SIGN, clock=clock())
    bob = Responder([certified(BOB, theirs)], clock=clock())

    first, _ = await asyncio.gather(run(alice, lambda: alice.start(STREAMS)), meanwhile(ours))
    offer = await run(bob, lambda: bob.receive(first))
    (answer, bundle), _ = await asyncio.gather(
        run(offer, lambda: offer.accept({2: 2})), meanwhile(theirs)
    )
    assert answer is not None
    agreed = await run(alice, lambda: alice.receive(answer))
    assert agreed.crypto_sessions == bundle.crypto_sessions


@asynchronous
async def test_what_was_fetched_is_taken_by_a_thread_as_well() -> None:
    alice = Initiator(certified(ALICE, url=URL), method=Method.DH_SIGN, clock=clock())
    bob = Responder([certified(BOB, SlowKey(BOB))], clock=clock())
    first = alice.start(STREAMS)
    resumed: list[int] = []

    def receive() -> mikey.Offer | mikey.Step[mikey.Offer]:
        step = bob.receive(first)
        assert isinstance(step, mikey.Step)

        def resume(der: object) -> mikey.Offer | mikey.Step[mikey.Offer]:
            resumed.append(threading.get_ident())
            return step.resume(der)

        return mikey.Step(step.request, resume)

    async def fetch(request: FetchCertificate) -> bytes:
        assert request.url == URL
        assert threading.get_ident() == threading.main_thread().ident
        return LEAVES[ALICE].der

    offer = await run(bob, receive, {FetchCertificate: fetch})
    assert offer.initiator == ALICE
    assert resumed
    assert threading.main_thread().ident not in resumed


@asynchronous
async def test_keys_in_memory_stay_on_the_loop() -> None:
    alice = Initiator(certified(ALICE), method=Method.DH_SIGN, clock=clock())
    assert await run(alice, threading.get_ident) == threading.main_thread().ident
    shared = Psk(Secret(bytes(range(16))), ALICE, BOB)
    assert not Initiator(shared).blocking
    assert not Responder([shared]).blocking


@asynchronous
async def test_an_error_in_the_thread_arrives() -> None:
    alice = Initiator(certified(ALICE), method=Method.DH_SIGN, clock=clock())
    bob = Responder([certified(BOB, SlowKey(BOB))], clock=clock())
    assert bob.blocking
    first = alice.start(STREAMS)
    damaged = first[:-1] + bytes([first[-1] ^ 1])
    with pytest.raises(AuthenticationError) as caught:
        await run(bob, lambda: bob.receive(damaged))
    assert bob.refuse(caught.value) is not None


@asynchronous
async def test_a_request_without_a_handler() -> None:
    alice = Initiator(certified(ALICE, url=URL), method=Method.DH_SIGN, clock=clock())
    bob = Responder([certified(BOB)], clock=clock())
    with pytest.raises(PeerError, match="by URL") as caught:
        await drive(bob.receive(alice.start(STREAMS)))
    assert bob.refuse(caught.value) is not None
    slow = Responder([certified(BOB, SlowKey(BOB))], clock=clock())
    with pytest.raises(PeerError, match="by URL"):
        await run(slow, lambda: slow.receive(alice.start(STREAMS)))
