"""Decrypted packets in a file, in the format of rtptools' rtpdump, which Wireshark reads too.

A line `#!rtpplay1.0 ADDRESS/PORT`, then 16 octets: start (seconds and microseconds), address,
port, padding. Each packet has 8 octets in front: the length with these 8, the length of the
packet (0 for RTCP), milliseconds since the start. Packets of all streams stand in one file, in the
order of their arrival; their SSRC tells them apart.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path

from mikey.cli.rtsp.files import Part, not_written

__all__ = ["Dump"]

_FILE = struct.Struct(">IIIHH")
_PACKET = struct.Struct(">HHI")
_LONGEST = 0xFFFF - _PACKET.size  # of a longer packet, which only TCP carries, the end is left out
_FIRST_LINE = b"#!rtpplay1.0 0.0.0.0/0\n"


class Dump(Part):
    """An rtpdump file that grows; `close` and `keep` it at the end. Raises LocalError."""

    def __init__(self, target: Path, *, now: Callable[[], int] = time.time_ns) -> None:
        super().__init__(target)
        self._now = now
        self._start = now()
        seconds, rest = divmod(self._start, 10**9)
        self._file = self.open()
        self._write(_FIRST_LINE + _FILE.pack(seconds & 0xFFFFFFFF, rest // 1000, 0, 0, 0))

    def rtp(self, packet: bytes) -> None:
        """Add an RTP packet."""
        self._add(packet, len(packet))

    def rtcp(self, packet: bytes) -> None:
        """Add a compound RTCP packet."""
        self._add(packet, 0)

    def close(self) -> None:
        """Write the rest."""
        try:
            self._file.close()
        except OSError as error:
            raise not_written(self.target, error) from None

    def _add(self, packet: bytes, length: int) -> None:
        ms = (self._now() - self._start) // 10**6
        kept = packet[:_LONGEST]
        self._write(_PACKET.pack(len(kept) + _PACKET.size, length, ms & 0xFFFFFFFF) + kept)

    def _write(self, octets: bytes) -> None:
        try:
            self._file.write(octets)
        except OSError as error:
            raise not_written(self.target, error) from None
