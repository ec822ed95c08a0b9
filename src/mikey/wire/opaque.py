"""Payloads of later RFCs that are only measured: their body is kept as octets.

TR, RANDR, TP and TICKET (RFC 6043 section 6) can be delimited without being understood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from mikey.errors import PeerError
from mikey.registry import PayloadType, TsType
from mikey.values import quick_init
from mikey.wire._reader import Reader
from mikey.wire._tables import TS_OCTETS, Members

if TYPE_CHECKING:
    from collections.abc import Callable

    from mikey.wire._writer import Writer

_TS_TYPES = Members(TsType)
_TICKET_HEAD_OCTETS: Final = 7  # Ticket Type(2), Subtype, Version, PRF Func and flags(3)


@quick_init
@dataclass(frozen=True, slots=True)
class Opaque:
    """A payload by type and body, which is all that follows its Next payload octet."""

    payload_type: PayloadType
    body: bytes

    @property
    def TYPE(self) -> PayloadType:  # noqa: N802 - the other payloads have it as a constant
        """Return `payload_type`."""
        return self.payload_type

    @classmethod
    def parse(cls, reader: Reader, payload_type: PayloadType) -> Self:
        """Read the body of `payload_type`, one of `MEASURED`.

        Raises DecodeError if it is cut, TimestampError for an unknown TS type in TR.
        """
        start = reader.position
        MEASURED[payload_type](reader)
        return cls(payload_type, reader.octets[start : reader.position])

    def encode(self, writer: Writer) -> None:
        """Append the body; raises LocalError if it is not exactly one payload of its type."""
        skip = MEASURED.get(self.payload_type)
        if skip is None:
            raise writer.misuse("a payload of this type cannot be kept as octets")
        reader = Reader(self.body, self.payload_type)
        try:
            skip(reader)
            reader.finish()
        except PeerError as error:
            raise writer.misuse(f"the body is malformed: {error.reason}") from None
        writer.put(self.body)


def _skip_tr(reader: Reader) -> None:
    reader.u8()  # TS Role
    ts_type = _TS_TYPES[reader.u8()]
    length = TS_OCTETS.get(ts_type)
    if length is None:
        raise reader.bad_timestamp(f"TS type {ts_type} is not known")
    reader.take(length)


def _skip_randr(reader: Reader) -> None:
    reader.u8()  # RAND Role
    reader.take8()


def _skip_tp(reader: Reader) -> None:
    reader.take(_TICKET_HEAD_OCTETS)
    reader.take16()  # TP Data


def _skip_ticket(reader: Reader) -> None:
    _skip_tp(reader)
    reader.take16()  # Ticket Data
    reader.take16()  # Initiator Data


MEASURED: Final[dict[PayloadType, Callable[[Reader], None]]] = {
    PayloadType.TR: _skip_tr,
    PayloadType.RANDR: _skip_randr,
    PayloadType.TP: _skip_tp,
    PayloadType.TICKET: _skip_ticket,
}
