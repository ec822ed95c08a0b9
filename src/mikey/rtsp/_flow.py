"""Whose key protects what, as the client of each flow sees it (`policy.KeyFlow`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mikey.carriage.rtsp import KEY_ERROR, KEY_FAILURE, KeyMgmt, Presentation, levels_in_setup
from mikey.carriage.sdp import Sender
from mikey.errors import CarriageError, PeerError
from mikey.policy import KeyFlow, SrtpPolicy
from mikey.rtsp._keys import Keyring, OwnKey, StreamKey
from mikey.session import Bundle, Initiator, Stream

__all__ = ["ClientKeys", "TrackKeys"]

_MIKEY = "mikey"


@dataclass(frozen=True, slots=True)
class TrackKeys:
    """The keys of one stream: of what comes, of our reports, and the one that we made, if any."""

    incoming: StreamKey
    outgoing: StreamKey | None
    own: OwnKey | None


class ClientKeys:
    """The messages that the SETUPs of one session carry, and the keys that follow from them.

    `ssrcs` are ours by stream; `srtp` is the policy of a key that we make, None: the policy of
    the server's message, else `otherwise`; in RTSP 2.0 all that protect, for the server to choose
    from.
    """

    def __init__(
        self,
        presentation: Presentation,
        keyring: Keyring,
        ssrcs: Mapping[int, int],
        srtp: SrtpPolicy | None,
        *,
        otherwise: SrtpPolicy,
    ) -> None:
        self._presentation = presentation
        self._keyring = keyring
        self._ssrcs = ssrcs
        self._srtp = srtp
        self._otherwise = otherwise
        self._own: dict[int, OwnKey] = {}
        self._taken: dict[int | None, Bundle] = {}
        self._answers: dict[int | None, bytes] = {}
        self._asked: dict[int, Initiator] = {}

    @property
    def flow(self) -> KeyFlow:
        """Whose key protects what."""
        return self._keyring.credential.compat.flow

    def for_setup(self, index: int, *, first: bool) -> tuple[KeyMgmt, ...]:
        """Return what the SETUP of a stream says; raises PeerError for the server's message."""
        if self._keyring.certified:
            return ()
        uri = self._presentation.tracks[index].control
        if self.flow is KeyFlow.ANSWER:
            levels = levels_in_setup(self._presentation, index, aggregated=True, first=first)
            self._server_bundle(index)
            return tuple(
                KeyMgmt(_MIKEY, self._presentation.uri_of(level), self._answers[level])
                for level in levels
                if level in self._answers
            )
        if self.flow is KeyFlow.SERVER_KEY:
            return ()
        if index not in self._own:
            self._own[index] = self._make(index)
        return (KeyMgmt(_MIKEY, uri, self._own[index].message),)

    def for_transport(self, index: int) -> bytes | None:
        """Return the MIKEY message in the Transport of a SETUP: RSA-R in RTSP 2.0, else None."""
        if not self._keyring.certified:
            return None
        policies = [p for p in SrtpPolicy.presets().values() if not p.is_weak]
        initiator = self._keyring.initiator(policies if self._srtp is None else (self._srtp,))
        self._asked[index] = initiator
        streams = (Stream(), Stream(self._ssrcs[index]))  # the server's and ours
        return initiator.start(streams, context=self._keyring.context)

    def reported(self, index: int, octets: bytes) -> str:
        """Return why the server refused our message, as its MIKEY Error message says."""
        try:
            self._keyring.finish(self._asked[index], octets)
        except PeerError as error:
            return error.reason
        return "its response is none"

    def agreed(self, index: int, ssrc: int | None, answer: bytes | None) -> TrackKeys:
        """Return the keys of a stream that was set up.

        `ssrc` is the server's, `answer` the MIKEY message in its response to SETUP. Raises
        PeerError, CarriageError (463) where the server gave no key and one is due.
        """
        if self._keyring.certified:
            if answer is None:
                raise CarriageError("the server's Transport has no MIKEY key", status=KEY_FAILURE)
            bundle = self._keyring.finish(self._asked[index], answer)
            sessions = bundle.crypto_sessions
            if len(sessions) != 2 or sessions[1].ssrc != self._ssrcs[index]:
                raise CarriageError(
                    "RSA-R is not for the server's stream and ours", status=KEY_ERROR
                )
            theirs, mine = (StreamKey(bundle, session) for session in sessions)
            return TrackKeys(theirs, mine, None)
        ours = self._ssrcs[index]
        if self.flow is KeyFlow.CLIENT_KEY:
            own = self._own[index]
            key = StreamKey.of(own.bundle, ssrc)
            return TrackKeys(key, key, own)
        if self.flow is KeyFlow.TWO_KEYS:
            own = self._own[index]
            bundle = self._server_bundle(index) if answer is None else self._keyring.take(answer)
            return TrackKeys(StreamKey.of(bundle, ssrc), StreamKey.of(own.bundle, ours), own)
        bundle = self._server_bundle(index)
        if self.flow is KeyFlow.SERVER_KEY:
            key = StreamKey.of(bundle, ssrc)
            return TrackKeys(key, key, None)
        incoming, outgoing = self._slots(index, bundle)
        sessions = bundle.crypto_sessions
        return TrackKeys(
            StreamKey(bundle, sessions[incoming - 1]),
            StreamKey(bundle, sessions[outgoing - 1]),
            None,
        )

    def _make(self, index: int) -> OwnKey:
        srtp = self._srtp
        if srtp is None and self._presentation.message_for(index) is not None:
            srtp = StreamKey.of(self._server_bundle(index), None).policy
        # With one key for both directions the stream is the server's, whose SSRC is open.
        ssrc = 0 if self.flow is KeyFlow.CLIENT_KEY else self._ssrcs[index]
        return self._keyring.make((Stream(ssrc),), srtp or self._otherwise)

    def _server_bundle(self, index: int) -> Bundle:
        """Take the message of the description that keys a stream, once for each level."""
        carried = self._presentation.message_for(index)
        if carried is None:
            raise CarriageError("the server's description has no MIKEY key", status=KEY_FAILURE)
        level = carried.media
        if level not in self._taken:
            offer = self._keyring.read(carried.octets, carried.context)
            ssrcs = {}
            if self.flow is KeyFlow.ANSWER:
                for slot in self._presentation.description.slots(len(offer.streams), level):
                    if slot.sender is Sender.RESPONDER and slot.media in self._ssrcs:
                        ssrcs[slot.cs_id] = self._ssrcs[slot.media]
            answer, self._taken[level] = offer.accept(ssrcs)
            if answer is not None:
                self._answers[level] = answer
        return self._taken[level]

    def _slots(self, index: int, bundle: Bundle) -> tuple[int, int]:
        """Return the crypto sessions of a stream: the server's and ours (RFC 4567 7.1)."""
        carried = self._presentation.message_for(index)
        level = None if carried is None else carried.media
        slots = self._presentation.description.slots(len(bundle.sessions), level)
        found = {slot.sender: slot.cs_id for slot in slots if slot.media == index}
        if len(found) != len(Sender):
            raise CarriageError("the server's key leaves a stream out", status=KEY_FAILURE)
        return found[Sender.INITIATOR], found[Sender.RESPONDER]
