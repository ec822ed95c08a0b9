"""General extension payload (RFC 3830 section 6.15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import ExtensionType, PayloadType
from mikey.values import quick_init
from mikey.wire._tables import Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_EXTENSION_TYPES = Members(ExtensionType)


@quick_init
@dataclass(frozen=True, slots=True)
class GeneralExtension:
    """Octets whose form the type decides; `mikey.wire` has SdpIds, KeyIds, CsbId and Bcast.

    The data of a TESLA I-Key (RFC 4442 4.4) is the key itself, of a Vendor ID any octets.
    """

    TYPE: ClassVar[PayloadType] = PayloadType.GENERAL_EXT

    ext_type: ExtensionType
    data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read Type, Length and Data; an unknown Type is kept (R3830-6.15-4)."""
        kind, data = reader.typed16()
        return cls(_EXTENSION_TYPES[kind], data)

    def encode(self, writer: Writer) -> None:
        """Append Type, Length and Data."""
        writer.typed16(self.ext_type, self.data)
