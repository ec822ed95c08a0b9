"""The replay cache by itself; what a Responder makes of it stands in tests/rules/test_replay.py."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from mikey import ReplayCache
from mikey.policy import SECOND
from mikey.registry import TsType
from mikey.session import ReplayEntry
from mikey.wire import Message
from tests.naive.vectors import CSB_ID, OFFER, TS

ENTRY = ReplayEntry(b"d" * 32, "sip:alice@example.com", CSB_ID, TsType.NTP_UTC, TS)


def test_an_entry_says_what_came_from_whom() -> None:
    entry = ReplayEntry.of(Message.parse(OFFER), "sip:alice@example.com")
    assert entry == replace(ENTRY, digest=hashlib.sha256(OFFER).digest())


def test_what_makes_two_messages_the_same() -> None:
    cache = ReplayCache()
    assert cache.check(ENTRY)
    assert cache.add(ENTRY, 100 * SECOND)
    assert not cache.check(ENTRY)
    assert not cache.add(ENTRY, 100 * SECOND)
    assert not cache.check(replace(ENTRY, digest=b"e" * 32))  # T again, other octets
    assert not cache.check(replace(ENTRY, peer="", csb_id=0, t=bytes(8)))  # the same octets
    for changes in ({"peer": "x"}, {"csb_id": 1}, {"t": bytes(8)}, {"ts_type": TsType.NTP}):
        assert cache.check(replace(ENTRY, digest=b"e" * 32, **changes))
    assert len(cache) == 1


def test_names_do_not_run_into_each_other() -> None:
    """A peer whose name begins with what another's timestamp ends with is another peer."""
    cache = ReplayCache()
    cache.add(replace(ENTRY, ts_type=TsType.NTP_UTC_32, t=b"abcd", peer="efgh"), SECOND)
    other = replace(ENTRY, digest=b"e" * 32, ts_type=TsType.NTP_UTC, t=b"abcdefgh", peer="")
    assert cache.check(other)


def test_entries_go_when_they_are_over_and_not_before() -> None:
    cache = ReplayCache()
    for n in range(5):
        cache.add(replace(ENTRY, digest=bytes([n]) * 32, csb_id=n), (10 + n) * SECOND)
    left = []
    for now in range(8, 18):
        cache.purge(now * SECOND)
        left.append(len(cache))
    assert left == [5, 5, 5, 5, 4, 3, 2, 1, 0, 0]


def test_threads_that_read_the_clock_a_little_earlier_do_no_harm() -> None:
    cache = ReplayCache()
    cache.add(ENTRY, 10 * SECOND)
    cache.purge(12 * SECOND)
    assert len(cache) == 0
    cache.purge(12 * SECOND - 900_000_000)
    assert cache.check(replace(ENTRY, csb_id=1, digest=b"e" * 32))


def test_a_clock_that_went_far_back_closes_the_cache_for_as_long_as_it_must() -> None:
    cache = ReplayCache()
    cache.add(ENTRY, 10 * SECOND)
    cache.purge(1000 * SECOND)
    fresh = replace(ENTRY, csb_id=1, digest=b"e" * 32)
    for now, opened in ((5, False), (10, False), (11, True)):
        cache.purge(now * SECOND)
        assert cache.check(fresh) == opened


def test_a_counter_is_compared_as_a_number() -> None:
    cache = ReplayCache(counters={"a": 255})
    counter = replace(ENTRY, ts_type=TsType.COUNTER, peer="a")
    assert not cache.check(replace(counter, t=b"\0\0\0\xff"))
    assert cache.add(replace(counter, t=b"\0\0\1\0"), 0)
    assert not cache.add(replace(counter, t=b"\0\0\1\0"), 0)
    assert cache.counters == {"a": 256}
    assert len(cache) == 0
    cache.purge(10**30)
    assert not cache.check(replace(counter, t=b"\0\0\1\0"))


def test_entries_of_different_lives() -> None:
    """One that stays for long does not keep those behind it."""
    cache = ReplayCache(capacity=2)
    kept, gone, more = (replace(ENTRY, digest=bytes([n]) * 32, csb_id=n) for n in range(3))
    assert cache.add(kept, 100 * SECOND)
    assert cache.add(gone, 10 * SECOND)
    assert not cache.add(more, 10 * SECOND)
    cache.purge(12 * SECOND)
    assert len(cache) == 1
    assert not cache.check(kept)
    assert cache.check(gone)
