"""What offer/answer ends with: for each level the bundle and the streams that it keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mikey.carriage.sdp._media import place
from mikey.carriage.sdp._numbering import Sender, Slot
from mikey.errors import CarriageError, LocalError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mikey.carriage.sdp._description import Description
    from mikey.session import Bundle


@dataclass(frozen=True, slots=True)
class Keyed:
    """A completed exchange: its level (None: session), its bundle, the streams it keys."""

    media: int | None
    bundle: Bundle
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Agreed:
    """All exchanges of an offer and its answer; `text` is the answer with its key-mgmt lines."""

    text: str = field(repr=False)
    keyed: tuple[Keyed, ...]

    @property
    def bundles(self) -> tuple[Bundle, ...]:
        """The bundles, session level first."""
        return tuple(keyed.bundle for keyed in self.keyed)

    def find(self, media: int, sender: Sender) -> tuple[Bundle, int]:
        """Return the bundle and the CS ID of the stream that `sender` sends on an m= line.

        Raises LocalError if no message keys it.
        """
        for keyed in self.keyed:
            for slot in keyed.slots:
                if slot.media == media and slot.sender is sender:
                    return keyed.bundle, slot.cs_id
        raise LocalError(f"no MIKEY message keys what the {sender.value} sends on {place(media)}")


def check_answer(offer: Description, answer: Description) -> None:
    """Check that an answer keeps the m= lines of its offer and the security of each.

    Same number and order (RFC 3264 6); a secure line stays secure or is rejected (R4567-8-3).
    Raises CarriageError (488).
    """
    if len(answer.media) != len(offer.media):
        raise refused(f"answer has {len(answer.media)} m= lines, the offer {len(offer.media)}")
    for ours, theirs in zip(offer.media, answer.media, strict=True):
        if theirs.rejected:
            continue
        if theirs.media != ours.media:
            raise refused(f"{ours.name}: answer is {theirs.media}, the offer {ours.media}")
        if theirs.proto != ours.proto:
            raise refused(f"{ours.name}: answer declines {ours.proto} for {theirs.proto}")


def check_lines(description: Description, lines: Iterable[int], keyed: Iterable[int]) -> None:
    """Check that every m= line the caller gives an SSRC for gets a key. Raises LocalError."""
    if stray := sorted(set(lines) - set(keyed)):
        total = len(description.media)
        raise LocalError(f"no MIKEY message keys {place(stray[0])} (of {total} m= lines)")


def refused(reason: str) -> CarriageError:
    """Return the error for a description that is well formed and not acceptable."""
    return CarriageError(reason, status=488)
