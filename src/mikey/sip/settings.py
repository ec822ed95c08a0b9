"""Timers and limits of a user agent (RFC 3261 17, and what a hostile peer may cost us)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits", "Timers"]

_T1 = 0.5  # RFC 3261 17.1.1.1


@dataclass(frozen=True, slots=True)
class Timers:
    """The times of RFC 3261, in seconds; all of them are multiples of `t1` here.

    `t1` is the estimate of a round trip, 0.5 s in the RFC. Tests make it shorter.
    """

    t1: float = _T1

    @property
    def give_up(self) -> float:
        """64*T1: how long a transaction waits for the other side."""
        return 64 * self.t1

    @property
    def scale(self) -> float:
        """Factor on the RFC's own times."""
        return self.t1 / _T1


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may make us hold.

    Sizes in octets; `unread` is what waits on a TCP connection that its peer does not read,
    `idle` in seconds how long one may stay silent.
    """

    message: int = 65_535
    head: int = 16_384
    line: int = 8_192
    lines: int = 128
    calls: int = 16
    transactions: int = 256
    connections: int = 64
    unread: int = 262_144
    idle: float = 300.0
    # RFC 3261 18.1.1: a request above this goes by a congestion-controlled transport
    datagram: int = 1_300
