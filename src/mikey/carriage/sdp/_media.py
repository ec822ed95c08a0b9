"""What the lines of an m= section say, as far as keying and its callers need it (RFC 8866 5)."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mikey.carriage.sdp._keymgmt import KeyMgmt
from mikey.carriage.sdp._text import Line, malformed

SECURE_PROFILES = frozenset({"RTP/SAVP", "RTP/SAVPF"})
"""Profiles that MIKEY keys (R4567-5.2-1). DTLS-SRTP names its own (UDP/TLS/RTP/SAVP)."""

MAX_MEDIA = 127
"""Most m= lines: each takes two of the 255 crypto session IDs (R4567-7.1-1)."""

_M_LINE = re.compile(
    r"([!-~]{1,64}) (\d{1,5})(?:/(\d{1,5}))? ([!-~]{1,64}) ([!-~]+(?: [!-~]+)*)", re.ASCII
)
_C_LINE = re.compile(r"([!-~]+) ([!-~]+) ([!-~]+)", re.ASCII)
_RTPMAP = re.compile(r"(\d{1,3}) ([^\s/]+)/(\d{1,9})(?:/(\d{1,3}))?", re.ASCII)


class Direction(enum.Enum):
    """Which way media flows, seen by the author of the description (RFC 8866 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"


_DIRECTIONS = {direction.value: direction for direction in Direction}


@dataclass(frozen=True, slots=True)
class RtpMap:
    """An a=rtpmap: RTP payload type, encoding name, clock rate in Hz, channels."""

    payload_type: int
    encoding: str
    clock_rate: int
    channels: int = 1


@dataclass(frozen=True, slots=True)
class Media:
    """One m= line with what governs it.

    `index` counts m= lines from 0. `address` is that of its own c= line, else of the session's,
    None if neither exists. `attributes` are its a= lines as (name, value), value "" for a flag.
    """

    index: int
    media: str
    port: int
    port_count: int
    proto: str
    formats: tuple[str, ...]
    address: str | None
    direction: Direction
    rtpmaps: tuple[RtpMap, ...]
    attributes: tuple[tuple[str, str], ...]
    key_mgmt: tuple[KeyMgmt, ...]

    @property
    def secure(self) -> bool:
        """Whether its profile is SRTP keyed by a key-mgmt attribute."""
        return self.proto in SECURE_PROFILES

    @property
    def rejected(self) -> bool:
        """Whether its port is 0: in offer/answer the stream is refused or ended."""
        return self.port == 0

    @property
    def name(self) -> str:
        """How messages to people call it: "media 1" is the first m= line."""
        return place(self.index)


def place(media: int | None) -> str:
    """Return the name of a level, as in `Context.place`: "session" or "media 1"."""
    return "session" if media is None else f"media {media + 1}"


@dataclass(frozen=True, slots=True)
class Section:
    """The session part (`number` of its first line is 0) or an m= line with all that follows."""

    number: int
    lines: Sequence[Line]
    key_mgmt: tuple[KeyMgmt, ...]

    @property
    def attributes(self) -> tuple[tuple[str, str], ...]:
        """All a= lines as (name, value)."""
        pairs = (line.value.partition(":") for line in self.lines if line.kind == "a")
        return tuple((name, value) for name, _, value in pairs)


def parse(index: int, section: Section, session: Section) -> Media:
    """Read the section of one m= line. Raises CarriageError (400).

    rtpmap lines that cannot be read are left out: keying does not depend on them.
    """
    match = _M_LINE.fullmatch(section.lines[0].value)
    if match is None or int(match[2]) > 0xFFFF:
        raise malformed("m= line is not 'MEDIA PORT PROTO FORMAT...'", section.number)
    own = _address(section)
    return Media(
        index=index,
        media=match[1],
        port=int(match[2]),
        port_count=int(match[3] or 1),
        proto=match[4],
        formats=tuple(match[5].split(" ")),
        address=own if own is not None else _address(session),
        direction=_direction(section.attributes)
        or _direction(session.attributes)
        or Direction.SENDRECV,
        rtpmaps=tuple(_rtpmaps(section.attributes)),
        attributes=section.attributes,
        key_mgmt=section.key_mgmt,
    )


def _address(section: Section) -> str | None:
    for offset, line in enumerate(section.lines):
        if line.kind == "c":
            match = _C_LINE.fullmatch(line.value)
            if match is None:
                raise malformed("c= line is not 'IN TYPE ADDRESS'", section.number + offset)
            return match[3].partition("/")[0]  # a multicast address may carry /TTL/COUNT
    return None


def _direction(attributes: Iterable[tuple[str, str]]) -> Direction | None:
    for name, value in attributes:
        if name in _DIRECTIONS and not value:
            return _DIRECTIONS[name]
    return None


def _rtpmaps(attributes: Iterable[tuple[str, str]]) -> Iterable[RtpMap]:
    for name, value in attributes:
        if name == "rtpmap" and (match := _RTPMAP.fullmatch(value.strip())):
            yield RtpMap(int(match[1]), match[2], int(match[3]), int(match[4] or 1))
