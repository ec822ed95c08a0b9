"""A later offer in a running session (R4567-4.1.2-13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mikey.carriage.sdp._agreed import refused

if TYPE_CHECKING:
    from mikey.carriage.sdp._description import Description


def kept_lines(previous: Description, offer: Description) -> tuple[int, ...]:
    """Return the m= lines that go on with the keys they have.

    `previous` is the last description that both sides agreed on, with port 0 where a stream was
    rejected. A secure m= line of the new offer that no MIKEY message of it governs is known if
    it was secure and active before: its keys stay (a hold, a session refresh).

    Raises CarriageError (488) for a secure m= line that is new (or reused after port 0) and has
    no MIKEY message, for one that leaves the secure profile (R4567-8-3), and for an offer with
    fewer m= lines than before (RFC 3264 8).
    """
    if len(offer.media) < len(previous.media):
        raise refused(f"{len(offer.media)} m= lines where {len(previous.media)} were agreed")
    for before, now in zip(previous.media, offer.media, strict=False):
        active = not before.rejected and not now.rejected
        if active and before.secure and not now.secure:
            raise refused(f"{now.name}: {now.proto} in place of the agreed {before.proto}")
    kept = []
    for line in offer.unkeyed_lines:
        known = line < len(previous.media) and not previous.media[line].rejected
        if not known or not previous.media[line].secure or offer.media[line].key_mgmt:
            raise refused(f"{offer.media[line].name} is new, secure, and has no MIKEY message")
        if offer.media[line].media != previous.media[line].media:
            raise refused(f"{offer.media[line].name} is another stream and has no MIKEY message")
        kept.append(line)
    return tuple(kept)
