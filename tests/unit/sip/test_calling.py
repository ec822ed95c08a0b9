"""The calling side against a peer that speaks by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mikey.sip import Call, CallError, CallRefusedError, Timers, UserAgent
from tests.asynchronous import asynchronous
from tests.unit.sip.peer import IMPATIENT, TIMERS, Message, RawPeer

ALICE = "sip:alice@example.com"


@asynccontextmanager
async def calling(
    *, timeout: float = 5.0, body: bytes = b"v=0", timers: Timers = TIMERS
) -> AsyncIterator[tuple[UserAgent, RawPeer, asyncio.Task[Call], Message]]:
    async with RawPeer() as peer, UserAgent(timers=timers) as agent:
        uri = f"sip:bob@127.0.0.1:{peer.port}"
        task = asyncio.create_task(agent.invite(uri, from_uri=ALICE, body=body, timeout=timeout))
        yield agent, peer, task, await peer.expect("INVITE")


@asynchronous
async def test_the_invite() -> None:
    async with calling() as (agent, peer, task, invite):
        host, port = agent.address
        assert invite.start == f"INVITE sip:bob@127.0.0.1:{peer.port} SIP/2.0"
        assert invite["From"].startswith("<sip:alice@example.com>;tag=")
        assert invite["To"] == f"<sip:bob@127.0.0.1:{peer.port}>"
        assert invite["Contact"] == f"<sip:{host}:{port};transport=udp>"
        assert invite["Content-Type"] == "application/sdp"
        assert invite["Max-Forwards"] == "70"
        assert invite.branch.startswith("z9hG4bK")
        again = await peer.expect("INVITE")  # no response: timer A
        assert again.headers == invite.headers
        peer.send(peer.response(invite, 200, body="v=1"))
        call = await task
        assert call.remote_body == b"v=1"


@asynchronous
async def test_ringing_may_take_longer_than_64_t1() -> None:
    async with calling(timers=IMPATIENT) as (_, peer, task, invite):
        peer.send(peer.response(invite, 180))
        done, _ = await asyncio.wait({task}, timeout=1.5 * IMPATIENT.give_up)
        assert not done
        peer.send(peer.response(invite, 200, body="v=1"))
        assert (await task).remote_body == b"v=1"


@asynchronous
async def test_the_ack_of_a_200() -> None:
    async with calling() as (_, peer, task, invite):
        contact = f"<sip:there@127.0.0.1:{peer.port};a=b>"
        route = f"<sip:127.0.0.1:{peer.port};lr;x=a+b>"
        extra = f"Record-Route: <sip:far.example;lr>, {route}\r\n"
        answer = peer.response(invite, 200, contact=contact, extra=extra)
        peer.send(answer)
        ack = await peer.expect("ACK")
        call = await task
        peer.send(answer)  # the ACK was lost, as far as the peer can see
        again = await peer.expect("ACK")
        assert again.headers == ack.headers
        assert ack.start == f"ACK sip:there@127.0.0.1:{peer.port};a=b SIP/2.0"
        routes = [value for name, value in ack.headers if name == "Route"]
        assert routes == [route, "<sip:far.example;lr>"]
        assert ack.branch != invite.branch
        assert ack["CSeq"] == f"{invite['CSeq'].split()[0]} ACK"
        assert "tag=bob+tag" in ack["To"]
        ending = asyncio.create_task(call.bye())
        bye = await peer.expect("BYE")
        assert bye.start == f"BYE sip:there@127.0.0.1:{peer.port};a=b SIP/2.0"
        assert [value for name, value in bye.headers if name == "Route"] == routes
        assert (bye["To"], bye["From"]) == (ack["To"], ack["From"])
        assert int(bye["CSeq"].split()[0]) > int(invite["CSeq"].split()[0])
        peer.send(peer.response(bye, 200))
        assert await ending
        assert await call.bye()  # it is over


@asynchronous
@pytest.mark.parametrize("status", [481, None])
async def test_a_bye_that_is_not_confirmed(status: int | None) -> None:
    """The peer lost the call, or is gone."""
    async with calling() as (_, peer, task, invite):
        peer.send(peer.response(invite, 200))
        call = await task
        await peer.expect("ACK")
        ending = asyncio.create_task(call.bye())
        bye = await peer.expect("BYE")
        if status is not None:
            peer.send(peer.response(bye, status))
        assert not await ending
        assert call.has_ended


@asynchronous
async def test_the_ack_of_a_refusal() -> None:
    async with calling() as (_, peer, task, invite):
        refusal = peer.response(
            invite, 488, body="v=0 error", extra='Warning: 399 there "no \\"key\\"", 306 x "y"\r\n'
        )
        for _ in range(2):
            peer.send(refusal)
            ack = await peer.expect("ACK")
            assert ack.branch == invite.branch
            assert ack.start == invite.start.replace("INVITE", "ACK")
        with pytest.raises(CallRefusedError) as caught:
            await task
    assert caught.value.status == 488
    assert caught.value.warnings == ((399, 'no "key"'), (306, "y"))
    assert caught.value.body == b"v=0 error"


@asynchronous
async def test_an_answer_after_the_time_limit_is_taken_back() -> None:
    async with calling(timeout=0.05) as (_, peer, task, invite):
        with pytest.raises(CallError, match="no answer"):
            await task
        peer.send(peer.response(invite, 200))
        await peer.expect("ACK")
        bye = await peer.expect("BYE")
        assert "tag=bob+tag" in bye["To"]
        peer.send(peer.response(bye, 200))


@asynchronous
async def test_a_first_sign_after_the_time_limit_brings_cancel() -> None:
    async with calling(timeout=0.05) as (_, peer, task, invite):
        with pytest.raises(CallError, match="no answer"):
            await task
        peer.send(peer.response(invite, 180))
        cancel = await peer.expect("CANCEL")
        assert cancel.branch == invite.branch
        assert cancel["CSeq"] == f"{invite['CSeq'].split()[0]} CANCEL"
        assert cancel["To"] == invite["To"]
        peer.send(peer.response(cancel, 200))
        peer.send(peer.response(invite, 487))
        await peer.expect("ACK")


@asynchronous
async def test_a_second_phone_that_picks_up_is_hung_up() -> None:
    async with calling() as (_, peer, task, invite):
        peer.send(peer.response(invite, 200, tag="first", body="1"))
        call = await task
        await peer.expect("ACK")
        peer.send(peer.response(invite, 200, tag="second", body="2"))
        ack = await peer.expect("ACK")
        bye = await peer.expect("BYE")
        assert "tag=second" in ack["To"]
        assert "tag=second" in bye["To"]
        peer.send(peer.response(bye, 200))
        assert call.remote_body == b"1"
        assert not call.has_ended


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Contact", "", "no Contact"),
        ("Contact", "Contact: <tel:+1>\r\n", "no SIP URI"),
        ("Content-Length", "Content-Length: 9\r\n", "shorter"),
        ("To", "To: <sip:bob@example.com>\r\n", "no To tag"),
    ],
)
@asynchronous
async def test_a_malformed_answer(name: str, value: str, reason: str) -> None:
    async with calling() as (_, peer, task, invite):
        lines = peer.response(invite, 200).split("\r\n")
        peer.send(
            "\r\n".join(line for line in lines if not line.startswith(name)).replace(
                "\r\n\r\n", f"\r\n{value}\r\n", 1
            )
        )
        with pytest.raises(CallError, match=f"malformed.*{reason}") as caught:
            await task
        assert caught.value.status == 400


@asynchronous
async def test_responses_to_nobody_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    async with calling() as (_, peer, task, invite):
        strange = peer.response(invite, 200)
        peer.send(strange.replace(invite.branch, "z9hG4bKother"))
        peer.send(
            strange.replace(f"Via: {invite['Via']}", f"Via: {invite['Via']}, {invite['Via']}")
        )
        peer.send(strange.replace("Via", "X-Via"))
        peer.send(peer.response(invite, 404))
        peer.send(strange)  # 2xx after a refusal
        with pytest.raises(CallRefusedError, match="404"):
            await task
    assert not caplog.records  # a peer writes nothing on our terminal


@asynchronous
async def test_the_call_of_a_callee_that_ends_it_at_once() -> None:
    async with calling() as (_, peer, task, invite):
        peer.send(peer.response(invite, 200))
        tags = invite["From"]
        text = peer.request("BYE", sequence=1, to=tags)
        text = text.replace("<sip:alice@example.com>;tag=alice+tag", "<sip:b@c.d>;tag=bob+tag")
        text = text.replace(peer.call_id, invite["Call-ID"])
        peer.send(text)
        call = await task
        assert await call.ended() == "ended by the peer"


@asynchronous
async def test_no_answer_to_a_change_ends_the_call() -> None:
    async with calling() as (_, peer, task, invite):
        peer.send(peer.response(invite, 200))
        call = await task
        with pytest.raises(CallError, match="no answer"):
            await call.reinvite(b"v=1", timeout=0.05)
        assert await call.ended() == "no answer to a re-INVITE"
        await peer.expect("BYE")


@asynchronous
async def test_a_target_that_moves() -> None:
    async with calling() as (_, peer, task, invite):
        peer.send(peer.response(invite, 200))
        call = await task
        await peer.expect("ACK")
        change = asyncio.create_task(call.reinvite(b"v=1"))
        second = await peer.expect("INVITE")
        peer.send(
            peer.response(second, 200, contact=f"<sip:moved@127.0.0.1:{peer.port}>", body="v=2")
        )
        assert await change == b"v=2"
        assert (await peer.expect("ACK")).start.startswith("ACK sip:moved@")
        ending = asyncio.create_task(call.bye())
        bye = await peer.expect("BYE")
        assert bye.start.startswith("BYE sip:moved@")
        peer.send(peer.response(bye, 200))
        await ending


@asynchronous
async def test_without_tcp_a_long_invite_goes_by_udp_after_all() -> None:
    async with calling(body=b"x" * 2000) as (_, peer, task, invite):
        assert "SIP/2.0/UDP" in invite["Via"]
        assert len(invite.body) == 2000
        peer.send(peer.response(invite, 200))
        await task


@asynchronous
async def test_a_change_goes_the_way_of_the_call() -> None:
    """RFC 3261 12.2: the routes of a dialog stay, whatever a later response says."""
    async with calling() as (_, peer, task, invite):
        route = f"<sip:127.0.0.1:{peer.port};lr;way=a+b>"
        peer.send(peer.response(invite, 200, extra=f"Record-Route: {route}\r\n"))
        call = await task
        assert (await peer.expect("ACK"))["Route"] == route
        change = asyncio.create_task(call.reinvite(b"v=1"))
        second = await peer.expect("INVITE")
        assert second["Route"] == route
        peer.send(peer.response(second, 200, extra="Record-Route: <sip:else.example;lr>\r\n"))
        await change
        assert (await peer.expect("ACK"))["Route"] == route


@asynchronous
async def test_a_change_that_nobody_waits_for_is_cancelled() -> None:
    async with calling() as (_, peer, task, invite):
        peer.send(peer.response(invite, 200))
        call = await task
        await peer.expect("ACK")
        change = asyncio.create_task(call.reinvite(b"v=1"))
        second = await peer.expect("INVITE")
        peer.send(peer.response(second, 100))
        peer.send(peer.response(second, 183))
        await asyncio.wait({change}, timeout=0.1)
        change.cancel()
        cancel = await peer.expect("CANCEL")
        assert cancel.branch == second.branch
        peer.send(peer.response(cancel, 200))
        peer.send(peer.response(second, 200))  # they crossed
        await peer.expect("ACK")
        with pytest.raises(asyncio.CancelledError):
            await change
        assert not call.has_ended


@asynchronous
async def test_a_route_to_an_impossible_port_costs_the_socket_nothing() -> None:
    """asyncio closes a UDP socket that is told to send to port 99999."""
    async with calling() as (agent, peer, task, invite):
        peer.send(peer.response(invite, 200, extra="Record-Route: <sip:127.0.0.1:99999;lr>\r\n"))
        with pytest.raises(CallError, match="no port 99999"):
            await task
        peer.send(peer.request("OPTIONS"), agent.address[1])
        assert (await peer.expect(200))["CSeq"] == "1 OPTIONS"


@asynchronous
async def test_a_repetition_that_cannot_be_sent_is_no_stray_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = asyncio.Event()

    async def unreachable(_: object) -> None:
        tried.set()
        raise ConnectionError("gone")

    async with calling() as (agent, peer, task, invite):
        with monkeypatch.context() as patched:
            patched.setattr(agent._transport, "_destination", unreachable)
            await tried.wait()
        await peer.expect("INVITE")  # the time after that it goes again
        peer.send(peer.response(invite, 404))
        with pytest.raises(CallRefusedError, match="404"):
            await task
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
