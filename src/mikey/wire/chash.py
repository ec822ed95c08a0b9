"""Certificate hash payload, CHASH (RFC 3830 section 6.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import ErrorNumber, HashFunc, PayloadType
from mikey.values import quick_init
from mikey.wire._tables import HASH_OCTETS, Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_HASH_FUNCS = Members(HashFunc)


@quick_init
@dataclass(frozen=True, slots=True)
class Chash:
    """The hash of the certificate whose key encrypts the envelope key."""

    TYPE: ClassVar[PayloadType] = PayloadType.CHASH

    hash_func: HashFunc
    value: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read Hash func and Hash; raises UnsupportedError (5) for an unknown Hash func."""
        hash_func = _HASH_FUNCS[reader.u8()]
        length = HASH_OCTETS.get(hash_func)
        if length is None:
            raise reader.unsupported(f"Hash func {hash_func} is not known", ErrorNumber.INVALID_HA)
        return cls(hash_func, reader.take(length))

    def encode(self, writer: Writer) -> None:
        """Append Hash func and Hash; raises LocalError if they do not fit each other."""
        if len(self.value) != HASH_OCTETS.get(self.hash_func):
            raise writer.misuse(f"a hash of {len(self.value)} octets in Hash func {self.hash_func}")
        writer.u8(self.hash_func)
        writer.put(self.value)
