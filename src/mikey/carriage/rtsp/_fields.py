"""Session and Range header fields, and the URIs that answers are relative to.

RFC 2326 12.29, 12.37; RFC 7826 18.40, 18.49.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from mikey.carriage.rtsp._headers import Headers
from mikey.carriage.rtsp._text import malformed, parameter, split
from mikey.errors import LocalError

DEFAULT_TIMEOUT = 60
"""Seconds that a session lives without a request, where the server says nothing."""

_ID = re.compile(r"[!#-+\--:<-~]{1,255}")
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_NPT = re.compile(r"npt=(now|\d{1,9}(?:\.\d{0,9})?)?-(\d{1,9}(?:\.\d{0,9})?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Session:
    """A session ID, and after how many seconds without a request the server drops it."""

    id: str
    timeout: int = DEFAULT_TIMEOUT

    @classmethod
    def parse(cls, value: str) -> Self:
        """Read `ID;timeout=60`; raises CarriageError (400)."""
        ident, *rest = split(value, ";")
        if not _ID.fullmatch(ident):
            raise malformed("Session has no ID")
        timeout = DEFAULT_TIMEOUT
        for part in rest:
            name, seconds = parameter(part)
            if name.lower() == "timeout" and seconds and _SECONDS.fullmatch(seconds):
                timeout = int(seconds) or DEFAULT_TIMEOUT
        return cls(ident, timeout)

    def encode(self) -> str:
        """Return the value as a server sends it; a client sends `id` alone."""
        if not _ID.fullmatch(self.id):
            raise LocalError("a session ID is printable text without blanks, quotes and ; ,")
        return f"{self.id};timeout={self.timeout}"


@dataclass(frozen=True, slots=True)
class Range:
    """Normal play time in seconds: None at the start is "now", None at the end is open."""

    start: float | None = 0.0
    end: float | None = None

    @classmethod
    def parse(cls, value: str) -> Self:
        """Read `npt=0-`, `npt=now-`, `npt=10-20.5`; raises CarriageError (400)."""
        match = _NPT.fullmatch(value.partition(";")[0].strip().lower())
        if match is None:
            raise malformed("Range is no normal play time")
        start, end = match.groups()
        first = None if start == "now" else float(start or 0)
        return cls(first, None if end is None else float(end))

    def encode(self) -> str:
        """Return the value."""
        end = "" if self.end is None else f"{self.end:.3f}"
        return f"npt={'now' if self.start is None else f'{self.start:.3f}'}-{end}"


def base_uri(headers: Headers, request_uri: str) -> str:
    """Return what the control URIs of a DESCRIBE answer are relative to (RFC 2326 C.1.1)."""
    return (headers.get("Content-Base") or headers.get("Content-Location") or request_uri).strip()
