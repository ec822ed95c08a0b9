"""A MIKEY message: header, chain of payloads, and the octets they came from (RFC 3830 6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from mikey.errors import DecodeError, LocalError
from mikey.registry import PayloadType
from mikey.values import quick_init
from mikey.wire._tables import payload_name
from mikey.wire._writer import Writer
from mikey.wire.hdr import VERSION, Hdr
from mikey.wire.kemac import Kemac
from mikey.wire.payloads import Payload, payload_type
from mikey.wire.structure import Fault, find_fault, sort_out
from mikey.wire.walk import DHHMAC, read_chain, read_header

if TYPE_CHECKING:
    from collections.abc import Sequence

_P = TypeVar("_P", bound=Payload)
_SIGN: Final = PayloadType.SIGN
_LAST: Final = PayloadType.LAST

MAX_OCTETS: Final = 1 << 20
"""The longest message that is parsed: room for a dozen payloads of 64 KiB."""

MAX_PAYLOADS: Final = 512
"""The most payloads of a message that is parsed: each costs time before anybody is known.

Room for an SP for each of 255 crypto sessions, and for as many General Extensions.
"""


@quick_init
@dataclass(frozen=True, slots=True)
class Message:
    """A whole message whose payloads are well formed, each and together.

    `spans` are (offset, length) in `octets`, of the header first, then of each payload.
    MACs and signatures are computed over `octets` (R3830-6-6), whose repr may not be shown:
    keys can stand there in clear.
    """

    header: Hdr
    payloads: tuple[Payload, ...]
    spans: tuple[tuple[int, int], ...] = field(repr=False)
    octets: bytes = field(repr=False)
    # What `get`, `all` and `one` look into: an exchange calls them some twenty times.
    _by_class: dict[type[Any], list[Any]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        sort_out(self.payloads, self._by_class)

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Read a message that fills `octets`.

        Raises PeerError, with offset and payload: what `walk` raises, and DecodeError where
        the payloads break a rule of `structure.find_fault`, are more than `MAX_PAYLOADS`, or
        the message is longer than `MAX_OCTETS`.
        """
        if len(octets) > MAX_OCTETS:
            raise DecodeError(f"a message of {len(octets)} octets is longer than {MAX_OCTETS}")
        octets = bytes(octets)
        reader, header, following = read_header(octets)
        found: list[Payload] = []
        spans = [(0, reader.position)]
        for payload, span, _ in read_chain(reader, header, following):
            if len(found) == MAX_PAYLOADS:
                raise reader.malformed(f"more than {MAX_PAYLOADS} payloads", back=span[1])
            found.append(payload)
            spans.append(span)
        payloads = tuple(found)
        message = cls(header, payloads, tuple(spans), octets)
        fault = find_fault(header, payloads, message._by_class)
        if fault:
            raise DecodeError(
                fault.reason,
                number=header.malformed_number,
                offset=0 if fault.place is None else spans[fault.place + 1][0],
                payload=_name(payloads, fault),
            )
        return message

    @classmethod
    def build(cls, header: Hdr, payloads: Sequence[Payload]) -> Self:
        """Make the message and its octets.

        Raises LocalError where a value does not fit its field or `parse` would refuse.
        """
        payloads = tuple(payloads)
        if header.version != VERSION:
            raise LocalError(f"HDR: version {header.version} is not {VERSION}")
        by_class: dict[type[Any], list[Any]] = {}
        sort_out(payloads, by_class)
        fault = find_fault(header, payloads, by_class)
        if fault:
            raise LocalError(f"{_name(payloads, fault)}: {fault.reason}")
        if any(type(p) is Kemac and p.has_rfc4650_mac for p in payloads):
            _check_rfc4650_mac(header, payloads)
        starts = [0]
        octets = _encode(header, payloads, starts)
        if len(octets) > MAX_OCTETS:
            raise LocalError(f"a message of {len(octets)} octets is longer than {MAX_OCTETS}")
        ends = [*starts[1:], len(octets)]
        spans = tuple([(start, end - start) for start, end in zip(starts, ends, strict=True)])
        return cls(header, payloads, spans, octets)

    def get(self, kind: type[_P]) -> _P | None:
        """Return the first payload of a class, or None."""
        found: list[_P] | None = self._by_class.get(kind)
        return found[0] if found else None

    def all(self, kind: type[_P]) -> tuple[_P, ...]:
        """Return the payloads of a class, in order."""
        return tuple(self._by_class.get(kind, ()))

    def one(self, kind: type[_P]) -> _P:
        """Return the only payload of a class.

        Raises DecodeError (12; in RSA-R and SAKKE messages 13) if it is missing or has company.
        """
        found: Sequence[_P] = self._by_class.get(kind, ())
        if len(found) == 1:
            return found[0]
        raise DecodeError(
            f"one {kind.__name__} payload is due and {len(found)} are there",
            number=self.header.malformed_number,
        )

    def span(self, index: int) -> tuple[int, int]:
        """Return (offset, length) of `payloads[index]`."""
        return self.spans[index + 1]


def encode(header: Hdr, payloads: Sequence[Payload]) -> bytes:
    """Return the octets of a message, each payload checked alone.

    Raises LocalError where a value does not fit its field, or SIGN is not the last. What the
    payloads must be together is left to `Message.build`.
    """
    return _encode(header, payloads, None)


def _encode(header: Hdr, payloads: Sequence[Payload], starts: list[int] | None) -> bytes:
    """Return the octets; append to `starts`, if any, where each payload begins."""
    kinds = [payload.TYPE for payload in payloads]
    kinds.append(_LAST)
    writer = Writer("HDR")
    header.encode(writer, kinds[0])
    octets = writer.octets
    for payload, kind, following in zip(payloads, kinds, kinds[1:], strict=False):
        if starts is not None:
            starts.append(len(octets))
        writer.payload = kind
        if kind is not _SIGN:
            octets.append(following)
        elif following is not _LAST:
            raise writer.misuse("nothing can follow SIGN")
        payload.encode(writer)
    return bytes(octets)


def _check_rfc4650_mac(header: Hdr, payloads: Sequence[Payload]) -> None:
    """Check that RFC 4650's own numbering of MACs stands in its own messages (R4650-4.2-2)."""
    if header.data_type not in DHHMAC or type(payloads[-1]) is not Kemac:
        raise LocalError("KEMAC: a MAC stands behind the NULL Mac alg")


def _name(payloads: Sequence[Payload], fault: Fault) -> str:
    return "HDR" if fault.place is None else payload_name(payload_type(payloads[fault.place]))
