"""Crypto sessions and the three CS ID maps that describe them (R3830-6.1.1, R6043-6.1.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mikey.errors import DecodeError, LocalError, PolicyError, UnsupportedError
from mikey.registry import ErrorNumber, MapType, ProtType
from mikey.session.stream import Stream
from mikey.wire import CsMap, EmptyMap, GenericId, GenericIdMap, Hdr, SrtpId, SrtpIdMap

_SSRC_OCTETS = 4
_ROC_OCTETS = 4
_SEQ_OCTETS = 2


class CsName(NamedTuple):
    """What a GENERIC-ID block says of a crypto session beyond an SRTP-ID entry.

    `spi` is the MKI of its key. With `fixed` its SSRC is settled, even if that is 0, which in an
    SRTP-ID map leaves the choice open (R6043-6.1.1-5). `seq` is the sequence number that stands
    with the ROC.
    """

    cs_id: int
    spi: bytes
    fixed: bool
    seq: int = 0


def to_map(
    kind: MapType, sessions: Sequence[SrtpId], names: Sequence[CsName]
) -> SrtpIdMap | EmptyMap | GenericIdMap:
    """Return the map of an I_MESSAGE; `names` are those of a GENERIC-ID map (R6043-6.1.1-9).

    A session whose SSRC is open gets Session Data of length 0. Raises LocalError for a kind of
    map that is not known.
    """
    if kind is MapType.EMPTY:
        return EmptyMap()
    if kind is MapType.SRTP_ID:
        return SrtpIdMap(tuple(sessions))
    if kind is not MapType.GENERIC_ID:
        raise LocalError(f"a CS ID map of type {kind} is not known")
    return GenericIdMap(tuple([_block(*pair) for pair in zip(sessions, names, strict=True)]))


def to_names(streams: Sequence[Stream], spi: bytes) -> tuple[CsName, ...]:
    """Return the names of streams with the IDs 1, 2, ... whose key has one MKI."""
    return tuple(CsName(i, spi, bool(s.ssrc), s.seq) for i, s in enumerate(streams, 1))


def sessions_of(header: Hdr) -> tuple[SrtpId, ...]:
    """Return the crypto sessions of an I_MESSAGE.

    Raises UnsupportedError (12) for a GENERIC-ID map, which the base methods do not have.
    """
    if isinstance(header.cs_map, GenericIdMap):
        raise UnsupportedError("a GENERIC-ID map is not supported in this method", payload="HDR")
    return header.cs_map.sessions if isinstance(header.cs_map, SrtpIdMap) else ()


def read_map(cs_map: CsMap) -> tuple[tuple[SrtpId, ...], tuple[CsName, ...]]:
    """Return the crypto sessions of a message that nobody answers, and their names if it has any.

    Of several policies the first counts, for the Initiator cannot be told of another. Raises
    DecodeError (12) for a CS ID that stands twice, UnsupportedError (9) for a protocol other than
    SRTP, PolicyError (10) for a block without a policy: nobody could supply one (R6043-6.1.1-9).
    """
    if not isinstance(cs_map, GenericIdMap):
        return (cs_map.sessions if isinstance(cs_map, SrtpIdMap) else ()), ()
    if len({block.cs_id for block in cs_map.sessions}) < len(cs_map.sessions):
        raise DecodeError("a CS ID stands twice", payload="HDR")
    for block in cs_map.sessions:
        if block.prot_type is not ProtType.SRTP:
            raise UnsupportedError(
                f"security protocol {block.prot_type} is not supported",
                number=ErrorNumber.INVALID_SP,
                payload="HDR",
            )
        if not block.policy_nos:
            raise PolicyError(
                f"crypto session {block.cs_id} has no policy",
                number=ErrorNumber.INVALID_SPPAR,
                payload="HDR",
            )
    return (
        tuple(map(_entry, cs_map.sessions)),
        tuple(CsName(b.cs_id, b.spi, bool(b.session_data), _seq(b)) for b in cs_map.sessions),
    )


def _block(entry: SrtpId, name: CsName) -> GenericId:
    policy = (entry.policy_no,)
    if not name.fixed:
        return GenericId(name.cs_id, ProtType.SRTP, policy, b"", name.spi)
    ssrc = entry.ssrc.to_bytes(_SSRC_OCTETS)
    if not (entry.roc or name.seq):
        return GenericId(name.cs_id, ProtType.SRTP, policy, ssrc, name.spi)
    data = ssrc + entry.roc.to_bytes(_ROC_OCTETS) + name.seq.to_bytes(_SEQ_OCTETS)
    return GenericId(name.cs_id, ProtType.SRTP, policy, data, name.spi, s=True)


def _entry(block: GenericId) -> SrtpId:
    ssrc = int.from_bytes(block.session_data[:_SSRC_OCTETS])
    roc = int.from_bytes(block.session_data[_SSRC_OCTETS:][:_ROC_OCTETS])
    return SrtpId(block.policy_nos[0], ssrc, roc)


def _seq(block: GenericId) -> int:
    return int.from_bytes(block.session_data[_SSRC_OCTETS + _ROC_OCTETS :])
