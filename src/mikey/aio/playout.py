"""Packets that arrive in any order become audio in the order in which it was said."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from mikey.aio.l16 import AudioFormat, from_l16

__all__ = ["Playout"]

_DEPTH = 32  # packets: 0.64 s of reordering at 20 ms
_LONGEST_GAP = 10  # seconds of silence for packets that never came


class Playout:
    """Hands samples on in order, with silence where packets are missing.

    `write` gets little-endian samples. A packet waits until `depth` later ones are there or the
    stream is over. `lost` counts packets that never came, `late` those that came too late.
    """

    def __init__(
        self, audio: AudioFormat, write: Callable[[bytes], None], *, depth: int = _DEPTH
    ) -> None:
        self._audio = audio
        self._write = write
        self._depth = depth
        self._waiting: list[tuple[int, int, bytes]] = []
        self._known: set[int] = set()
        self._next: int | None = None
        self._next_timestamp = 0
        self.lost = 0
        self.late = 0
        self.frames = 0

    def add(self, extended: int, timestamp: int, payload: bytes) -> None:
        """Take one packet by its extended sequence number.

        Raises PeerError for a payload that holds no whole frames.
        """
        samples = from_l16(payload, self._audio)
        if extended in self._known or (self._next is not None and extended < self._next):
            self.late += 1
            return
        self._known.add(extended)
        heapq.heappush(self._waiting, (extended, timestamp, samples))
        while len(self._waiting) > self._depth:
            self._emit()

    def finish(self) -> None:
        """Hand on all that waits: nothing more will come."""
        while self._waiting:
            self._emit()

    def _emit(self) -> None:
        extended, timestamp, samples = heapq.heappop(self._waiting)
        self._known.discard(extended)
        if self._next is not None and extended > self._next:
            self.lost += extended - self._next
            gap = (timestamp - self._next_timestamp) % 2**32
            if gap <= _LONGEST_GAP * self._audio.rate:
                self._hand_on(bytes(gap * self._audio.frame_size))
        self._hand_on(samples)
        self._next = extended + 1
        frames = len(samples) // self._audio.frame_size
        self._next_timestamp = (timestamp + frames) % 2**32

    def _hand_on(self, samples: bytes) -> None:
        self.frames += len(samples) // self._audio.frame_size
        if samples:
            self._write(samples)
