"""SDP IDs extension: the key management protocols on offer (RFC 3830 6.15, RFC 4567 4.1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from mikey.registry import ExtensionType
from mikey.values import quick_init
from mikey.wire._reader import Reader
from mikey.wire._writer import Writer

_NAME: Final = "SDP IDs extension"


@quick_init
@dataclass(frozen=True, slots=True)
class SdpIds:
    """Data of a General Extension of type 1: KMPIDs as the SDP has them, in its order."""

    EXT_TYPE: ClassVar[ExtensionType] = ExtensionType.SDP_IDS

    protocols: tuple[str, ...]

    @classmethod
    def parse(cls, octets: bytes, *, origin: int = 0) -> Self:
        """Read the list; raises DecodeError if it is not KMPID *(";" KMPID)."""
        reader = Reader(octets, _NAME, origin=origin)
        protocols = tuple([part.decode("ascii", "replace") for part in octets.split(b";")])
        if not all(map(_is_kmpid, protocols)):
            raise reader.malformed("not a list of protocol identifiers joined by ';'")
        return cls(protocols)

    def encode(self) -> bytes:
        """Return the list; raises LocalError if it is empty or holds no KMPID."""
        if not self.protocols or not all(map(_is_kmpid, self.protocols)):
            raise Writer(_NAME).misuse("not a list of protocol identifiers")
        return ";".join(self.protocols).encode("ascii")


def _is_kmpid(text: str) -> bool:
    """Whether `text` is letters and digits of ASCII, at least one (RFC 4567 section 3)."""
    return text.isascii() and text.isalnum()
