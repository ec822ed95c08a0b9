"""OMA BCAST extension (RFC 5410 section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from mikey.registry import BcastSubtype, ExtensionType
from mikey.values import quick_init
from mikey.wire._reader import Reader
from mikey.wire._tables import Members
from mikey.wire._writer import Writer

_SUBTYPES = Members(BcastSubtype)
_NAME: Final = "OMA BCAST extension"


@quick_init
@dataclass(frozen=True, slots=True)
class Bcast:
    """Data of a General Extension of type 5: one subtype and its octets (R5410-3-2)."""

    EXT_TYPE: ClassVar[ExtensionType] = ExtensionType.OMA_BCAST

    subtype: BcastSubtype
    data: bytes

    @classmethod
    def parse(cls, octets: bytes, *, origin: int = 0) -> Self:
        """Read the extension's data; raises DecodeError if there is none."""
        reader = Reader(octets, _NAME, origin=origin)
        return cls(_SUBTYPES[reader.u8()], reader.take(reader.remaining))

    def encode(self) -> bytes:
        """Return the extension's data."""
        writer = Writer(_NAME)
        writer.u8(self.subtype)
        writer.put(self.data)
        return bytes(writer.octets)
