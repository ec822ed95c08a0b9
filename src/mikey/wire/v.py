"""Verification message payload, V (RFC 3830 section 6.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import ErrorNumber, MacAlg, PayloadType
from mikey.values import quick_init
from mikey.wire._tables import MAC_OCTETS, Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_MAC_ALGS = Members(MacAlg)


@quick_init
@dataclass(frozen=True, slots=True)
class V:
    """The MAC of a response; Auth alg counts in the number space of Mac alg."""

    TYPE: ClassVar[PayloadType] = PayloadType.V

    auth_alg: MacAlg
    ver_data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read Auth alg and Ver data; raises UnsupportedError (3) for an unknown Auth alg."""
        auth_alg = _MAC_ALGS[reader.u8()]
        length = MAC_OCTETS.get(auth_alg)
        if length is None:
            raise reader.unsupported(f"Auth alg {auth_alg} is not known", ErrorNumber.INVALID_MAC)
        return cls(auth_alg, reader.take(length))

    def encode(self, writer: Writer) -> None:
        """Append Auth alg and Ver data; raises LocalError if they do not fit each other."""
        if len(self.ver_data) != MAC_OCTETS.get(self.auth_alg):
            raise writer.misuse(f"{len(self.ver_data)} octets of Auth alg {self.auth_alg}")
        writer.u8(self.auth_alg)
        writer.put(self.ver_data)
