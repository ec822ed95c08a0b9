"""Replays and timestamps at the Responder (RFC 3830 5.3, 5.4)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from mikey import (
    AuthenticationError,
    Clock,
    ErrorNumber,
    Initiator,
    Policy,
    PolicyError,
    Psk,
    ReplayCache,
    ReplayError,
    Responder,
    Secret,
    TimestampError,
)  # fmt: skip
from mikey.policy import SECOND
from mikey.registry import TsType
from mikey.session import ReplayEntry
from tests.naive import encode as e
from tests.naive.vectors import CSB_ID, IDI, PSK, TS
from tests.rules.psk_parties import (
    ALICE,
    BOB,
    CONTEXT,
    NOW,
    STREAMS,
    Craft,
    Time,
    accepted,
    alice,
    bob,
    offer,
    offered,
    refused,
)

SKEW = 300


@pytest.mark.rule("R3830-5.4-1", "R3830-5.3-3", "R3830-5.4-9")
def test_a_message_is_taken_once_and_the_second_gets_no_answer() -> None:
    responder, first = bob(), offer()
    accepted(responder, first)
    for _ in range(2):
        error = refused(responder, first, None, ReplayError)
        assert responder.refuse(error) is None


@pytest.mark.rule("R3830-5.3-4", "R3830-5.4-1")
def test_a_replay_costs_no_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    responder, first = bob(), offer()
    accepted(responder, first)
    monkeypatch.setattr("mikey.session.verifiers.MessageKeys", None)
    refused(responder, first, None, ReplayError)
    refused(responder, offer(ts=(0, Time().ts(-1000))), ErrorNumber.INVALID_TS)


@pytest.mark.rule("R3830-5.4-1")
def test_also_when_the_csb_is_closed() -> None:
    responder, first = bob(), offer()
    responder.close(accepted(responder, first)[1])
    refused(responder, first, None, ReplayError)
    accepted(responder, offer(ts=(0, Time().ts(1))))


@pytest.mark.rule("R3830-5.3-6", "R3830-5.4-1")
@pytest.mark.parametrize("how", ["not answered", "rejected", "refused"])
def test_what_was_authentic_is_remembered_whatever_came_of_it(how: str) -> None:
    responder = bob()
    first = offer(sdp_ids=b"mikey;other") if how == "refused" else offer()
    if how == "refused":
        refused(responder, first, ErrorNumber.UNSPECIFIED, PolicyError)
    else:
        found = offered(responder, first)
        if how == "rejected":
            found.reject(ErrorNumber.UNSPECIFIED)
    refused(responder, first, None, ReplayError)


@pytest.mark.rule("R3830-5.3-2")
def test_what_is_not_authentic_is_not_remembered() -> None:
    cache = ReplayCache()
    responder = bob(replay=cache)
    forged = offer(psk=bytes(range(1, 17)))
    for _ in range(3):
        refused(responder, forged, ErrorNumber.AUTH_FAILURE, AuthenticationError)
    assert len(cache) == 0
    # Nor does the forgery keep the honest message out.
    accepted(responder, offer())
    assert len(cache) == 1


@pytest.mark.rule("R3830-5.4-3")
def test_one_timestamp_is_used_once_by_a_peer_in_a_csb() -> None:
    responder = bob()
    offered(responder, offer())
    other = offer(keys=[e.key_data(bytes(range(16)))])
    refused(responder, other, None, ReplayError)
    offered(responder, offer(csb_id=CSB_ID + 1))
    offered(responder, offer(ts=(1, TS)))
    offered(responder, offer(ts=(0, Time().ts(1))))


@pytest.mark.rule("R3830-5.4-3")
def test_two_peers_may_use_one_timestamp() -> None:
    responder = bob(credentials=[Psk(Secret(PSK), BOB, "*")])
    offered(responder, offer())
    offered(responder, offer(idi=b"sip:carol@example.com"))
    refused(responder, offer(), None, ReplayError)


@pytest.mark.parametrize("ts_type", [0, 1])
@pytest.mark.parametrize(
    ("age", "fits"),
    [(-301, False), (-SKEW, True), (0, True), (SKEW, True), (301, False), (2**31, False)],
)
@pytest.mark.rule("R3830-5.3-3", "R3830-5.4-1", "R3830-6.6-3")
def test_the_window_has_two_ends(ts_type: int, age: float, fits: bool) -> None:
    time = Time()
    first = offer(ts=(ts_type, time.ts()))
    time.advance(age)
    responder = bob(time)
    if fits:
        accepted(responder, first)
    else:
        refused(responder, first, ErrorNumber.INVALID_TS, TimestampError)


def test_the_window_is_policy() -> None:
    old = offer(ts=(0, Time().ts(-3600)))
    refused(bob(), old, ErrorNumber.INVALID_TS)
    accepted(bob(policy=Policy(skew=2 * 3600 * SECOND)), old)


@pytest.mark.rule("R3830-4.2.8-2")
def test_the_era_that_ends_in_2036_is_no_special_case() -> None:
    time = Time()
    end = 2_085_978_496 * SECOND  # 2036-02-07 06:28:16 UTC
    for before, after in ((-2, 2), (2, -2)):
        time.now = end + before * SECOND
        first = offer(ts=(0, time.ts()))
        time.now = end + after * SECOND
        responder = bob(time)
        accepted(responder, first)
        refused(responder, first, None, ReplayError)
    # A timestamp of the era before is old, though its number is large.
    time.now = end + 1000 * SECOND
    refused(bob(time), offer(ts=(0, b"\xff" * 8)), ErrorNumber.INVALID_TS, TimestampError)


@pytest.mark.rule("R3830-5.4-1")
@pytest.mark.parametrize("ahead", [-SKEW, 0, SKEW])
def test_a_message_is_remembered_until_its_window_is_over(ahead: int) -> None:
    time = Time()
    responder = bob(time)
    first = offer(ts=(0, time.ts(ahead)))
    offered(responder, first)
    for _ in range(3 * SKEW):
        time.advance(1)
        with pytest.raises((ReplayError, TimestampError)):
            responder.receive(first, context=CONTEXT)


def test_the_cache_is_emptied_of_what_is_over() -> None:
    time, cache = Time(), ReplayCache()
    responder = bob(time, replay=cache)
    for n in range(20):
        offered(responder, offer(csb_id=n, ts=(0, time.ts())))
        time.advance(100)
    assert len(cache) == 7


@pytest.mark.rule("R3830-5.4-4", "R3830-5.4-1")
def test_a_clock_that_goes_back_opens_no_door() -> None:
    """An entry was forgotten at a wrong time; at the right one it is still needed."""
    time = Time()
    responder = bob(time)
    first = offer()
    accepted(responder, first)
    time.advance(10 * SKEW)
    offered(responder, offer(csb_id=1, ts=(0, time.ts())))
    time.advance(-10 * SKEW)
    refused(responder, first, None, ReplayError)
    fresh = offer(csb_id=2, ts=(0, time.ts()))
    refused(responder, fresh, None, ReplayError)
    time.advance(2 * SKEW + 1)
    refused(responder, first, ErrorNumber.INVALID_TS)
    accepted(responder, offer(csb_id=3, ts=(0, time.ts())))


@pytest.mark.rule("R3830-5.4-1")
def test_a_full_cache_refuses_and_forgets_nothing() -> None:
    time = Time()
    responder = bob(time, replay=ReplayCache(capacity=2))
    messages = [offer(csb_id=n) for n in range(3)]
    offered(responder, messages[0])
    offered(responder, messages[1])
    refused(responder, messages[2], None, ReplayError)
    for message in messages[:2]:
        refused(responder, message, None, ReplayError)
    time.advance(2 * SKEW + 2)
    accepted(responder, offer(ts=(0, time.ts())))


@pytest.mark.rule("R3830-5.4-4")
def test_who_lost_track_refuses_all_for_one_window() -> None:
    time, cache = Time(), ReplayCache()
    cache.lost_track(NOW + SKEW * SECOND)
    responder = bob(time, replay=cache)
    for _ in range(3):
        refused(responder, offer(ts=(0, time.ts())), None, ReplayError)
        time.advance(99)
    time.advance(10)
    accepted(responder, offer(ts=(0, time.ts())))


@pytest.mark.rule("R3830-5.4-7")
def test_a_counter_rises_for_each_peer() -> None:
    cache = ReplayCache()
    responder = bob(replay=cache, credentials=[Psk(Secret(PSK), BOB, "*")])

    def counted(value: int, csb_id: int, idi: bytes = IDI) -> bytes:
        return offer(ts=(2, value.to_bytes(4)), csb_id=csb_id, idi=idi)

    accepted(responder, counted(0, 1))
    accepted(responder, counted(7, 2))
    for value in (0, 5, 7):
        refused(responder, counted(value, 3), None, ReplayError)
    accepted(responder, counted(3, 4, b"sip:carol@example.com"))
    # Only what was authentic counts.
    forged = replace(Craft(), psk=bytes(range(1, 17)), ts=(2, b"\xff" * 4)).message()
    refused(responder, forged, ErrorNumber.AUTH_FAILURE)
    accepted(responder, counted(8, 5))
    assert cache.counters == {ALICE: 8, "sip:carol@example.com": 3}
    # Kept over a restart; no window, however long that took.
    time = Time()
    time.advance(10**8)
    later = bob(time, replay=ReplayCache(counters=cache.counters))
    refused(later, counted(8, 6), None, ReplayError)
    accepted(later, counted(0xFFFFFFFF, 7))
    refused(later, counted(0, 8), None, ReplayError)


def test_counters_of_peers_are_bounded() -> None:
    responder = bob(replay=ReplayCache(capacity=1), credentials=[Psk(Secret(PSK), BOB, "*")])
    accepted(responder, offer(ts=(2, bytes(4))))
    stranger = offer(ts=(2, b"\0\0\0\1"), csb_id=1, idi=b"sip:carol@example.com")
    refused(responder, stranger, None, ReplayError)
    accepted(responder, offer(ts=(2, b"\0\0\0\1"), csb_id=2))


@pytest.mark.rule("R3830-5.4-1")
def test_two_workers_take_a_message_once() -> None:
    cache, clock = ReplayCache(), Clock(Time())
    workers = [Responder([Psk(Secret(PSK), BOB, ALICE)], replay=cache, clock=clock) for _ in "ab"]
    barrier = threading.Barrier(8)

    def receive(n: int) -> bool:
        barrier.wait()
        try:
            workers[n % 2].receive(first, context=CONTEXT)
        except ReplayError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        for round_no in range(20):
            first = offer(csb_id=round_no)
            assert sum(pool.map(receive, range(8))) == 1


class Slow:
    """A store whose check is always too early: another worker adds behind it."""

    def __init__(self) -> None:
        self.added: list[ReplayEntry] = []

    def check(self, entry: ReplayEntry) -> bool:
        return True

    def add(self, entry: ReplayEntry, expires: int) -> bool:
        self.added.append(entry)
        return len(self.added) == 1

    def purge(self, now: int) -> None:
        return


@pytest.mark.rule("R3830-5.4-1", "R3830-5.3-2")
def test_a_worker_that_was_faster_makes_a_replay() -> None:
    store = Slow()
    responder, first = bob(replay=store), offer()
    offered(responder, first)
    refused(responder, first, None, ReplayError)
    refused(responder, offer(psk=bytes(range(1, 17))), ErrorNumber.AUTH_FAILURE)
    assert [entry.peer for entry in store.added] == [ALICE, ALICE]


def test_our_own_messages_are_refused_where_they_come_back() -> None:
    """R3830-3.1-8: a key that serves any two parties, and no identity that tells them apart."""
    for ts_type in (TsType.NTP_UTC, TsType.COUNTER):
        time, cache = Time(), ReplayCache()
        clock = Clock(time, ts_type=ts_type)
        mine = Initiator(Psk(Secret(PSK), ALICE, BOB), replay=cache, clock=clock)
        wildcard = [Psk(Secret(PSK), "*", "*")]
        first = mine.start(STREAMS, context=CONTEXT)
        refused(bob(time, replay=cache, credentials=wildcard), first, None, ReplayError)
        # Without the common store only the names can tell.
        named = [Psk(Secret(PSK), ALICE, "*")]
        refused(bob(time, credentials=named), first, ErrorNumber.INVALID_ID)
        accepted(bob(time, credentials=wildcard), first)


def test_our_own_messages_are_known_also_while_all_is_refused() -> None:
    time, cache = Time(), ReplayCache()
    cache.lost_track(NOW + 10 * SECOND)
    first = alice(time, replay=cache).start(STREAMS, context=CONTEXT)
    responder = bob(time, replay=cache, credentials=[Psk(Secret(PSK), "*", "*")])
    time.advance(20)
    refused(responder, first, None, ReplayError)


@pytest.mark.rule("R3830-5.4-9")
def test_a_retry_is_a_message_of_its_own() -> None:
    a, responder = alice(), bob()
    first, retry = (a.start(STREAMS, context=CONTEXT) for _ in range(2))
    accepted(responder, first)
    accepted(responder, retry)
    assert first[4:8] != retry[4:8]
