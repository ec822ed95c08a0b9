"""Octets of a connection to requests, responses and interleaved packets, within bounds.

RFC 2326 4, 6, 7, 10.12; RFC 7826 5, 14. Folded lines are joined (RFC 2326 4.2), blank lines
before a message are skipped, lines may end with a bare LF.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from mikey.carriage.rtsp._headers import Headers
from mikey.carriage.rtsp._messages import MARK, VERSIONS, Interleaved, Request, Response
from mikey.carriage.rtsp._text import TOKEN, malformed, shown
from mikey.errors import CarriageError

Item: TypeAlias = Request | Response | Interleaved

MAX_LINE = 16384
MAX_HEAD = 32768
MAX_FIELDS = 100
MAX_BODY = 65536

_REQUEST = re.compile(
    r"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([!-~]+) (RTSP/\d{1,3}\.\d{1,3})",
    re.ASCII,
)
_RESPONSE = re.compile(r"(RTSP/\d{1,3}\.\d{1,3}) ([1-5]\d\d)(?: (.*))?", re.DOTALL | re.ASCII)
_LENGTH = re.compile(r"\d{1,9}", re.ASCII)
_PACKET_HEAD = 4


@dataclass(slots=True)
class _Head:
    """The lines of a message whose end has not come yet."""

    lines: list[str]
    octets: int = 0


class Framer:
    """Cuts what a connection brings into messages and packets.

    `max_line`, `max_head`, `max_fields`, `max_body` bound one line, all lines of a head and their
    number, and a body; a message that exceeds them is refused before it is stored. After an
    error the connection is of no use: there is no telling where the next message begins.
    """

    def __init__(
        self,
        *,
        max_line: int = MAX_LINE,
        max_head: int = MAX_HEAD,
        max_fields: int = MAX_FIELDS,
        max_body: int = MAX_BODY,
    ) -> None:
        self._max_line = max_line
        self._max_head = max_head
        self._max_fields = max_fields
        self._max_body = max_body
        self._buffer = bytearray()
        self._head: _Head | None = None
        self._waiting: Request | Response | None = None
        self._length = 0
        self._scanned = 0
        self._fault: CarriageError | None = None

    @property
    def fault(self) -> CarriageError | None:
        """The error that ended the framing, which a `feed` with results did not raise yet."""
        return self._fault

    @property
    def pending(self) -> bool:
        """Whether a message or packet has begun and not ended."""
        return bool(self._buffer) or self._head is not None or self._waiting is not None

    def feed(self, octets: bytes) -> list[Item]:
        """Take octets; return what is complete now, in order.

        Raises CarriageError (400; 505 for another version of RTSP). What was complete before the
        damage is returned first: the error is then in `fault` and leaves by the next call.
        """
        if self._fault is not None:
            raise self._fault
        self._buffer += octets
        found: list[Item] = []
        try:
            self._read(found)
        except CarriageError as error:
            self._fault = error
            self._buffer.clear()
            if not found:
                raise
        return found

    def finish(self) -> None:
        """Check at the end of the connection that nothing was cut; raises CarriageError (400)."""
        if self._fault is not None:
            raise self._fault
        if self.pending:
            raise malformed("the connection ended inside a message")

    def _read(self, found: list[Item]) -> None:
        place = 0
        try:
            while True:
                item, place = self._next(place)
                if item is None:
                    return
                found.append(item)
        finally:
            # Once a call, so that a stream of small packets is not moved for each of them.
            del self._buffer[:place]
            self._scanned = max(0, self._scanned - place)

    def _next(self, place: int) -> tuple[Item | None, int]:
        """Return the next item and the place behind it; None where more octets are needed."""
        if self._waiting is not None:
            return self._body(place)
        buffer = self._buffer
        if self._head is None and place < len(buffer) and buffer[place] == MARK:
            return self._packet(place)
        while True:
            end = buffer.find(b"\n", max(place, self._scanned))
            if end < 0:
                self._scanned = len(buffer)
                self._check_line(len(buffer) - place)
                return None, place
            self._check_line(end - place)
            line = bytes(buffer[place:end])
            place = end + 1
            if self._line(line.removesuffix(b"\r")):
                return self._body(place)
            if self._head is None and place < len(buffer) and buffer[place] == MARK:
                return self._packet(place)

    def _packet(self, place: int) -> tuple[Item | None, int]:
        buffer = self._buffer
        start = place + _PACKET_HEAD
        if start > len(buffer):
            return None, place
        end = start + (buffer[place + 2] << 8 | buffer[place + 3])
        if end > len(buffer):
            return None, place
        return Interleaved(buffer[place + 1], bytes(buffer[start:end])), end

    def _check_line(self, length: int) -> None:
        if length > self._max_line:
            raise malformed(f"a line is longer than {self._max_line} octets")

    def _line(self, line: bytes) -> bool:
        """Take one line; tell whether it ended the head."""
        if b"\r" in line or b"\0" in line:
            raise malformed("carriage return or NUL inside a line")
        text = line.decode("utf-8", "surrogateescape")
        head = self._head
        if head is None:
            if text:  # blank lines before a message are skipped
                _check_start(text)
                self._head = _Head([text], len(line))
            return False
        if not text:
            self._begin(head)
            return True
        head.octets += len(line) + 2
        if head.octets > self._max_head:
            raise malformed(f"the header is longer than {self._max_head} octets")
        if text[0] in " \t":
            if len(head.lines) == 1:
                raise malformed("the first header line is a continuation")
            head.lines[-1] += " " + text.strip(" \t")
        elif len(head.lines) > self._max_fields:
            raise malformed(f"more than {self._max_fields} header fields")
        else:
            head.lines.append(text)
        return False

    def _begin(self, head: _Head) -> None:
        """Make the message of a complete head, and wait for its body."""
        first, *rest = head.lines
        headers = Headers(map(_field, rest))
        self._length = self._body_length(headers)
        self._head = None
        response = _RESPONSE.fullmatch(first)
        if response:
            version, status, reason = response.groups()
            self._waiting = Response(int(status), reason or "", headers=headers, version=version)
            return
        method, uri, version = _check_start(first)
        self._waiting = Request(method, uri, headers=headers, version=version)

    def _body_length(self, headers: Headers) -> int:
        value, *others = headers.all("Content-Length") or ("0",)
        if not _LENGTH.fullmatch(value) or any(other != value for other in others):
            raise malformed("Content-Length is no number of at most 9 digits")
        length = int(value)
        if length > self._max_body:
            raise malformed(f"a body of {length} octets is longer than {self._max_body}")
        return length

    def _body(self, place: int) -> tuple[Item | None, int]:
        message = self._waiting
        end = place + self._length
        if message is None or end > len(self._buffer):
            return None, place
        self._waiting = None
        self._scanned = end
        if not self._length:
            return message, end
        return message.with_body(bytes(self._buffer[place:end])), end


def _check_start(line: str) -> tuple[str, str, str]:
    """Read a first line as soon as it is there: garbage is refused before it fills memory."""
    match = _REQUEST.fullmatch(line)
    version = match[3] if match else ""
    if not match:
        response = _RESPONSE.fullmatch(line)
        if response is None:
            raise malformed(f"no RTSP message begins with {shown(line)}")
        version = response[1]
    if version not in VERSIONS:
        raise malformed(f"version {shown(version)} is not supported", status=505)
    return (match[1], match[2], version) if match else ("", "", version)


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name = name.rstrip(" \t")
    if not colon or not TOKEN.fullmatch(name):
        raise malformed(f"a header line is not 'Name: value' ({len(line)} characters)")
    return name, value.strip(" \t")
