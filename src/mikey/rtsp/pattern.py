"""A test pattern that needs no codec: colour bars as RTP/JPEG (RFC 2435), a tone as L16 (RFC 3551).

A block of one colour is one coefficient of JPEG, so a picture of flat blocks is written with the
two tables of DC codes of ITU-T T.81 K.3.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import lru_cache

from mikey.errors import LocalError
from mikey.rtsp.source import Source, Unit

__all__ = ["bars", "tone"]

_MCU = 16  # luma samples on each side: type 1 of RFC 2435 is 4:2:0
_LARGEST = 2032  # the header counts in eights
_QUALITY = 50  # at which the tables of T.81 K.1 are taken as they are
_DC_STEP = (16, 17, 17)  # Y, Cb, Cr
_LUMA_CODES = "00 010 011 100 101 110 1110 11110 111110 1111110 11111110 111111110"
_CHROMA_CODES = "00 01 10 110 1110 11110 111110 1111110 11111110 111111110 1111111110 11111111110"
_END_OF_BLOCK = ("1010", "00")

_WHITE, _BLACK = (235, 128, 128), (16, 128, 128)
_BARS = (  # Y, Cb, Cr of white, yellow, cyan, green, magenta, red, blue
    _WHITE,
    (210, 16, 146),
    (170, 166, 16),
    (145, 54, 34),
    (106, 202, 222),
    (81, 90, 240),
    (41, 240, 110),
)

_VIDEO_RATE = 90_000
_LARGEST_PAYLOAD = 1200
_HEADER = struct.Struct(">BBHBBBB")  # type-specific and offset, type, Q, width / 8, height / 8

_AUDIO_RATE = 8000
_AUDIO_FRAMES = 160  # 20 ms
_LOUDNESS = 8000


def bars(
    *, width: int = 320, height: int = 240, fps: float = 25.0, frames: int | None = None
) -> Source:
    """Return a video track of colour bars, with a white block that moves below them.

    `frames` None goes on until the session ends. LocalError for sizes that are no multiples of 16
    up to 2032.
    """
    if any(size % _MCU or not 0 < size <= _LARGEST for size in (width, height)) or fps <= 0:
        raise LocalError("the picture has sides of 16 to 2032 in sixteens, and a frame rate")

    async def play() -> AsyncIterator[Unit]:
        for number in itertools.count() if frames is None else range(frames):
            columns = width // _MCU
            scan = _picture(columns, height // _MCU, number % columns)
            timestamp = round(number * _VIDEO_RATE / fps)
            for offset in range(0, len(scan), _LARGEST_PAYLOAD):
                part = scan[offset : offset + _LARGEST_PAYLOAD]
                head = _HEADER.pack(
                    0, offset >> 16, offset & 0xFFFF, 1, _QUALITY, width // 8, height // 8
                )
                last = offset + len(part) == len(scan)
                yield Unit(head + part, timestamp, number / fps, last)

    return Source(kind="video", payload_type=26, rtpmap=f"JPEG/{_VIDEO_RATE}", play=play)


def tone(*, frequency: float = 440.0, packets: int | None = None) -> Source:
    """Return an audio track: a sine of `frequency` hertz, 8000 samples a second, 20 ms a packet."""

    async def play() -> AsyncIterator[Unit]:
        for number in itertools.count() if packets is None else range(packets):
            first = number * _AUDIO_FRAMES
            samples = (
                round(_LOUDNESS * math.sin(2 * math.pi * frequency * at / _AUDIO_RATE))
                for at in range(first, first + _AUDIO_FRAMES)
            )
            payload = struct.pack(f">{_AUDIO_FRAMES}h", *samples)
            yield Unit(payload, first, first / _AUDIO_RATE, marker=number == 0)

    return Source(kind="audio", payload_type=97, rtpmap=f"L16/{_AUDIO_RATE}/1", play=play)


@lru_cache(maxsize=256)  # the block comes by again
def _picture(columns: int, rows: int, place: int) -> bytes:
    return _scan(_blocks(columns, rows, place))


def _blocks(columns: int, rows: int, place: int) -> Iterator[tuple[int, int, int]]:
    """Yield the colours of the blocks, line by line: bars above, a white one at `place` below."""
    lower = max(1, rows * 3 // 4)
    for row, column in itertools.product(range(rows), range(columns)):
        if row < lower:
            yield _BARS[column * len(_BARS) // columns]
        else:
            yield _WHITE if column == place else _BLACK


def _scan(colours: Iterable[tuple[int, int, int]]) -> bytes:
    """Return the entropy-coded segment of blocks of one colour each (T.81 F.1.2)."""
    bits: list[str] = []
    before = [0, 0, 0]
    for colour in colours:
        # Four blocks of luma and one of each chroma, whose DC is eight times the mean.
        for component, copies in ((0, 4), (1, 1), (2, 1)):
            value = round(8 * (colour[component] - 128) / _DC_STEP[component])
            for _ in range(copies):
                bits.append(_dc(component, value - before[component]))
                before[component] = value
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8).replace(b"\xff", b"\xff\x00")


def _dc(component: int, difference: int) -> str:
    """Return one block: its difference to the block before, and nothing else."""
    table = min(component, 1)
    codes = (_LUMA_CODES, _CHROMA_CODES)[table].split()
    size = abs(difference).bit_length()
    extra = difference if difference > 0 else difference + (1 << size) - 1
    digits = f"{extra:0{size}b}" if size else ""
    return codes[size] + digits + _END_OF_BLOCK[table]
