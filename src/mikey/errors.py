"""The error tree: every exception that leaves this package on purpose.

MikeyError
+-- LocalError            files, options, misuse of the API
+-- LibraryError          a defect of this library
+-- PeerError             what came from outside
    +-- DecodeError           octets that are no MIKEY message
    +-- AuthenticationError   wrong MAC or signature, unknown key (one text, one kind)
    +-- ReplayError           a message seen before
    +-- TimestampError        a timestamp outside the window
    +-- UnsupportedError      an algorithm, data type or payload that is not implemented
    +-- PolicyError           well formed and authentic, and not allowed here
    +-- ReportedError          the peer sent a MIKEY Error message
    +-- CarriageError         SDP, SIP or RTSP text; `status` in place of a number
"""

from __future__ import annotations

from mikey.registry import ErrorNumber

__all__ = [
    "AuthenticationError",
    "CarriageError",
    "DecodeError",
    "LibraryError",
    "LocalError",
    "MikeyError",
    "PeerError",
    "PolicyError",
    "ReplayError",
    "ReportedError",
    "TimestampError",
    "UnsupportedError",
]


class MikeyError(Exception):
    """Base of all errors of this package."""


class LocalError(MikeyError):
    """The caller's side is wrong: a file, an option, a misuse of the API."""


class LibraryError(MikeyError):
    """A defect of this library: please report it."""


class PeerError(MikeyError):
    """Something that came from outside is wrong.

    `number` is the Error no to report (RFC 3830 5.1.2; see R3830-5.1.2-11), None where nothing
    may be said. `offset` counts octets from the start of the message, `payload` names the RFC's
    payload, where they are known.
    """

    number: ErrorNumber | None
    origin: object | None = None
    """The message that was refused, for `Responder.refuse`; not for callers."""

    def __init__(
        self,
        reason: str,
        *,
        number: ErrorNumber | None = ErrorNumber.UNSPECIFIED,
        offset: int | None = None,
        payload: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.number = number
        self.offset = offset
        self.payload = payload

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle what the error says, for a worker process that raised it; not its `origin`."""
        state = {name: value for name, value in self.__dict__.items() if name != "origin"}
        return _unpickled, (type(self), self.args), state

    def __str__(self) -> str:
        if self.offset is None:
            return self.reason
        payload = f"{self.payload} " if self.payload else ""
        return f"{self.reason} ({payload}at octet {self.offset})"


def _unpickled(kind: type[PeerError], args: tuple[object, ...]) -> PeerError:
    """Make the error without `__init__`, whose arguments differ from kind to kind."""
    return kind.__new__(kind, *args)


class DecodeError(PeerError):
    """The octets are no well-formed MIKEY message (error 12 unless said otherwise)."""


class AuthenticationError(PeerError):
    """A MAC, signature or key does not fit. One text for all causes, so that none can be told."""

    def __init__(self) -> None:
        super().__init__("authentication failed", number=ErrorNumber.AUTH_FAILURE)


class ReplayError(PeerError):
    """The message was seen before; it is dropped without an answer (R3830-5.3-3)."""

    def __init__(self, reason: str = "message was received before (replay)") -> None:
        super().__init__(reason, number=None)


class TimestampError(PeerError):
    """The timestamp lies outside the allowed window, or its type is unknown."""

    def __init__(
        self, reason: str, *, offset: int | None = None, payload: str | None = None
    ) -> None:
        super().__init__(reason, number=ErrorNumber.INVALID_TS, offset=offset, payload=payload)


class UnsupportedError(PeerError):
    """An algorithm, data type or value that is not implemented."""


class PolicyError(PeerError):
    """The message is authentic, and what it asks for is not allowed here."""


class ReportedError(PeerError):
    """The peer answered with a MIKEY Error message (RFC 3830 5.1.2).

    `numbers` are its error numbers, `authenticated` says whether its MAC or signature was
    checked: an unauthenticated error is only a hint (R3830-5.1.2-8). `offered` are the SP
    payloads it carried (`mikey.wire.Sp`), what the peer would accept.
    """

    def __init__(
        self,
        numbers: tuple[ErrorNumber, ...],
        *,
        authenticated: bool,
        offered: tuple[object, ...] = (),
    ) -> None:
        names = ", ".join(f"{int(n)} ({n.label})" for n in numbers)
        kind = "authenticated" if authenticated else "unauthenticated"
        super().__init__(f"peer reports error {names} ({kind})", number=None)
        self.numbers = numbers
        self.authenticated = authenticated
        self.offered = offered


class CarriageError(PeerError):
    """The SDP, SIP or RTSP text around a message is wrong; `status` is what to answer.

    `warnings` are the codes and texts of a SIP Warning header (RFC 3261 20.43).
    """

    def __init__(
        self, reason: str, *, status: int, warnings: tuple[tuple[int, str], ...] = ()
    ) -> None:
        super().__init__(reason, number=None)
        self.status = status
        self.warnings = warnings
