"""The one walk over the octets of a message, payload by payload (RFC 3830 section 6).

`Message.parse` consumes it whole; an inspector takes from it what comes before the damage.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from mikey.registry import DataType, MacAlg, PayloadType
from mikey.wire._reader import Reader
from mikey.wire._tables import Members
from mikey.wire.hdr import NEXT_PAYLOAD_OFFSET, VERSION, Hdr
from mikey.wire.kemac import RFC_4650_MAC_OCTETS, Kemac
from mikey.wire.payloads import PARSERS, Payload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mikey.errors import PeerError

_PAYLOAD_TYPES = Members(PayloadType)
_LAST: Final = PayloadType.LAST
_KEMAC: Final = PayloadType.KEMAC
_SIGN: Final = PayloadType.SIGN
DHHMAC: Final = frozenset({DataType.DHHMAC_INIT, DataType.DHHMAC_RESP})


class Item(NamedTuple):
    """One payload as it stands in the message.

    `offset` and `length` count octets from the start of the message and include the Next
    payload octet; `next_payload` is what that octet says (behind SIGN, which has none: LAST).
    """

    payload: Hdr | Payload
    offset: int
    length: int
    next_payload: PayloadType


def walk(octets: bytes) -> Iterator[Item]:
    """Yield the header, then payload by payload; all of them fill `octets` exactly.

    Raises PeerError with offset and payload where the damage is, having yielded all before it:
    DecodeError for malformed octets and another version than 1; UnsupportedError for a value
    that hides a length (payload type 12, Mac or Auth alg 3, Hash func 5, DH-Group 6, CS ID map
    type 12), TimestampError for such a TS type. The number for malformed octets and unknown
    payload types is 12, in RSA-R and SAKKE messages 13.

    It looks at each payload alone: what they must be together, `Message.parse` checks.
    """
    reader, header, following = read_header(octets)
    yield Item(header, 0, reader.position, following)
    for payload, (offset, length), next_payload in read_chain(reader, header, following):
        yield Item(payload, offset, length, next_payload)


def read_header(octets: bytes) -> tuple[Reader, Hdr, PayloadType]:
    """Return a reader behind the header, the header, and what follows it."""
    reader = Reader(octets, "HDR")
    header = Hdr.parse(reader)
    reader.number = header.malformed_number
    return reader, header, _PAYLOAD_TYPES[octets[NEXT_PAYLOAD_OFFSET]]


def read_chain(
    reader: Reader, header: Hdr, following: PayloadType
) -> Iterator[tuple[Payload, tuple[int, int], PayloadType]]:
    """Yield each payload behind the header, its span, and what follows it; errors as in `walk`."""
    offset = reader.position
    if header.version != VERSION:
        raise reader.malformed(f"version {header.version} is not 1", back=offset)
    while following is not _LAST:
        kind = following
        try:
            parse = PARSERS[kind]
        except KeyError:
            raise _stranger(reader, kind) from None
        reader.payload = kind
        following = _LAST if kind is _SIGN else _PAYLOAD_TYPES[reader.u8()]
        payload = parse(reader)
        if kind is _KEMAC and following is _LAST and header.data_type in DHHMAC:
            payload = _with_rfc4650_mac(cast("Kemac", payload), reader)
        end = reader.position
        yield payload, (offset, end - offset), following
        offset = end
    reader.finish()


def _stranger(reader: Reader, kind: PayloadType) -> PeerError:
    reader.payload = kind
    if kind is PayloadType.KEY_DATA:
        return reader.malformed("Key data stands outside KEMAC")
    return reader.unsupported(f"the length of payload type {kind} is not known", back=0)


def _with_rfc4650_mac(kemac: Kemac, reader: Reader) -> Kemac:
    """Read the MAC that RFC 4650 4.2 numbers 0: exactly 20 final octets (R4650-4.2-2)."""
    if kemac.mac_alg is MacAlg.NULL and reader.remaining == RFC_4650_MAC_OCTETS:
        return replace(kemac, mac=reader.take(RFC_4650_MAC_OCTETS))
    return kemac
