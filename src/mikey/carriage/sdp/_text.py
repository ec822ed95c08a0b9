"""The text of a session description as lines that go back together unchanged (RFC 8866 5).

Only what decides how the lines are read is checked here, so that two readers of one text cannot
see different lines; what a line means stands in `_media` and `_keymgmt`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mikey.errors import CarriageError, LocalError

MAX_OCTETS = 65536
"""Longest text that is read, in octets of its UTF-8 form."""

DEFAULT_END = "\r\n"

_TYPED = re.compile(r"[A-Za-z]=")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its content and its end ("\\r\\n", "\\n", or "" for a last line without one)."""

    content: str
    end: str

    @property
    def kind(self) -> str:
        """The type letter, "" for a blank line."""
        return self.content[:1]

    @property
    def value(self) -> str:
        """What follows the equals sign."""
        return self.content[2:]

    def __str__(self) -> str:
        return self.content + self.end


def malformed(reason: str, line: int | None = None) -> CarriageError:
    """Return the error for text that is no session description; `line` counts from 0."""
    where = "" if line is None else f", line {line + 1}"
    return CarriageError(f"session description{where}: {reason}", status=400)


def decode(octets: bytes) -> str:
    """Return the text of a message body, `encode` gives the same octets back.

    Octets that are no UTF-8 (a=charset allows them in free text) become lone surrogates.
    """
    return octets.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Return the octets of a text that `decode` or the caller made.

    Raises CarriageError (400) for text that has no octets (other lone surrogates).
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise malformed("text with lone surrogates") from None


def split(text: str) -> tuple[Line, ...]:
    """Cut the text into lines; `"".join(map(str, lines))` is the text again.

    Lines end with CRLF or LF (RFC 8866 5 lets a parser take both). A CR elsewhere or a NUL is
    refused, because another reader might see a line end there. Blank lines may stand at the end.
    Raises CarriageError (400), LocalError for what is no text.
    """
    if not isinstance(text, str):
        raise LocalError("a description is text; decode(body) makes it of the octets of a body")
    if len(text) > MAX_OCTETS or len(encode(text)) > MAX_OCTETS:
        raise malformed(f"longer than {MAX_OCTETS} octets")
    lines: list[Line] = []
    for piece in text.split("\n"):
        content = piece.removesuffix("\r")
        if "\r" in content or "\0" in content:
            raise malformed("carriage return or NUL inside a line", len(lines))
        lines.append(Line(content, piece[len(content) :] + "\n"))
    last = lines.pop()
    # What follows the last line feed is a line only if it is not empty; a CR at the very end of
    # the text without its LF is no line end.
    if last.end != "\n":
        raise malformed("carriage return without line feed", len(lines))
    if last.content:
        lines.append(Line(last.content, ""))
    _check_shape(lines)
    return tuple(lines)


def _check_shape(lines: list[Line]) -> None:
    used = len(lines)
    while used and not lines[used - 1].content:
        used -= 1
    if not used or lines[0].content != "v=0":
        raise malformed("does not begin with v=0", 0)
    for number, line in enumerate(lines[:used]):
        if not _TYPED.match(line.content):
            raise malformed("no line of the form x=value", number)
