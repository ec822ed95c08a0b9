"""What can become of a call that does not come about (RFC 3261 8.1.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mikey.errors import CarriageError
from mikey.text import plain

__all__ = [
    "CallError",
    "CallRefusedError",
    "SipWarning",
    "format_warnings",
    "parse_warnings",
]

SipWarning = tuple[int, str]
"""Code and text of one warning value (RFC 3261 20.43), for example (399, "no shared policy")."""

_WARNING = re.compile(r'(\d{3})\s+[^\s",]+\s+"((?:[^"\\]|\\.)*)"')


def parse_warnings(values: Sequence[str]) -> tuple[SipWarning, ...]:
    """The warning values of all Warning headers; what does not follow the grammar is left out."""
    return tuple(
        (int(code), plain(re.sub(r"\\(.)", r"\1", text)))
        for value in values
        for code, text in _WARNING.findall(value)
    )


def format_warnings(warnings: Sequence[SipWarning]) -> str:
    """One Warning header value."""
    return ", ".join(
        '{:03d} mikey "{}"'.format(code, plain(text).replace("\\", "\\\\").replace('"', '\\"'))
        for code, text in warnings
    )


class CallError(CarriageError):
    """No call came about, or a request within one failed, without a refusal by the peer.

    `status` is what RFC 3261 8.1.3.1 puts in the place of a response: 408 without an answer in
    time, 503 where the peer cannot be reached, 400 for a response that is malformed, 487 for a
    call that was cancelled.
    """


class CallRefusedError(CallError):
    """The peer answered with a final response other than 2xx.

    `phrase` is its reason phrase, `warnings` its (code, text) pairs, `body` and `content_type`
    what it carried: a 488 may hold a MIKEY Error message (R4567-4.1.2-6).
    """

    def __init__(
        self,
        status: int,
        phrase: str,
        *,
        warnings: tuple[SipWarning, ...] = (),
        body: bytes = b"",
        content_type: str = "",
    ) -> None:
        reason = f"the peer refused: {status} {plain(phrase)}".rstrip()
        if warnings:
            reason += " (" + "; ".join(f"{code}: {text}" for code, text in warnings) + ")"
        super().__init__(reason, status=status, warnings=warnings)
        self.phrase = phrase
        self.body = body
        self.content_type = content_type
