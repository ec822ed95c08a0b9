"""The side that calls: it offers, sends its recording, and changes the keys meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from mikey.aio import MediaSession, RtpEndpoint
from mikey.carriage.sdp import Agreed, Description, Sender, encode
from mikey.cli.calls.description import PAYLOAD_TYPE, Local, peer_of
from mikey.cli.calls.exchange import LINE, Exchange, Plan
from mikey.cli.calls.report import CallReport, sessions_of
from mikey.cli.calls.runner import until_first
from mikey.cli.calls.watching import ended
from mikey.errors import PeerError
from mikey.sip import Call, CallError, CallRefusedError, UserAgent, bare_uri

__all__ = ["Caller", "Plan"]

_DRAIN = 1.0  # seconds for the peer's last words in SRTCP


@dataclass(slots=True)
class Caller:
    """One call. `tell` gets what happens on the way, `progress` the frames sent so far."""

    plan: Plan
    agent: UserAgent
    tell: Callable[[str], None] = lambda _: None
    progress: Callable[[int], None] = lambda _: None
    updates: int = 0
    _rekey_needed: asyncio.Event = field(default_factory=asyncio.Event)
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> CallReport:
        """Call, send, hang up. Raises PeerError for everything that the peer does not do."""
        async with await RtpEndpoint.open(self.agent.address[0]) as endpoint:
            local = Local(secrets.randbits(62), endpoint.host, endpoint.port)
            exchange, call, agreed = await self._establish(local)
            try:
                media = await self._talk(endpoint, exchange, call, agreed)
            finally:
                confirmed = await call.bye()
            await media.drained(_DRAIN)
            if not (confirmed or media.goodbye):
                raise CallError(
                    "the peer left before the end: our BYE is not confirmed, and it sent none",
                    status=408,
                )
            return self._report(exchange, media)

    async def _establish(self, local: Local) -> tuple[Exchange, Call, Agreed]:
        """Try the policies in turn, as long as the peer's authentic refusals name another."""
        left = list(self.plan.policies)
        while True:
            exchange = Exchange(self.plan, left.pop(0), local)
            try:
                call = await self.agent.invite(
                    self.plan.uri,
                    from_uri=self.plan.sip_from,
                    body=encode(exchange.offered.text),
                    timeout=self.plan.timeout,
                    transport=self.plan.transport,
                )
            except CallRefusedError as error:
                accepted = exchange.accepted_policies(error)
                left = [policy for policy in left if policy in accepted]
                if not left:
                    raise
                self.tell(f"the peer does not take {exchange.policy.name}, now {left[0].name}")
                continue
            try:
                return exchange, call, await exchange.receive(call.remote_body)
            except PeerError:
                await call.bye()
                raise

    async def _talk(
        self, endpoint: RtpEndpoint, exchange: Exchange, call: Call, agreed: Agreed
    ) -> MediaSession:
        """Play the recording and follow the call meanwhile."""
        sending, receiving = Sender.INITIATOR, Sender.RESPONDER
        bundle, cs_id = agreed.find(LINE, sending)
        sender = bundle.srtp_sender(cs_id, on_rekey_needed=self._rekey_needed.set)
        receiver = bundle.srtp_receiver(agreed.find(LINE, receiving)[1])
        peer, peer_rtcp = peer_of(Description(agreed.text), LINE, endpoint.host)
        media = MediaSession(
            endpoint,
            audio=self.plan.recording.audio,
            payload_type=PAYLOAD_TYPE,
            peer=peer,
            peer_rtcp=peer_rtcp,
            sender=sender,
            receiver=receiver,
        )
        async with media:
            await until_first(
                (
                    self._send(media),
                    self._rekey_on_time(exchange, call, media),
                    _ended_early(call, media),
                )
            )
        return media

    async def _send(self, media: MediaSession) -> None:
        await media.send(self.plan.recording.samples, self.progress)
        async with self._changing:  # a change of keys under way comes to its end
            pass

    async def _rekey_on_time(self, exchange: Exchange, call: Call, media: MediaSession) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.plan.rekey_every):
                    await self._rekey_needed.wait()
            self._rekey_needed.clear()
            async with self._changing:
                agreed = await exchange.rekey(call, self.plan.timeout)
                for sender, install in (
                    (Sender.RESPONDER, media.rekey_receiver),
                    (Sender.INITIATOR, media.rekey_sender),
                ):
                    bundle, cs_id = agreed.find(LINE, sender)
                    install(bundle.masters(cs_id))
                self.updates += 1

    def _report(self, exchange: Exchange, media: MediaSession) -> CallReport:
        bundle = exchange.agreed.bundles[0]
        ours, theirs = sessions_of(bundle)
        recording = self.plan.recording
        return CallReport(
            method=bundle.method,
            initiator=bundle.identity,
            responder=bundle.peer,
            csb_id=bundle.csb_id,
            sip_from=self.plan.sip_from,
            sip_to=bare_uri(self.plan.uri),
            messages=exchange.messages,
            updates=self.updates,
            sessions=(
                ours.with_sent(media.rtp, media.rtcp),
                theirs.with_received(media.rtp, media.rtcp, media.peer_ssrc),
            ),
            rate=recording.audio.rate,
            channels=recording.audio.channels,
            seconds=recording.seconds,
            initiator_ms=1000 * exchange.seconds,
        )


async def _ended_early(call: Call, media: MediaSession) -> None:
    reason = await ended(call, media, heard_first=True)
    raise CallError(f"the call ended before its time: {reason}", status=480)
