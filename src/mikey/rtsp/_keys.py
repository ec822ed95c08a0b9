"""The MIKEY messages of RTSP: one CSB for each, and which of its keys a stream takes.

Products send a new message of the pre-shared key method with each key, never a response
(RFC 4567 3.2 is answered by nobody); RFC 4567 itself runs one exchange for both directions, and so
does RTSP 2.0, by RSA-R (RFC 7826 C.1.4.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mikey.carriage.rtsp import KEY_FAILURE, first_message, update_message
from mikey.credentials import Certified, NoKey, Psk
from mikey.errors import CarriageError, LocalError, PeerError, PolicyError
from mikey.policy import Clock, Context, Policy, SrtpPolicy
from mikey.registry import CacheType
from mikey.session import (
    Bundle,
    CryptoSession,
    Initiator,
    Method,
    Offer,
    ReplayCache,
    Responder,
    Step,
    Stream,
)
from mikey.srtp import MasterKey, Receiver, Sender
from mikey.wire import KeyData

__all__ = ["Keyring", "OwnKey", "StreamKey", "told_by_the_peer"]

"""Key management failure (RFC 4567 3.2)."""


@dataclass(frozen=True, slots=True)
class StreamKey:
    """One crypto session of a bundle, for a stream and its SRTCP."""

    bundle: Bundle
    session: CryptoSession

    @classmethod
    def of(cls, bundle: Bundle, ssrc: int | None) -> StreamKey:
        """Return the crypto session for an SSRC: the one that names it, else the only one.

        Products put constants or random numbers there: with one key for all, the first serves.
        """
        sessions = bundle.crypto_sessions
        if not sessions:
            raise CarriageError("the message has no crypto session", status=KEY_FAILURE)
        named = next((one for one in sessions if ssrc and one.ssrc == ssrc), None)
        return cls(bundle, named or sessions[0])

    def check_successor(self, other: StreamKey) -> None:
        """Check that a running context can take the keys of `other`; raises PolicyError."""
        if other.policy != self.policy:
            raise PolicyError("the peer's current key has another SRTP policy", number=None)
        if len(other.newest.mki) != len(self.newest.mki):
            raise PolicyError("the peer's current key has an MKI of another length", number=None)

    def after(self, bundle: Bundle) -> StreamKey:
        """Return the same crypto session when an update of its bundle brought new keys."""
        return StreamKey(bundle, bundle.crypto_sessions[self.session.cs_id - 1])

    @property
    def policy(self) -> SrtpPolicy:
        """How packets are protected."""
        return self.session.policy

    @property
    def masters(self) -> tuple[MasterKey, ...]:
        """The master keys, newest first."""
        return self.session.keys

    @property
    def newest(self) -> MasterKey:
        """The key that packets are sent under."""
        return self.session.keys[0]

    def receiver(self, ssrc: int | None) -> Receiver:
        """Return the context for incoming packets, of any SSRC for None."""
        return Receiver(self.policy, self.masters, ssrc=ssrc, roc=self.roc(ssrc))

    def sender(self, ssrc: int, *, roc: int | None = None) -> Sender:
        """Return the context for packets of ours; `roc` None is what the message states."""
        roc = self.roc(ssrc) if roc is None else roc
        return Sender(self.policy, self.masters[:1], ssrc=ssrc, roc=roc)

    def roc(self, ssrc: int | None) -> int:
        """The rollover counter that the message states for an SSRC.

        It is that SSRC's, or the only one there is (rather any than none: the peer knows of one
        stream); of several others it is nobody's.
        """
        fits = ssrc is None or self.session.ssrc in (None, ssrc)
        return self.session.roc if fits or len(self.bundle.sessions) == 1 else 0


@contextmanager
def told_by_the_peer() -> Iterator[None]:
    """Make an SRTP context's refusal of keys the fault of the peer who told them."""
    try:
        yield
    except LocalError as error:
        raise PolicyError(str(error), number=None) from None


class Keyring:
    """Makes and reads the messages of one RTSP session, for either end.

    `credential` is a NoKey for products, a Psk where both ends are ours, a Certified in RTSP 2.0;
    its Compat says how the peer deviates.
    """

    def __init__(
        self,
        credential: NoKey | Psk | Certified,
        *,
        secure: bool,
        policy: Policy,
        policies: Sequence[SrtpPolicy] | None = None,
        clock: Clock,
        random: Callable[[int], bytes],
    ) -> None:
        self.credential = credential
        self._secure = secure
        self._policy = policy
        self._clock = clock
        self._random = random
        self._replay = ReplayCache()
        self._responder = Responder(
            [credential],
            replay=self._replay,
            policies=policies,
            policy=policy,
            clock=clock,
            random=random,
            cache=CacheType.CACHE,
        )

    @property
    def certified(self) -> bool:
        """Whether certificates protect the keys, as in RTSP 2.0."""
        return isinstance(self.credential, Certified)

    @property
    def context(self) -> Context:
        """What the connection knows of messages without a description around them."""
        return Context(secure=self._secure)

    def make(
        self,
        streams: Sequence[Stream],
        srtp: SrtpPolicy,
        *,
        keys: Sequence[KeyData] | None = None,
    ) -> OwnKey:
        """Make a message that wants no response; `keys` None makes a fresh one.

        Raises LocalError.
        """
        initiator = self.initiator((srtp,))
        octets = initiator.start(streams, context=self.context, keys=keys, respond=False)
        return OwnKey(initiator, self.context, octets, initiator.early_bundle(octets))

    def initiator(self, policies: Sequence[SrtpPolicy]) -> Initiator:
        """Return an Initiator towards the peer, with our policies by preference."""
        return Initiator(
            self.credential,
            method=Method.RSA_R if self.certified else None,
            policies=policies,
            policy=self._policy,
            clock=self._clock,
            random=self._random,
            replay=self._replay,
        )

    def read(self, octets: bytes, context: Context | None = None) -> Offer:
        """Return what a first message of the peer offers; raises PeerError."""
        said = first_message(octets, compat=self.credential.compat, clock=self._clock)
        return self._receive(said, context or self.context)

    def _receive(self, octets: bytes, context: Context) -> Offer:
        offer = self._responder.receive(octets, context=context)
        if isinstance(offer, Step):
            raise CarriageError("a certificate by URL is not fetched", status=KEY_FAILURE)
        return offer

    def finish(self, initiator: Initiator, octets: bytes) -> Bundle:
        """Take the peer's response to a message of an Initiator of ours; raises PeerError."""
        bundle = initiator.receive(octets, context=self.context)
        if isinstance(bundle, Step):
            raise CarriageError("a certificate by URL is not fetched", status=KEY_FAILURE)
        return bundle

    def take(self, octets: bytes, context: Context | None = None) -> Bundle:
        """Accept a message of the peer that wants no response; raises PeerError."""
        _, bundle = self.read(octets, context).accept()
        return bundle

    def renew(self, octets: bytes, bundle: Bundle) -> tuple[bytes | None, Bundle]:
        """Accept a message that renews the peer's key of `bundle`; raises PeerError.

        Returns the response, where one is asked for, and the bundle with its keys.
        """
        said = update_message(octets, bundle, clock=self._clock)
        return self._receive(said, self.context).accept()

    def forget(self, bundle: Bundle | None) -> None:
        """Keep nothing of a message that was accepted: another one took its place."""
        if bundle is not None:
            self._responder.close(bundle)

    def refuse(self, error: PeerError) -> bytes | None:
        """Return the MIKEY Error message for `error`, where one is due."""
        return self._responder.refuse(error)


class OwnKey:
    """A key that we made: the message that tells it, and how it is renewed."""

    def __init__(
        self, initiator: Initiator, context: Context, octets: bytes, bundle: Bundle
    ) -> None:
        self._initiator = initiator
        self._context = context
        self.message = octets
        self.bundle = bundle

    def renew(self, rocs: Sequence[Stream] | None = None) -> bytes:
        """Make the next key; return the message that tells it to the peer.

        `bundle` has the new keys at once: take them for receiving before the message goes out,
        and for sending when it was answered.
        """
        octets = self._initiator.rekey(
            self.bundle, streams=rocs, context=self._context, respond=False
        )
        self.bundle = self._initiator.early_bundle(octets)
        return octets
