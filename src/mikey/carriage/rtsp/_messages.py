"""Requests, responses and interleaved packets (RFC 2326 6, 7, 10.12; RFC 7826 5, 7, 8, 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from struct import Struct
from typing import Self

from mikey.carriage.rtsp._headers import Headers
from mikey.carriage.rtsp._text import TOKEN, malformed
from mikey.errors import LocalError

MARK = 0x24
"""The octet "$" that an interleaved packet begins with."""

VERSIONS = ("RTSP/1.0", "RTSP/2.0")

_URI = re.compile(r"[!-~]+")
_REASON = re.compile(r"[^\r\n\0]*")
_DIGITS = re.compile(r"[0-9]{1,10}", re.ASCII)
_INTERLEAVED = Struct(">BBH")
_LENGTH = "Content-Length"

REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    451: "Parameter Not Understood",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    459: "Aggregate Operation Not Allowed",
    461: "Unsupported Transport",
    463: "Key management failure",
    466: "Key Management Error",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "RTSP Version Not Supported",
    551: "Option not supported",
}
"""Reason phrases of the statuses that this package sends; 463 is RFC 4567's (RTSP 1.0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """What requests and responses have in common."""

    headers: Headers = field(default_factory=Headers)
    body: bytes = field(default=b"", repr=False)
    version: str = VERSIONS[0]

    @property
    def cseq(self) -> int:
        """The CSeq; raises CarriageError (400) if it is missing or no number."""
        value = self.headers.get("CSeq")
        if value is None or not _DIGITS.fullmatch(value):
            raise malformed("no CSeq")
        return int(value)

    def with_header(self, name: str, value: str) -> Self:
        """Return the message with a field in place of all of its name."""
        return replace(self, headers=self.headers.with_field(name, value))

    def with_body(self, body: bytes) -> Self:
        """Return the message with another body."""
        return replace(self, body=body)

    def _encoded(self, first: str) -> bytes:
        _check_version(self.version)
        headers = self.headers.without(_LENGTH)
        if self.body:
            headers = headers.and_field(_LENGTH, str(len(self.body)))
        try:
            head = f"{first}\r\n{headers.encode()}\r\n".encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise LocalError("a header field holds text that has no octets") from None
        return head + self.body


@dataclass(frozen=True, slots=True, repr=False)
class Request(_Message):
    """A request; `version` is "RTSP/1.0" or "RTSP/2.0". Content-Length follows from the body."""

    method: str
    uri: str

    def __repr__(self) -> str:
        return f"<Request {self.method}, {self.headers!r}, {len(self.body)} octets>"

    def encode(self) -> bytes:
        """Return the octets; raises LocalError for what fits no request."""
        if not TOKEN.fullmatch(self.method) or not _URI.fullmatch(self.uri):
            raise LocalError("a request has a method and a URI without blanks")
        return self._encoded(f"{self.method} {self.uri} {self.version}")


@dataclass(frozen=True, slots=True)
class Response(_Message):
    """A response; an empty `reason` is filled in for the statuses that we send."""

    status: int
    reason: str = ""

    def encode(self) -> bytes:
        """Return the octets; raises LocalError for what fits no response."""
        if not 100 <= self.status <= 599 or not _REASON.fullmatch(self.reason):
            raise LocalError("a response has a status of three digits and a reason of one line")
        reason = self.reason or REASONS.get(self.status, "Status")
        return self._encoded(f"{self.version} {self.status} {reason}")


@dataclass(frozen=True, slots=True)
class Interleaved:
    """A packet between the messages: its channel (0 to 255) and up to 65535 octets."""

    channel: int
    data: bytes = field(repr=False)

    def encode(self) -> bytes:
        """Return "$", channel, length, data; raises LocalError for what does not fit."""
        if not 0 <= self.channel <= 0xFF or len(self.data) > 0xFFFF:
            raise LocalError("an interleaved packet has a channel of 8 bits and 65535 octets")
        return _INTERLEAVED.pack(MARK, self.channel, len(self.data)) + self.data


def _check_version(version: str) -> None:
    if version not in VERSIONS:
        raise LocalError(f"RTSP version {version!r} is not built")
