"""A session description as text in which only key-mgmt lines are read and written (RFC 4567)."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mikey.carriage.sdp import _answer, _keymgmt, _media, _offer, _reoffer, _text
from mikey.carriage.sdp._agreed import Agreed, refused
from mikey.carriage.sdp._answer import Received
from mikey.carriage.sdp._keymgmt import MIKEY, KeyMgmt
from mikey.carriage.sdp._media import MAX_MEDIA, Media, Section, place
from mikey.carriage.sdp._numbering import Slot, place_sessions
from mikey.carriage.sdp._offer import Handlers, Offered
from mikey.carriage.sdp._text import Line
from mikey.errors import LocalError
from mikey.policy import Context
from mikey.session import Stream

if TYPE_CHECKING:
    from mikey.session import Bundle, Initiator, Responder

_PLACEHOLDER = b"\0"
_SHOWN = 5  # protocols in an error


@dataclass(frozen=True, slots=True)
class Carried:
    """A MIKEY message out of a description: its octets, where it stood, what to check it with.

    `media` is the index of its m= line, None at session level.
    """

    octets: bytes = field(repr=False)
    context: Context
    media: int | None


class Description:
    """A session description, line by line.

    Order, unknown lines and line ends stay as they are; only key-mgmt lines are added or
    replaced. m= lines are named by their index from 0. `context` is what the carrier around the
    text knows (identities, secure transport); the contexts of the messages are made from it.

    Raises CarriageError (400) for text that is no session description, has a malformed key-mgmt
    line, is longer than 64 KiB or has more than 127 m= lines.
    """

    def __init__(self, text: str, *, context: Context | None = None) -> None:
        self._base = Context() if context is None else context
        self._lines = _text.split(text)
        self._sections = _sections(self._lines)
        session, *rest = self._sections
        if len(rest) > MAX_MEDIA:
            raise _text.malformed(f"more than {MAX_MEDIA} m= lines")
        self.media: tuple[Media, ...] = tuple(
            _media.parse(index, section, session) for index, section in enumerate(rest)
        )

    def __str__(self) -> str:
        return "".join(map(str, self._lines))

    def __repr__(self) -> str:
        return f"<Description with {len(self.media)} m= lines, protocols {self.protocols}>"

    # What the text says

    @property
    def key_mgmt(self) -> tuple[KeyMgmt, ...]:
        """All key-mgmt lines of any protocol, in order of appearance."""
        return tuple(entry for section in self._sections for entry in section.key_mgmt)

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocol list: one identifier per key-mgmt line, in order (R4567-4.1.4-1, -2)."""
        return tuple(entry.protocol for entry in self.key_mgmt)

    @property
    def session_attributes(self) -> tuple[tuple[str, str], ...]:
        """The a= lines before the first m= line as (name, value), value "" for a flag."""
        return self._sections[0].attributes

    @property
    def levels(self) -> tuple[int | None, ...]:
        """The levels that carry a MIKEY message: None for the session, else the m= line."""
        return tuple(level for level in self._all_levels() if self._mikey(level))

    @property
    def secure_lines(self) -> tuple[int, ...]:
        """The m= lines of a secure profile, port 0 included (R4567-5.2-1)."""
        return tuple(media.index for media in self.media if media.secure)

    def governed(self, media: int | None = None) -> tuple[int, ...]:
        """Return the m= lines that a message at this level keys (R4567-3.1-2, R4567-7.1-3).

        At session level: those of a secure profile without a key-mgmt line of their own. At
        the level of an m= line: that line, if its profile is secure.
        """
        if media is not None:
            return (media,) if self._line(media).secure else ()
        return tuple(line for line in self.secure_lines if not self.media[line].key_mgmt)

    @property
    def unkeyed_lines(self) -> tuple[int, ...]:
        """The active m= lines of a secure profile that no MIKEY message governs."""
        keyed = {line for level in self.levels for line in self.governed(level)}
        return tuple(
            line
            for line in self.secure_lines
            if line not in keyed and not self.media[line].rejected
        )

    def slots(self, count: int, media: int | None = None) -> tuple[Slot, ...]:
        """Return which streams the `count` crypto sessions of the message at this level key.

        Raises DecodeError (error 12) for a count that fits no reading (R4567-7.1-4).
        """
        total = len(self.media) if media is None else 1
        return place_sessions(count, self.governed(media), total)

    # Messages out of the text

    @property
    def context(self) -> Context:
        """The context of `message()`, or of the session-level message to be made."""
        levels = self.levels
        return self.context_at(levels[0] if len(levels) == 1 else None)

    def context_at(self, media: int | None) -> Context:
        """Return the context of the message at this level.

        If the level carries no MIKEY line yet, the protocol list is the one that the text will
        have once it does: an Initiator authenticates the complete list (R4567-4.1.2-1).
        """
        text = self if self._mikey(media) else self.planned([*self.levels, media])
        return replace(
            self._base,
            protocols=text.protocols,
            place=place(media),
            lines=len(text.governed(media)),
            all_lines=len(self.media) if media is None else 1,
        )

    def messages(self) -> tuple[Carried, ...]:
        """Return all MIKEY messages, session level first; each is an exchange of its own.

        Raises CarriageError (488) if there is none (R4567-4.1.2-7), or two at one level
        (R4567-4.1.2-4).
        """
        if not self.levels:
            offered = ", ".join([*dict.fromkeys(self.protocols)][:_SHOWN]) or "none"
            raise refused(f"no MIKEY key management in the description (offered: {offered})")
        carried = []
        for level in self.levels:
            octets, *more = self._mikey(level)
            if more:
                raise refused(f"two MIKEY messages at {place(level)} level")
            carried.append(Carried(octets.octets, self.context_at(level), level))
        return tuple(carried)

    def message(self) -> bytes:
        """Return the octets of the only MIKEY message.

        Raises CarriageError (488) if there is none, or more than one.
        """
        first, *more = self.messages()
        if more:
            raise refused("MIKEY messages at several levels where one is expected")
        return first.octets

    # Messages into the text

    def streams(
        self, ssrcs: Mapping[int, int | Stream], *, media: int | None = None
    ) -> tuple[Stream, ...]:
        """Return the streams of the crypto sessions that an Initiator offers at this level.

        `ssrcs` maps m= lines to our SSRC there, or to a Stream that tells ROC and policy as well.
        Every governed m= line gets two crypto sessions: the odd one is ours, the even one the
        Responder's, whose SSRC is left open (R4567-7.1-1, -2).

        Raises LocalError if the level governs no m= line, or not one that `ssrcs` names.
        """
        lines = self.governed(media)
        if not lines:
            raise LocalError(f"no m= line of profile RTP/SAVP or RTP/SAVPF at {place(media)} level")
        if stray := sorted(set(ssrcs) - set(lines)):
            raise LocalError(f"{place(stray[0])} is not keyed at {place(media)} level")
        streams: list[Stream] = []
        for line in lines:
            ours = ssrcs.get(line, 0)
            mine = ours if isinstance(ours, Stream) else Stream(ssrc=ours)
            streams += [mine, Stream(policy=mine.policy)]
        return tuple(streams)

    def attach(self, octets: bytes, media: int | None = None) -> str:
        """Return the text with this message at session level, or at that of an m= line.

        A MIKEY line that stands there is replaced (a text is used again to re-key); otherwise the
        line is added at the end of its section, behind the lines of other protocols.
        """
        self._check_level(media)
        return str(self._write({media: octets}, levels={media}))

    def attached(self, messages: Mapping[int | None, bytes]) -> Description:
        """Return the description with exactly these messages, by level (None: the session)."""
        for level in messages:
            self._check_level(level)
        return self._write(messages)

    def planned(self, levels: Collection[int | None]) -> Description:
        """Return the description with a MIKEY line at exactly these levels.

        New lines hold a placeholder of one octet: what depends on the lines alone (the protocol
        list, which m= lines a level governs) can be asked before the messages are made.
        """
        present = self._present()
        return self.attached({level: present.get(level, _PLACEHOLDER) for level in levels})

    def detach(self) -> str:
        """Return the text without any MIKEY line."""
        return str(self._write({}))

    # Offer and answer

    def offer(
        self,
        initiator: Initiator,
        ssrcs: Mapping[int, int | Stream],
        *,
        media_levels: Collection[int] = (),
    ) -> Offered:
        """Start the exchanges of an offer and write their messages into the text.

        The m= lines of `media_levels` get a message of their own, one at session level serves all
        other secure ones. `ssrcs` is that of `streams`. Raises LocalError.
        """
        return _offer.offer(self, initiator, ssrcs, media_levels)

    def update(
        self, initiator: Initiator, bundles: Mapping[int | None, Bundle], *, new_keys: bool = True
    ) -> Offered:
        """Start updates of the bundles, by level, and write them into the text of a re-offer.

        With `new_keys` off the keys stay: a hold or a session refresh (R4567-4.1.2-13).
        """
        return _offer.update(self, initiator, bundles, new_keys)

    def receive(
        self,
        responder: Responder,
        *,
        handlers: Handlers | None = None,
        require_response: bool = True,
    ) -> Received:
        """Verify all messages of this offer; the result shows them and accepts or rejects.

        `handlers` answer Steps, as in `mikey.drive`. A message that
        asks for no response is refused (R4567-4.1.2-11) unless `require_response` is off; one of
        SAKKE, which has none, is not.

        Raises PeerError; one failure refuses the whole (R4567-4.1.2-3): `refusal(error)` is what
        to answer.
        """
        return _answer.receive(
            self, responder, handlers=handlers, require_response=require_response
        )

    def answer(
        self,
        responder: Responder,
        mine: Description,
        ssrcs: Mapping[int, int],
        *,
        handlers: Handlers | None = None,
    ) -> Agreed:
        """Verify and accept all messages of this offer: `receive`, then `Received.accept`."""
        return self.receive(responder, handlers=handlers).accept(mine, ssrcs)

    def kept_lines(self, previous: Description) -> tuple[int, ...]:
        """Return the m= lines of this later offer that go on with the keys they have.

        See `mikey.carriage.sdp.kept_lines`. Raises CarriageError (488).
        """
        return _reoffer.kept_lines(previous, self)

    # The lines themselves

    def _present(self) -> dict[int | None, bytes]:
        return {level: self._mikey(level)[0].octets for level in self.levels}

    def _write(
        self, messages: Mapping[int | None, bytes], *, levels: Collection[int | None] | None = None
    ) -> Description:
        """Make the MIKEY lines of `levels` (None: of all) those that carry `messages`."""
        lines: list[str] = []
        for level, section in zip(self._all_levels(), self._sections, strict=True):
            part = list(section.lines)
            if levels is not None and level not in levels:
                lines += map(str, part)
                continue
            places = [entry.line - section.number for entry in self._mikey(level)]
            if level in messages:
                content = _keymgmt.emit(messages[level])
                places = _insert(part, content, places, self._lines[0].end)
            for surplus in reversed(places):
                del part[surplus]
            lines += map(str, part)
        return Description("".join(lines), context=self._base)

    def _mikey(self, level: int | None) -> tuple[KeyMgmt, ...]:
        number = 0 if level is None else self._line(level).index + 1
        return tuple(e for e in self._sections[number].key_mgmt if e.protocol == MIKEY)

    def _check_level(self, level: int | None) -> None:
        if level is not None:
            self._line(level)

    def _all_levels(self) -> Sequence[int | None]:
        return [None, *range(len(self.media))]

    def _line(self, media: int) -> Media:
        if not 0 <= media < len(self.media):
            raise LocalError(f"there is no m= line {media} (the description has {len(self.media)})")
        return self.media[media]


def _sections(lines: Sequence[Line]) -> tuple[Section, ...]:
    """Cut the lines before each m= line and read the key-mgmt lines of each part."""
    starts = [0, *(number for number, line in enumerate(lines) if line.kind == "m"), len(lines)]
    sections = []
    for start, end in itertools.pairwise(starts):
        part = lines[start:end]
        entries = (_keymgmt.parse(line, start + offset) for offset, line in enumerate(part))
        sections.append(Section(start, part, tuple(e for e in entries if e is not None)))
    return tuple(sections)


def _insert(lines: list[Line], content: str, places: list[int], end: str) -> list[int]:
    """Put a line in the first of `places`, or behind the last line with content.

    Returns the places that are left over.
    """
    if places:
        lines[places[0]] = Line(content, lines[places[0]].end)
        return places[1:]
    last = max(number for number, line in enumerate(lines) if line.content)
    if lines[last].end:
        lines.insert(last + 1, Line(content, lines[last].end))
    else:  # the text ends without a line end, and goes on doing so
        lines[last] = Line(lines[last].content, end or _text.DEFAULT_END)
        lines.append(Line(content, ""))
    return []
