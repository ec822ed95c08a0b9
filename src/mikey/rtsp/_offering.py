"""The description that a server gives, and whose key protects what, as the server sees it."""

from __future__ import annotations

from collections.abc import Sequence

from mikey.carriage.rtsp import (
    KEY_FAILURE,
    Presentation,
    Request,
    levels_in_setup,
    take_key_mgmt,
)
from mikey.carriage.sdp import Description
from mikey.errors import CarriageError, LibraryError, LocalError
from mikey.policy import KeyFlow, SrtpPolicy
from mikey.registry import DataType
from mikey.rtsp._keys import Keyring, OwnKey, StreamKey, told_by_the_peer
from mikey.rtsp._sending import SendingStream
from mikey.session import Bundle, Initiator, Stream
from mikey.srtp import Receiver
from mikey.wire import Message

__all__ = ["ServerKeys"]


class ServerKeys:
    """The messages of one client's session: what its description says, what its SETUPs agree on."""

    def __init__(self, keyring: Keyring, streams: Sequence[SendingStream], srtp: SrtpPolicy):
        self._keyring = keyring
        self._streams = tuple(streams)
        self._srtp = srtp
        self._own: dict[int, OwnKey] = {}
        self._opened: dict[int, tuple[Initiator, bytes]] = {}
        self._agreed: dict[int, tuple[Initiator, Bundle]] = {}
        self._client: dict[int, Bundle] = {}
        self._presentation: Presentation | None = None

    @property
    def flow(self) -> KeyFlow:
        """Whose key protects what."""
        return self._keyring.credential.compat.flow

    def describe(self, text: str, uri: str) -> str:
        """Return the description with its keys; it is what SETUP refers to from now on."""
        context = self._keyring.context
        description = Description(text, context=context)
        if self._keyring.certified:
            pass  # the client asks for its keys (RFC 7826 C.1.4.1)
        elif self.flow is KeyFlow.ANSWER:
            description = self._offered(description)
        elif self.flow is not KeyFlow.CLIENT_KEY:
            messages: dict[int | None, bytes] = {}
            for index, stream in enumerate(self._streams):
                self._own[index] = self._make(stream)
                messages[index] = self._own[index].message
            description = description.attached(messages)
        described = _with_ssrcs(str(description), [stream.ssrc for stream in self._streams])
        self._presentation = Presentation(described, uri, context=context)
        return described

    @property
    def presentation(self) -> Presentation:
        """What was described; CarriageError (455) before that."""
        if self._presentation is None:
            raise CarriageError("SETUP before DESCRIBE", status=455)
        return self._presentation

    def index_of(self, uri: str) -> int:
        """Return the stream that a control URI names; CarriageError (404)."""
        wanted = uri.rstrip("/").lower()
        for track in self.presentation.tracks:
            if track.control.rstrip("/").lower() == wanted:
                return track.index
        raise CarriageError("no stream has this URI", status=404)

    def grant(self, index: int, message: bytes) -> bytes:
        """Answer the MIKEY message in a Transport by RSA-R, and give the stream its contexts.

        Returns the message for the Transport of the answer. Raises PeerError.
        """
        stream = self._streams[index]
        if Message.parse(message).header.data_type is not DataType.RSA_R_INIT:
            raise CarriageError("the message in Transport is not RSA-R", status=KEY_FAILURE)
        offer = self._keyring.read(message)
        if len(offer.streams) != 2 or offer.open_ids[:1] != (1,):
            raise CarriageError("RSA-R is not for our stream and the client's", status=KEY_FAILURE)
        answer, bundle = offer.accept({1: stream.ssrc}, rocs={1: stream.roc})
        if answer is None:
            raise LibraryError("RSA-R is always answered")
        stream.use(bundle.srtp_sender(1), bundle.srtp_receiver(2))
        return answer

    def indices_of(self, uri: str) -> tuple[int, ...]:
        """Return the streams that a new key of the client is for; CarriageError (404, 455).

        GStreamer says it to the aggregated URI: then it is for all that have one.
        """
        control = self.presentation.control
        if control is not None and uri.rstrip("/").lower() == control.rstrip("/").lower():
            if not self._client:
                raise CarriageError("the client has no key to renew here", status=455)
            return tuple(self._client)
        return (self.index_of(uri),)

    def set_up(self, index: int, request: Request, *, first: bool) -> bytes | None:
        """Take the key of a SETUP, and give the stream its contexts.

        Returns the message that the answer repeats, if the profile does that. Raises PeerError.
        """
        stream, flow = self._streams[index], self.flow
        presentation = self.presentation
        levels: tuple[int | None, ...] = ()
        if flow is KeyFlow.ANSWER:
            levels = levels_in_setup(presentation, index, aggregated=True, first=first)
        found = take_key_mgmt(request, presentation, levels)
        message = found.get(index, found.get(None))
        if flow is KeyFlow.ANSWER:
            self._answered(index, stream, message)
        elif flow is KeyFlow.CLIENT_KEY:
            self._client_key(index, stream, message)
        elif flow is KeyFlow.SERVER_KEY:
            key = StreamKey.of(self._own[index].bundle, stream.ssrc)
            stream.use(key.sender(stream.ssrc), key.receiver(None))
        else:
            receiver = None
            if message is not None:  # some clients send none, and no reports that could be checked
                receiver = self._taken(index, message)
            stream.use(
                StreamKey.of(self._own[index].bundle, stream.ssrc).sender(stream.ssrc), receiver
            )
            if self._keyring.credential.compat.server_key_in_setup:
                return self.current(index)
        return None

    def current(self, index: int) -> bytes:
        """Return a message with the key that is in use and its ROC, for one who joins late."""
        stream = self._streams[index]
        own = self._own.get(index)
        bundle = self._client.get(index) if own is None else own.bundle
        if bundle is None:
            raise CarriageError("the stream has no key to say", status=451)
        key = StreamKey.of(bundle, stream.ssrc)
        said = (Stream(stream.ssrc, stream.roc),)
        return self._keyring.make(said, key.policy, keys=bundle.keys[:1]).message

    def renew(self, index: int) -> bytes:
        """Make a new key of ours; return the message for the client.

        `switch` takes it for sending. LocalError where the flow has no key of ours.
        """
        if self.flow is KeyFlow.CLIENT_KEY:
            raise LocalError("in this flow the client makes the keys")
        if self._keyring.certified:
            raise LocalError("RTSP 2.0 has no message for new keys")
        if self.flow is KeyFlow.ANSWER:
            initiator, bundle = self._agreed[index]
            octets = initiator.rekey(bundle, context=self._keyring.context, respond=False)
            self._agreed[index] = initiator, initiator.early_bundle(octets)
            self._streams[index].rekey_receiver(self._agreed[index][1].masters(2))
            return octets
        octets = self._own[index].renew()
        if self.flow is KeyFlow.SERVER_KEY:
            self._streams[index].rekey_receiver(self._own[index].bundle.masters(1))
        return octets

    def switch(self, index: int) -> None:
        """Send under the key that `renew` made."""
        answered = self.flow is KeyFlow.ANSWER
        bundle = self._agreed[index][1] if answered else self._own[index].bundle
        self._streams[index].rekey(bundle.masters(1)[:1])

    def renewed(self, index: int, message: bytes) -> None:
        """Take a new key of the client; raises PeerError."""
        known = self._client.get(index)
        if known is None:
            raise CarriageError("the client has no key to renew here", status=455)
        _, bundle = self._keyring.renew(message, known)
        stream = self._streams[index]
        with told_by_the_peer():
            stream.rekey_receiver(bundle.masters(1))
            if self.flow is KeyFlow.CLIENT_KEY:
                stream.rekey(bundle.masters(1)[:1])
        self._client[index] = bundle

    def _make(self, stream: SendingStream) -> OwnKey:
        return self._keyring.make((Stream(stream.ssrc, stream.roc),), self._srtp)

    def _offered(self, description: Description) -> Description:
        """Start an exchange for each stream, ours the odd crypto session (RFC 4567 4.2)."""
        planned = description.planned(range(len(self._streams)))
        messages: dict[int | None, bytes] = {}
        for index, stream in enumerate(self._streams):
            initiator = self._keyring.initiator((self._srtp,))
            ours = Stream(stream.ssrc, stream.roc)
            streams = planned.streams({index: ours}, media=index)
            messages[index] = initiator.start(streams, context=planned.context_at(index))
            self._opened[index] = initiator, messages[index]
        return planned.attached(messages)

    def _answered(self, index: int, stream: SendingStream, message: bytes | None) -> None:
        if message is None:
            raise CarriageError("the SETUP has no answer to our key", status=403)
        initiator, _ = self._opened[index]
        bundle = self._keyring.finish(initiator, message)
        self._agreed[index] = initiator, bundle
        stream.use(bundle.srtp_sender(1), bundle.srtp_receiver(2))

    def _client_key(self, index: int, stream: SendingStream, message: bytes | None) -> None:
        if message is None:
            raise CarriageError("the SETUP has no key (KeyMgmt)", status=KEY_FAILURE)
        receiver = self._taken(index, message)
        bundle = self._client[index]
        key = StreamKey.of(bundle, stream.ssrc)
        if self._keyring.credential.compat.mki_length and not key.newest.mki:
            self._keyring.forget(self._client.pop(index))
            raise CarriageError("the key of the SETUP has no MKI", status=KEY_FAILURE)
        stream.use(key.sender(stream.ssrc, roc=stream.roc), receiver)

    def _taken(self, index: int, message: bytes) -> Receiver:
        """Take the client's key for its reports; their SSRC is whichever comes first."""
        bundle = self._keyring.take(message)
        self._keyring.forget(self._client.get(index))
        self._client[index] = bundle
        return StreamKey.of(bundle, None).receiver(None)


def _with_ssrcs(text: str, ssrcs: Sequence[int]) -> str:
    """Put a=ssrc at the end of each m= section: GStreamer wants it behind a=key-mgmt."""
    lines: list[str] = []
    section = 0
    for line in (*text.splitlines(), "m="):
        if line.startswith("m="):
            if section:
                lines.append(f"a=ssrc:{ssrcs[section - 1]} cname:mikey")
            section += 1
        lines.append(line)
    return "".join(f"{line}\r\n" for line in lines[:-1])
