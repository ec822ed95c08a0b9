"""One stream of somebody else's media, decrypted, with its SRTCP both ways (RFC 3550, 3711)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from mikey.aio.counters import Counters
from mikey.aio.reception import Reception
from mikey.aio.rtcp import Report, compose, parse
from mikey.aio.rtp import HEADER_LENGTH, refuse_own
from mikey.errors import LocalError, PeerError
from mikey.srtp import MasterKey, Receiver, Sender

__all__ = ["StreamReceiver"]

logger = logging.getLogger("mikey.aio")


class StreamReceiver:
    """Decrypts the packets of one SSRC and says in RTCP how they arrive; does no IO itself.

    `receiver` is the context of the stream, `sender` that of our reports (None: no reports).
    `clock_rate` is that of the RTP timestamps. `on_rtp` and `on_rtcp` get the packets in clear,
    each once, in the order of arrival. Packets that are not authentic are counted and dropped.
    """

    def __init__(
        self,
        *,
        receiver: Receiver,
        sender: Sender | None,
        clock_rate: int,
        cname: str,
        on_rtp: Callable[[bytes], None],
        on_rtcp: Callable[[bytes], None] | None = None,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._receiver = receiver
        self._sender = sender
        self._reception = Reception(clock_rate)
        self._cname = cname
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._now = now
        self.rtp = Counters()
        self.rtcp = Counters()
        self.goodbye = False
        self.last_error = ""

    @property
    def ssrc(self) -> int | None:
        """The SSRC of the stream, None until it is known."""
        return self._receiver.ssrc

    @property
    def roc(self) -> int:
        """The rollover counter of the stream."""
        return self._receiver.roc

    @property
    def expected(self) -> int:
        """How many packets were sent, as far as their sequence numbers tell."""
        return self._reception.expected

    @property
    def lost(self) -> int:
        """Packets between the first and the last one that did not come."""
        return self._reception.expected - self._reception.received

    def rekey(self, masters: Sequence[MasterKey]) -> None:
        """Take packets under new keys; under those before, what was sent before the switch."""
        self._receiver.install(masters)

    def replace(self, receiver: Receiver) -> None:
        """Take packets by another context, as when the ROC of a running stream became known."""
        self._receiver = receiver

    def rekey_sender(self, masters: Sequence[MasterKey]) -> None:
        """Send our reports under new keys from now on."""
        if self._sender is not None:
            self._sender.install(masters)

    def rtp_received(self, octets: bytes) -> None:
        """Take an SRTP packet."""
        try:
            packet = self._receiver.unprotect(octets)
        except PeerError as error:
            self._rejected(self.rtp, error)
            return
        self.rtp.verified += 1
        if len(packet) >= HEADER_LENGTH:
            self._reception.arrived(
                int.from_bytes(packet[2:4]),
                int.from_bytes(packet[4:8]),
                int.from_bytes(packet[8:12]),
                self._now() / 1e9,
            )
            self._on_rtp(packet)

    def rtcp_received(self, octets: bytes) -> None:
        """Take an SRTCP packet."""
        try:
            if self._sender is not None:
                refuse_own(octets[4:8], self._sender.ssrc)
            packet = self._receiver.unprotect_rtcp(octets)
            report = parse(packet)
        except PeerError as error:
            self._rejected(self.rtcp, error)
            return
        self.rtcp.verified += 1
        if report.sender is not None:
            self._reception.sender_report(report.sender.ntp, self._now() / 1e9)
        self.goodbye = self.goodbye or report.goodbye
        if self._on_rtcp is not None:
            self._on_rtcp(packet)

    def report(self, *, goodbye: bool = False) -> bytes | None:
        """Return the next SRTCP packet of ours, None without a key for it or when it is used up."""
        if self._sender is None:
            return None
        block = self._reception.report(self._now() / 1e9)
        report = Report(
            ssrc=self._sender.ssrc,
            cname=self._cname,
            blocks=() if block is None else (block,),
            goodbye=goodbye,
        )
        try:
            packet = self._sender.protect_rtcp(compose(report))
        except LocalError as error:
            logger.debug("no more SRTCP: %s", error)
            return None
        self.rtcp.sent += 1
        return packet

    def _rejected(self, counters: Counters, error: PeerError) -> None:
        counters.rejected += 1
        self.last_error = str(error)
        logger.debug("packet rejected: %s", error)
