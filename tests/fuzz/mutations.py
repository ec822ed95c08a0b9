"""Damage octets: a plain engine with a seed, so that a failure can be run again.

Each step is one of a dozen small edits; some know where MIKEY's payloads begin, most do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from tests.naive.decode import decode

INTERESTING = (0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 20, 21, 0x3F, 0x40, 0x7F, 0x80, 0xFE, 0xFF)
LONGEST = 1 << 17

Edit = Callable[[Random, bytearray, Sequence[bytes]], None]


def mutate(random: Random, octets: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Return `octets` after one to six edits; `others` are inputs to take pieces from."""
    changed = bytearray(octets)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        random.choice(EDITS)(random, changed, others)
    return bytes(changed[:LONGEST])


def _at(random: Random, octets: bytearray) -> int:
    return random.randrange(len(octets)) if octets else 0


def _flip(random: Random, octets: bytearray, others: Sequence[bytes]) -> None:
    if octets:
        octets[_at(random, octets)] ^= 1 << random.randrange(8)


def _set(random: Random, octets: bytearray, others: Sequence[bytes]) -> None:
    if octets:
        octets[_at(random, octets)] = random.choice((*INTERESTING, random.randrange(256)))


def _set_two(random: Random, octets: bytearray, others: Sequence[bytes]) -> None:
    at = _at(random, octets)
    value = random.choice((0, 1, len(octets), 0x7FFF, 0xFFFF, random.randrange(1 << 16)))
    octets[at : at + 2] = (value & 0xFFFF).to_bytes(2)


def _step(random: Random, octets: bytearray, others: Sequence[bytes]) -> None:
    if octets:
        at = _at(random, octets)
        octets[at] = (octets[at] + random.choice((-8, -1, 1, 8))) % 256


def _truncate(random: Random, octets: bytearray, others: Sequence[bytes]) -> None:
    del octets[_at(random, octets) :]


def _behead(random: Random, octets: bytearray, others: Sequence[bytes]) -> None:
    del octets[: _at(random, octets)]


def _delete(random: Random, octets: bytearray, others: Sequence[bytes]) -> None:
    at = _at(random, octets)
    del octets[at : at + random.choice((1, 2, 4, 16, 64))]


def _insert(random: Random, octets: bytearray, others: Sequence[bytes]) -> None:
    at = _at(random, octets)
    octets[at:at] = random.randbytes(random.choice((1, 2, 4, 20, 300)))


def _repeat(random: Random, octets: bytearray, others: Sequence[bytes]) -> None:
    at = _at(random, octets)
    piece = octets[at : at + random.choice((1, 4, 16, 64))]
    octets[at:at] = piece * random.choice((1, 2, 50))


def _append(random: Random, octets: bytearray, others: Sequence[bytes]) -> None:
    octets += random.choice((b"\0", b"\r\n", random.randbytes(8), bytes(1000)))


def _splice(random: Random, octets: bytearray, others: Sequence[bytes]) -> None:
    if others:
        other = bytearray(random.choice(others))
        octets[_at(random, octets) :] = other[_at(random, other) :]


def _payloads(random: Random, octets: bytearray, others: Sequence[bytes]) -> None:
    """Repeat, drop or swap whole payloads, and chain them anew."""
    try:
        parts = decode(bytes(octets))
    except ValueError:
        return
    pieces = [(p.type, bytes(octets[p.offset : p.offset + p.length])) for p in parts[1:]]
    if not pieces:
        return
    which = random.randrange(len(pieces))
    choice = random.randrange(4)
    if choice == 0:
        pieces.insert(random.randrange(len(pieces) + 1), pieces[which])
    elif choice == 1:
        del pieces[which]
    elif choice == 2:
        random.shuffle(pieces)
    else:
        pieces[which:which] = [pieces[which]] * random.choice((2, 30, 200))
    types = [kind for kind, _ in pieces] + [0]
    out = bytearray(octets[: parts[0].length])
    out[2] = types[0]
    for (kind, piece), following in zip(pieces, types[1:], strict=True):
        out += piece if kind == 4 else bytes([following]) + piece[1:]
    octets[:] = out


EDITS: tuple[Edit, ...] = (
    _flip, _flip, _set, _set, _set_two, _step, _truncate, _behead, _delete, _insert, _repeat,
    _append, _splice, _payloads, _payloads,
)  # fmt: skip
