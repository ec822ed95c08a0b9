"""Key validity data: how long a key holds (RFC 3830 section 6.14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from mikey.registry import KeyValidity
from mikey.values import quick_init

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer


@dataclass(frozen=True, slots=True)
class KvNull:
    """No rule: the key holds from its first use until it is replaced."""

    KV: ClassVar[KeyValidity] = KeyValidity.NULL

    def encode(self, writer: Writer) -> None:
        """Append nothing."""


@quick_init
@dataclass(frozen=True, slots=True)
class KvSpi:
    """The key is named by an SPI, in SRTP the MKI, of 0 to 255 octets."""

    KV: ClassVar[KeyValidity] = KeyValidity.SPI

    spi: bytes

    def encode(self, writer: Writer) -> None:
        """Append SPI length and SPI."""
        writer.put8(self.spi)


@quick_init
@dataclass(frozen=True, slots=True)
class KvInterval:
    """The key holds for an interval, both ends included.

    For SRTP both are 6 octets, a packet index ROC || SEQ (R3830-6.14-2); any length up to 255
    is kept.
    """

    KV: ClassVar[KeyValidity] = KeyValidity.INTERVAL

    valid_from: bytes
    valid_to: bytes

    def encode(self, writer: Writer) -> None:
        """Append VF length, Valid From, VT length, Valid To."""
        writer.put8(self.valid_from)
        writer.put8(self.valid_to)


Validity: TypeAlias = KvNull | KvSpi | KvInterval

KV_NULL = KvNull()


def parse_validity(reader: Reader, kv: int) -> Validity:
    """Read the KV data that the four bits `kv`, in the octet before or earlier, announce.

    Raises DecodeError (12) for a KV that no RFC assigns (R3830-6.13-4).
    """
    if kv == KeyValidity.NULL:
        return KV_NULL
    if kv == KeyValidity.SPI:
        return KvSpi(reader.take8())
    if kv == KeyValidity.INTERVAL:
        return KvInterval(reader.take8(), reader.take8())
    raise reader.malformed(f"KV {kv} is not assigned")
