"""The answerer's half of offer/answer: it is the MIKEY Responder (RFC 4567 4.1.1, 4.1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mikey.carriage.sdp._agreed import Agreed, Keyed, check_answer, check_lines, refused
from mikey.carriage.sdp._media import place
from mikey.carriage.sdp._numbering import Sender, Slot, is_shared
from mikey.errors import CarriageError, LocalError, MikeyError
from mikey.session import drive

if TYPE_CHECKING:
    from mikey.carriage.sdp._description import Carried, Description
    from mikey.carriage.sdp._offer import Handlers
    from mikey.registry import ErrorNumber
    from mikey.session import Offer, Responder


@dataclass(frozen=True, slots=True)
class Received:
    """The verified offers of a description, waiting for a decision: `accept` or `reject`.

    `offers` are in the order of `description.messages()`.
    """

    description: Description
    responder: Responder
    carried: tuple[Carried, ...]
    offers: tuple[Offer, ...]

    def accept(self, mine: Description, ssrcs: Mapping[int, int]) -> Agreed:
        """Accept all offers and write the responses into our answer, at the offers' levels.

        `mine` is the answer without key-mgmt lines, `ssrcs` maps m= lines to our SSRC there.
        If one exchange fails, those that succeeded are closed again (R4567-4.1.2-3).

        Raises CarriageError (488) for a secure m= line that no MIKEY message keys, unless our
        answer rejects it with port 0; LocalError for an answer that does not fit the offer.
        """
        try:
            check_answer(self.description, mine)
        except CarriageError as error:
            raise LocalError(str(error)) from None
        for line in self.description.unkeyed_lines:
            if not mine.media[line].rejected:
                raise refused(f"{place(line)} is of a secure profile and has no MIKEY message")
        slots = [
            self.description.slots(len(offer.streams), carried.media)
            for carried, offer in zip(self.carried, self.offers, strict=True)
        ]
        check_lines(mine, ssrcs, (slot.media for some in slots for slot in some))
        return self._accept(mine, slots, ssrcs)

    def reject(self, mine: Description, number: ErrorNumber) -> str:
        """Return our answer with MIKEY Error messages, to go on negotiating (R4567-4.1.2-5)."""
        messages: dict[int | None, bytes] = {}
        for carried, offer in zip(self.carried, self.offers, strict=True):
            octets = offer.reject(number)
            if octets is not None:
                messages[carried.media] = octets
        return str(mine.attached(messages))

    def _accept(
        self, mine: Description, slots: list[tuple[Slot, ...]], ssrcs: Mapping[int, int]
    ) -> Agreed:
        messages: dict[int | None, bytes] = {}
        keyed: list[Keyed] = []
        try:
            for carried, offer, some in zip(self.carried, self.offers, slots, strict=True):
                octets, bundle = offer.accept(ssrcs=_by_session(offer, some, ssrcs))
                keyed.append(Keyed(carried.media, bundle, some))
                if octets is not None:
                    messages[carried.media] = octets
        except MikeyError:
            for done in keyed:
                self.responder.close(done.bundle)
            raise
        return Agreed(str(mine.attached(messages)), tuple(keyed))


def receive(
    theirs: Description,
    responder: Responder,
    *,
    handlers: Handlers | None,
    require_response: bool,
) -> Received:
    """Verify every MIKEY message of an offer (R4567-4.1.1-2); one failure refuses the whole."""
    carried = theirs.messages()
    offers = []
    for one in carried:
        offer = drive(responder.receive(one.octets, context=one.context), handlers)
        theirs.slots(len(offer.streams), one.media)
        if offer.cs_ids != tuple(range(1, len(offer.streams) + 1)):  # R4567-7.1-1
            raise refused(f"the crypto sessions at {one.context.place} level are not 1, 2, ...")
        if require_response and offer.has_response and not offer.wants_response:
            raise refused(f"the MIKEY message at {one.context.place} level asks for no response")
        offers.append(offer)
    return Received(theirs, responder, carried, tuple(offers))


def _by_session(offer: Offer, slots: tuple[Slot, ...], ssrcs: Mapping[int, int]) -> dict[int, int]:
    """Return our SSRC by CS ID, of the sessions whose SSRC is open.

    A crypto session that keys several streams has no room for the SSRC of each: they bind to
    the packets (R4567-7.1-4), and ours must differ from one another, and from the offerer's: two
    streams with one SSRC under one key share their key stream. In an update ours stand in the map
    already. Raises CarriageError (488) for an offer that sets another SSRC there, which is ours
    to choose (R3830-6.1.1-5), or that has our SSRC itself under one key.
    """
    ours = [slot for slot in slots if slot.sender is Sender.RESPONDER and slot.media in ssrcs]
    if is_shared(slots):
        if len({ssrcs[slot.media] for slot in ours}) < len(ours):
            raise LocalError("streams under one key need different SSRCs")
        theirs = {stream.ssrc for stream in offer.streams if stream.ssrc}
        if any(ssrcs[slot.media] in theirs for slot in ours):
            raise refused("offer has our SSRC for a stream under the same key")
        return {}
    wanted = {slot.cs_id: ssrcs[slot.media] for slot in ours}
    free = offer.open_ids
    for cs_id, ssrc in wanted.items():
        if cs_id not in free and offer.streams[cs_id - 1].ssrc != ssrc:
            raise refused(f"offer chooses the SSRC of what we send (crypto session {cs_id})")
    return {cs_id: ssrc for cs_id, ssrc in wanted.items() if cs_id in free}
