"""What a call does when its keys are to change, or its policy is refused, and it goes wrong."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from mikey.aio import AudioFormat, Recording
from mikey.carriage.sdp import Agreed, Description, Sender
from mikey.cli.calls.callee import Callee, Terms
from mikey.cli.calls.caller import Caller, Plan
from mikey.credentials import Psk
from mikey.credentials.psk_file import parse
from mikey.errors import CarriageError, PeerError
from mikey.policy import SrtpPolicy
from mikey.secret import Secret
from mikey.session import Initiator, Responder
from mikey.sip import Call, CallError, CallRefusedError, Invitation, Timers, UserAgent
from tests.asynchronous import asynchronous
from tests.naive.encode import AES_CM_128_HMAC_SHA1_80, error_message

KEY = bytes(range(16))
ALICE = "sip:alice@example.com"
SDP = (
    "v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/SAVP 96\r\na=rtpmap:96 L16/8000\r\n"
)
SILENCE = Recording(AudioFormat(8000, 1), bytes(16000))
SHORT, LONG = (Recording(AudioFormat(8000, 1), bytes(size)) for size in (4800, 80_000))


def bob_at(agent: UserAgent) -> str:
    return f"sip:bob@127.0.0.1:{agent.address[1]}"


def plan(uri: str, **options: object) -> Plan:
    values: dict[str, object] = {
        "uri": uri,
        "credential": Psk(Secret(KEY), ALICE, uri),
        "recording": SILENCE,
        "policies": (SrtpPolicy(),),
        "timeout": 5.0,
        "transport": "udp",
        **options,
    }
    return Plan(**values)  # type: ignore[arg-type]


@dataclass
class Talk:
    """A call of the library with a `Callee`, before anything was sent."""

    call: Call
    initiator: Initiator
    agreed: Agreed
    callee: Callee
    refused: list[str]
    hearing: asyncio.Task[object]

    async def change(self, text: str) -> bytes:
        return await self.call.reinvite(text.encode())

    def update(self, version: int = 2) -> Description:
        bundle = self.agreed.bundles[0]
        offered = Description(SDP.format(version=version)).update(self.initiator, {None: bundle})
        return offered.description


@asynccontextmanager
async def talking() -> AsyncIterator[Talk]:
    refused: list[str] = []
    accepted = asyncio.Event()
    callee = Callee(
        Terms(keys=parse(f"* {KEY.hex()}")),
        refused=lambda _who, why: refused.append(why),
        accepted=lambda _who: accepted.set(),
    )
    timers = Timers(t1=0.03)
    async with (
        UserAgent(on_invite=callee.handle, timers=timers) as bob,
        UserAgent(timers=timers) as alice,
    ):
        callee.agent = bob
        initiator = Initiator(Psk(Secret(KEY), ALICE, bob_at(bob)), mki_length=1)
        offered = Description(SDP.format(version=1)).offer(initiator, {0: 0x1234})
        hearing: asyncio.Task[object] = asyncio.create_task(callee.hear(None))
        call = await alice.invite(bob_at(bob), from_uri=ALICE, body=offered.text.encode())
        agreed = offered.receive(initiator, Description(call.remote_body.decode()))
        await accepted.wait()
        yield Talk(call, initiator, agreed, callee, refused, hearing)
        await call.bye()
        with pytest.raises(CallError, match="sent no audio"):
            await hearing


@pytest.mark.rule("R4567-4.1.2-13")
@asynchronous
async def test_a_change_without_key_management_keeps_the_keys() -> None:
    async with talking() as talk:
        answer = Description((await talk.change(SDP.format(version=2))).decode())
        assert answer.key_mgmt == ()
        assert "o=- " in str(answer)
        assert answer.media[0].proto == "RTP/SAVP"
        assert talk.callee.updates == 0
        assert talk.refused == []


@pytest.mark.rule("R4567-4.1.2-13")
@asynchronous
async def test_an_update_without_new_keys_installs_none() -> None:
    async with talking() as talk:
        bundle = talk.agreed.bundles[0]
        offered = Description(SDP.format(version=2)).update(
            talk.initiator, {None: bundle}, new_keys=False
        )
        answer = Description((await talk.change(offered.text)).decode())
        agreed = offered.receive(talk.initiator, answer)
        assert agreed.bundles[0].masters(1) == bundle.masters(1)
        assert talk.callee.updates == 0


@pytest.mark.rule("R4567-4.1.2-8")
@asynchronous
async def test_an_update_brings_new_keys_under_the_same_ssrcs() -> None:
    async with talking() as talk:
        bundle, cs_id = talk.agreed.find(0, Sender.RESPONDER)
        offered = Description(SDP.format(version=2)).update(talk.initiator, {None: bundle})
        answer = Description((await talk.change(offered.text)).decode())
        changed, _ = offered.receive(talk.initiator, answer).find(0, Sender.RESPONDER)
        assert changed.crypto_sessions[cs_id - 1].ssrc == bundle.crypto_sessions[cs_id - 1].ssrc
        assert changed.masters(cs_id)[0] not in bundle.masters(cs_id)
        assert talk.callee.updates == 1


@pytest.mark.rule("R4567-4.1.2-8", "R4567-4.1.2-6", "R4567-8-3")
@asynchronous
async def test_changes_that_are_refused_leave_the_call_as_it_is() -> None:
    async with talking() as talk:
        good = str(talk.update())
        for text, reason in [
            (good.replace("mikey AQAF", "mikey AQAG"), "MIKEY"),
            (good.replace("L16/8000", "L16/16000"), "cannot be changed"),
            (SDP.format(version=2).replace("SAVP", "AVP"), "L16 audio over RTP/SAVP|RTP/AVP"),
            ("hello", "session description"),
        ]:
            with pytest.raises(CallRefusedError) as caught:
                await talk.change(text)
            codes = [code for code, _ in caught.value.warnings]
            assert 306 in codes, reason
            assert not talk.call.has_ended
        assert len(talk.refused) == 4
        assert talk.callee.updates == 0


@pytest.mark.rule("R4567-4.1.2-8")
@asynchronous
async def test_the_caller_gives_up_a_call_whose_keys_cannot_change() -> None:
    responder = Responder([Psk(Secret(KEY), "*", ALICE)])
    ended: asyncio.Queue[str] = asyncio.Queue()

    async def answer(invitation: Invitation) -> None:
        agreed = Description(invitation.body.decode()).answer(
            responder, Description(SDP.format(version=1)), {0: 5}
        )
        call = await invitation.accept(agreed.text.encode())  # and no on_reinvite: 488
        ended.put_nowait(await call.ended())

    async with UserAgent(on_invite=answer) as bob, UserAgent() as alice:
        caller = Caller(plan(bob_at(bob), rekey_every=0.1), alice)
        with pytest.raises(CallRefusedError, match="488"):
            await caller.run()
        assert await ended.get() == "ended by the peer"
        assert caller.updates == 0


@asynchronous
async def test_a_call_that_the_peer_ends_too_early() -> None:
    responder = Responder([Psk(Secret(KEY), "*", ALICE)])

    async def answer(invitation: Invitation) -> None:
        agreed = Description(invitation.body.decode()).answer(
            responder, Description(SDP.format(version=1)), {0: 5}
        )
        call = await invitation.accept(agreed.text.encode())
        await call.confirmed()
        await call.bye()

    async with UserAgent(on_invite=answer) as bob, UserAgent() as alice:
        with pytest.raises(CallError, match="before its time: ended by the peer"):
            await Caller(plan(bob_at(bob)), alice).run()


def test_a_callee_that_falls_silent_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reports in SRTCP when the call begins, and then only after half a second."""
    monkeypatch.setattr("mikey.cli.calls.watching._SILENCE", 0.05)
    monkeypatch.setattr("mikey.cli.calls.watching._LOOK", 0.01)

    @asynchronous
    async def silence() -> None:
        callee = Callee(Terms(keys=parse(f"* {KEY.hex()}")))
        async with UserAgent(on_invite=callee.handle) as bob, UserAgent() as alice:
            callee.agent = bob
            hearing = asyncio.create_task(callee.hear(None))
            with pytest.raises(
                CallError, match=r"before its time: nothing authentic came for 0\.05"
            ):
                await Caller(plan(bob_at(bob), recording=LONG), alice).run()
            await asyncio.gather(hearing, return_exceptions=True)

    silence()


def test_a_callee_that_only_listens_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mikey.cli.calls.watching._SILENCE", 0.05)
    monkeypatch.setattr("mikey.cli.calls.watching._LOOK", 0.01)
    responder = Responder([Psk(Secret(KEY), "*", ALICE)])

    async def answer(invitation: Invitation) -> None:
        agreed = Description(invitation.body.decode()).answer(
            responder, Description(SDP.format(version=1)), {0: 5}
        )
        await invitation.accept(agreed.text.encode())

    @asynchronous
    async def listening() -> None:
        async with UserAgent(on_invite=answer) as bob, UserAgent() as alice:
            report = await Caller(plan(bob_at(bob), recording=SHORT), alice).run()
        assert report.sessions[1].srtcp_verified == 0

    listening()


@pytest.mark.parametrize("authentic", [True, False])
@pytest.mark.rule("R3830-5.1.2-8")
@asynchronous
async def test_only_an_authentic_error_message_changes_the_policy(authentic: bool) -> None:
    offers: list[str] = []

    async def refuse(invitation: Invitation) -> None:
        text = invitation.body.decode()
        offers.append(text)
        octets = b64decode(re.findall(r"a=key-mgmt:mikey (\S+)", text)[0])
        error = error_message(
            octets, [10], policies=[AES_CM_128_HMAC_SHA1_80], psk=KEY if authentic else None
        )
        body = Description(text).attach(error)
        await invitation.refuse(488, body=body.encode())

    first, second = SrtpPolicy.AEAD_AES_128_GCM, SrtpPolicy.AES_CM_128_HMAC_SHA1_80
    told: list[str] = []
    async with UserAgent(on_invite=refuse) as bob, UserAgent() as alice:
        caller = Caller(plan(bob_at(bob), policies=(first, second)), alice, tell=told.append)
        with pytest.raises(CallRefusedError, match="488"):
            await caller.run()
    assert len(offers) == (2 if authentic else 1)
    assert len(told) == (1 if authentic else 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: re.sub(r"m=audio \d+", "m=audio 0", text), "declined the audio"),
        (lambda text: text.replace("c=IN IP4 127.0.0.1\r\n", ""), "no c= line"),
        (lambda text: text + "a=rtcp:70000\r\n", "impossible RTCP port"),
        (lambda text: text.replace("RTP/SAVP", "RTP/AVP"), "declines RTP/SAVP"),
        (lambda text: re.sub(r"a=key-mgmt.*\r\n", "", text), "no MIKEY message"),
        (lambda _: "hello", "session description"),
    ],
)
@pytest.mark.rule("R4567-4.1.2-11", "R4567-8-3", "R4567-4.1.1-4")
@asynchronous
async def test_answers_that_end_the_call(change: object, reason: str) -> None:
    responder = Responder([Psk(Secret(KEY), "*", ALICE)])
    ended: asyncio.Queue[str] = asyncio.Queue()

    async def answer(invitation: Invitation) -> None:
        assert callable(change)
        agreed = Description(invitation.body.decode()).answer(
            responder, Description(SDP.format(version=1)), {0: 5}
        )
        call = await invitation.accept(change(agreed.text).encode())
        ended.put_nowait(await call.ended())

    async with UserAgent(on_invite=answer) as bob, UserAgent() as alice:
        with pytest.raises(PeerError, match=reason) as caught:
            await Caller(plan(bob_at(bob)), alice).run()
        assert await ended.get() == "ended by the peer"
    assert isinstance(caught.value, CarriageError)
