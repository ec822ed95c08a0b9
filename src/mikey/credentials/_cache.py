"""Verified chains, remembered until they expire."""

from __future__ import annotations

import hashlib
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
    """End entities by the SHA-256 of their certificates; the least recently used one leaves first.

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
        key = hashlib.sha256(der).digest()
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if not entry.start <= now <= entry.end:
                del self._entries[key]
                return None
            self._entries.move_to_end(key)
            return entry.leaf

    def put(self, leaf: Certificate, start: int, end: int) -> None:
        """Remember a verified end entity, whose chain holds from `start` to `end` inclusive."""
        key = hashlib.sha256(leaf.der).digest()
        with self._lock:
            self._entries[key] = _Entry(leaf, start, end)
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._entries.clear()
