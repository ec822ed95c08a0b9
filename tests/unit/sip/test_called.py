"""The called side against a peer that speaks by hand: repetitions, refusals, bad input."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mikey.sip import Call, CallRefusedError, Invitation, Limits, Timers, UserAgent
from tests.asynchronous import asynchronous
from tests.unit.sip.peer import IMPATIENT, TIMERS, RawPeer

_DEFAULT = Limits()


class Answers:
    """An on_invite that counts, and accepts when told to."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.invitations: asyncio.Queue[Invitation] = asyncio.Queue()
        self.count = 0
        self.at_once = at_once
        self.call: Call | None = None

    async def __call__(self, invitation: Invitation) -> None:
        self.count += 1
        self.invitations.put_nowait(invitation)
        if self.at_once:
            self.call = await invitation.accept(b"v=0 answer")


@asynccontextmanager
async def called(
    handler: Answers | None, limits: Limits = _DEFAULT, timers: Timers = TIMERS
) -> AsyncIterator[tuple[UserAgent, RawPeer]]:
    async with (
        RawPeer() as peer,
        UserAgent(on_invite=handler, timers=timers, limits=limits) as agent,
    ):
        peer.peer = agent.address
        yield agent, peer


@asynchronous
async def test_200_is_repeated_until_the_ack() -> None:
    handler = Answers()
    async with called(handler) as (_, peer):
        peer.send(peer.request("INVITE", body="v=0"))
        answers = [await peer.expect(200) for _ in range(5)]
        assert {answer.body for answer in answers} == {b"v=0 answer"}
        assert len({answer.to_tag for answer in answers}) == 1
        assert answers[0]["From"] == "Alice <sip:alice@example.com>;tag=alice+tag"
        assert f";branch=z9hG4bK{peer.call_id}-INVITE-1" in answers[0]["Via"]
        assert handler.call is not None
        ack = peer.request("ACK", branch="z9hG4bKack", to=answers[0]["To"])
        peer.send(ack.replace("tag=alice+tag", "tag=mallory"))  # not for this call
        await peer.expect(200)
        peer.send(ack)
        await handler.call.confirmed()
        assert await peer.silent(200)
        bye = peer.request("BYE", sequence=2, to=answers[0]["To"])
        peer.send(bye)
        assert (await peer.expect(200))["CSeq"] == "2 BYE"
        assert await handler.call.ended() == "ended by the peer"
        peer.send(bye)  # the 200 was lost
        assert (await peer.expect(200))["CSeq"] == "2 BYE"
        peer.send(peer.request("BYE", sequence=3, to=answers[0]["To"]))
        await peer.expect(481)


@asynchronous
async def test_without_ack_the_call_is_ended_by_bye() -> None:
    handler = Answers()
    async with called(handler, timers=IMPATIENT) as (_, peer):
        peer.send(peer.request("INVITE", body="v=0"))
        bye = await peer.expect("BYE")
        assert bye.start == f"BYE sip:alice@127.0.0.1:{peer.port} SIP/2.0"
        assert "tag=alice+tag" in bye["To"]
        peer.send(peer.response(bye, 200))
        assert handler.call is not None
        assert await handler.call.ended() == "the peer sent no ACK"


@asynchronous
async def test_a_repeated_invite_is_one_call() -> None:
    handler = Answers(at_once=False)
    async with called(handler) as (_, peer):
        invite = peer.request("INVITE", body="v=0")
        peer.send(invite)
        invitation = await handler.invitations.get()
        await peer.expect(100)  # nobody decided for a while
        await invitation.ring()
        await peer.expect(180)
        peer.send(invite)
        assert (await peer.receive()).status == 180  # the latest word, again
        call = await invitation.accept(b"v=0 answer")
        answer = await peer.expect(200)
        for _ in range(3):
            peer.send(invite)
        peer.send(peer.request("ACK", branch="z9hG4bKack", to=answer["To"]))
        await call.confirmed()
        peer.send(invite)
        peer.send(peer.request("OPTIONS", sequence=9))
        while (await peer.expect(200))["CSeq"] != "9 OPTIONS":
            pass
        assert handler.count == 1


@asynchronous
async def test_the_same_invite_on_another_path_is_a_loop() -> None:
    handler = Answers(at_once=False)
    async with called(handler) as (_, peer):
        peer.send(peer.request("INVITE", body="v=0"))
        peer.send(peer.request("INVITE", body="v=0", branch="z9hG4bKother"))
        answer = await peer.expect(482)
        assert answer.branch == "z9hG4bKother"
        assert handler.count == 1


@asynchronous
async def test_a_refusal_is_repeated_until_its_ack() -> None:
    handler = Answers(at_once=False)
    async with called(handler) as (_, peer):
        invite = peer.request("INVITE", body="v=0")
        peer.send(invite)
        invitation = await handler.invitations.get()
        await invitation.refuse(488, warnings=[(399, "no key")], body=b"v=0 error")
        refusals = [await peer.expect(488) for _ in range(3)]
        assert refusals[0]["Warning"] == '399 mikey "no key"'
        assert refusals[0].body == b"v=0 error"
        peer.send(peer.request("ACK", branch=refusals[0].branch, to=refusals[0]["To"]))
        assert await peer.silent(488)


@asynchronous
async def test_cancel() -> None:
    handler = Answers(at_once=False)
    async with called(handler) as (_, peer):
        peer.send(peer.request("INVITE", body="v=0", branch="z9hG4bKi"))
        invitation = await handler.invitations.get()
        peer.send(peer.request("CANCEL", branch="z9hG4bKi"))
        assert (await peer.expect(200))["CSeq"] == "1 CANCEL"
        refusal = await peer.expect(487)
        assert refusal["CSeq"] == "1 INVITE"
        await invitation.cancelled.wait()
        peer.send(peer.request("ACK", branch="z9hG4bKi", to=refusal["To"]))
        peer.send(peer.request("CANCEL", sequence=5, branch="z9hG4bKnone"))
        assert (await peer.expect(481))["CSeq"] == "5 CANCEL"


@asynchronous
async def test_cancel_after_the_answer_changes_nothing() -> None:
    handler = Answers()
    async with called(handler) as (_, peer):
        peer.send(peer.request("INVITE", body="v=0", branch="z9hG4bKi"))
        answer = await peer.expect(200)
        peer.send(peer.request("CANCEL", branch="z9hG4bKi"))
        while (await peer.expect(200))["CSeq"] != "1 CANCEL":
            pass
        peer.send(peer.request("ACK", branch="z9hG4bKack", to=answer["To"]))
        assert handler.call is not None
        await handler.call.confirmed()
        assert not handler.call.has_ended


@asynchronous
async def test_bye_before_the_answer() -> None:
    handler = Answers(at_once=False)
    async with called(handler) as (_, peer):
        peer.send(peer.request("INVITE", body="v=0"))
        invitation = await handler.invitations.get()
        await invitation.ring()
        ringing = await peer.expect(180)
        peer.send(peer.request("OPTIONS", sequence=2, to=ringing["To"]))
        await peer.expect(481)
        peer.send(peer.request("BYE", sequence=3, to=ringing["To"]))
        assert (await peer.expect(200))["CSeq"] == "3 BYE"
        assert (await peer.expect(487))["CSeq"] == "1 INVITE"
        assert invitation.cancelled.is_set()


@asynchronous
async def test_changes_that_come_at_a_bad_time() -> None:
    handler = Answers()
    async with called(handler) as (_, peer):
        peer.send(peer.request("INVITE", body="v=0"))
        to = (await peer.expect(200))["To"]
        peer.send(peer.request("ACK", branch="z9hG4bKa1", to=to))
        call = handler.call
        assert call is not None
        waiting: asyncio.Queue[Invitation] = asyncio.Queue()
        call.on_reinvite = waiting.put
        peer.send(peer.request("INVITE", sequence=2, to=to, body="v=2"))
        invitation = await waiting.get()
        peer.send(peer.request("INVITE", sequence=3, to=to, body="v=3"))
        busy = await peer.expect(500)
        assert (busy["CSeq"], busy["Retry-After"]) == ("3 INVITE", "1")
        peer.send(peer.request("ACK", sequence=3, branch=busy.branch, to=to))
        await invitation.accept(b"v=2 answer")
        assert (await peer.expect(200)).body == b"v=2 answer"
        peer.send(peer.request("ACK", sequence=2, branch="z9hG4bKa2", to=to))
        ours = asyncio.create_task(call.reinvite(b"ours"))
        invite = await peer.expect("INVITE")
        assert invite.body == b"ours"
        peer.send(peer.request("INVITE", sequence=4, to=to, body="v=4"))
        await peer.expect(491)
        peer.send(peer.response(invite, 491))
        ack = await peer.expect("ACK")
        assert ack.branch == invite.branch
        second = await peer.expect("INVITE")  # after a pause
        assert second["CSeq"] != invite["CSeq"]
        peer.send(peer.response(second, 200, body="agreed"))
        assert (await peer.expect("ACK")).branch != second.branch
        assert await ours == b"agreed"


@asynchronous
async def test_requests_within_a_call() -> None:
    handler = Answers()
    async with called(handler) as (_, peer):
        peer.send(peer.request("INVITE", sequence=5, body="v=0"))
        to = (await peer.expect(200))["To"]
        peer.send(peer.request("ACK", sequence=5, branch="z9hG4bKa", to=to))
        for method, sequence, status in [
            ("OPTIONS", 6, 200),
            ("INFO", 7, 405),
            ("OPTIONS", 7, 500),
        ]:
            peer.send(peer.request(method, sequence=sequence, to=to))
            answer = await peer.expect(status)
            while answer["CSeq"] != f"{sequence} {method}":
                answer = await peer.expect(status)
        stranger = peer.request("BYE", sequence=8, to=to).replace("alice+tag", "mallory")
        peer.send(stranger)
        await peer.expect(481)
        assert handler.call is not None
        assert not handler.call.has_ended


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (200, lambda text: text.replace("INVITE", "OPTIONS")),
        (405, lambda text: text.replace("INVITE", "MESSAGE")),
        (481, lambda text: text.replace("<sip:bob@example.com>", "<sip:bob@example.com>;tag=x")),
        (416, lambda text: text.replace("INVITE sip:bob", "INVITE sips:bob")),
        (420, lambda text: text.replace("Max-", "Require: 100rel\r\nMax-")),
        (415, lambda text: text.replace("application/sdp", "text/plain")),
        (415, lambda text: text.replace("Max-", "Content-Encoding: gzip\r\nMax-")),
        (400, lambda text: text.replace("Contact", "X-Contact")),
        (400, lambda text: text.replace("Contact: <sip:", "Contact: <tel:+1")),
        (400, lambda text: text.replace(";tag=alice+tag", "")),
        (400, lambda text: text.replace("Content-Length: 3", "Content-Length: 4")),
        (400, lambda text: text.replace("Content-Length: 3", "Content-Length: x")),
        (400, lambda text: text.replace("Content-Type", "X-Type")),
        (400, lambda text: text.replace("Max-", "Record-Route: <<>\r\nMax-")),
    ],
)
@asynchronous
async def test_requests_that_are_refused_at_the_door(status: int, change: object) -> None:
    handler = Answers()
    async with called(handler) as (_, peer):
        assert callable(change)
        peer.send(change(peer.request("INVITE", body="v=0")))
        answer = await peer.expect(status)
        assert status == 481 or answer.to_tag
        assert handler.count == 0


@asynchronous
async def test_nothing_in_a_datagram_ends_the_endpoint(caplog: pytest.LogCaptureFixture) -> None:
    handler = Answers()
    async with called(handler) as (_, peer):
        good = peer.request("INVITE", body="v=0")
        bad: list[bytes | str] = [
            b"\xff\xfe\x00",
            b"\r\n\r\n",
            b"\0",
            "INVITE\r\n\r\n",
            "SIP/2.0 200 OK\r\n\r\n",
            good.replace("Via: SIP/2.0/UDP", "Via: SIP/2.0"),
            good.replace("Via", "X-Via"),
            good.replace(";branch", ";self=1;branch"),
            good.replace("branch=", "x="),
            good.replace(f":{peer.port};branch", ":99999;branch"),
            good.replace("CSeq: 1 INVITE", "CSeq: 1 BYE"),
            good.replace("CSeq: 1 INVITE", "CSeq: 4294967296 INVITE"),
            good.replace("CSeq: 1 INVITE", "CSeq: " + "9" * 5000 + " INVITE"),
            good.replace("Call-ID", "Call-ID: x\r\nCall-ID"),
            good.replace("Alice", "Al\0ice"),
            good.replace("Alice", "Al\nice"),
            good.replace("From: Alice <", "From: Alice"),
            good.replace("sip:bob@127", "sip:b ob@127"),
            good.replace("Max-Forwards", "Max Forwards"),
            good.replace("Alice", "A" * 9000),
            good.replace("Max-", "X: y\r\n" * 200 + "Max-"),
            good.replace("Max-", ("X: " + "y" * 8000 + "\r\n") * 3 + "Max-"),
            good.encode().replace(b"Alice", b"\xff"),
            "SIP/2.0 999 X\r\n" + good.split("\r\n", 1)[1],
            "SIP/2.0 2e2 X\r\n" + good.split("\r\n", 1)[1],
            "SIP/2.0 200 X\r\n" + good.split("\r\n", 1)[1],
            *(good[:length] for length in range(1, len(good) - 3, 7)),
        ]
        for octets in bad:
            peer.send(octets)
        peer.send(peer.request("OPTIONS", sequence=77))
        while (await peer.receive())["CSeq"] != "77 OPTIONS":
            pass
        assert handler.count == 0
        peer.send(good)
        await peer.expect(200)
        assert handler.count == 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@asynchronous
async def test_folded_headers_compact_names_and_odd_blanks_are_fine() -> None:
    handler = Answers()
    async with called(handler) as (_, peer):
        text = peer.request("INVITE", body="v=0")
        text = text.replace("Via: ", "v:").replace("From: Alice ", "f  :\r\n Alice\r\n\t")
        text = text.replace("Content-Length: ", "l : ").replace("Contact", "m") + "tail"
        peer.send(text)
        answer = await peer.expect(200)
        assert "tag=alice+tag" in answer["From"]
        assert (await handler.invitations.get()).body == b"v=0"


@asynchronous
async def test_a_via_comes_back_as_it_was() -> None:
    handler = Answers()
    async with called(handler) as (_, peer):
        odd = f"SIP/2.0/UDP client.example:{peer.port};x=%41+*!;branch=z9hG4bK*a+b!~;rport"
        below = "SIP/2.0/TCP proxy.example;branch=z9hG4bKproxy;y=%42"
        text = peer.request("OPTIONS")
        start = text.index("Via: ")
        end = text.index("\r\n", start)
        peer.send(f"{text[:start]}Via: {odd}, {below}{text[end:]}")
        answer = await peer.expect(200)
        vias = [value for name, value in answer.headers if name == "Via"]
        assert vias == [
            odd.replace("rport", f"rport={peer.port}") + ";received=127.0.0.1",
            below,
        ]


@asynchronous
async def test_limits() -> None:
    handler = Answers(at_once=False)
    async with called(handler, Limits(calls=2, transactions=3)) as (_, peer):
        for index, status in [(1, 0), (2, 0), (3, 486), (4, 503)]:
            peer.call_id = f"limit-{index}"
            peer.send(peer.request("INVITE", body="v=0"))
            if status:
                answer = await peer.expect(status)
                assert answer["Call-ID"] == peer.call_id
        assert handler.count == 2


@asynchronous
async def test_nobody_takes_calls() -> None:
    async with called(None) as (_, peer):
        peer.send(peer.request("INVITE", body="v=0"))
        await peer.expect(480)


@asynchronous
async def test_our_change_meets_a_peer_that_forgot_the_call() -> None:
    handler = Answers()
    async with called(handler) as (_, peer):
        peer.send(peer.request("INVITE", body="v=0"))
        to = (await peer.expect(200))["To"]
        peer.send(peer.request("ACK", branch="z9hG4bKa", to=to))
        call = handler.call
        assert call is not None
        task = asyncio.create_task(call.reinvite(b"v=1"))
        invite = await peer.expect("INVITE")
        peer.send(peer.response(invite, 481))
        with pytest.raises(CallRefusedError, match="481"):
            await task
        assert "does not know" in await call.ended()
