"""Why there is no session with an RTSP peer, each in one line."""

from __future__ import annotations

from mikey.carriage.rtsp import without_userinfo
from mikey.errors import CarriageError
from mikey.text import plain

__all__ = [
    "ClosedError",
    "NoAnswerError",
    "RedirectedError",
    "RefusedError",
    "RtspError",
    "UntrustedError",
]

_LONGEST = 120


def _shown(text: str) -> str:
    """`text` from a peer as an error shows it: printable and short."""
    return plain(text if len(text) <= _LONGEST else text[:_LONGEST] + "...")


class RtspError(CarriageError):
    """The peer or the way to it is at fault; `status` is the RTSP status that says so best."""

    def __init__(self, reason: str, *, status: int = 400) -> None:
        super().__init__(reason, status=status)


class ClosedError(RtspError):
    """There is no connection, or it was closed before the answer came."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, status=503)


class NoAnswerError(RtspError):
    """The peer said nothing for as long as we wait."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, status=408)


class UntrustedError(RtspError):
    """The server's certificate is not trusted.

    `why` says it without what can be done about it. `fingerprint` is the SHA-256 of the
    certificate in hexadecimal digits, where it could be had: what to give as `Tls.pin` once it was
    compared with the server's own.
    """

    def __init__(self, why: str, ways: str, fingerprint: str = "") -> None:
        super().__init__(f"{why}; {ways}", status=403)
        self.why = why
        self.fingerprint = fingerprint


class RefusedError(RtspError):
    """The server answered with a status other than 2xx; `method` is that of the request."""

    def __init__(self, method: str, status: int, phrase: str) -> None:
        super().__init__(
            f"the server refused {method}: {status} {_shown(phrase)}".rstrip(), status=status
        )
        self.method = method
        self.phrase = phrase


class RedirectedError(RtspError):
    """The server sends us to another URL: `location`, "" where it names none.

    Nobody follows it: who gets our password and keys is the caller's choice, not that of whoever
    answers (RFC 2326 10.10, 11.3; RFC 7826 13.10, 17.3).
    """

    def __init__(self, said: str, status: int, location: str) -> None:
        shown = _shown(without_userinfo(location.strip()))
        where = f"it sends us to {shown}" if shown else "it names no other URL"
        super().__init__(
            f"the server answers no more ({said}): {where}, which is not followed", status=status
        )
        self.location = shown
