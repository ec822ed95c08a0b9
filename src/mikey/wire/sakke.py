"""SAKKE payload (RFC 6509 section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import PayloadType, SakkeIdScheme, SakkeParams
from mikey.values import quick_init
from mikey.wire._tables import Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_PARAMS = Members(SakkeParams)
_SCHEMES = Members(SakkeIdScheme)


@quick_init
@dataclass(frozen=True, slots=True)
class Sakke:
    """A key for one identity: `data` is the Encapsulated Data of RFC 6508 section 4.

    `params` is the set of curve and hash, `id_scheme` how the identity became an identifier.
    """

    TYPE: ClassVar[PayloadType] = PayloadType.SAKKE

    params: SakkeParams
    id_scheme: SakkeIdScheme
    data: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read SAKKE params, ID scheme, SAKKE data length and SAKKE data."""
        params = _PARAMS[reader.u8()]
        scheme, data = reader.typed16()
        return cls(params, _SCHEMES[scheme], data)

    def encode(self, writer: Writer) -> None:
        """Append SAKKE params, ID scheme, SAKKE data length and SAKKE data."""
        writer.u8(self.params)
        writer.u8(self.id_scheme)
        writer.put16(self.data)
