"""Clocks and timestamps (RFC 3830 4.2.8, 5.2, 6.6; RFC 6043 6.3)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from mikey.errors import LocalError
from mikey.registry import TsType
from mikey.wire import T

SECOND = 1_000_000_000
"""Nanoseconds in a second: the unit of every `now` in this package."""

NTP_1970 = 2_208_988_800
"""Seconds from 1900, where NTP counts from, to 1970."""

_FILETIME_1970 = 116_444_736_000_000_000
_FILETIME_2140 = 170_000_000_000_000_000
_MASK = (1 << 64) - 1
_HALF = 1 << 63


def ntp_from_ns(now: int) -> int:
    """Return `now` (nanoseconds since 1970) as 64-bit NTP value, modulo its era of 136 years."""
    seconds, rest = divmod(now, SECOND)
    return (((seconds + NTP_1970) << 32) + (rest << 32) // SECOND) & _MASK


def value64(t: T) -> int:
    """Return the 64-bit value of T, as the IV of AES-CM takes it.

    COUNTER is extended on the left (R3830-6.6-4), NTP-UTC-32 on the right (R3830-6.6-5).
    """
    value = int.from_bytes(t.value)
    return value << 32 if t.ts_type is TsType.NTP_UTC_32 else value


def difference_ns(t: T, now: int) -> int:
    """Return T - now in nanoseconds, positive for a T in the future.

    The comparison is that of signed 64-bit differences, so that the era that begins in 2036
    is no special case (R3830-4.2.8-2). COUNTER has no relation to a clock: do not ask.
    """
    return _signed(value64(t) - ntp_from_ns(now)) * SECOND >> 32


def difference64(later: T, earlier: T) -> int:
    """Return later - earlier as signed 64-bit difference of the values (R3830-4.2.8-2)."""
    return _signed(value64(later) - value64(earlier))


def ns_from_t(t: T) -> int:
    """Return the time of T in nanoseconds since 1970, for people to read.

    A value with the top bit set lies in 1968 to 2036, one without in 2036 to 2104
    (R6043-6.3-2). COUNTER has no relation to a clock: do not ask.
    """
    value = value64(t)
    era = 0 if value >= _HALF else 1 << 64
    return ((value + era) * SECOND >> 32) - NTP_1970 * SECOND


def ns_from_filetime(t: T) -> int | None:
    """Return the time of a T that holds a Windows FILETIME, in nanoseconds since 1970.

    That counts 100 ns since 1601. Read as NTP such a value lies in the first days of 1900, or of
    2036, where no message of today belongs. None for a value outside 1970 to 2140.
    """
    value = value64(t)
    if t.ts_type is TsType.COUNTER or not _FILETIME_1970 <= value < _FILETIME_2140:
        return None
    return (value - _FILETIME_1970) * 100


def _signed(difference: int) -> int:
    """Return a difference as the signed 64-bit number that it is modulo 2^64."""
    return (difference + _HALF & _MASK) - _HALF


class Clock:
    """The time of day, and timestamps of which none is ever issued twice (R3830-5.2-4).

    `now` returns nanoseconds since 1970. A clock that stood still or went back gives the last
    value plus one unit, so one Clock may serve many Initiators and threads. `ts_type` is the
    type of its timestamps; with COUNTER, `last` is the last value used before (keep `last` of
    the clock when the program ends). LocalError for a type that we do not send, or a `last`
    that is no value of it.
    """

    def __init__(
        self,
        now: Callable[[], int] = time.time_ns,
        *,
        ts_type: TsType = TsType.NTP_UTC,
        last: int | None = None,
    ) -> None:
        if ts_type not in (TsType.NTP_UTC, TsType.NTP, TsType.COUNTER):
            raise LocalError(f"a clock makes no timestamps of type {ts_type.label}")
        self._width = 4 if ts_type is TsType.COUNTER else 8
        if last is not None and not 0 <= last < 1 << 8 * self._width:
            raise LocalError(f"{last} is no timestamp of type {ts_type.label}")
        self.now = now
        self.ts_type = ts_type
        self._last = last
        self._lock = threading.Lock()

    @property
    def last(self) -> int | None:
        """The last value issued, None before the first."""
        return self._last

    def timestamp(self) -> T:
        """Return a T payload with a value that this clock never gave out before.

        Raises LocalError where a COUNTER is used up.
        """
        with self._lock:
            if self.ts_type is TsType.COUNTER:
                value = 1 if self._last is None else self._last + 1
                if value >> 32:
                    raise LocalError("the counter of timestamps is used up")
            else:
                value = ntp_from_ns(self.now())
                if self._last is not None and _signed(value - self._last) <= 0:
                    value = (self._last + 1) & _MASK
            self._last = value
        return T(self.ts_type, value.to_bytes(self._width))
