"""ID payload with a role, IDR (RFC 6043 section 6.6, RFC 6509 section 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import IdRole, IdType, PayloadType
from mikey.values import quick_init
from mikey.wire._tables import Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_ROLES = Members(IdRole)
_ID_TYPES = Members(IdType)


@quick_init
@dataclass(frozen=True, slots=True)
class Idr:
    """An identity that says whose it is; its octets are those of an ID payload."""

    TYPE: ClassVar[PayloadType] = PayloadType.IDR

    role: IdRole
    id_type: IdType
    data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read ID Role, ID Type, ID len and ID Data."""
        role = _ROLES[reader.u8()]
        kind, data = reader.typed16()
        return cls(role, _ID_TYPES[kind], data)

    def encode(self, writer: Writer) -> None:
        """Append ID Role, ID Type, ID len and ID Data."""
        writer.u8(self.role)
        writer.u8(self.id_type)
        writer.put16(self.data)
