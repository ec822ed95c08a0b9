"""RAND payload: the exchange's random octets (RFC 3830 section 6.11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import PayloadType
from mikey.values import quick_init

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer


@quick_init
@dataclass(frozen=True, slots=True)
class Rand:
    """Up to 255 random octets; what is too short is for the method to refuse."""

    TYPE: ClassVar[PayloadType] = PayloadType.RAND

    value: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read RAND len and RAND."""
        return cls(reader.take8())

    def encode(self, writer: Writer) -> None:
        """Append RAND len and RAND."""
        writer.put8(self.value)
