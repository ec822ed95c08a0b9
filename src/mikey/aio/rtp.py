"""RTP packets (RFC 3550 5.1): octets to values and back."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

from mikey.errors import DecodeError

__all__ = ["HEADER_LENGTH", "RtpPacket", "is_rtcp", "refuse_own"]

HEADER_LENGTH = 12

_HEADER = struct.Struct(">BBHII")


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpPacket:
    """One packet, without CSRCs and header extension where we write it.

    `timestamp` counts sampling instants, `sequence` packets, both modulo their size.
    """

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def encode(self) -> bytes:
        """Return the octets of the packet."""
        second = self.marker << 7 | self.payload_type
        return _HEADER.pack(2 << 6, second, self.sequence, self.timestamp, self.ssrc) + self.payload

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Read a packet; CSRCs, header extension and padding are passed over.

        Raises DecodeError for octets that are no RTP packet.
        """
        if len(octets) < HEADER_LENGTH:
            raise _malformed("it is shorter than its header")
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(octets)
        if first >> 6 != 2:
            raise _malformed("its version is not 2")
        start = HEADER_LENGTH + 4 * (first & 0x0F)
        end = len(octets)
        if first & 0x10:
            if end < start + 4:
                raise _malformed("its header extension is cut off")
            start += 4 + 4 * int.from_bytes(octets[start + 2 : start + 4])
        if first & 0x20 and end > start:
            end -= octets[-1]
            if octets[-1] == 0:
                raise _malformed("its padding has no length")
        if end < start:
            raise _malformed("it ends before its payload begins")
        return cls(
            payload_type=second & 0x7F,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=octets[start:end],
            marker=bool(second & 0x80),
        )


def is_rtcp(octets: bytes) -> bool:
    """Whether a packet on a shared port is RTCP (RFC 5761 4)."""
    return len(octets) > 1 and 192 <= octets[1] <= 223


def refuse_own(ssrc: bytes, own: int) -> None:
    """Raise DecodeError for the SSRC of a packet of ours that comes back (RFC 3550 8.2).

    With one key both ways such a packet is authentic, and would be taken for the peer's.
    """
    if ssrc == own.to_bytes(4):
        raise DecodeError("it has our own SSRC", number=None)


def _malformed(reason: str) -> DecodeError:
    return DecodeError(f"no RTP packet: {reason}", number=None)
