"""The offerer's half of offer/answer: it is the MIKEY Initiator (RFC 4567 4.1.1, 4.1.2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mikey.carriage.sdp._agreed import Agreed, Keyed, check_answer, check_lines, refused
from mikey.carriage.sdp._media import place
from mikey.errors import LocalError, MikeyError
from mikey.registry import DataType
from mikey.session import drive

if TYPE_CHECKING:
    from mikey.carriage.sdp._description import Description
    from mikey.policy import Context
    from mikey.session import Bundle, Initiator, Stream

Handlers = Mapping[type, Callable[[Any], object]]
"""What answers the Steps of an exchange, by type of request: see `mikey.drive`."""

_CSB_ID = slice(4, 8)  # of the common header (R3830-6.1-5)
_DATA_TYPE = 1


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer under way. `description` is the text to send, `messages` what it carries."""

    description: Description
    messages: Mapping[int | None, bytes] = field(repr=False)

    @property
    def text(self) -> str:
        """The text to send."""
        return str(self.description)

    def receive(
        self, initiator: Initiator, answer: Description, *, handlers: Handlers | None = None
    ) -> Agreed:
        """Complete every exchange with the answer; if one fails all are given up.

        Raises PeerError, among them CarriageError (488) for an answer without a MIKEY line at a
        level that was offered (R4567-4.1.2-11; SAKKE has none), with one at another level, or
        with other m= lines. The setup is to be aborted then, or renegotiated (R4567-4.1.2-3,
        R4567-4.1.1-4).
        """
        keyed: list[Keyed] = []
        try:
            for one in self._complete(initiator, answer, handlers):
                keyed.append(one)
        except MikeyError:
            self.cancel(initiator)
            for one in keyed:
                initiator.close(one.bundle)
            raise
        return Agreed(str(answer), tuple(keyed))

    def cancel(self, initiator: Initiator) -> None:
        """Give up all exchanges: the offer was refused, or is not sent."""
        for octets in self.messages.values():
            initiator.cancel(octets)

    def _complete(
        self, initiator: Initiator, answer: Description, handlers: Handlers | None
    ) -> Iterator[Keyed]:
        """Yield each exchange as its response proves right; at once where the method has none.

        R4567-4.1.2-11 is about methods with a response: an answer to SAKKE has no line.
        """
        check_answer(self.description, answer)
        due = [level for level, sent in self.messages.items() if _is_answered(sent)]
        for level in due:
            if level not in answer.levels:
                raise refused(f"answer has no MIKEY message at {place(level)} level")
        for carried in answer.messages() if answer.levels else ():
            if carried.media not in self.messages:
                raise refused(f"answer has a MIKEY message at {carried.context.place} level")
            if carried.octets[_CSB_ID] != self.messages[carried.media][_CSB_ID]:
                raise refused(f"answer at {carried.context.place} level is for another CSB")
            result = initiator.receive(carried.octets, context=carried.context)
            bundle = drive(result, handlers)
            slots = self.description.slots(len(bundle.crypto_sessions), carried.media)
            yield Keyed(carried.media, bundle, slots)
        for level, sent in self.messages.items():
            if level not in due:
                bundle = initiator.early_bundle(sent)
                yield Keyed(level, bundle, self.description.slots(len(bundle.sessions), level))


def offer(
    mine: Description,
    initiator: Initiator,
    ssrcs: Mapping[int, int | Stream],
    media_levels: Collection[int],
) -> Offered:
    """Start an exchange for each level and write its message into the text (R4567-4.1.1-1)."""
    levels = _plan(mine, media_levels)
    planned = mine.planned(levels)
    check_lines(mine, ssrcs, (line for level in levels for line in planned.governed(level)))

    def start(level: int | None, context: Context) -> bytes:
        lines = planned.governed(level)
        own = {line: ssrcs[line] for line in lines if line in ssrcs}
        return initiator.start(planned.streams(own, media=level), context=context)

    return _create(planned, levels, initiator, start)


def update(
    mine: Description, initiator: Initiator, bundles: Mapping[int | None, Bundle], new_keys: bool
) -> Offered:
    """Write the update form of each bundle's exchange into the text (R4567-4.1.2-8, -13)."""
    levels = tuple(bundles)
    planned = mine.planned(levels)

    def rekey(level: int | None, context: Context) -> bytes:
        return initiator.rekey(bundles[level], new_keys=new_keys, context=context)

    return _create(planned, levels, initiator, rekey)


def _plan(mine: Description, media_levels: Collection[int]) -> tuple[int | None, ...]:
    """Return the levels of an offer: the named m= lines, and the session for all others."""
    named = tuple(sorted(media_levels))
    for line in named:
        if line not in mine.secure_lines:
            raise LocalError(f"{place(line)} is no m= line of profile RTP/SAVP or RTP/SAVPF")
    others = set(mine.governed(None)) - set(named)
    levels: tuple[int | None, ...] = (None, *named) if others else named
    if not levels:
        raise LocalError("no m= line of profile RTP/SAVP or RTP/SAVPF to key")
    return levels


def _create(
    planned: Description,
    levels: Collection[int | None],
    initiator: Initiator,
    create: Callable[[int | None, Context], bytes],
) -> Offered:
    """Make one message per level; none is left open if one cannot be made.

    `planned` has a line at every level, so that each message authenticates the complete list
    of protocols (R4567-4.1.2-1).
    """
    messages: dict[int | None, bytes] = {}
    try:
        for level in levels:
            messages[level] = create(level, planned.context_at(level))
    except MikeyError:
        for octets in messages.values():
            initiator.cancel(octets)
        raise
    return Offered(planned.attached(messages), messages)


def _is_answered(octets: bytes) -> bool:
    """Whether the method has a response: all but SAKKE have, and offers ask for it (V=1)."""
    return octets[_DATA_TYPE] != DataType.SAKKE
