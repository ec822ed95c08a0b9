"""From a URI and a time to the identifier of SAKKE and ECCSI (RFC 6509 3.2; TS 33.180 F.2.1).

An identifier holds the key period that it is good for. Both sides make it from the T of the
message, never from their own clocks (R6509-3.2-3). Times are nanoseconds since 1970.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from mikey.errors import LocalError, PolicyError
from mikey.policy import SECOND
from mikey.policy.clock import NTP_1970
from mikey.registry import ErrorNumber, SakkeIdScheme

MOST_OCTETS = 127
"""The longest identifier: as a number it is below q, which has 1022 bits (R6509-3.2-4)."""

RAW = SakkeIdScheme(240)
"""The private number of `RawIdentifier`."""

_FIRST_YEAR, _LAST_YEAR = 1968, 2104  # what a T can say (R6043-6.3-2)
_TEL = re.compile(r"tel:(\+[0-9]+)", re.ASCII)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_DIGITS = 15  # E.164
_TWO_DAYS = 2 * 86_400 * SECOND
_UID_LABEL = b"MIKEY-SAKKE-UID"


class IdScheme(Protocol):
    """A way to make identifiers, with its key periods, which are numbered.

    `identifier` is a function of the period alone: any time in it gives the same one.
    """

    @property
    def number(self) -> SakkeIdScheme:
        """ID scheme of the SAKKE payload."""

    def period(self, at: int) -> int:
        """Return the number of the key period that a time lies in."""

    def start(self, period: int) -> int:
        """Return the first nanosecond of a key period."""

    def label(self, period: int) -> str:
        """Return the period as people read it."""

    def normal(self, uri: str) -> str:
        """Return the one form of a URI that identifies (R6509-3.2-2).

        Raises PolicyError (7) for a URI that the scheme cannot make unambiguous.
        """

    def identifier(self, uri: str, kms: str, at: int) -> bytes:
        """Return the identifier of `uri` at the KMS `kms`, 2 to 127 octets; errors of `normal`."""

    def acceptable(self, at: int, now: int) -> bool:
        """Tell whether a message from `at` may arrive at `now`, by its key period alone."""


@dataclass(frozen=True, slots=True)
class TelMonthly:
    """Telephone numbers by month, RFC 6509's own scheme: "2011-02" NUL "tel:+447700900123" NUL.

    A URI is normalised after RFC 3986 6 (lower-case scheme, escapes of digits) and must then be
    a global number of at most 15 digits without separators or parameters (R6509-3.2-2).
    Periods are months of UTC, counted from the year 0.
    """

    @property
    def number(self) -> SakkeIdScheme:
        """TEL_URI_MONTHLY."""
        return SakkeIdScheme.TEL_URI_MONTHLY

    def period(self, at: int) -> int:
        """Return twelve times the year, and the month from 0."""
        moment = _moment(at)
        return 12 * moment.year + moment.month - 1

    def start(self, period: int) -> int:
        """Return the first nanosecond of the month; LocalError beyond the year 9999."""
        return _first_of(period // 12, period % 12 + 1)

    def label(self, period: int) -> str:
        """Return the month as "2011-02"."""
        return f"{period // 12:04d}-{period % 12 + 1:02d}"

    def normal(self, uri: str) -> str:
        """Return the number as a tel URI without anything else."""
        return normal_tel(uri)

    def identifier(self, uri: str, kms: str, at: int) -> bytes:  # noqa: ARG002 - not part of it
        """Return month and number, each with its NUL (R6509-3.2-1)."""
        return f"{self.label(self.period(at))}\0{normal_tel(uri)}\0".encode("ascii")

    def acceptable(self, at: int, now: int) -> bool:
        """Tell whether the month of `at` is taken at `now` (R6509-3.3-2).

        That is the month itself, the next one on the last two days before it, and the last one
        on the first two days after it.
        """
        return _near(self, at, now, _TWO_DAYS)


@dataclass(frozen=True, slots=True)
class McxUid:
    """The hashed user identifiers of 3GPP mission-critical services (TS 33.180 F.2.1).

    SHA-256 over URI, KMS URI, `length` and `offset` of key periods in seconds and the number of
    the period, counted from 1900. `length` and `offset` are those of the KMS certificate
    (UserKeyPeriod, UserKeyOffset). Messages of the period before and after are taken within
    `grace` seconds of the change. Raises LocalError for an offset that is not below the length.
    """

    length: int = 2_592_000
    offset: int = 0
    grace: int = 2 * 86_400

    def __post_init__(self) -> None:
        if not 0 <= self.offset < self.length or not 0 <= self.grace < self.length:
            raise LocalError("offset and grace of a key period are below its length")

    @property
    def number(self) -> SakkeIdScheme:
        """MCX_HASHED_UID."""
        return SakkeIdScheme.MCX_HASHED_UID

    def period(self, at: int) -> int:
        """Return floor((T - offset) / length), T in seconds since 1900."""
        return (at // SECOND + NTP_1970 - self.offset) // self.length

    def start(self, period: int) -> int:
        """Return the first nanosecond of the period."""
        return (period * self.length + self.offset - NTP_1970) * SECOND

    def label(self, period: int) -> str:
        """Return the number."""
        return str(period)

    def normal(self, uri: str) -> str:
        """Return the URI as it is: the specification normalises nothing."""
        return uri

    def identifier(self, uri: str, kms: str, at: int) -> bytes:
        """Return the UID, 32 octets."""
        period = self.period(at)
        if period < 0:
            raise PolicyError("the time lies before the first key period", payload="T")
        return mcx_uid(uri, kms, self.length, self.offset, period)

    def acceptable(self, at: int, now: int) -> bool:
        """Tell whether the period of `at` is that of `now`, or less than `grace` away."""
        return _near(self, at, now, self.grace * SECOND)


@dataclass(frozen=True, slots=True)
class RawIdentifier:
    """The octets of the URI themselves: for tests and closed communities (R6509-3.2-5 is broken).

    No key period, so keys cannot expire: one period for all times. Give it master secrets of its
    own: users choose these octets, and could choose an identifier that another scheme makes.
    """

    @property
    def number(self) -> SakkeIdScheme:
        """240, the first private one."""
        return RAW

    def period(self, at: int) -> int:  # noqa: ARG002 - there is one period
        """Return 0."""
        return 0

    def start(self, period: int) -> int:
        """Return the first time that a T can say; for all but period 0 the time behind the last."""
        return _first_of(_FIRST_YEAR if period == 0 else _LAST_YEAR + 1, 1)

    def label(self, period: int) -> str:  # noqa: ARG002
        """Return "any"."""
        return "any"

    def normal(self, uri: str) -> str:
        """Return the URI as it is."""
        return uri

    def identifier(self, uri: str, kms: str, at: int) -> bytes:  # noqa: ARG002 - not part of it
        """Return the URI in UTF-8; PolicyError (7) beyond 127 octets, or for unprintable text.

        That is what no message names, and what the NULs of a telephone number's identifier are.
        """
        octets = uri.encode()
        if not 1 <= len(octets) <= MOST_OCTETS or not uri.isprintable():
            raise _unfit(f"an identifier is printable, in 1 to {MOST_OCTETS} octets")
        return octets

    def acceptable(self, at: int, now: int) -> bool:  # noqa: ARG002
        """Return True."""
        return True


def normal_tel(uri: str) -> str:
    """Return a tel URI in the one form that identifiers have (R6509-3.2-2).

    Scheme in lower case and escaped digits as digits (RFC 3986 6.2.2), nothing more: a URI with
    visual separators, parameters or a local number is another URI. Raises PolicyError (7).
    """
    scheme, colon, rest = uri.partition(":")
    plain = _ESCAPE.sub(_unescaped, rest)
    match = _TEL.fullmatch(f"{scheme.lower()}{colon}{plain}")
    if match is None or len(match[1]) > 1 + _DIGITS:
        raise _unfit("an identity of this scheme is a tel URI: '+', digits, and nothing else")
    return f"tel:{match[1]}"


def mcx_uid(uri: str, kms: str, length: int, offset: int, number: int) -> bytes:
    """Return the UID of TS 33.180 F.2.1: SHA-256 over FC, and each P with its length behind it.

    Raises PolicyError (7) for a URI or KMS of more than 65535 octets, or none.
    """
    fields = (_UID_LABEL, uri.encode(), kms.encode(), *map(_fewest, (length, offset, number)))
    if not all(0 < len(field) <= 0xFFFF for field in fields):
        raise _unfit("a UID is made of a URI and the URI of its KMS")
    return hashlib.sha256(
        b"\0" + b"".join(field + len(field).to_bytes(2) for field in fields)
    ).digest()


def _fewest(value: int) -> bytes:
    """Return a number in the fewest octets, 0 in one (TS 33.220 B)."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8))


def _unescaped(match: re.Match[str]) -> str:
    """Return what an escape stands for if it is unreserved, else the escape in upper case."""
    char = chr(int(match[1], 16))
    return char if char.isascii() and (char.isalnum() or char in "-._~") else match[0].upper()


def _near(scheme: IdScheme, at: int, now: int, grace: int) -> bool:
    """Tell whether `at` lies in the period of `now`, or in one that is within `grace` of it."""
    return scheme.period(at) in {scheme.period(now + shift) for shift in (-grace, 0, grace)}


def _first_of(year: int, month: int) -> int:
    try:
        return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * SECOND
    except ValueError:
        raise LocalError(f"there is no month {month} of {year}") from None


def _moment(at: int) -> datetime:
    try:
        return datetime.fromtimestamp(at // SECOND, tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise LocalError(f"{at} ns is no time that a key period could have") from None


def _unfit(reason: str) -> PolicyError:
    return PolicyError(reason, number=ErrorNumber.INVALID_ID, payload="ID")
