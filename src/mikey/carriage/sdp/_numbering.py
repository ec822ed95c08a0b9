"""Which crypto session serves which m= line (RFC 4567 7.1; R4567-7.1-1 to -5)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mikey.errors import DecodeError


class Sender(enum.Enum):
    """Who sends a stream: the MIKEY Initiator or the MIKEY Responder."""

    INITIATOR = "initiator"
    RESPONDER = "responder"


@dataclass(frozen=True, slots=True)
class Slot:
    """A stream of an m= line (index from 0) and the crypto session (ID from 1) that keys it."""

    media: int
    sender: Sender
    cs_id: int


def place_sessions(count: int, governed: Sequence[int], total: int) -> tuple[Slot, ...]:
    """Return the streams that `count` crypto sessions key, in order of m= line and sender.

    `governed` are the m= lines that count for the message: of a secure profile, without a
    key-mgmt line of their own, port 0 included (R4567-7.1-3). `total` is the number of all m=
    lines. Two sessions per line are the rule: 2k-1 is sent by the Initiator, 2k by the Responder
    (R4567-7.1-1, -2). Read as well: two for each of all m= lines; one per governed line, which
    serves both directions; one for everything (R4567-7.1-4). 0 keys nothing yet.

    Raises DecodeError (error 12) for any other count.
    """
    if count == 0:
        return ()
    if count == 2 * len(governed):
        return _pairs(governed, governed)
    if count == 2 * total:
        return _pairs(governed, range(total))
    if count == len(governed):
        return _shared((media, k + 1) for k, media in enumerate(governed))
    if count == 1 and governed:
        return _shared((media, 1) for media in governed)
    raise DecodeError(
        f"{count} crypto sessions do not fit {len(governed)} secure m= lines (of {total})",
        payload="HDR",
    )


def _pairs(governed: Sequence[int], numbered: Sequence[int]) -> tuple[Slot, ...]:
    wanted = set(governed)
    return tuple(
        Slot(media, sender, cs_id)
        for k, media in enumerate(numbered)
        for sender, cs_id in ((Sender.INITIATOR, 2 * k + 1), (Sender.RESPONDER, 2 * k + 2))
        if media in wanted
    )


def _shared(served: Iterable[tuple[int, int]]) -> tuple[Slot, ...]:
    return tuple(Slot(media, sender, cs_id) for media, cs_id in served for sender in Sender)


def is_shared(slots: Sequence[Slot]) -> bool:
    """Whether one crypto session keys several streams, whose SSRCs must then differ."""
    return len({slot.cs_id for slot in slots}) < len(slots)
