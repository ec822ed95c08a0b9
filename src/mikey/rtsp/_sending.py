"""One stream that a server sends: packets out of a source, reports, keys that change."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from mikey.aio import Counters
from mikey.aio.rtcp import Report, SenderInfo, compose, parse
from mikey.aio.rtp import RtpPacket, refuse_own
from mikey.errors import LocalError, PeerError
from mikey.policy.clock import ntp_from_ns
from mikey.rtsp.source import Source, Unit
from mikey.srtp import MasterKey, Receiver, Sender

__all__ = ["SendingStream"]

logger = logging.getLogger("mikey.rtsp")

PacketSink = Callable[[bytes], object]

_BEFORE_BYE = 0.2  # seconds: it travels beside the last packets, and must not overtake them
_REPORT_EVERY = 0.5  # seconds while packets flow


class SendingStream:
    """Protects the units of a source and takes the client's reports; does its IO by callbacks.

    `sequence` is that of the next packet, `roc` its rollover counter, `timestamp` where those of
    the source begin. `sends` and `use` come before `run`.
    """

    def __init__(
        self,
        source: Source,
        *,
        ssrc: int,
        sequence: int,
        roc: int = 0,
        timestamp: int = 0,
        cname: str,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self.source = source
        self.ssrc = ssrc
        self.sequence = sequence
        self.rtp = Counters()
        self.rtcp = Counters()
        self.goodbye = False
        self.heard_at = 0.0
        self._first_roc = roc
        self._cname = cname
        self._send_rtp: PacketSink = _nowhere
        self._send_rtcp: PacketSink = _nowhere
        self._sender: Sender | None = None
        self._receiver: Receiver | None = None
        self._first_timestamp = timestamp
        self._now = now
        self._began: tuple[int, int] | None = None  # the system's time and ours where `at` is 0
        self._octets = 0
        self._reported = 0.0

    @property
    def roc(self) -> int:
        """The rollover counter of what is sent."""
        return self._first_roc if self._sender is None else self._sender.roc

    def sends(self, rtp: PacketSink, rtcp: PacketSink) -> None:
        """Say what takes the packets."""
        self._send_rtp, self._send_rtcp = rtp, rtcp

    def use(self, sender: Sender, receiver: Receiver | None) -> None:
        """Send with one context, check reports with the other (None: they cannot be checked)."""
        self._sender = sender
        self._receiver = receiver

    def rekey(self, masters: Sequence[MasterKey]) -> None:
        """Send under new keys from the next packet on."""
        if self._sender is not None:
            self._sender.install(masters)

    def rekey_receiver(self, masters: Sequence[MasterKey]) -> None:
        """Take reports under new keys as well."""
        if self._receiver is not None:
            self._receiver.install(masters)

    async def run(self) -> None:
        """Send the units of the source, each at its time, with reports between them, then BYE."""
        loop = asyncio.get_running_loop()
        start, self._began = loop.time(), None
        async for unit in self.source.play():
            # Also where there is no time to lose: others have work too.
            await asyncio.sleep(max(0.0, start + unit.at - loop.time()))
            self.send(unit)
            if loop.time() - self._reported >= _REPORT_EVERY:
                self._reported = loop.time()
                self.report()
        await asyncio.sleep(_BEFORE_BYE)
        self.report(goodbye=True)

    def send(self, unit: Unit) -> None:
        """Send one packet."""
        if self._sender is None:
            raise LocalError("the stream has no key")
        if self._began is None:
            ticks = round(unit.at * self.source.clock_rate)
            self._began = (
                self._now() - round(unit.at * 10**9),
                self._first_timestamp + unit.timestamp - ticks,
            )
        packet = RtpPacket(
            payload_type=self.source.payload_type,
            sequence=self.sequence,
            timestamp=(self._first_timestamp + unit.timestamp) & 0xFFFFFFFF,
            ssrc=self.ssrc,
            payload=unit.payload,
            marker=unit.marker,
        )
        self.sequence = (self.sequence + 1) % 2**16
        self._octets += len(unit.payload)
        self.rtp.sent += 1
        self._send_rtp(self._sender.protect(packet.encode()))

    def report(self, *, goodbye: bool = False) -> None:
        """Send an SR."""
        if self._sender is None:
            return
        # Not the timestamp of the last packet: a frame that is shown later has that of then.
        now = self._now()
        began, first = self._began or (now, self._first_timestamp)
        elapsed = (now - began) * self.source.clock_rate // 10**9
        info = SenderInfo(
            ntp=ntp_from_ns(now),
            rtp=(first + elapsed) & 0xFFFFFFFF,
            packets=self.rtp.sent & 0xFFFFFFFF,
            octets=self._octets & 0xFFFFFFFF,
        )
        report = Report(ssrc=self.ssrc, cname=self._cname, sender=info, goodbye=goodbye)
        try:
            packet = self._sender.protect_rtcp(compose(report))
        except LocalError as error:
            logger.debug("no more SRTCP: %s", error)
            return
        self.rtcp.sent += 1
        self._send_rtcp(packet)

    def rtcp_received(self, octets: bytes) -> None:
        """Take a report of the client."""
        if self._receiver is None:
            return
        try:
            refuse_own(octets[4:8], self.ssrc)
            report = parse(self._receiver.unprotect_rtcp(octets))
        except PeerError as error:
            self.rtcp.rejected += 1
            logger.debug("SRTCP packet rejected: %s", error)
            return
        self.rtcp.verified += 1
        self.heard_at = asyncio.get_running_loop().time()
        self.goodbye = self.goodbye or report.goodbye

    def rtp_received(self, _octets: bytes) -> None:
        """Take what a client sends to open its way through a NAT: nothing of it is used."""


def _nowhere(_packet: bytes) -> None:
    """Take what is sent before there is a transport."""
