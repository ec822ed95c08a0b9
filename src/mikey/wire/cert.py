"""Certificate payload, CERT (RFC 3830 section 6.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import CertType, PayloadType
from mikey.values import quick_init
from mikey.wire._tables import Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_CERT_TYPES = Members(CertType)


@quick_init
@dataclass(frozen=True, slots=True)
class Cert:
    """One certificate: its DER octets, or the ASCII octets of its URL (type X509_URL)."""

    TYPE: ClassVar[PayloadType] = PayloadType.CERT

    cert_type: CertType
    data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read Cert type, Cert len and Cert data."""
        kind, data = reader.typed16()
        return cls(_CERT_TYPES[kind], data)

    def encode(self, writer: Writer) -> None:
        """Append Cert type, Cert len and Cert data."""
        writer.typed16(self.cert_type, self.data)
