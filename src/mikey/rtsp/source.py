"""What a server plays: streams of RTP payloads with their times (RFC 3550 5.1, RFC 8866 5.14)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from mikey.errors import LocalError

__all__ = ["Source", "Unit"]

_KINDS = ("audio", "video", "application")
_RTPMAP = re.compile(r"[^\s/]+/([1-9]\d{0,8})(?:/\d{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Unit:
    """One RTP packet to be: payload, RTP time in clock units, marker bit.

    `at` is when to send it, in seconds since PLAY; one that is not later than the unit before
    follows it at once.
    """

    payload: bytes = field(repr=False)
    timestamp: int
    at: float
    marker: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One stream of a presentation.

    `kind` is "audio", "video" or "application", `rtpmap` for example "JPEG/90000", `attributes`
    further SDP attribute lines without "a=". `play` begins the stream for one session: its units
    end, or go on until the session does. LocalError for what fits no SDP.
    """

    kind: str
    payload_type: int
    rtpmap: str
    play: Callable[[], AsyncIterator[Unit]]
    attributes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in _KINDS or not 0 <= self.payload_type <= 127:
            raise LocalError("a source is audio, video or application, of payload type 0 to 127")
        if not _RTPMAP.fullmatch(self.rtpmap):
            raise LocalError(f"{self.rtpmap!r} is no 'name/clock rate' of a source")
        if any("\r" in line or "\n" in line for line in self.attributes):
            raise LocalError("an SDP attribute is one line")

    @property
    def clock_rate(self) -> int:
        """RTP time units in a second."""
        match = _RTPMAP.fullmatch(self.rtpmap)
        return int(match[1]) if match else 0
