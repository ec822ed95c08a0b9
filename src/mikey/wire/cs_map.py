"""CS ID maps of fixed shape: SRTP-ID (RFC 3830 section 6.1.1) and Empty map (RFC 4563 5)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from struct import Struct
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from mikey.registry import MapType
from mikey.values import quick_init

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_SRTP_ID = Struct(">BII")


class SrtpId(NamedTuple):
    """One crypto session: its Policy_no (8 bits), SSRC and ROC (32 bits each).

    An SSRC of 0 is one that its sender has yet to choose (R3830-6.1.1-6). A map has up to 255
    of these, so they are tuples: the cheapest frozen value.
    """

    policy_no: int
    ssrc: int
    roc: int = 0


# What SrtpId._make does, less the check that an entry has three items.
_entry = partial(tuple.__new__, SrtpId)


@quick_init
@dataclass(frozen=True, slots=True)
class SrtpIdMap:
    """SRTP-ID map: the crypto session with CS ID i is `sessions[i - 1]` (R3830-6.1.1-2)."""

    MAP_TYPE: ClassVar[MapType] = MapType.SRTP_ID

    sessions: tuple[SrtpId, ...] = ()

    @property
    def count(self) -> int:
        """Return #CS."""
        return len(self.sessions)

    @classmethod
    def parse(cls, reader: Reader, count: int) -> Self:
        """Read `count` entries of 9 octets; raises DecodeError if they are not all there."""
        entries = reader.take(count * _SRTP_ID.size)
        return cls(tuple(map(_entry, _SRTP_ID.iter_unpack(entries))))

    def encode(self, writer: Writer) -> None:
        """Append the entries."""
        for session in self.sessions:
            writer.pack(_SRTP_ID, *session)


@quick_init
@dataclass(frozen=True, slots=True)
class EmptyMap:
    """Empty map: map and policy are known otherwise, so it has no octets.

    `count` is #CS, which RFC 4563 leaves open: 0 is sent, any value is accepted
    (R4563-5-2).
    """

    MAP_TYPE: ClassVar[MapType] = MapType.EMPTY

    count: int = 0

    @classmethod
    def parse(cls, reader: Reader, count: int) -> Self:  # noqa: ARG003 - the maps' common shape
        """Read nothing."""
        return cls(count)

    def encode(self, writer: Writer) -> None:
        """Append nothing."""
