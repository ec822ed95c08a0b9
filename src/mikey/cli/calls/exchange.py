"""The MIKEY side of a call: what is planned, the offer, its answer and the updates."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from mikey.aio import Recording
from mikey.carriage.sdp import Agreed, Description, Offered, decode, encode
from mikey.cli.calls.description import Local
from mikey.cli.calls.report import sizes_of
from mikey.credentials import Certified, FetchCertificate, Psk
from mikey.errors import PeerError, PolicyError, ReportedError, UnsupportedError
from mikey.policy import Context, SrtpPolicy
from mikey.registry import CacheType, ErrorNumber
from mikey.session import Initiator, Method, offered_policies
from mikey.sip import Call, CallRefusedError, bare_uri

__all__ = ["LINE", "MKI_LENGTH", "NOTHING_FETCHED", "Exchange", "Plan", "timed"]

LINE = 0  # our offers have one m= line
MKI_LENGTH = 1  # names the keys of the last 16 changes without doubt

R = TypeVar("R")


def timed(work: Callable[[], R]) -> tuple[R, float]:
    """Do `work`; return what it returns, and the seconds it took."""
    begin = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begin


def _not_fetched(_: FetchCertificate) -> bytes:
    raise PolicyError(
        "the peer gives its certificate by URL, and these commands fetch none",
        number=ErrorNumber.INVALID_CERT,
    )


NOTHING_FETCHED: Mapping[type, Callable[[Any], object]] = {FetchCertificate: _not_fetched}
"""Handlers that open no connection for somebody who has not proved anything yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done. `credential` names both parties; `method` None is that of the credential,
    `rekey_every` in seconds."""

    uri: str
    credential: Psk | Certified
    method: Method | None = None
    recording: Recording
    policies: tuple[SrtpPolicy, ...]
    timeout: float
    transport: str
    any_identity: bool = False
    rekey_every: float | None = None

    @property
    def context(self) -> Context:
        """What the signalling says of both parties; nothing, if that is not to be compared."""
        if self.any_identity:
            return Context()
        return Context(initiator=self.credential.identity, responder=bare_uri(self.uri))


class Exchange:
    """The MIKEY side of a call: one offer and its updates; `seconds` of work for the offer."""

    def __init__(self, plan: Plan, policy: SrtpPolicy, local: Local) -> None:
        self.policy = policy
        self.agreed: Agreed
        self.messages: tuple[tuple[str, int], ...] = ()
        self._plan = plan
        self._local = local
        self._initiator = Initiator(
            plan.credential,
            method=plan.method,
            policies=(policy,),
            mki_length=MKI_LENGTH if plan.rekey_every else 0,
            cache=CacheType.CACHE_CSB if plan.rekey_every else CacheType.NO_CACHE,
        )
        ssrc = secrets.randbelow(2**32 - 1) + 1  # 0 means "not chosen yet"
        self.offered: Offered
        self.offered, self.seconds = timed(
            lambda: self._description().offer(self._initiator, {LINE: ssrc})
        )

    def receive(self, body: bytes) -> Agreed:
        """Take the answer. Raises PeerError."""
        answer = Description(decode(body), context=self._plan.context)
        self.agreed, seconds = timed(
            lambda: self.offered.receive(self._initiator, answer, handlers=NOTHING_FETCHED)
        )
        self.seconds += seconds
        bundle = self.agreed.bundles[0]
        if self._plan.rekey_every and bundle.method == "RSA-R" and bundle.message_key is None:
            raise UnsupportedError(
                "the peer keeps no envelope key, without which RSA-R has no new keys in a call"
            )
        self.messages = sizes_of(self.offered.messages[None], answer.message())
        return self.agreed

    async def rekey(self, call: Call, timeout: float) -> Agreed:
        """Agree on new keys by a re-INVITE with the update form (R4567-4.1.2-8)."""
        self._local = self._local.next_version()
        bundle = self.agreed.bundles[0]
        update = self._description().update(self._initiator, {None: bundle})
        try:
            body = await call.reinvite(encode(update.text), timeout=timeout)
        except PeerError:
            update.cancel(self._initiator)
            raise
        answer = Description(decode(body), context=self._plan.context)
        self.agreed = update.receive(self._initiator, answer, handlers=NOTHING_FETCHED)
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

    def _description(self) -> Description:
        text = self._local.offer(self._plan.recording.audio)
        return Description(text, context=self._plan.context)
