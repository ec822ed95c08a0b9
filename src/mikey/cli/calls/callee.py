"""The side that answers: it verifies the offer, hears the caller, and follows its new keys."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from mikey.aio import FetchLimits, MediaSession, RtpEndpoint, WavWriter
from mikey.carriage.sdp import (
    Agreed,
    Description,
    Received,
    Sender,
    decode,
    encode,
    refusal,
)
from mikey.cli.calls.description import AudioStream, Local, choose, peer_of
from mikey.cli.calls.exchange import MKI_LENGTH, Fetching, timed
from mikey.cli.calls.naming import named
from mikey.cli.calls.report import CallReport, sessions_of, sizes_of
from mikey.cli.calls.watching import ended
from mikey.credentials import ANY, Certified, Psk, Sakke
from mikey.credentials.psk_file import PskFile
from mikey.errors import CarriageError, LibraryError, LocalError, PeerError, PolicyError
from mikey.policy import Context, SrtpPolicy
from mikey.registry import CacheType, ErrorNumber
from mikey.session import Bundle, Responder
from mikey.sip import Call, CallError, Invitation, UserAgent, bare_uri

__all__ = ["Callee", "Terms"]

_DRAIN = 1.0  # seconds for the last packets to arrive after BYE


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Whom we answer, by pre-shared keys, certificate, SAKKE keys, or several.

    `identity` is for the first two, None: whatever URI was called; `policies` (): all that
    protect; `fetch` None: no certificate is fetched.
    """

    keys: PskFile | None = None
    certified: Certified | None = None
    sakke: Sakke | None = None
    identity: str | None = None
    policies: tuple[SrtpPolicy, ...] = ()
    any_identity: bool = False
    fetch: FetchLimits | None = None


@dataclass(slots=True, kw_only=True)
class _Accepted:
    """A call that stands, with what its media need."""

    call: Call
    endpoint: RtpEndpoint
    local: Local
    stream: AudioStream
    offer: Description
    agreed: Agreed
    sip_from: str
    sip_to: str
    messages: tuple[tuple[str, int], ...]
    seconds: float


@dataclass(slots=True)
class Callee:
    """Answers calls, one after the other, until one was accepted, and hears that to its end.

    `refused` gets the reason of every refusal, `accepted` the identity of the caller that is
    heard. `handle` is the `on_invite` of the user agent. Raises LocalError for a PSK file whose
    identities cannot be used.
    """

    terms: Terms
    writer: WavWriter | None = None
    refused: Callable[[str, str], None] = lambda _who, _reason: None
    accepted: Callable[[str], None] = lambda _who: None
    agent: UserAgent | None = None
    updates: int = 0
    _first: asyncio.Future[_Accepted] = field(init=False)
    _responder: Responder = field(init=False)
    _fetching: Fetching = field(init=False)

    def __post_init__(self) -> None:
        own = self.terms.identity or ANY
        keys = {} if self.terms.keys is None else self.terms.keys.keys
        credentials: list[Psk | Certified | Sakke] = [
            Psk(key, own, peer) for peer, key in keys.items()
        ]
        if self.terms.certified is not None:
            credentials.append(self.terms.certified)
        if self.terms.sakke is not None:
            credentials.append(self.terms.sakke)
        # one for all calls, since it remembers what it has seen
        self._responder = Responder(
            credentials,
            policies=self.terms.policies or None,
            # In RSA-R the keys are ours: their names and the kept key let the caller change them.
            mki_length=MKI_LENGTH,
            cache=CacheType.CACHE_CSB,
        )
        self._fetching = Fetching(self.terms.fetch)
        self._first = asyncio.get_running_loop().create_future()

    async def handle(self, invitation: Invitation) -> None:
        """Accept or refuse an INVITE; behind the first that is accepted, others hear "busy"."""
        if self._first.done():
            await invitation.refuse(486)
            return
        try:
            accepted = await self._accept(invitation)
        except PeerError as error:
            self.refused(invitation.from_uri, str(error))
            await self._refuse(invitation, error)
        except LocalError as error:
            if not self._first.done():
                self._first.set_exception(error)
            await invitation.refuse(500)
        else:
            if self._first.done():  # another was faster, or nobody waits any more
                await self._leave(accepted)
            else:
                self._first.set_result(accepted)

    async def hear(self, timeout: float | None) -> CallReport:
        """Wait for a call, `timeout` seconds at most, and hear it to its end.

        The recording is written only if the call came to a good end. Raises CallError (408) if
        nobody called, PeerError if the call failed, LocalError if the file cannot be written.
        """
        try:
            async with asyncio.timeout(timeout):
                accepted = await self._first
        except TimeoutError:
            raise CallError(f"no call within {timeout:g} s", status=408) from None
        try:
            return await self._listen(accepted)
        finally:
            await self._leave(accepted)

    async def _leave(self, accepted: _Accepted) -> None:
        """Hang up, and forget the keys (R4567-7.1-6)."""
        try:
            await accepted.call.bye()
        finally:
            await accepted.endpoint.close()
            self._forget(accepted.agreed)

    def _forget(self, agreed: Agreed) -> None:
        for bundle in agreed.bundles:
            self._responder.close(bundle)

    # the exchange

    async def _accept(self, invitation: Invitation) -> _Accepted:
        offer = named(decode(invitation.body), self._context(invitation))
        received, seconds = await self._fetching.during(lambda: timed(lambda: self._take(offer)))
        self._check_called(received, invitation)
        stream = choose(offer)
        host = self._host(invitation)
        peer_of(offer, stream.line, host)
        endpoint = await RtpEndpoint.open(host)
        agreed: Agreed | None = None
        try:
            local = Local(secrets.randbits(62), endpoint.host, endpoint.port)
            ssrc = secrets.randbelow(2**32 - 1) + 1
            answer, more = timed(lambda: self._answer(received, local, stream, ssrc))
            agreed = answer
            call = await invitation.accept(encode(answer.text))
        except BaseException:
            await endpoint.close()
            if agreed is not None:
                self._forget(agreed)
            raise
        answered = Description(answer.text)
        messages = sizes_of(offer.message(), answered.message() if answered.levels else None)
        return _Accepted(
            call=call,
            endpoint=endpoint,
            local=local,
            stream=stream,
            offer=offer,
            agreed=answer,
            sip_from=invitation.from_uri,
            sip_to=invitation.to_uri,
            messages=messages,
            seconds=seconds + more,
        )

    def _take(self, offer: Description) -> Received:
        return offer.receive(self._responder, handlers=self._fetching.handlers)

    def _context(self, invitation: Invitation) -> Context:
        if self.terms.any_identity:
            return Context()
        return Context(
            initiator=_identity(invitation.from_uri), responder=_identity(invitation.to_uri)
        )

    def _check_called(self, received: Received, invitation: Invitation) -> None:
        """Without an identity of our own, we are who was called."""
        called = self.terms.identity or _identity(invitation.request_uri)
        for offer in received.offers:
            if self.terms.sakke is not None and offer.responder == self.terms.sakke.identity:
                continue  # whoever was called in SIP: the keys were made for us
            if offer.responder != called and not self.terms.any_identity:
                raise PolicyError(
                    f"the message is for {offer.responder}, the call for {called}",
                    number=ErrorNumber.INVALID_ID,
                )

    def _answer(self, received: Received, local: Local, stream: AudioStream, ssrc: int) -> Agreed:
        text = local.answer(received.description, stream)
        return received.accept(Description(text), {stream.line: ssrc})

    async def _refuse(self, invitation: Invitation, error: PeerError) -> None:
        """488 with its Warning, and the MIKEY Error message if there is one to send."""
        if invitation.decided:
            return
        told = refusal(error)
        body = b""
        octets = self._responder.refuse(error)
        if octets is not None:
            body = encode(self._declined(invitation, octets))
        await invitation.refuse(told.status, warnings=told.warnings, body=body)

    def _declined(self, invitation: Invitation, octets: bytes) -> str:
        """A description that declines all streams and carries a MIKEY Error message."""
        offer = Description(decode(invitation.body))
        text = Local(secrets.randbits(62), self._host(invitation), 0).answer(offer, None)
        return Description(text).attach(octets)

    def _host(self, invitation: Invitation) -> str:
        if self.agent is None:
            raise LibraryError("the callee has no user agent")
        return self.agent.host_towards(invitation.source.host)

    # the call

    async def _listen(self, accepted: _Accepted) -> CallReport:
        call, stream = accepted.call, accepted.stream
        bundle, cs_id = accepted.agreed.find(stream.line, Sender.RESPONDER)
        peer, peer_rtcp = peer_of(accepted.offer, stream.line, accepted.local.host)
        if self.writer is not None:
            self.writer.open(stream.audio)
        media = MediaSession(
            accepted.endpoint,
            audio=stream.audio,
            payload_type=stream.payload_type,
            peer=peer,
            peer_rtcp=peer_rtcp,
            sender=bundle.srtp_sender(cs_id),
            receiver=bundle.srtp_receiver(accepted.agreed.find(stream.line, Sender.INITIATOR)[1]),
            write=None if self.writer is None else self.writer.write,
        )

        async def change(invitation: Invitation) -> None:
            await self._change(invitation, accepted, media)

        call.on_reinvite = change
        await call.confirmed()
        self.accepted(bundle.peer)
        async with media:
            reason = await ended(call, media, heard_first=False)
            await media.drained(_DRAIN)
        if reason != "ended by the peer":
            raise CallError(f"the call failed: {reason}", status=408)
        if not media.frames_heard:
            raise CallError("the caller sent no audio", status=480)
        if self.writer is not None:
            self.writer.commit()
        return self._report(accepted, media)

    async def _change(
        self, invitation: Invitation, accepted: _Accepted, media: MediaSession
    ) -> None:
        """Follow a re-INVITE: take the new keys at once, send under them after the ACK."""
        try:
            offer = named(decode(invitation.body), self._context(invitation))
            line = accepted.stream.line
            kept = offer.kept_lines(accepted.offer)
            local = accepted.local.next_version()
            if choose(offer) != accepted.stream:
                raise CarriageError("the audio stream cannot be changed", status=488)
            if line in kept:
                text = local.answer(offer, accepted.stream)
                await invitation.accept(encode(text))
                accepted.local = local
                return
            received = await self._fetching.during(lambda: self._take(offer))
            bundle, cs_id = accepted.agreed.find(line, Sender.RESPONDER)
            _check_peer(received, bundle)
            ssrc = bundle.crypto_sessions[cs_id - 1].ssrc or 0
            agreed = self._answer(received, local, accepted.stream, ssrc)
        except PeerError as error:
            self.refused(invitation.from_uri, str(error))
            await self._refuse(invitation, error)
            return
        before, _ = accepted.agreed.find(line, Sender.INITIATOR)
        if before.csb_id not in {each.csb_id for each in agreed.bundles}:
            self._forget(accepted.agreed)
        accepted.agreed, accepted.local, accepted.offer = agreed, local, offer
        bundle, cs_id = agreed.find(line, Sender.INITIATOR)
        media.rekey_receiver(bundle.masters(cs_id))
        self.updates += bundle.masters(cs_id) != before.masters(cs_id)
        await invitation.accept(encode(agreed.text))
        await invitation.confirmed()
        bundle, cs_id = agreed.find(line, Sender.RESPONDER)
        media.rekey_sender(bundle.masters(cs_id))

    def _report(self, accepted: _Accepted, media: MediaSession) -> CallReport:
        bundle, _ = accepted.agreed.find(accepted.stream.line, Sender.INITIATOR)
        theirs, ours = sessions_of(bundle)
        audio = accepted.stream.audio
        return CallReport(
            method=bundle.method,
            initiator=bundle.peer,
            responder=bundle.identity,
            sip_from=accepted.sip_from,
            sip_to=accepted.sip_to,
            csb_id=bundle.csb_id,
            messages=accepted.messages,
            updates=self.updates,
            sessions=(
                theirs.with_received(media.rtp, media.rtcp, media.peer_ssrc),
                ours.with_sent(media.rtp, media.rtcp),
            ),
            rate=audio.rate,
            channels=audio.channels,
            seconds=media.frames_heard / audio.rate,
            lost=media.lost,
            responder_ms=1000 * accepted.seconds,
        )


def _check_peer(received: Received, bundle: Bundle) -> None:
    """Take new keys from nobody but the peer of the call."""
    for offer in received.offers:
        if offer.initiator != bundle.peer:
            raise PolicyError(
                f"the new keys are from {offer.initiator}, the call is with {bundle.peer}",
                number=ErrorNumber.INVALID_ID,
            )


def _identity(uri: str) -> str:
    """A URI of the signalling, to be compared with an authenticated identity."""
    try:
        return bare_uri(uri)
    except LocalError as error:
        raise CarriageError(str(error), status=488) from None
