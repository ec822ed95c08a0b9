"""Envelope data payload, PKE (RFC 3830 section 6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from mikey.registry import CacheType, PayloadType
from mikey.values import quick_init
from mikey.wire._tables import Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_CACHE_TYPES = Members(CacheType)
_MAX_DATA: Final = 0x3FFF


@quick_init
@dataclass(frozen=True, slots=True)
class Pke:
    """The encrypted envelope key (up to 16383 octets) and whether it may be kept."""

    TYPE: ClassVar[PayloadType] = PayloadType.PKE

    c: CacheType
    data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read C, Data len and Data; raises DecodeError for the unassigned C (R3830-6.3-2)."""
        c_and_length = reader.u16()
        c = _CACHE_TYPES[c_and_length >> 14]
        if not c.assigned:
            raise reader.malformed(f"C {c} is not assigned", back=2)
        return cls(c, reader.take(c_and_length & _MAX_DATA))

    def encode(self, writer: Writer) -> None:
        """Append C, Data len and Data; raises LocalError if one does not fit its field."""
        if not self.c.assigned:
            raise writer.misuse(f"C {self.c} is not assigned")
        if len(self.data) > _MAX_DATA:
            raise writer.misuse(f"{len(self.data)} octets do not fit a length of 14 bits")
        writer.u16(self.c << 14 | len(self.data))
        writer.put(self.data)
