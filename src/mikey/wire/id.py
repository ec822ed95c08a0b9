"""ID payload (RFC 3830 section 6.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import IdType, PayloadType
from mikey.values import quick_init
from mikey.wire._tables import Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_ID_TYPES = Members(IdType)


@quick_init
@dataclass(frozen=True, slots=True)
class Id:
    """An identity: the bare octets of a NAI or URI, without prefix or terminator."""

    TYPE: ClassVar[PayloadType] = PayloadType.ID

    id_type: IdType
    data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read ID type, ID len and ID data."""
        kind, data = reader.typed16()
        return cls(_ID_TYPES[kind], data)

    def encode(self, writer: Writer) -> None:
        """Append ID type, ID len and ID data."""
        writer.typed16(self.id_type, self.data)
