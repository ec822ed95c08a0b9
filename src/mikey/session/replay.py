"""The replay cache of a Responder (RFC 3830 5.4)."""

from __future__ import annotations

import hashlib
import heapq
import threading
from dataclasses import dataclass
from typing import Protocol, Self

from mikey.policy import SECOND
from mikey.registry import TsType
from mikey.values import quick_init
from mikey.wire import Message, T

# Entries stay a little longer than they need: threads read the clock before they come here, and
# one that is late must not look like a clock that went back.
_GRACE = SECOND


@quick_init
@dataclass(frozen=True, slots=True)
class ReplayEntry:
    """What is remembered of an authenticated message (R3830-5.4-3).

    `digest` is the SHA-256 of the whole message; a message with the same peer, CSB ID and T but
    other octets is a replay as well, because an Initiator never repeats T.
    """

    digest: bytes
    peer: str
    csb_id: int
    ts_type: TsType
    t: bytes

    @classmethod
    def of(cls, message: Message, peer: str) -> Self:
        """Return the entry of a message from `peer` ("" where the peer is not known yet)."""
        t = message.one(T)
        digest = hashlib.sha256(message.octets).digest()
        return cls(digest, peer, message.header.csb_id, t.ts_type, t.value)


class ReplayStore(Protocol):
    """Where entries live; share one among workers to share the protection."""

    def check(self, entry: ReplayEntry) -> bool:
        """Tell whether the message is new, before the costly work."""
        ...

    def add(self, entry: ReplayEntry, expires: int) -> bool:
        """Remember an authenticated message until `expires` (ns), atomically.

        False if it is known already (another worker was first) or cannot be remembered: then
        it is treated as a replay.
        """
        ...

    def purge(self, now: int) -> None:
        """Forget what expired before `now` (ns)."""
        ...


class ReplayCache:
    """Entries in memory, at most `capacity` (about 400 octets each).

    A full cache refuses new messages instead of forgetting one that could still be replayed
    (R3830-5.4-5). Messages with a COUNTER are accepted above the highest value seen from the
    peer only and need no expiry (R3830-5.4-7); `counters` holds these values, to be kept and
    given back when the program restarts.
    """

    def __init__(self, capacity: int = 10_000, counters: dict[str, int] | None = None) -> None:
        self._capacity = capacity
        self._known: set[bytes] = set()
        self._queue: list[tuple[int, bytes, bytes]] = []  # a heap, the next to expire in front
        self._counters = dict(counters or {})
        self._closed_until: int | None = None
        self._forgotten: int | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def counters(self) -> dict[str, int]:
        """The highest COUNTER value of each peer."""
        return dict(self._counters)

    def lost_track(self, until: int) -> None:
        """Refuse everything until `until` (ns), one skew interval from now.

        For a host that cannot tell which requests it has seen, after a crash or overload
        (R3830-5.4-4).
        """
        self._closed_until = until

    def check(self, entry: ReplayEntry) -> bool:
        """Tell whether the message is new."""
        with self._lock:
            known = self._counted(entry) if _is_counter(entry) else self._holds(_keys(entry))
            return self._closed_until is None and not known

    def add(self, entry: ReplayEntry, expires: int) -> bool:
        """Remember the message until `expires` (ns); False if it is known or there is no room.

        Also while everything is refused it is remembered: it may be one of our own, which could
        come back later (R3830-3.1-8).
        """
        with self._lock:
            if _is_counter(entry):
                full = entry.peer not in self._counters and len(self._counters) >= self._capacity
                if full or self._counted(entry):
                    return False
                self._counters[entry.peer] = int.from_bytes(entry.t)
            else:
                keys = _keys(entry)
                if len(self._queue) >= self._capacity or self._holds(keys):
                    return False
                self._known.update(keys)
                heapq.heappush(self._queue, (expires, *keys))
            return self._closed_until is None

    def purge(self, now: int) -> None:
        """Forget what expired before `now` (ns).

        A clock that went back to a time at which a forgotten entry was still needed has lost
        track of requests.
        """
        with self._lock:
            if self._forgotten is not None and now <= self._forgotten:
                self._closed_until = max(self._closed_until or 0, self._forgotten + 1)
            if self._closed_until is not None and self._closed_until <= now:
                self._closed_until = None
            while self._queue and self._queue[0][0] + _GRACE < now:
                expires, *keys = heapq.heappop(self._queue)
                self._forgotten = max(self._forgotten or 0, expires)
                self._known.difference_update(keys)

    def _counted(self, entry: ReplayEntry) -> bool:
        """Tell whether the peer's counter is there already or beyond."""
        return int.from_bytes(entry.t) <= self._counters.get(entry.peer, -1)

    def _holds(self, keys: tuple[bytes, bytes]) -> bool:
        return keys[0] in self._known or keys[1] in self._known


def _is_counter(entry: ReplayEntry) -> bool:
    return entry.ts_type is TsType.COUNTER


def _keys(entry: ReplayEntry) -> tuple[bytes, bytes]:
    name = entry.peer.encode("utf-8", "surrogateescape")
    issued = entry.csb_id.to_bytes(4) + bytes([entry.ts_type]) + entry.t + name
    return entry.digest, hashlib.sha256(issued).digest()
