"""Two user agents on loopback call each other."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import subprocess
import sys

import pytest

from mikey.errors import LocalError, PolicyError
from mikey.sip import (
    Call,
    CallError,
    CallRefusedError,
    Invitation,
    Limits,
    UserAgent,
    bare_uri,
)
from tests.asynchronous import asynchronous
from tests.unit.sip.peer import IMPATIENT, TIMERS

ALICE = "sip:alice@example.com"
OFFER = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\nx-unknown: \xc3\xa4\r\n"


class Bob:
    """Accepts everything, and remembers."""

    def __init__(self, answer: bytes = b"v=0\r\ns=answer\r\n") -> None:
        self.answer = answer
        self.invitations: list[Invitation] = []
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self.reinvites: list[bytes] = []

    async def __call__(self, invitation: Invitation) -> None:
        self.invitations.append(invitation)
        await invitation.ring()
        call = await invitation.accept(self.answer)
        call.on_reinvite = self.change
        self.calls.put_nowait(call)

    async def change(self, invitation: Invitation) -> None:
        self.reinvites.append(invitation.body)
        await invitation.accept(b"changed")


def bob_at(agent: UserAgent) -> str:
    return f"sip:bob@127.0.0.1:{agent.address[1]}"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("size", [0, 100, 1400, 40_000])
@asynchronous
async def test_a_call_carries_bodies_octet_for_octet(transport: str, size: int) -> None:
    bob = Bob()
    offer = OFFER + b"a" * size
    rang = 0

    def ringing() -> None:
        nonlocal rang
        rang += 1

    async with UserAgent(on_invite=bob, timers=TIMERS) as callee, UserAgent(timers=TIMERS) as alice:
        call = await alice.invite(
            bob_at(callee), from_uri=ALICE, body=offer, transport=transport, on_ringing=ringing
        )
        assert call.remote_body == bob.answer
        (invitation,) = bob.invitations
        assert invitation.body == offer
        assert bare_uri(invitation.request_uri) == bob_at(callee)
        assert invitation.from_uri == ALICE
        assert invitation.to_uri == bob_at(callee)
        # RFC 3261 18.1.1: above 1300 octets by TCP, whatever was asked
        assert invitation.source.transport == ("tcp" if size > 1300 else transport)
        assert invitation.source.host == "127.0.0.1"
        assert rang == 1
        theirs = await bob.calls.get()
        assert theirs.remote_body == offer
        await theirs.confirmed()
        await call.bye()
        assert await theirs.ended() == "ended by the peer"
        assert await call.ended() == "ended here"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@asynchronous
async def test_both_sides_change_and_end_the_call(transport: str) -> None:
    bob = Bob()

    async def alice_changes(invitation: Invitation) -> None:
        await invitation.accept(b"alice agrees to " + invitation.body)

    async with UserAgent(on_invite=bob, timers=TIMERS) as callee, UserAgent(timers=TIMERS) as alice:
        call = await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER, transport=transport)
        call.on_reinvite = alice_changes
        theirs = await bob.calls.get()
        assert await call.reinvite(b"one") == b"changed"
        assert await theirs.reinvite(b"two") == b"alice agrees to two"
        assert await call.reinvite(b"3" * 3000) == b"changed"
        assert bob.reinvites == [b"one", b"3" * 3000]
        assert call.remote_body == b"changed"
        assert theirs.remote_body == b"3" * 3000
        await theirs.bye()
        assert await call.ended() == "ended by the peer"
        with pytest.raises(CallError, match="ended by the peer") as caught:
            await call.reinvite(b"late")
        assert caught.value.status == 481


@asynchronous
async def test_glare_is_solved_by_waiting() -> None:
    bob = Bob()
    async with UserAgent(on_invite=bob, timers=TIMERS) as callee, UserAgent(timers=TIMERS) as alice:
        call = await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER)
        call.on_reinvite = bob.change
        theirs = await bob.calls.get()
        answers = await asyncio.gather(call.reinvite(b"hers"), theirs.reinvite(b"his"))
        assert list(answers) == [b"changed", b"changed"]
        assert sorted(bob.reinvites) == [b"hers", b"his"]


@asynchronous
async def test_a_refusal_brings_warning_and_body() -> None:
    async def refuse(invitation: Invitation) -> None:
        await invitation.refuse(
            488,
            "No\r\nWay",
            warnings=[(306, 'attribute "not" understood'), (399, "MIKEY: \\ error 10")],
            body=b"v=0\r\na=error\r\n",
        )

    async with (
        UserAgent(on_invite=refuse, timers=TIMERS) as callee,
        UserAgent(timers=TIMERS) as alice,
    ):
        with pytest.raises(CallRefusedError) as caught:
            await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER)
    error = caught.value
    assert error.status == 488
    assert error.phrase == "No??Way"
    assert error.warnings == ((306, 'attribute "not" understood'), (399, "MIKEY: \\ error 10"))
    assert error.body == b"v=0\r\na=error\r\n"
    assert error.content_type == "application/sdp"
    assert "\n" not in str(error)


@asynchronous
async def test_a_reinvite_can_be_refused_and_the_call_goes_on() -> None:
    bob = Bob()
    async with UserAgent(on_invite=bob, timers=TIMERS) as callee, UserAgent(timers=TIMERS) as alice:
        call = await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER)
        theirs = await bob.calls.get()
        with pytest.raises(CallRefusedError, match=r"488.*cannot be changed"):
            await theirs.reinvite(b"no handler at alice's")
        assert await call.reinvite(b"still there") == b"changed"
        assert not theirs.has_ended


@pytest.mark.parametrize(
    ("error", "status"), [(PolicyError("not allowed"), 488), (CallError("no", status=403), 403)]
)
@asynchronous
async def test_what_a_handler_raises_becomes_a_refusal(error: Exception, status: int) -> None:
    async def fail(invitation: Invitation) -> None:
        raise error

    async with (
        UserAgent(on_invite=fail, timers=TIMERS) as callee,
        UserAgent(timers=TIMERS) as alice,
    ):
        with pytest.raises(CallRefusedError) as caught:
            await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER)
    assert caught.value.status == status
    assert str(error) in caught.value.warnings[0][1]


@asynchronous
async def test_a_bug_in_a_handler_tells_the_peer_nothing_but_500(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(invitation: Invitation) -> None:
        raise KeyError("inner thing")

    async with (
        UserAgent(on_invite=fail, timers=TIMERS) as callee,
        UserAgent(timers=TIMERS) as alice,
    ):
        with pytest.raises(CallRefusedError) as caught:
            await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER)
    assert caught.value.status == 500
    assert "inner" not in str(caught.value)
    assert any(record.exc_info for record in caplog.records)


@asynchronous
async def test_the_callers_time_limit_cancels_a_ringing_call() -> None:
    cancelled = asyncio.Event()

    async def ring(invitation: Invitation) -> None:
        await invitation.ring()
        await invitation.cancelled.wait()
        with pytest.raises(CallError) as caught:
            await invitation.accept(b"too late")
        assert caught.value.status == 487
        await invitation.refuse(486)  # without effect
        cancelled.set()

    async with (
        UserAgent(on_invite=ring, timers=TIMERS) as callee,
        UserAgent(timers=TIMERS) as alice,
    ):
        with pytest.raises(CallError, match=r"no answer within 0\.2 s") as caught:
            await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER, timeout=0.2)
        assert caught.value.status == 408
        await cancelled.wait()


@asynchronous
async def test_cancelling_the_task_cancels_the_call() -> None:
    seen: asyncio.Queue[Invitation] = asyncio.Queue()

    async def ring(invitation: Invitation) -> None:
        await invitation.ring()
        seen.put_nowait(invitation)

    async with (
        UserAgent(on_invite=ring, timers=TIMERS) as callee,
        UserAgent(timers=TIMERS) as alice,
    ):
        ringing = asyncio.Event()
        task = asyncio.create_task(
            alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER, on_ringing=ringing.set)
        )
        invitation = await seen.get()
        await ringing.wait()
        task.cancel()
        await invitation.cancelled.wait()
        with pytest.raises(asyncio.CancelledError):
            await task


@asynchronous
async def test_leaving_ends_calls_and_frees_the_port() -> None:
    bob = Bob()
    async with UserAgent(on_invite=bob, timers=TIMERS) as callee:
        async with UserAgent(timers=TIMERS) as alice:
            await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER, transport="tcp")
            theirs = await bob.calls.get()
            address = alice.address
        assert await theirs.ended() == "ended by the peer"
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(type=kind) as again:
                again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                again.bind(address)
    gc.collect()  # an open socket would warn, and a warning is an error here


@asynchronous
async def test_leaving_refuses_whoever_still_waits() -> None:
    waits = asyncio.Event()

    async def ring(invitation: Invitation) -> None:
        waits.set()

    async with UserAgent(timers=TIMERS) as alice:
        async with UserAgent(on_invite=ring, timers=TIMERS) as callee:
            task = asyncio.create_task(alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER))
            await waits.wait()
        with pytest.raises(CallRefusedError, match="503"):
            await task


@asynchronous
async def test_nobody_there() -> None:
    async with UserAgent(timers=IMPATIENT) as alice:
        with socket.socket(type=socket.SOCK_DGRAM) as unused:
            unused.bind(("127.0.0.1", 0))
            target = f"sip:bob@127.0.0.1:{unused.getsockname()[1]}"
            with pytest.raises(CallError, match="no answer") as silent:
                await alice.invite(target, from_uri=ALICE, body=OFFER)
            with pytest.raises(CallError, match=r"cannot reach .* refused") as refused:
                await alice.invite(target, from_uri=ALICE, body=OFFER, transport="tcp")
            with pytest.raises(CallError, match="cannot find the host") as unknown:
                await alice.invite("sip:bob@no-such-host.invalid:5060", from_uri=ALICE, body=b"")
    assert (silent.value.status, refused.value.status, unknown.value.status) == (408, 503, 503)


@asynchronous
async def test_too_many_calls() -> None:
    bob = Bob()
    limits = Limits(calls=1)
    async with (
        UserAgent(on_invite=bob, timers=TIMERS, limits=limits) as callee,
        UserAgent(timers=TIMERS, limits=limits) as alice,
        UserAgent(timers=TIMERS) as carol,
    ):
        await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER)
        with pytest.raises(LocalError, match="1 calls already"):
            await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER)
        with pytest.raises(CallRefusedError, match="486"):
            await carol.invite(bob_at(callee), from_uri=ALICE, body=OFFER)


@asynchronous
async def test_what_the_caller_gets_wrong_is_a_local_error() -> None:
    async with UserAgent(timers=TIMERS) as alice:
        port = alice.address[1]
        for uri, transport in [
            ("bob", "udp"),
            ("sip:", "udp"),
            ("tel:+1", "udp"),
            ("sip:bob@127.0.0.1:0", "udp"),
            ("sip:bob@127.0.0.1:65536", "udp"),
            ("sip:bob@127.0.0.1", "sctp"),
        ]:
            with pytest.raises(LocalError):
                await alice.invite(uri, from_uri=ALICE, body=OFFER, transport=transport)
        with pytest.raises(LocalError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with UserAgent(port=port):
                pass
        with pytest.raises(LocalError, match=r"cannot listen on 192\.0\.2\.1"):
            async with UserAgent("192.0.2.1"):
                pass


@asynchronous
async def test_an_invitation_is_answered_once() -> None:
    async def twice(invitation: Invitation) -> None:
        with pytest.raises(LocalError, match="no refusal"):
            await invitation.refuse(200)
        await invitation.accept(b"yes")
        with pytest.raises(LocalError, match="before"):
            await invitation.accept(b"again")
        with pytest.raises(LocalError, match="before"):
            await invitation.refuse(488)

    async with (
        UserAgent(on_invite=twice, timers=TIMERS) as callee,
        UserAgent(timers=TIMERS) as alice,
    ):
        call = await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER)
        assert call.remote_body == b"yes"


@asynchronous
async def test_the_log_shows_no_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    offer = b"v=0\r\na=key-mgmt:mikey AQAFgBI0VngCAAA=\r\nm=audio 1 RTP/SAVP 96\r\n"
    bob = Bob(answer=b"v=0\r\na=key-mgmt:mikey AQEFABI0VngCAAA=\r\n")
    async with UserAgent(on_invite=bob, timers=TIMERS) as callee, UserAgent(timers=TIMERS) as alice:
        await alice.invite(bob_at(callee), from_uri=ALICE, body=offer)
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "AQAF" not in text
    assert "AQEF" not in text
    assert text.count("a=key-mgmt:mikey <redacted>\n") >= 4
    assert "m=audio 1 RTP/SAVP 96" in text


@asynchronous
async def test_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.skip("this system has no IPv6")
    bob = Bob()
    try:
        async with (
            UserAgent("::1", on_invite=bob, timers=TIMERS) as callee,
            UserAgent("::1", timers=TIMERS) as alice,
        ):
            for transport in ("udp", "tcp"):
                uri = f"sip:bob@[::1]:{callee.address[1]}"
                call = await alice.invite(uri, from_uri=ALICE, body=OFFER, transport=transport)
                assert await call.reinvite(b"one") == b"changed"
                await call.bye()
    except LocalError as error:
        pytest.skip(f"this system has no IPv6 loopback: {error}")


@asynchronous
async def test_listening_on_every_address() -> None:
    bob = Bob()
    async with (
        UserAgent("0.0.0.0", on_invite=bob, timers=TIMERS) as callee,
        UserAgent(timers=TIMERS) as alice,
    ):
        assert callee.host_towards("127.0.0.1") == "127.0.0.1"
        with pytest.raises(CallError, match="no way to the host") as caught:
            callee.host_towards("no.such.host.invalid")
        assert caught.value.status == 503
        call = await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER)
        assert await call.reinvite(b"one") == b"changed"  # went to Bob's Contact


@asynchronous
async def test_every_ipv6_address_is_no_ipv4_address() -> None:
    try:
        async with UserAgent("::", timers=TIMERS) as callee, UserAgent(timers=TIMERS) as alice:
            assert callee.host_towards("::1") == "::1"
            with pytest.raises(CallError, match="no answer"):
                await alice.invite(bob_at(callee), from_uri=ALICE, body=OFFER, timeout=0.2)
            with pytest.raises(CallError, match="no way from :: to 127"):
                await callee.invite("sip:a@127.0.0.1", from_uri=ALICE, body=OFFER)
    except LocalError as error:
        pytest.skip(f"this system has no IPv6: {error}")


def test_without_sipua_one_line_says_what_to_install() -> None:
    script = (
        "import sys\nsys.modules['sipua'] = None\nfrom mikey.errors import LocalError\n"
        "try:\n    import mikey.sip\nexcept LocalError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "SIP needs sipua: pip install 'mikey[sip]'\n"
