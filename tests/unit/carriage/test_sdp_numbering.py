"""Which crypto session serves which m= line."""

from __future__ import annotations

import pytest

from mikey.carriage.sdp import Description, Sender, Slot, place_sessions
from mikey.errors import DecodeError
from mikey.registry import ErrorNumber
from tests.unit.carriage.sdp_texts import CALL

OURS, THEIRS = Sender.INITIATOR, Sender.RESPONDER


@pytest.mark.rule("R4567-7.1-1", "R4567-7.1-2")
def test_two_sessions_for_each_line() -> None:
    assert place_sessions(4, (0, 2), 3) == (
        Slot(0, OURS, 1),
        Slot(0, THEIRS, 2),
        Slot(2, OURS, 3),
        Slot(2, THEIRS, 4),
    )


@pytest.mark.rule("R4567-7.1-3")
def test_two_sessions_for_each_of_all_lines() -> None:
    assert place_sessions(6, (0, 2), 3) == (
        Slot(0, OURS, 1),
        Slot(0, THEIRS, 2),
        Slot(2, OURS, 5),
        Slot(2, THEIRS, 6),
    )


@pytest.mark.rule("R4567-7.1-3")
def test_the_governed_lines_count_where_both_would_fit() -> None:
    # 2 = two for one governed line, not one for each of two.
    assert place_sessions(2, (1,), 2) == (Slot(1, OURS, 1), Slot(1, THEIRS, 2))


@pytest.mark.rule("R4567-7.1-4")
def test_one_session_for_each_line_serves_both_directions() -> None:
    assert place_sessions(2, (0, 2), 3) == (
        Slot(0, OURS, 1),
        Slot(0, THEIRS, 1),
        Slot(2, OURS, 2),
        Slot(2, THEIRS, 2),
    )


@pytest.mark.rule("R4567-7.1-4")
def test_one_session_for_everything() -> None:
    assert place_sessions(1, (0, 2), 3) == (
        Slot(0, OURS, 1),
        Slot(0, THEIRS, 1),
        Slot(2, OURS, 1),
        Slot(2, THEIRS, 1),
    )


def test_no_session_keys_nothing() -> None:
    assert place_sessions(0, (0, 2), 3) == ()


@pytest.mark.rule("R4567-7.1-4")
@pytest.mark.parametrize("count", [3, 5, 7, 8, 255])
def test_any_other_count_is_an_error(count: int) -> None:
    with pytest.raises(DecodeError) as caught:
        place_sessions(count, (0, 2), 3)
    assert caught.value.number is ErrorNumber.UNSPECIFIED


@pytest.mark.rule("R4567-7.1-4")
def test_a_message_for_no_line_keys_nothing() -> None:
    with pytest.raises(DecodeError):
        place_sessions(1, (), 2)


@pytest.mark.rule("R4567-7.1-3", "R4567-7.1-5")
def test_rejected_lines_keep_their_numbers() -> None:
    description = Description(CALL.replace("m=audio 49000", "m=audio 0"))
    assert description.slots(4)[2:] == (Slot(2, OURS, 3), Slot(2, THEIRS, 4))


@pytest.mark.rule("R4567-7.1-1")
def test_a_media_level_message_numbers_its_own_line() -> None:
    text = Description(CALL).attach(b"\1", 2)
    assert Description(text).slots(2, 2) == (Slot(2, OURS, 1), Slot(2, THEIRS, 2))
    assert Description(text).slots(2) == (Slot(0, OURS, 1), Slot(0, THEIRS, 2))
    with pytest.raises(DecodeError):
        Description(text).slots(6, 2)
