"""Secret numbers below an order that is no power of two: draw until one is in range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from mikey.errors import LocalError

_DRAWS: Final = 64  # where two of five are refused, all of them are once in 10^25

_T = TypeVar("_T")


def draw(random: Callable[[int], bytes], octets: int, use: Callable[[bytes], _T]) -> _T:
    """Return `use` of the first octets from `random` that it does not refuse by ValueError.

    Raises LocalError with the last refusal if there is none, or if `random` gives another
    length. Rejection keeps the numbers uniform; a remainder would not (R6507-6-1).
    """
    reason = ""
    for _ in range(_DRAWS):
        drawn = random(octets)
        if len(drawn) != octets:
            raise LocalError(f"the random source gave {len(drawn)} octets of {octets}")
        try:
            return use(drawn)
        except ValueError as error:
            reason = str(error)
    raise LocalError(reason)
