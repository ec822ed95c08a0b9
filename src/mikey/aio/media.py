"""One audio stream each way over SRTP, with its SRTCP (RFC 3550, RFC 3711)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Self

from mikey.aio.counters import Counters
from mikey.aio.endpoint import Address, RtpEndpoint
from mikey.aio.l16 import AudioFormat, Packetizer
from mikey.aio.playout import Playout
from mikey.aio.reception import Reception
from mikey.aio.rtcp import Report, SenderInfo, compose, parse
from mikey.aio.rtp import RtpPacket, refuse_own
from mikey.errors import LocalError, PeerError
from mikey.policy.clock import ntp_from_ns
from mikey.srtp import MasterKey, Receiver, Sender

__all__ = ["MediaSession"]

logger = logging.getLogger("mikey.aio")

_RTCP_INTERVAL = 1.0  # seconds; RFC 3550 6.2 allows 360 / (session kbit/s), which is above 128


class MediaSession:
    """Sends and receives the audio of one m= line.

    `peer` is the address for RTP, `peer_rtcp` that for RTCP. `sender` and `receiver` are the
    SRTP contexts of our stream and the peer's; `write` gets the samples heard, in order and
    little-endian. Packets that are not authentic are counted and dropped. An async context
    manager: leaving says BYE in RTCP and stops; the endpoint stays open.
    """

    def __init__(
        self,
        endpoint: RtpEndpoint,
        *,
        audio: AudioFormat,
        payload_type: int,
        peer: Address,
        peer_rtcp: Address | None = None,
        sender: Sender,
        receiver: Receiver,
        write: Callable[[bytes], None] | None = None,
        cname: str = "",
        now: Callable[[], int] = time.time_ns,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._endpoint = endpoint
        self._audio = audio
        self._payload_type = payload_type
        self._peer = peer
        self._peer_rtcp = peer_rtcp or (peer[0], peer[1] + 1)
        self._sender = sender
        self._receiver = receiver
        self._cname = cname or f"{random(6).hex()}@{endpoint.host}"  # RFC 7022 4.2
        self._now = now
        self._random = random
        self._playout = Playout(audio, write or (lambda _: None))
        self._reception = Reception(audio.rate)
        # Far from its end, so that the first packets cannot wrap it (RFC 3711 3.3.1)
        self._sequence = int.from_bytes(random(2)) >> 1
        self._timestamp = int.from_bytes(random(4))
        self._octets = 0
        self._goodbye = False
        self._peer_packets: int | None = None
        self._complete = asyncio.Event()
        self._failure: LocalError | None = None
        self._reports: asyncio.Task[None] | None = None
        self.rtp = Counters()
        self.rtcp = Counters()

    async def __aenter__(self) -> Self:
        self._endpoint.listen(self._on_rtp, self._on_rtcp)
        self._reports = asyncio.create_task(self._report_regularly())
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._reports is not None:
            self._reports.cancel()
            await asyncio.wait({self._reports})
        with contextlib.suppress(LocalError):  # the key is used up, and RTCP with it
            self._report(goodbye=True)

    @property
    def lost(self) -> int:
        """Packets of the peer that never came, as far as it is known."""
        if self._peer_packets is not None and self._goodbye:
            return max(0, self._peer_packets - self._reception.received)
        return self._reception.expected - self._reception.received

    @property
    def goodbye(self) -> bool:
        """Whether the peer left with a BYE in SRTCP."""
        return self._goodbye

    @property
    def frames_heard(self) -> int:
        """Sampling instants handed to `write`."""
        return self._playout.frames

    @property
    def peer_ssrc(self) -> int | None:
        """The SSRC of the peer's stream, None until the first authentic packet told it."""
        return self._receiver.ssrc

    def rekey_sender(self, masters: Sequence[MasterKey]) -> None:
        """Send under new keys from the next packet on."""
        self._sender.install(masters)

    def rekey_receiver(self, masters: Sequence[MasterKey]) -> None:
        """Take packets under new keys; under those before, what was sent before the switch."""
        self._receiver.install(masters)

    async def send(self, samples: bytes, progress: Callable[[int], None] | None = None) -> None:
        """Send little-endian samples in real time; `progress` gets the frames sent so far."""
        loop = asyncio.get_running_loop()
        packetizer = Packetizer(self._audio)
        start = loop.time()
        for frames, payload in packetizer.payloads(samples):
            await asyncio.sleep(max(0.0, start + packetizer.seconds(frames) - loop.time()))
            self._send(payload, marker=frames == 0)
            if progress is not None:
                progress(frames + len(payload) // self._audio.frame_size)
        total = len(samples) // self._audio.frame_size
        await asyncio.sleep(max(0.0, start + packetizer.seconds(total) - loop.time()))

    def _send(self, payload: bytes, *, marker: bool) -> None:
        packet = RtpPacket(
            payload_type=self._payload_type,
            sequence=self._sequence,
            timestamp=self._timestamp,
            ssrc=self._sender.ssrc,
            payload=payload,
            marker=marker,
        )
        self._endpoint.send_rtp(self._sender.protect(packet.encode()), self._peer)
        self._sequence = (self._sequence + 1) % 2**16
        frames = len(payload) // self._audio.frame_size
        self._timestamp = (self._timestamp + frames) % 2**32
        self._octets += len(payload)
        self.rtp.sent += 1

    async def drained(self, limit: float) -> None:
        """Wait until all that the peer sent is here, by its own count, or `limit` seconds.

        Raises what `write` raised (LocalError for a full disk).
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._complete.wait()
        if self._failure is not None:
            raise self._failure
        self._playout.finish()

    # receiving

    def _on_rtp(self, octets: bytes) -> None:
        try:
            refuse_own(octets[8:12], self._sender.ssrc)
            packet = RtpPacket.parse(self._receiver.unprotect(octets))
        except PeerError as error:
            self.rtp.rejected += 1
            logger.debug("SRTP packet rejected: %s", error)
            return
        self.rtp.verified += 1
        extended = self._reception.arrived(
            packet.sequence, packet.timestamp, packet.ssrc, self._now() / 1e9
        )
        if packet.payload_type == self._payload_type:
            self._play(extended, packet)
        self._check_complete()

    def _play(self, extended: int, packet: RtpPacket) -> None:
        try:
            self._playout.add(extended, packet.timestamp, packet.payload)
        except PeerError as error:
            logger.debug("RTP payload of no use: %s", error)
        except LocalError as error:
            self._failure = self._failure or error
            self._complete.set()

    def _on_rtcp(self, octets: bytes) -> None:
        try:
            refuse_own(octets[4:8], self._sender.ssrc)
            report = parse(self._receiver.unprotect_rtcp(octets))
        except PeerError as error:
            self.rtcp.rejected += 1
            logger.debug("SRTCP packet rejected: %s", error)
            return
        self.rtcp.verified += 1
        if report.sender is not None:
            self._reception.sender_report(report.sender.ntp, self._now() / 1e9)
            self._peer_packets = report.sender.packets
        self._goodbye = self._goodbye or report.goodbye
        self._check_complete()

    def _check_complete(self) -> None:
        if self._goodbye and self._reception.received >= (self._peer_packets or 0):
            self._complete.set()

    # reports

    async def _report_regularly(self) -> None:
        while True:
            try:
                self._report()
            except LocalError as error:
                logger.debug("no more SRTCP: %s", error)  # `send` tells the caller
                return
            chance = int.from_bytes(self._random(2)) / 2**16
            await asyncio.sleep(_RTCP_INTERVAL * (0.5 + chance))

    def _report(self, *, goodbye: bool = False) -> None:
        now = self._now()
        info = None
        if self.rtp.sent:
            info = SenderInfo(
                ntp=ntp_from_ns(now),
                rtp=self._timestamp,
                packets=self.rtp.sent % 2**32,
                octets=self._octets % 2**32,
            )
        block = self._reception.report(now / 1e9)
        report = Report(
            ssrc=self._sender.ssrc,
            cname=self._cname,
            sender=info,
            blocks=() if block is None else (block,),
            goodbye=goodbye,
        )
        octets = self._sender.protect_rtcp(compose(report))
        self._endpoint.send_rtcp(octets, self._peer_rtcp)
        self.rtcp.sent += 1
