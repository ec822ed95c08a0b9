"""Error payload, ERR (RFC 3830 section 6.12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import ErrorNumber, PayloadType
from mikey.values import quick_init
from mikey.wire._tables import Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_ERROR_NUMBERS = Members(ErrorNumber)


@quick_init
@dataclass(frozen=True, slots=True)
class Err:
    """One Error no; `reserved` (16 bits) is 0 when sent and of no meaning when received."""

    TYPE: ClassVar[PayloadType] = PayloadType.ERR

    number: ErrorNumber
    reserved: int = 0

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read Error no and Reserved."""
        return cls(_ERROR_NUMBERS[reader.u8()], reader.u16())

    def encode(self, writer: Writer) -> None:
        """Append Error no and Reserved."""
        writer.u8(self.number)
        writer.u16(self.reserved)
