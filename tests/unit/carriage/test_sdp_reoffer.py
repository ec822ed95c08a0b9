"""Later offers in a running session."""

from __future__ import annotations

import pytest

from mikey.carriage.sdp import Description
from mikey.errors import CarriageError
from tests.unit.carriage.sdp_texts import AUDIO, CALL, with_lines

AGREED = Description(Description(CALL).attach(b"\1"))


def refuse(offer: str, previous: Description = AGREED) -> str:
    with pytest.raises(CarriageError) as caught:
        Description(offer).kept_lines(previous)
    assert caught.value.status == 488
    return str(caught.value)


@pytest.mark.rule("R4567-4.1.2-13")
def test_known_streams_keep_their_keys() -> None:
    assert Description(CALL).kept_lines(AGREED) == (0, 2)
    hold = CALL.replace("a=mid:1", "a=mid:1\r\na=sendonly").replace("m=video 52230", "m=video 0")
    assert Description(hold).kept_lines(AGREED) == (0,)


@pytest.mark.rule("R4567-4.1.2-12", "R4567-4.1.2-13")
def test_a_new_secure_line_without_a_message_is_refused() -> None:
    assert "media 4" in refuse(CALL + "m=audio 5004 RTP/SAVP 0\r\n")
    assert Description(CALL + "m=audio 5004 RTP/AVP 0\r\n").kept_lines(AGREED) == (0, 2)
    assert Description(CALL + "m=audio 0 RTP/SAVP 0\r\n").kept_lines(AGREED) == (0, 2)


@pytest.mark.rule("R4567-4.1.2-13")
def test_a_new_secure_line_with_a_message_of_its_own_is_a_new_exchange() -> None:
    offer = Description(CALL + "m=audio 5004 RTP/SAVP 0\r\n").attach(b"\2", 3)
    assert Description(offer).kept_lines(AGREED) == (0, 2)


def test_a_message_for_everything_keeps_nothing() -> None:
    assert AGREED.kept_lines(AGREED) == ()


@pytest.mark.rule("R4567-4.1.2-13")
@pytest.mark.parametrize(
    "previous",
    [
        CALL.replace("m=audio 49000", "m=audio 0"),
        CALL.replace("m=audio 49000 RTP/SAVP", "m=audio 49000 RTP/AVP"),
        CALL.replace("m=audio", "m=image"),
    ],
)
def test_a_line_that_was_not_the_same_secure_stream_is_new(previous: str) -> None:
    assert "media 1" in refuse(CALL, Description(previous))


def test_a_line_of_another_protocol_is_no_known_stream() -> None:
    refuse(with_lines(CALL, "a=key-mgmt:keyp1 x", before="m=text"))


@pytest.mark.rule("R4567-8-3")
def test_no_line_leaves_its_secure_profile() -> None:
    assert "RTP/AVP in place of" in refuse(CALL.replace("RTP/SAVPF", "RTP/AVP"))


def test_m_lines_do_not_vanish() -> None:
    refuse(AUDIO)
