"""What is counted of the packets of a stream."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Counters"]


@dataclass(slots=True)
class Counters:
    """Packets of one kind, SRTP or SRTCP."""

    sent: int = 0
    verified: int = 0
    rejected: int = 0
