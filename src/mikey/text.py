"""Text from outside, as a terminal or a log may have it."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return `text` with "?" for each character that is not printable: terminals obey those."""
    return "".join(character if character.isprintable() else "?" for character in text)
