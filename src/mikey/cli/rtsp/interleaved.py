"""RTP interleaved with RTSP in the TCP connections of a capture (RFC 2326 10.12, RFC 7826 14).

Each direction of a connection is put in order again, whatever the network did to its segments.
Where octets are missing, because the capture began later or lost some, the next frame is found by
its looks.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator

from mikey.carriage.rtsp import Framer, Interleaved
from mikey.cli.rtsp.capture import Flow, Segment
from mikey.errors import CarriageError

__all__ = ["Connections"]

_MOST_FLOWS = 1024
_MOST_WAITING = 1 << 17
_MOST_SEGMENTS = 256
_ROUND = 1 << 32
_MARK = b"$"
_HEAD = 4  # "$", channel, length
_SHORTEST = 12
_MESSAGE = re.compile(rb"[A-Z_/]{1,5}")


class Connections:
    """The directions of the connections of a capture, as many as fit: the idlest is forgotten."""

    def __init__(self) -> None:
        self._flows: OrderedDict[Flow, tuple[_Direction, Segment]] = OrderedDict()

    def take(self, segment: Segment) -> list[Interleaved]:
        """Return the packets that are whole now, in the order of their direction."""
        flow = segment.flow
        held = self._flows.pop(flow, None)
        if held is None or segment.opens:
            direction = _Direction(segment.sequence, opened=segment.opens)
        else:
            direction = held[0]
        self._flows[flow] = direction, segment
        if len(self._flows) > _MOST_FLOWS:
            self._flows.popitem(last=False)
        return [] if segment.opens else direction.take(segment.sequence, segment.payload)

    def finish(self) -> Iterator[tuple[Segment, list[Interleaved]]]:
        """Yield what waited in vain for octets before it, with a segment of its direction."""
        while self._flows:
            _, (direction, segment) = self._flows.popitem(last=False)
            yield segment, direction.finish()


class _Direction:
    """The octets of one direction, put in order (RFC 9293 3.4)."""

    def __init__(self, sequence: int, *, opened: bool) -> None:
        self._next = (sequence + opened) % _ROUND  # SYN counts as an octet
        self._waiting: dict[int, bytes] = {}
        self._frames = _Frames(opened=opened)

    def take(self, sequence: int, payload: bytes) -> list[Interleaved]:
        """Take a segment; those that came before, again or in part, do no harm."""
        if not payload:
            return []
        if len(self._waiting.get(sequence, b"")) < len(payload):
            self._waiting[sequence] = payload
        found = self._in_order()
        if len(self._waiting) > _MOST_SEGMENTS or self._octets() > _MOST_WAITING:
            found += self._skip()  # what is missing was not captured
        return found

    def finish(self) -> list[Interleaved]:
        """Return what is left when there are no more segments."""
        found = []
        while self._waiting:
            found += self._skip()
        return found + self._frames.finish()

    def _in_order(self) -> list[Interleaved]:
        found = []
        while self._waiting:
            sequence = self._first()
            ahead = self._ahead(sequence)
            if ahead > 0:
                break
            octets = self._waiting.pop(sequence)[-ahead:]
            self._next = (self._next + len(octets)) % _ROUND
            found += self._frames.take(octets)
        return found

    def _skip(self) -> list[Interleaved]:
        """Go on behind the octets that are missing."""
        self._next = self._first()
        self._frames.lose()
        return self._in_order()

    def _first(self) -> int:
        return min(self._waiting, key=self._ahead)

    def _ahead(self, sequence: int) -> int:
        """How many octets lie between what was taken and `sequence`; negative if it was taken."""
        return (sequence - self._next + _ROUND // 2) % _ROUND - _ROUND // 2

    def _octets(self) -> int:
        return sum(map(len, self._waiting.values()))


class _Frames:
    """The interleaved packets in the octets of one direction."""

    def __init__(self, *, opened: bool) -> None:
        # None until it is known where a message or packet begins.
        self._framer: Framer | None = Framer() if opened else None
        self._searched = bytearray()
        self._untried = opened
        self._foreign = False

    def take(self, octets: bytes) -> list[Interleaved]:
        """Take the next octets."""
        if self._foreign or not octets:
            return []
        if self._framer is None:
            self._searched += octets
            return self._resume(last=False)
        return self._feed(self._framer, octets)

    def lose(self) -> None:
        """Octets are missing here: look for the next packet."""
        self._framer = None
        self._searched.clear()

    def finish(self) -> list[Interleaved]:
        """Return what is left when there are no more octets."""
        return self._resume(last=True) if self._framer is None else []

    def _resume(self, *, last: bool) -> list[Interleaved]:
        place = self._search(last=last)
        if place is None:
            return []
        octets = bytes(self._searched[place:])
        self._searched.clear()
        self._framer = Framer()
        return self._feed(self._framer, octets)

    def _feed(self, framer: Framer, octets: bytes) -> list[Interleaved]:
        try:
            items = framer.feed(octets)
        except CarriageError:
            # A connection that did not begin with RTSP never will be.
            self._foreign = self._untried
            self._framer = None
            return []
        if items:
            self._untried = False
        if framer.fault is not None:
            self._framer = None
        return [item for item in items if isinstance(item, Interleaved)]

    def _search(self, *, last: bool) -> int | None:
        """Return where a packet begins, as far as can be told; forget what is before."""
        place = self._searched.find(_MARK)
        while place >= 0:
            verdict = self._looks_like_a_packet(place)
            if verdict:
                return place
            if verdict is None and not last:
                del self._searched[:place]
                return None
            place = self._searched.find(_MARK, place + 1)
        self._searched.clear()
        return None

    def _looks_like_a_packet(self, place: int) -> bool | None:
        """Whether RTP is here and then another packet, a message or nothing; None: too early."""
        start = place + _HEAD
        if start >= len(self._searched):
            return None
        length = int.from_bytes(self._searched[place + 2 : start])
        if length < _SHORTEST or not _is_version_2(self._searched[start]):
            return False
        end = start + length
        if end > len(self._searched):
            return None
        after = bytes(self._searched[end : end + _HEAD + 1])
        if after[:1] == _MARK:
            return len(after) <= _HEAD or _is_version_2(after[_HEAD])
        return not after or _MESSAGE.fullmatch(after) is not None


def _is_version_2(octet: int) -> bool:
    """Whether RTP or RTCP begins with it (RFC 3550 5.1)."""
    return octet & 0xC0 == 0x80
