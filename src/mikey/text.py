"""Text as a terminal, a log or a URI may have it."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return `text` with "?" for each character that is not printable: terminals obey those."""
    return "".join(character if character.isprintable() else "?" for character in text)


def bracketed(host: str) -> str:
    """Return a host as it stands in a URI and before a port (RFC 3986 3.2.2)."""
    return f"[{host}]" if ":" in host else host
