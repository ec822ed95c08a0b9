"""Text of a peer does nothing to a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.text import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "?[2J"),  # clears the screen
        ("a\rb\nc\td\0", "a?b?c?d?"),
        ("\u202e\u200b\x85\ud800", "????"),  # turns the writing round, or shows nothing
        ("Zoë, 電話 ☎", "Zoë, 電話 ☎"),
    ],
)
def test_what_a_terminal_obeys_is_replaced(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text())
def test_all_is_printable_and_as_long(text: str) -> None:
    assert plain(text).isprintable()
    assert len(plain(text)) == len(text)
