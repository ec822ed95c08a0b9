"""Timestamps: none twice, eras, and the types besides NTP-UTC."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.errors import LocalError
from mikey.policy import SECOND, Clock
from mikey.policy.clock import difference64, difference_ns, ns_from_t, ntp_from_ns, value64
from mikey.registry import TsType
from mikey.wire import T

ERA_1 = 2_085_978_496 * SECOND  # 2036-02-07 06:28:16 UTC
YEAR = 31_557_600 * SECOND
NOW = 1_700_000_000 * SECOND


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * SECOND  # type: ignore[misc, arg-type]


def stamp(now: int, ts_type: TsType = TsType.NTP_UTC) -> T:
    return Clock(lambda: now, ts_type=ts_type).timestamp()


def test_ntp_values() -> None:
    assert ntp_from_ns(0) == 2_208_988_800 << 32
    assert ntp_from_ns(SECOND // 2) == (2_208_988_800 << 32) + (1 << 31)
    assert stamp(at(2006, 10, 20, 13, 43, 6)).value.hex() == "c8e350ea00000000"  # VEC-1
    assert ntp_from_ns(ERA_1) == 0
    assert ntp_from_ns(ERA_1 - 1) >> 32 == 0xFFFFFFFF


@pytest.mark.rule("R3830-5.2-4")
@pytest.mark.parametrize(
    "readings",
    [
        [NOW] * 5,
        [NOW, NOW - SECOND, NOW - 10 * YEAR, NOW - SECOND],
        [NOW, NOW, NOW + 1, NOW + 1],
        [ERA_1 - 1, ERA_1 - 1, ERA_1, ERA_1 - SECOND],
    ],
    ids=["standing", "backwards", "slow", "era"],
)
def test_no_value_is_issued_twice_and_all_are_in_order(readings: list[int]) -> None:
    times = iter(readings)
    clock = Clock(lambda: next(times))
    stamps = [clock.timestamp() for _ in readings]
    assert len({t.value for t in stamps}) == len(stamps)
    for earlier, later in pairwise(stamps):
        assert difference64(later, earlier) > 0


@given(st.lists(st.integers(0, 200 * YEAR // 4), min_size=2, max_size=30))
def test_whatever_the_clock_does_no_value_repeats(readings: list[int]) -> None:
    times = iter(readings)
    clock = Clock(lambda: next(times))
    assert len({clock.timestamp().value for _ in readings}) == len(readings)


def test_a_standing_clock_goes_on_by_one_unit_and_over_the_era() -> None:
    clock = Clock(lambda: NOW)
    first, second = value64(clock.timestamp()), value64(clock.timestamp())
    assert second == first + 1
    over = Clock(lambda: ERA_1 - SECOND, last=2**64 - 1)
    assert value64(over.timestamp()) == 0
    assert over.last == 0


@pytest.mark.rule("R3830-5.2-4")
def test_threads_share_a_clock() -> None:
    clock = Clock(lambda: NOW)
    found: list[bytes] = []

    def draw() -> None:
        found.extend([clock.timestamp().value for _ in range(500)])

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == len(found) == 2000


@pytest.mark.rule("R3830-5.2-4")
def test_a_clock_goes_on_where_the_program_ended() -> None:
    before = Clock(lambda: NOW)
    before.timestamp()
    again = Clock(lambda: NOW - SECOND, last=before.last)
    assert value64(again.timestamp()) == (before.last or 0) + 1


def test_counter() -> None:
    clock = Clock(lambda: NOW, ts_type=TsType.COUNTER)
    assert clock.last is None
    assert clock.timestamp() == T(TsType.COUNTER, b"\0\0\0\1")
    assert clock.timestamp() == T(TsType.COUNTER, b"\0\0\0\2")
    assert Clock(ts_type=TsType.COUNTER, last=41).timestamp().value == b"\0\0\0\x2a"
    last = Clock(ts_type=TsType.COUNTER, last=2**32 - 2)
    assert last.timestamp().value == b"\xff" * 4
    with pytest.raises(LocalError, match="used up"):
        last.timestamp()
    assert last.last == 2**32 - 1


@pytest.mark.parametrize(
    ("ts_type", "last"),
    [
        (TsType.NTP_UTC_32, None),
        (TsType(9), None),
        (TsType.COUNTER, -1),
        (TsType.COUNTER, 2**32),
        (TsType.NTP, 2**64),
    ],
)
def test_a_clock_that_cannot_be(ts_type: TsType, last: int | None) -> None:
    with pytest.raises(LocalError):
        Clock(ts_type=ts_type, last=last)


@pytest.mark.rule("R3830-6.6-4", "R3830-6.6-5", "R6043-6.3-3")
def test_short_values_grow_on_their_own_side() -> None:
    assert value64(T(TsType.COUNTER, b"\1\2\3\4")) == 0x0000000001020304
    assert value64(T(TsType.NTP_UTC_32, b"\1\2\3\4")) == 0x0102030400000000
    assert value64(T(TsType.NTP, bytes(range(8)))) == 0x0001020304050607


@pytest.mark.rule("R3830-4.2.8-2")
@pytest.mark.parametrize("now", [NOW, ERA_1 - SECOND, ERA_1, ERA_1 + SECOND, ERA_1 + 50 * YEAR])
@pytest.mark.parametrize("distance", [0, 1, 300, 86_400, 68 * 31_557_600])
@pytest.mark.parametrize("sign", [1, -1])
def test_differences_reach_68_years_over_any_era(now: int, distance: int, sign: int) -> None:
    t = stamp(now + sign * distance * SECOND)
    assert abs(difference_ns(t, now) - sign * distance * SECOND) <= 1


@pytest.mark.rule("R3830-4.2.8-2")
def test_beyond_half_an_era_the_sign_turns() -> None:
    half = (1 << 31) * SECOND
    assert difference_ns(stamp(NOW + half - SECOND), NOW) == half - SECOND
    assert difference_ns(stamp(NOW + half), NOW) == -half
    assert difference_ns(stamp(NOW - half), NOW) == -half


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_difference_is_the_signed_one(one: int, other: int) -> None:
    a, b = T(TsType.NTP_UTC, one.to_bytes(8)), T(TsType.NTP_UTC, other.to_bytes(8))
    difference = difference64(a, b)
    assert -(2**63) <= difference < 2**63
    assert (other + difference) % 2**64 == one


@pytest.mark.rule("R3830-6.6-3")
@pytest.mark.parametrize("distance", [-400, -1, 0, 1, 400])
def test_ntp_is_read_like_ntp_utc(distance: int) -> None:
    utc = stamp(NOW + distance * SECOND)
    ntp = stamp(NOW + distance * SECOND, TsType.NTP)
    assert ntp.value == utc.value
    assert difference_ns(ntp, NOW) == difference_ns(utc, NOW) == distance * SECOND


@pytest.mark.rule("R6043-6.3-2")
@pytest.mark.parametrize(
    ("value", "when"),
    [
        ("80000000", at(1968, 1, 20, 3, 14, 8)),
        ("ffffffff", at(2036, 2, 7, 6, 28, 15)),
        ("00000000", at(2036, 2, 7, 6, 28, 16)),
        ("7fffffff", at(2104, 2, 26, 9, 42, 23)),
    ],
)
def test_the_top_bit_tells_the_era(value: str, when: int) -> None:
    short = T(TsType.NTP_UTC_32, bytes.fromhex(value))
    assert ns_from_t(short) == when
    assert ns_from_t(T(TsType.NTP_UTC, bytes.fromhex(value) + bytes(4))) == when
    assert difference_ns(short, when) == 0


@given(st.integers(0, ERA_1 + 60 * YEAR))
def test_a_time_comes_back(now: int) -> None:
    assert 0 <= now - ns_from_t(stamp(now)) <= 1
