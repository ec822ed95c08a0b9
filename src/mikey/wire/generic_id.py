"""GENERIC-ID map: crypto sessions that name themselves (RFC 6043 section 6.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import MapType, ProtType
from mikey.values import quick_init
from mikey.wire._tables import Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_PROT_TYPES = Members(ProtType)
_SSRC_OCTETS = 4
_SSRC_ROC_SEQ_OCTETS = 10


@quick_init
@dataclass(frozen=True, slots=True)
class GenericId:
    """One crypto session.

    `policy_nos` are up to 127 numbers of SP payloads. For SRTP, `session_data` is the SSRC
    (4 octets), with `s` the SSRC, ROC and SEQ (4 + 4 + 2 octets), or empty where the responder
    is to fill it in. `spi` (up to 255 octets) is the MKI of the first session key.
    """

    cs_id: int
    prot_type: ProtType
    policy_nos: tuple[int, ...]
    session_data: bytes = b""
    spi: bytes = b""
    s: bool = False

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read one block; raises DecodeError if it is cut or its Session Data has no meaning."""
        cs_id = reader.u8()
        prot_type = _PROT_TYPES[reader.u8()]
        s_and_count = reader.u8()
        policy_nos = tuple(reader.take(s_and_count & 0x7F))
        session_data = reader.take16()
        block = cls(
            cs_id, prot_type, policy_nos, session_data, reader.take8(), bool(s_and_count & 0x80)
        )
        if not block._data_fits:
            raise reader.malformed(f"Session Data of {len(session_data)} octets for SRTP")
        return block

    def encode(self, writer: Writer) -> None:
        """Append the block; raises LocalError if a value does not fit its field."""
        if len(self.policy_nos) > 0x7F:
            raise writer.misuse(f"{len(self.policy_nos)} policies do not fit the count of 7 bits")
        if not self._data_fits:
            raise writer.misuse(f"Session Data of {len(self.session_data)} octets for SRTP")
        writer.u8(self.cs_id)
        writer.u8(self.prot_type)
        writer.u8(self.s << 7 | len(self.policy_nos))
        for policy_no in self.policy_nos:
            writer.u8(policy_no)
        writer.put16(self.session_data)
        writer.put8(self.spi)

    @property
    def _data_fits(self) -> bool:
        """Whether the length of Session Data is one that SRTP gives a meaning (R6043-6.1.1-7)."""
        if self.prot_type is not ProtType.SRTP or not self.session_data:
            return True
        return len(self.session_data) == (_SSRC_ROC_SEQ_OCTETS if self.s else _SSRC_OCTETS)


@quick_init
@dataclass(frozen=True, slots=True)
class GenericIdMap:
    """GENERIC-ID map; unlike in the SRTP-ID map, CS IDs are transmitted."""

    MAP_TYPE: ClassVar[MapType] = MapType.GENERIC_ID

    sessions: tuple[GenericId, ...] = ()

    @property
    def count(self) -> int:
        """Return #CS."""
        return len(self.sessions)

    @classmethod
    def parse(cls, reader: Reader, count: int) -> Self:
        """Read `count` blocks."""
        return cls(tuple([GenericId.parse(reader) for _ in range(count)]))

    def encode(self, writer: Writer) -> None:
        """Append the blocks."""
        for session in self.sessions:
            session.encode(writer)
