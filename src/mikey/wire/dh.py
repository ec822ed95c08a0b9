"""DH data payload (RFC 3830 section 6.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import DhGroup, ErrorNumber, PayloadType
from mikey.values import quick_init
from mikey.wire._tables import DH_OCTETS, Members
from mikey.wire.validity import KV_NULL, Validity, parse_validity

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_DH_GROUPS = Members(DhGroup)


@quick_init
@dataclass(frozen=True, slots=True)
class Dh:
    """A public value, padded to the length of its group, and the validity of the TGK it makes.

    `reserved` (4 bits) is 0 when sent and of no meaning when received.
    """

    TYPE: ClassVar[PayloadType] = PayloadType.DH

    group: DhGroup
    value: bytes
    validity: Validity = KV_NULL
    reserved: int = 0

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read the payload.

        Raises UnsupportedError (6) for an unknown DH-Group, DecodeError (12) for an unknown KV.
        """
        group = _DH_GROUPS[reader.u8()]
        length = DH_OCTETS.get(group)
        if length is None:
            raise reader.unsupported(f"DH-Group {group} is not known", ErrorNumber.INVALID_DH)
        value = reader.take(length)
        reserved_kv = reader.u8()
        return cls(group, value, parse_validity(reader, reserved_kv & 0x0F), reserved_kv >> 4)

    def encode(self, writer: Writer) -> None:
        """Append the payload; raises LocalError if a value does not fit its field."""
        if len(self.value) != DH_OCTETS.get(self.group):
            raise writer.misuse(f"a DH-value of {len(self.value)} octets in DH-Group {self.group}")
        if not 0 <= self.reserved <= 0x0F:
            raise writer.misuse(f"{self.reserved} does not fit the 4 reserved bits")
        writer.u8(self.group)
        writer.put(self.value)
        writer.u8(self.reserved << 4 | self.validity.KV)
        self.validity.encode(writer)
