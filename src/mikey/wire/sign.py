"""Signature payload, SIGN (RFC 3830 section 6.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from mikey.registry import PayloadType, SignType
from mikey.values import quick_init
from mikey.wire._tables import Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_SIGN_TYPES = Members(SignType)
_MAX_SIGNATURE: Final = 0x0FFF


@quick_init
@dataclass(frozen=True, slots=True)
class Sign:
    """A signature of up to 4095 octets. The payload has no Next payload: it ends the chain."""

    TYPE: ClassVar[PayloadType] = PayloadType.SIGN
    HEADER_OCTETS: ClassVar[int] = 2

    s_type: SignType
    signature: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read S type, Signature len and Signature."""
        type_and_length = reader.u16()
        return cls(
            _SIGN_TYPES[type_and_length >> 12], reader.take(type_and_length & _MAX_SIGNATURE)
        )

    def encode(self, writer: Writer) -> None:
        """Append the payload; raises LocalError if the signature does not fit."""
        if len(self.signature) > _MAX_SIGNATURE:
            raise writer.misuse(f"{len(self.signature)} octets do not fit a length of 12 bits")
        writer.u16(self.s_type << 12 | len(self.signature))
        writer.put(self.signature)
