"""The MIKEY side of a call: what is planned, the offer, its answer and the updates."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from mikey.aio import FetchLimits, Recording, fetch_certificate
from mikey.carriage.sdp import Agreed, Description, Offered, decode, encode
from mikey.cli.calls.description import Local
from mikey.cli.calls.report import sizes_of
from mikey.credentials import Certified, FetchCertificate, Psk, Sakke
from mikey.errors import PeerError, PolicyError, ReportedError, UnsupportedError
from mikey.policy import Context, SrtpPolicy
from mikey.registry import CacheType, ErrorNumber
from mikey.session import Initiator, Method, offered_policies
from mikey.sip import Call, CallRefusedError, bare_uri

__all__ = ["LINE", "MKI_LENGTH", "Exchange", "Fetching", "Plan", "timed"]

LINE = 0  # our offers have one m= line
MKI_LENGTH = 1  # names the keys of the last 16 changes without doubt

R = TypeVar("R")


def timed(work: Callable[[], R]) -> tuple[R, float]:
    """Do `work`; return what it returns, and the seconds it took."""
    begin = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begin


class Fetching:
    """Certificates that a peer gives by URL: fetched within `limits`, or not at all with None.

    No connection is opened unasked, for somebody who has not proved anything yet. Made and used
    on an event loop, which goes on meanwhile.
    """

    def __init__(self, limits: FetchLimits | None) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self.handlers: Mapping[type, Callable[[Any], object]] = {FetchCertificate: self._get}

    async def during(self, work: Callable[[], R]) -> R:
        """Do `work`, which uses `handlers`; in a thread if something may be fetched."""
        return work() if self._limits is None else await asyncio.to_thread(work)

    def _get(self, request: FetchCertificate) -> bytes:
        if self._limits is None:
            raise PolicyError(
                "the peer gives its certificate by URL, which is fetched with --fetch alone",
                number=ErrorNumber.INVALID_CERT,
            )
        fetching = fetch_certificate(request, self._limits)
        return asyncio.run_coroutine_threadsafe(fetching, self._loop).result()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done.

    `credential` names both parties; `method` None is that of the credential. `from_uri` is for
    From, by default our identity. `rekey_every` is in seconds; `fetch` None: no certificate is
    fetched.
    """

    uri: str
    credential: Psk | Certified | Sakke
    from_uri: str | None = None
    method: Method | None = None
    recording: Recording
    policies: tuple[SrtpPolicy, ...]
    timeout: float
    transport: str
    any_identity: bool = False
    rekey_every: float | None = None
    fetch: FetchLimits | None = None

    @property
    def context(self) -> Context:
        """What the signalling says of both parties; nothing, if that is not to be compared."""
        if self.any_identity:
            return Context()
        return Context(initiator=self.sip_from, responder=bare_uri(self.uri))

    @property
    def sip_from(self) -> str:
        """The URI of From."""
        return self.from_uri or self.credential.identity


class Exchange:
    """The MIKEY side of a call: one offer and its updates; `seconds` of work for the offer."""

    def __init__(self, plan: Plan, policy: SrtpPolicy, local: Local) -> None:
        self.policy = policy
        self.agreed: Agreed
        self.messages: tuple[tuple[str, int], ...] = ()
        self._plan = plan
        self._local = local
        self._fetching = Fetching(plan.fetch)
        self._initiator = Initiator(
            plan.credential,
            method=plan.method,
            policies=(policy,),
            mki_length=MKI_LENGTH if plan.rekey_every else 0,
            cache=CacheType.CACHE_CSB if plan.rekey_every else CacheType.NO_CACHE,
        )
        self._ssrc = secrets.randbelow(2**32 - 1) + 1  # 0 means "not chosen yet"
        self.offered: Offered
        self.offered, self.seconds = timed(self._offer)

    async def receive(self, body: bytes) -> Agreed:
        """Take the answer. Raises PeerError."""
        answer = Description(decode(body), context=self._plan.context)
        self.agreed, seconds = await self._fetching.during(
            lambda: timed(lambda: self._complete(self.offered, answer))
        )
        self.seconds += seconds
        bundle = self.agreed.bundles[0]
        is_rsa_r = bundle.method == Method.RSA_R.value
        if self._plan.rekey_every and is_rsa_r and bundle.message_key is None:
            raise UnsupportedError(
                "the peer keeps no envelope key, without which RSA-R has no new keys in a call"
            )
        answered = answer.message() if answer.levels else None
        self.messages = sizes_of(self.offered.messages[None], answered)
        return self.agreed

    async def rekey(self, call: Call, timeout: float) -> Agreed:
        """Agree on new keys by a re-INVITE with the update form (R4567-4.1.2-8).

        SAKKE, which has no updates, begins a new CSB for the streams that are there.
        """
        self._local = self._local.next_version()
        bundle = self.agreed.bundles[0]
        begins = isinstance(self._plan.credential, Sakke)
        if begins:
            update = self._offer()
        else:
            update = self._description().update(self._initiator, {None: bundle})
        try:
            body = await call.reinvite(encode(update.text), timeout=timeout)
        except PeerError:
            update.cancel(self._initiator)
            raise
        answer = Description(decode(body), context=self._plan.context)
        self.agreed = await self._fetching.during(lambda: self._complete(update, answer))
        if begins:
            self._initiator.close(bundle)
        return self.agreed

    def accepted_policies(self, refusal: CallRefusedError) -> tuple[SrtpPolicy, ...]:
        """The policies that the peer offers in an authentic Error message of its refusal.

        An Error message that is not authentic says nothing (R3830-5.1.2-8).
        """
        try:
            octets = Description(decode(refusal.body)).message()
            self._initiator.receive(octets)
        except ReportedError as error:
            return offered_policies(error) if error.authenticated else ()
        except PeerError:
            return ()
        return ()

    def _offer(self) -> Offered:
        return self._description().offer(self._initiator, {LINE: self._ssrc})

    def _complete(self, offered: Offered, answer: Description) -> Agreed:
        return offered.receive(self._initiator, answer, handlers=self._fetching.handlers)

    def _description(self) -> Description:
        text = self._local.offer(self._plan.recording.audio)
        return Description(text, context=self._plan.context)
