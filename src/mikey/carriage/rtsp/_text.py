"""The text of RTSP headers: tokens, quoted strings, lists (RFC 2326 15.1, RFC 7826 20.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mikey.errors import CarriageError

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_BLANKS = " \t\r\n"
_SHOWN = 60


def malformed(reason: str, *, status: int = 400) -> CarriageError:
    """Return the error for text that is no RTSP."""
    return CarriageError(f"RTSP: {reason}", status=status)


def shown(text: str) -> str:
    """Return the start of a text from outside as an error may show it: printable, short."""
    cut = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return ascii(cut)


def split(text: str, separator: str) -> Iterator[str]:
    """Yield the parts between separators that stand outside quotes, without blanks around.

    An empty part stays: what it means is the caller's to say.
    """
    start, quoted, escaped = 0, False, False
    for place, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == separator and not quoted:
            yield text[start:place].strip(_BLANKS)
            start = place + 1
    yield text[start:].strip(_BLANKS)


def parameter(text: str) -> tuple[str, str | None]:
    """Return name and value of `name=value` or `name`; quotes around the value are taken off."""
    name, equals, value = text.partition("=")
    name = name.strip(_BLANKS)
    if not equals:
        return name, None
    return name, unquoted(value.strip(_BLANKS))


def unquoted(value: str) -> str:
    """Return a value without its quotes, if it has both."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
    return value


def quoted(value: str) -> str:
    """Return a value in quotes."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
