"""CSB_ID extension: the CSB ID that the RSA-R responder gives a group (RFC 4738 section 3.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from mikey.registry import ExtensionType
from mikey.values import quick_init
from mikey.wire._reader import Reader
from mikey.wire._writer import Writer

_NAME: Final = "CSB_ID extension"
_OCTETS: Final = 4


@quick_init
@dataclass(frozen=True, slots=True)
class CsbIdExtension:
    """Data of a General Extension of type 4: a CSB ID of 32 bits (R4738-3.6-2)."""

    EXT_TYPE: ClassVar[ExtensionType] = ExtensionType.CSB_ID

    csb_id: int

    @classmethod
    def parse(cls, octets: bytes, *, origin: int = 0) -> Self:
        """Read the extension's data; raises DecodeError if it is not 4 octets long."""
        reader = Reader(octets, _NAME, origin=origin)
        csb_id = int.from_bytes(reader.take(_OCTETS), "big")
        reader.finish()
        return cls(csb_id)

    def encode(self) -> bytes:
        """Return the extension's data; raises LocalError if the CSB ID is wider than 32 bits."""
        if not 0 <= self.csb_id < 1 << 32:
            raise Writer(_NAME).misuse(f"CSB ID {self.csb_id} does not fit 32 bits")
        return self.csb_id.to_bytes(_OCTETS, "big")
