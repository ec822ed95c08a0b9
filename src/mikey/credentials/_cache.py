"""Verified chains, remembered until they expire."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from mikey.credentials.certificate import Certificate
from mikey.errors import LocalError


@dataclass(frozen=True, slots=True)
class _Entry:
    leaf: Certificate
    start: int
    end: int


class ChainCache:
    """End entities by their certificates; the least recently used one leaves first.

    May be used by several threads. Raises LocalError for a size below 0.
    """

    def __init__(self, size: int) -> None:
        if size < 0:
            raise LocalError("a cache has a size of 0 or more")
        self._size = size
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, der: bytes, now: int) -> Certificate | None:
        """Return the end entity of a chain that holds at `now`, in nanoseconds; else None."""
        with self._lock:
            entry = self._entries.get(der)
            if entry is None:
                return None
            if not entry.start <= now <= entry.end:
                del self._entries[der]
                return None
            self._entries.move_to_end(der)
            return entry.leaf

    def put(self, leaf: Certificate, start: int, end: int) -> None:
        """Remember a verified end entity, whose chain holds from `start` to `end` inclusive."""
        with self._lock:
            self._entries[leaf.der] = _Entry(leaf, start, end)
            self._entries.move_to_end(leaf.der)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
