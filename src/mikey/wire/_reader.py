"""A bounds-checked cursor over received octets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mikey.errors import DecodeError, TimestampError, UnsupportedError
from mikey.registry import ErrorNumber
from mikey.wire._tables import spoken

if TYPE_CHECKING:
    from struct import Struct

    from mikey.registry import PayloadType


class Reader:
    """Reads integers and octet strings in order, and never past the end.

    `position` counts from the start of `octets`. What is wrong leaves as a `PeerError` whose
    offset is that position plus `origin`, the place of `octets` in the message, and whose
    payload is `payload`. `number` is the error to report for malformed octets: 12, in RSA-R
    and SAKKE messages 13 (R3830-6.1-3, R3830-6.1-4).
    """

    __slots__ = ("_end", "number", "octets", "origin", "payload", "position")

    def __init__(self, octets: bytes, payload: PayloadType | str, *, origin: int = 0) -> None:
        self.octets = octets
        self.payload = payload
        self.origin = origin
        self.position = 0
        self.number = ErrorNumber.UNSPECIFIED
        self._end = len(octets)

    @property
    def remaining(self) -> int:
        """Return how many octets are left."""
        return self._end - self.position

    def u8(self) -> int:
        """Read one octet as an integer."""
        position = self.position
        if position >= self._end:
            raise self._short(1)
        self.position = position + 1
        return self.octets[position]

    def u16(self) -> int:
        """Read two octets as an integer."""
        high, low = self.take(2)
        return high << 8 | low

    def take(self, length: int) -> bytes:
        """Read `length` octets."""
        position = self.position
        end = position + length
        if end > self._end:
            raise self._short(length)
        self.position = end
        return self.octets[position:end]

    def unpack(self, layout: Struct) -> tuple[Any, ...]:
        """Read the fields of `layout`."""
        position = self.position
        end = position + layout.size
        if end > self._end:
            raise self._short(layout.size)
        self.position = end
        return layout.unpack_from(self.octets, position)

    def take8(self) -> bytes:
        """Read a length of one octet and as many octets."""
        octets = self.octets
        start = self.position + 1
        if start > self._end:
            raise self._short(1)
        end = start + octets[start - 1]
        if end > self._end:
            self.position = start
            raise self._short(end - start)
        self.position = end
        return octets[start:end]

    def take16(self) -> bytes:
        """Read a length of two octets and as many octets."""
        octets = self.octets
        start = self.position + 2
        if start > self._end:
            raise self._short(2)
        end = start + (octets[start - 2] << 8 | octets[start - 1])
        if end > self._end:
            self.position = start
            raise self._short(end - start)
        self.position = end
        return octets[start:end]

    def typed16(self) -> tuple[int, bytes]:
        """Read a type of one octet, a length of two octets and as many octets."""
        octets = self.octets
        start = self.position + 3
        if start > self._end:
            raise self._short(3)
        end = start + (octets[start - 2] << 8 | octets[start - 1])
        if end > self._end:
            self.position = start
            raise self._short(end - start)
        self.position = end
        return octets[start - 3], octets[start:end]

    def tlvs(self, length: int) -> list[tuple[int, bytes]]:
        """Read `length` octets that elements Type(1) || Length(1) || Value fill exactly."""
        octets = self.octets
        position = self.position
        end = position + length
        if end > self._end:
            raise self._short(length)
        elements: list[tuple[int, bytes]] = []
        while position < end:
            start = position + 2
            stop = start + octets[position + 1] if start <= end else end + 1
            if stop > end:
                self.position = position
                raise self.malformed("an element of type, length, value crosses the end")
            elements.append((octets[position], octets[start:stop]))
            position = stop
        self.position = end
        return elements

    def finish(self) -> None:
        """Check that every octet was read."""
        if self.position != self._end:
            raise self.malformed(f"{self.remaining} octets are left behind the end")

    def malformed(self, reason: str, *, back: int = 0) -> DecodeError:
        """Return the error for malformed octets that begin `back` octets before the cursor."""
        return DecodeError(reason, **self._where(back), number=self.number)

    def unsupported(
        self, reason: str, number: ErrorNumber | None = None, *, back: int = 1
    ) -> UnsupportedError:
        """Return the error for a value, read `back` octets ago, whose length nobody knows."""
        return UnsupportedError(
            reason, **self._where(back), number=self.number if number is None else number
        )

    def bad_timestamp(self, reason: str, *, back: int = 1) -> TimestampError:
        """Return the error for a TS type, read `back` octets ago, whose length nobody knows."""
        return TimestampError(reason, **self._where(back))

    def _short(self, wanted: int) -> DecodeError:
        return self.malformed(f"{wanted} octets are due and {self.remaining} are left")

    def _where(self, back: int) -> dict[str, Any]:
        return {"offset": self.origin + self.position - back, "payload": spoken(self.payload)}
