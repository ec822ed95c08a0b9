"""Timestamps of whole exchanges (area time)."""

from __future__ import annotations

import pytest

from mikey import Clock, ErrorNumber
from mikey.errors import TimestampError
from mikey.policy import SECOND, Policy
from mikey.registry import TsType
from tests.naive import encode as e
from tests.naive.decode import Fields, T, decode, one
from tests.naive.vectors import PSK, TS
from tests.rules.psk_parties import (
    CONTEXT,
    NOW,
    STREAMS,
    YOURS,
    Time,
    accepted,
    alice,
    answered,
    bob,
    offer,
    refused,
)

ERA_1 = 2_085_978_496 * SECOND  # 2036-02-07 06:28:16 UTC


def at(now: int) -> Time:
    time = Time()
    time.now = now
    return time


def stamp(octets: bytes) -> Fields:
    return one(decode(octets), T).fields


@pytest.mark.rule("R3830-4.2.8-2")
@pytest.mark.parametrize("ahead", [-200, -1, 0, 1, 200])
def test_an_exchange_across_the_era(ahead: int) -> None:
    """One side is in the old era, the other in the new one, a few seconds away."""
    mine, yours = ERA_1 - SECOND, ERA_1 - SECOND + ahead * SECOND
    for initiator_at, responder_at in ((mine, yours), (yours, mine)):
        initiator = alice(at(initiator_at))
        first = initiator.start(STREAMS, context=CONTEXT)
        answer, theirs = accepted(bob(at(responder_at)), first)
        assert answer is not None
        assert answered(initiator, answer).crypto_sessions == theirs.crypto_sessions


@pytest.mark.rule("R3830-4.2.8-2", "R3830-6.6-3")
@pytest.mark.parametrize("ts_type", [0, 1])
@pytest.mark.parametrize(
    ("seconds", "allowed"),
    [(0, True), (300, True), (-300, True), (301, False), (-301, False), (2**31, False)],
)
def test_the_window_on_both_sides(ts_type: int, seconds: int, allowed: bool) -> None:
    value = (int.from_bytes(TS) + (seconds << 32)) % 2**64
    first = offer(ts=(ts_type, value.to_bytes(8)))
    if allowed:
        accepted(bob(), first)
    else:
        error = refused(bob(), first, ErrorNumber.INVALID_TS, TimestampError)
        assert ("ahead of" if 0 < seconds < 2**31 else "behind") in error.reason


@pytest.mark.rule("R3830-6.6-5")
@pytest.mark.parametrize(("seconds", "allowed"), [(0, True), (300, True), (302, False)])
def test_ntp_utc_32_is_compared_by_its_seconds(seconds: int, allowed: bool) -> None:
    value = (int.from_bytes(TS[:4]) + seconds).to_bytes(4)
    first = offer(ts=(3, value))
    if allowed:
        accepted(bob(), first)
    else:
        refused(bob(), first, ErrorNumber.INVALID_TS, TimestampError)


@pytest.mark.rule("R3830-5.2-4")
def test_no_timestamp_is_used_twice_by_initiators_that_share_a_clock() -> None:
    clock = Clock(Time())
    initiators = [alice(clock=clock, mki_length=1) for _ in range(3)]
    firsts = [i.start(STREAMS, context=CONTEXT) for i in initiators for _ in range(3)]
    held = [
        answered(initiator, e.psk_answer(PSK, first, {2: YOURS}))
        for initiator, first in zip(initiators, firsts[::3], strict=True)
    ]
    updates = [i.rekey(b, context=CONTEXT) for i, b in zip(initiators, held, strict=True)]
    values = [stamp(octets)["value"] for octets in firsts + updates]
    assert len(set(values)) == len(values) == 12


@pytest.mark.rule("R3830-5.2-4")
def test_a_clock_that_went_back_gives_no_old_timestamp() -> None:
    time = Time()
    initiator = alice(time)
    first = initiator.start(STREAMS, context=CONTEXT)
    time.advance(-3600)
    second = initiator.start(STREAMS, context=CONTEXT)
    assert int.from_bytes(stamp(second)["value"]) == int.from_bytes(stamp(first)["value"]) + 1


@pytest.mark.rule("R3830-5.2-5")
@pytest.mark.parametrize("ts_type", list(TsType))
def test_the_responder_makes_no_timestamp(ts_type: TsType) -> None:
    """Whatever its own clock says, the response repeats type and value."""
    value = {2: b"\0\0\0\7", 3: TS[:4]}.get(ts_type, TS)
    first = offer(ts=(int(ts_type), value))
    answer, _ = accepted(bob(at(NOW + 100 * SECOND)), first)
    assert answer is not None
    assert stamp(answer) == stamp(first) == {"ts_type": ts_type, "value": value}
    e.verify_answer(PSK, first, answer)


@pytest.mark.rule("R3830-6.6-4")
def test_the_mac_of_a_response_covers_a_counter_as_it_was_sent() -> None:
    initiator = alice(clock=Clock(Time(), ts_type=TsType.COUNTER, last=6))
    first = initiator.start(STREAMS, context=CONTEXT)
    assert stamp(first) == {"ts_type": 2, "value": b"\0\0\0\7"}
    # The naive V covers 4 octets of T, and its KEMAC opens with 8.
    ours = answered(initiator, e.psk_answer(PSK, first, {2: YOURS}))
    answer, theirs = accepted(bob(), first)
    assert answer is not None
    e.verify_answer(PSK, first, answer)
    assert ours.crypto_sessions == theirs.crypto_sessions


def test_the_window_is_the_callers() -> None:
    wide = bob(at(NOW + 3000 * SECOND), policy=Policy(skew=3600 * SECOND))
    accepted(wide, offer())
