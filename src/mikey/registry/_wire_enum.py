"""The base of every registry: an integer enumeration that keeps the values it does not know."""

from __future__ import annotations

import enum
from typing import Final, Self

_UNASSIGNED: Final = "UNASSIGNED_"


class WireEnum(enum.IntEnum):
    """A registry of small integers as they stand on the wire.

    A value that no RFC assigns is no error here: `DataType(99)` is a member as well, with
    `assigned` False, so that a message round-trips and the caller decides what to refuse.
    """

    @classmethod
    def maximum(cls) -> int:
        """Return the largest value that the field on the wire can hold."""
        return 0xFF

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or not 0 <= value <= cls.maximum():
            return None
        member = int.__new__(cls, value)
        member._name_ = f"{_UNASSIGNED}{value}"
        member._value_ = value
        cls._value2member_map_[value] = member
        return member

    @property
    def assigned(self) -> bool:
        """Whether an RFC (or 3GPP specification) read for this project assigns the value."""
        return not self._name_.startswith(_UNASSIGNED)

    @property
    def label(self) -> str:
        """The registry's name of the value, as people write it: `HMAC-SHA-1-160`."""
        if self.assigned:
            return self._name_.replace("_", "-")
        return f"unassigned {self._value_}"


class Nibble(WireEnum):
    """A registry whose field is four bits wide."""

    @classmethod
    def maximum(cls) -> int:
        """Return 15."""
        return 0xF
