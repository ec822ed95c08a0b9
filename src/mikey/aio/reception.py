"""What a receiver knows of a source: extended sequence numbers, loss, jitter (RFC 3550 A)."""

from __future__ import annotations

from mikey.aio.rtcp import ReportBlock

__all__ = ["Reception"]

_START = 0x10000  # room below the first packet to arrive, since an earlier one may follow


class Reception:
    """Counts the packets of one source; all times in seconds."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._first: int | None = None
        self._highest = 0
        self._transit: float | None = None
        self._jitter = 0.0
        self._expected_before = 0
        self._received_before = 0
        self._last_sr = 0
        self._last_sr_at = 0.0
        self.received = 0
        self.ssrc = 0

    def arrived(self, sequence: int, timestamp: int, ssrc: int, arrival: float) -> int:
        """Count a packet by the fields of its header, return its extended sequence number."""
        extended = self._extend(sequence)
        if self._first is None:
            self._first = self._highest = extended
            self.ssrc = ssrc
        self._first = min(self._first, extended)
        self._highest = max(self._highest, extended)
        self.received += 1
        transit = arrival * self._rate - timestamp
        if self._transit is not None:
            # timestamps wrap; the difference of two that are close does not
            change = (transit - self._transit + 2**31) % 2**32 - 2**31
            self._jitter += (abs(change) - self._jitter) / 16
        self._transit = transit
        return extended

    def _extend(self, sequence: int) -> int:
        """The number whose low 16 bits are `sequence`, nearest to the highest so far (A.1)."""
        if self._first is None:
            return _START + sequence
        ahead = (sequence - self._highest + 0x8000) % 0x10000 - 0x8000
        return self._highest + ahead

    def sender_report(self, ntp: int, arrival: float) -> None:
        """Note the time of an SR, for the next report block."""
        self._last_sr = ntp >> 16 & 0xFFFFFFFF
        self._last_sr_at = arrival

    @property
    def expected(self) -> int:
        """How many packets were sent, as far as their numbers tell."""
        return 0 if self._first is None else self._highest - self._first + 1

    def report(self, now: float) -> ReportBlock | None:
        """The next report block (A.3); None before the first packet."""
        if self._first is None:
            return None
        expected = self.expected - self._expected_before
        lost = expected - (self.received - self._received_before)
        self._expected_before, self._received_before = self.expected, self.received
        fraction = min(255, (lost << 8) // expected) if expected and lost > 0 else 0
        delay = int((now - self._last_sr_at) * 65536) if self._last_sr else 0
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            lost=self.expected - self.received,
            highest=(self._highest - _START) & 0xFFFFFFFF,
            jitter=int(self._jitter) & 0xFFFFFFFF,
            last_sr=self._last_sr,
            delay=delay & 0xFFFFFFFF,
        )
