"""Octets as people read them: offset, hexadecimal, text; key material covered."""

from __future__ import annotations

from collections.abc import Collection, Iterator

WIDTH = 16


def dump(octets: bytes, start: int, end: int, hidden: Collection[int]) -> Iterator[str]:
    """Yield lines of the octets from `start` to `end`, those at `hidden` offsets as stars."""
    for row in range(start, end, WIDTH):
        places = range(row, min(row + WIDTH, end))
        pairs = ["**" if place in hidden else f"{octets[place]:02x}" for place in places]
        halves = " ".join(pairs[:8]), " ".join(pairs[8:])
        text = "".join("*" if place in hidden else _shown(octets[place]) for place in places)
        yield f"{row:5}  {halves[0]:<23}  {halves[1]:<23}  {text}"


def _shown(octet: int) -> str:
    return chr(octet) if 0x20 <= octet < 0x7F else "."
