"""The curves of SAKKE and ECCSI, y^2 = x^3 - 3x + b, as a textbook has them: points are pairs."""

from __future__ import annotations

from typing import NamedTuple


class Point(NamedTuple):
    """An affine point; infinity is None."""

    x: int
    y: int


class Curve(NamedTuple):
    """y^2 = x^3 - 3x + b over F_p."""

    p: int
    b: int

    def holds(self, point: Point) -> bool:
        """Tell whether a point is on the curve, its coordinates below p."""
        x, y = point
        reduced = 0 <= x < self.p and 0 <= y < self.p
        return reduced and (y * y - x * x * x + 3 * x - self.b) % self.p == 0

    def slope(self, one: Point, other: Point) -> int | None:
        """Return the slope of the line through two points; None if it is vertical."""
        if one == other:
            above, below = 3 * (one.x * one.x - 1), 2 * one.y
        else:
            above, below = other.y - one.y, other.x - one.x
        if below % self.p == 0:
            return None
        return above * pow(below, -1, self.p) % self.p

    def add(self, one: Point | None, other: Point | None) -> Point | None:
        """Return the sum of two points."""
        if one is None or other is None:
            return other if one is None else one
        slope = self.slope(one, other)
        if slope is None:
            return None
        x = (slope * slope - one.x - other.x) % self.p
        return Point(x, (slope * (one.x - x) - one.y) % self.p)

    def multiply(self, number: int, point: Point | None) -> Point | None:
        """Return the sum of `number` times the point."""
        total = None
        for bit in f"{number:b}":
            total = self.add(total, total)
            if bit == "1":
                total = self.add(total, point)
        return total

    def encode(self, point: Point | None) -> bytes:
        """Return 04 || x || y (RFC 6507 3.2, RFC 6508 4)."""
        if point is None:
            raise ValueError("infinity has no octets")
        length = (self.p.bit_length() + 7) // 8
        return b"\x04" + point.x.to_bytes(length) + point.y.to_bytes(length)

    def decode(self, octets: bytes) -> Point:
        """Return the point; ValueError if it is none of the curve."""
        length = (self.p.bit_length() + 7) // 8
        if len(octets) != 1 + 2 * length or octets[0] != 4:
            raise ValueError("no uncompressed point")
        x, y = octets[1 : 1 + length], octets[1 + length :]
        point = Point(int.from_bytes(x), int.from_bytes(y))
        if not self.holds(point):
            raise ValueError("not on the curve")
        return point
