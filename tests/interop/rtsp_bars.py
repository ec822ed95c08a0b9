"""The colour bars of SMPTE, in a decoded RGB picture; for either Python."""

from __future__ import annotations

# white, yellow, cyan, green, magenta, red, blue: which of R, G, B are on
BARS = ((1, 1, 1), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1))


def shows_bars(rgb: bytes | memoryview, width: int, height: int) -> bool:
    """Whether the middle of each seventh of the upper picture has the colour of its bar."""
    stride = len(rgb) // height
    line = height // 4 * stride
    for index, colour in enumerate(BARS):
        column = (2 * index + 1) * width // 14
        pixel = rgb[line + 3 * column : line + 3 * column + 3]
        if tuple(int(value > 96) for value in pixel) != colour:
            return False
    return True
