"""Key ID extension: names of keys for group use (RFC 4563 section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from mikey.registry import ExtensionType, KeyIdType
from mikey.values import quick_init
from mikey.wire._reader import Reader
from mikey.wire._tables import Members
from mikey.wire._writer import Writer

_KEY_ID_TYPES = Members(KeyIdType)
_NAME: Final = "Key ID extension"


@quick_init
@dataclass(frozen=True, slots=True)
class KeyId:
    """One Key ID of up to 255 octets; an unknown type is kept (R4563-4-2)."""

    key_type: KeyIdType
    value: bytes


@quick_init
@dataclass(frozen=True, slots=True)
class KeyIds:
    """Data of a General Extension of type 3."""

    EXT_TYPE: ClassVar[ExtensionType] = ExtensionType.KEY_ID

    ids: tuple[KeyId, ...]

    @classmethod
    def parse(cls, octets: bytes, *, origin: int = 0) -> Self:
        """Read the extension's data; raises DecodeError if a Key ID crosses its end."""
        reader = Reader(octets, _NAME, origin=origin)
        return cls(
            tuple([KeyId(_KEY_ID_TYPES[kind], value) for kind, value in reader.tlvs(len(octets))])
        )

    def encode(self) -> bytes:
        """Return the extension's data; raises LocalError if a Key ID does not fit."""
        writer = Writer(_NAME)
        for key_id in self.ids:
            writer.u8(key_id.key_type)
            writer.put8(key_id.value)
        return bytes(writer.octets)
