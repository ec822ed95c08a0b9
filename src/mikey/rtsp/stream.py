"""One stream of a presentation that is being received."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mikey.aio import Counters, RtpEndpoint, StreamReceiver
from mikey.carriage.rtsp import Track, Transport
from mikey.policy import SrtpPolicy
from mikey.rtsp._connection import Connection
from mikey.rtsp._flow import TrackKeys
from mikey.rtsp._keys import StreamKey
from mikey.srtp import MasterKey

__all__ = ["Handlers", "MediaStream"]

PacketSink = Callable[["MediaStream", bytes], None]
"""Takes a stream and one of its packets, RTP or RTCP, in clear."""

_DEFAULT_RATE = 90_000


@dataclass(frozen=True, slots=True)
class Handlers:
    """Where decrypted packets go; called once for each, in the order of arrival."""

    on_rtp: PacketSink | None = None
    on_rtcp: PacketSink | None = None


class MediaStream:
    """A stream that was set up: what it is, how it comes, its keys and what was counted.

    `track` is what the description says, `transport` what SETUP agreed on.
    """

    def __init__(
        self,
        track: Track,
        transport: Transport,
        keys: TrackKeys,
        handlers: Handlers,
        *,
        our_ssrc: int,
        cname: str,
        connection: Connection,
        endpoint: RtpEndpoint | None,
        on_failure: Callable[[Exception], None],
        on_goodbye: Callable[[], None],
    ) -> None:
        self.track = track
        self.transport = transport
        self.our_ssrc = our_ssrc
        self._keys = keys
        self._handlers = handlers
        self._connection = connection
        self._endpoint = endpoint
        self._on_failure = on_failure
        self._on_goodbye = on_goodbye
        self._reported = False
        server = transport.ssrc[0] if transport.ssrc else next(iter(track.ssrcs), None)
        outgoing = keys.outgoing
        self._receiver = StreamReceiver(
            receiver=keys.incoming.receiver(server),
            sender=None if outgoing is None else outgoing.sender(our_ssrc),
            clock_rate=track.rtpmaps[0].clock_rate if track.rtpmaps else _DEFAULT_RATE,
            cname=cname,
            on_rtp=self._rtp,
            on_rtcp=self._rtcp,
        )

    @property
    def index(self) -> int:
        """Its place in the presentation, from 0."""
        return self.track.index

    @property
    def kind(self) -> str:
        """ "video", "audio" or "application"."""
        return self.track.kind

    @property
    def encoding(self) -> str:
        """The name of its encoding, "" where the description does not say it."""
        return self.track.rtpmaps[0].encoding if self.track.rtpmaps else ""

    @property
    def policy(self) -> SrtpPolicy:
        """How its packets are protected."""
        return self._keys.incoming.policy

    @property
    def incoming_key(self) -> MasterKey:
        """The newest master key of what comes."""
        return self._keys.incoming.newest

    @property
    def outgoing_key(self) -> MasterKey | None:
        """The newest master key of our reports, None where the server knows no key of ours."""
        return None if self._keys.outgoing is None else self._keys.outgoing.newest

    @property
    def ssrc(self) -> int | None:
        """The server's SSRC, None until it is known."""
        return self._receiver.ssrc

    @property
    def roc(self) -> int:
        """The rollover counter of what comes."""
        return self._receiver.roc

    @property
    def rtp(self) -> Counters:
        """The SRTP packets that came."""
        return self._receiver.rtp

    @property
    def rtcp(self) -> Counters:
        """The SRTCP packets, both ways."""
        return self._receiver.rtcp

    @property
    def expected(self) -> int:
        """How many packets were sent, as far as their sequence numbers tell."""
        return self._receiver.expected

    @property
    def lost(self) -> int:
        """Packets between the first and the last that did not come."""
        return self._receiver.lost

    @property
    def heard(self) -> bool:
        """Whether any packet came, authentic or not."""
        return any(counters.verified or counters.rejected for counters in (self.rtp, self.rtcp))

    @property
    def ended(self) -> bool:
        """Whether the server said goodbye (BYE)."""
        return self._receiver.goodbye

    @property
    def last_error(self) -> str:
        """Why the last packet that was rejected was; "" if none was."""
        return self._receiver.last_error

    def __repr__(self) -> str:
        return f"<MediaStream {self.index} {self.kind} {self.encoding}, {self.policy.name}>"

    # for the session alone

    @property
    def keys(self) -> TrackKeys:
        """The keys; for the session."""
        return self._keys

    def listen(self) -> None:
        """Take packets from now on; those that came before are taken first."""
        receiver = self._receiver
        if self._endpoint is not None:
            self._endpoint.listen(receiver.rtp_received, receiver.rtcp_received)
        elif self.transport.interleaved is not None:
            rtp, rtcp = self.transport.interleaved
            self._connection.listen(rtp, receiver.rtp_received)
            self._connection.listen(rtcp, receiver.rtcp_received)

    def report(self, *, goodbye: bool = False) -> None:
        """Send our RTCP report."""
        packet = self._receiver.report(goodbye=goodbye)
        if packet is None:
            return
        if self._endpoint is None:
            if self.transport.interleaved is not None:
                self._connection.send_packet(self.transport.interleaved[1], packet)
        elif self.transport.server_port is not None:
            # Never to the `source` of the answer: a server could make us send to a stranger.
            to = (self._connection.peer_host, self.transport.server_port[1])
            self._endpoint.send_rtcp(packet, to)

    def rekey(self, keys: TrackKeys) -> None:
        """Take packets under the new keys as well as the old."""
        self._receiver.rekey(keys.incoming.masters)
        self._keys = keys

    def join(self, keys: TrackKeys) -> None:
        """Take the key and the ROC of a stream that has run for long.

        Where packets came already their ROC is known better: only the key is taken.
        """
        if self._receiver.rtp.verified:
            self.rekey(keys)
        else:
            self._keys = keys
            self._receiver.replace(keys.incoming.receiver(self._receiver.ssrc))

    def rekey_sender(self, key: StreamKey) -> None:
        """Send reports under the new key."""
        self._receiver.rekey_sender(key.masters[:1])

    async def close(self) -> None:
        """Close the sockets."""
        if self._endpoint is not None:
            await self._endpoint.close()
        elif self.transport.interleaved is not None:
            self._connection.ignore(*self.transport.interleaved)

    def _rtp(self, packet: bytes) -> None:
        if not self._reported:  # at once, so that the server soon learns that we are here
            self._reported = True
            self.report()
        sink = self._handlers.on_rtp
        if sink is not None:
            try:
                sink(self, packet)
            except Exception as error:  # the caller's; it must not end in the event loop's log
                self._on_failure(error)

    def _rtcp(self, packet: bytes) -> None:
        if self._receiver.goodbye:
            self._on_goodbye()
        sink = self._handlers.on_rtcp
        if sink is not None:
            try:
                sink(self, packet)
            except Exception as error:
                self._on_failure(error)
