"""Key data transport payload, KEMAC (RFC 3830 section 6.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final, Self

from mikey.registry import EncrAlg, ErrorNumber, MacAlg, PayloadType
from mikey.values import quick_init
from mikey.wire._tables import MAC_OCTETS, Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_ENCR_ALGS = Members(EncrAlg)
_MAC_ALGS = Members(MacAlg)
_FIXED_OCTETS: Final = 5
_MAX_OCTETS: Final = 1 << 16

RFC_4650_MAC_OCTETS: Final = 20
"""Octets of the one MAC that RFC 4650's own numbering has (its Mac alg 0)."""


@quick_init
@dataclass(frozen=True, slots=True)
class Kemac:
    """Keys, encrypted or (Encr alg NULL) in clear, and a MAC.

    `encr_data` stays out of the repr, because nothing else hides keys that were sent in clear.
    """

    TYPE: ClassVar[PayloadType] = PayloadType.KEMAC

    encr_alg: EncrAlg
    encr_data: bytes = field(repr=False)
    mac_alg: MacAlg
    mac: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read the payload.

        Raises UnsupportedError (3) for an unknown Mac alg, DecodeError for a payload above
        2^16 octets (R3830-6.13-1). An unknown Encr alg is kept: its data has a length.
        """
        encr_alg, encr_data = reader.typed16()
        mac_alg = _MAC_ALGS[reader.u8()]
        length = MAC_OCTETS.get(mac_alg)
        if length is None:
            raise reader.unsupported(f"Mac alg {mac_alg} is not known", ErrorNumber.INVALID_MAC)
        if _FIXED_OCTETS + len(encr_data) + length > _MAX_OCTETS:
            raise reader.malformed("the payload is longer than 2^16 octets")
        return cls(_ENCR_ALGS[encr_alg], encr_data, mac_alg, reader.take(length))

    @property
    def has_rfc4650_mac(self) -> bool:
        """Whether the MAC stands behind Mac alg 0, as RFC 4650 4.2 numbers HMAC-SHA-1.

        Such a payload exists in DHHMAC messages only (R4650-4.2-2), as their last.
        """
        return self.mac_alg is MacAlg.NULL and len(self.mac) == RFC_4650_MAC_OCTETS

    def encode(self, writer: Writer) -> None:
        """Append the payload; raises LocalError if a value does not fit its field."""
        if len(self.mac) != MAC_OCTETS.get(self.mac_alg) and not self.has_rfc4650_mac:
            raise writer.misuse(f"a MAC of {len(self.mac)} octets in Mac alg {self.mac_alg}")
        if _FIXED_OCTETS + len(self.encr_data) + len(self.mac) > _MAX_OCTETS:
            raise writer.misuse("the payload is longer than 2^16 octets")
        writer.typed16(self.encr_alg, self.encr_data)
        writer.u8(self.mac_alg)
        writer.put(self.mac)
