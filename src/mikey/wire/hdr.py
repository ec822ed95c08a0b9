"""Common header payload, HDR (RFC 3830 section 6.1)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from mikey.registry import DataType, ErrorNumber, MapType, PayloadType, PrfFunc
from mikey.values import quick_init
from mikey.wire._tables import Members
from mikey.wire.cs_map import EmptyMap, SrtpIdMap
from mikey.wire.generic_id import GenericIdMap

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

CsMap: TypeAlias = SrtpIdMap | EmptyMap | GenericIdMap

VERSION: Final = 1
NEXT_PAYLOAD_OFFSET: Final = 2

_LAYOUT = Struct(">BBBBIBB")
_DATA_TYPES = Members(DataType)
_PRF_FUNCS = Members(PrfFunc)
_MAPS: dict[int, type[SrtpIdMap] | type[EmptyMap] | type[GenericIdMap]] = {
    MapType.SRTP_ID: SrtpIdMap,
    MapType.EMPTY: EmptyMap,
    MapType.GENERIC_ID: GenericIdMap,
}

_REPORTS_13 = frozenset({DataType.RSA_R_INIT, DataType.RSA_R_RESP, DataType.SAKKE})


@quick_init
@dataclass(frozen=True, slots=True)
class Hdr:
    """The header: who answers what (`csb_id`, 32 bits), for which crypto sessions (`cs_map`).

    `v` asks for a response and means something in an Initiator's message only.
    """

    data_type: DataType
    csb_id: int
    cs_map: CsMap
    v: bool = False
    prf: PrfFunc = PrfFunc.MIKEY_1
    version: int = VERSION

    @property
    def malformed_number(self) -> ErrorNumber:
        """Return what to report for malformed, missing or surplus payloads: 12 or 13.

        RSA-R and SAKKE messages have an Error no of their own (RFC 4738 3.9.2, R3830-5.1.2-11).
        """
        if self.data_type in _REPORTS_13:
            return ErrorNumber.UNSUPPORTED_MESSAGE
        return ErrorNumber.UNSPECIFIED

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read the header; its Next payload octet is left to the chain's owner.

        Raises DecodeError if it is cut, UnsupportedError (12) for an unknown CS ID map type,
        whose length nobody knows (R3830-6.1-20).
        """
        version, data_type, _, v_prf, csb_id, count, map_type = reader.unpack(_LAYOUT)
        cs_map = _MAPS.get(map_type)
        if cs_map is None:
            raise reader.unsupported(f"CS ID map type {map_type} is not known")
        return cls(
            _DATA_TYPES[data_type],
            csb_id,
            cs_map.parse(reader, count),
            v_prf >= 0x80,
            _PRF_FUNCS[v_prf & 0x7F],
            version,
        )

    def encode(self, writer: Writer, next_payload: PayloadType) -> None:
        """Append the header; raises LocalError if a value does not fit its field."""
        cs_map = self.cs_map
        writer.pack(
            _LAYOUT,
            self.version,
            self.data_type,
            next_payload,
            self.v << 7 | self.prf,
            self.csb_id,
            cs_map.count,
            cs_map.MAP_TYPE,
        )
        cs_map.encode(writer)
