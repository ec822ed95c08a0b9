"""Timestamp payload, T (RFC 3830 section 6.6, RFC 6043 6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import PayloadType, TsType
from mikey.values import quick_init
from mikey.wire._tables import TS_OCTETS, Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_TS_TYPES = Members(TsType)


@quick_init
@dataclass(frozen=True, slots=True)
class T:
    """A timestamp: 8 octets of NTP time, or 4 of COUNTER and NTP-UTC-32."""

    TYPE: ClassVar[PayloadType] = PayloadType.T

    ts_type: TsType
    value: bytes

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read TS type and TS value; raises TimestampError (1) for an unknown TS type."""
        ts_type = _TS_TYPES[reader.u8()]
        length = TS_OCTETS.get(ts_type)
        if length is None:
            raise reader.bad_timestamp(f"TS type {ts_type} is not known")
        return cls(ts_type, reader.take(length))

    def encode(self, writer: Writer) -> None:
        """Append TS type and TS value; raises LocalError if they do not fit each other."""
        if len(self.value) != TS_OCTETS.get(self.ts_type):
            raise writer.misuse(f"a TS value of {len(self.value)} octets in TS type {self.ts_type}")
        writer.u8(self.ts_type)
        writer.put(self.value)
