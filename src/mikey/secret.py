"""A byte string that never prints itself."""

from __future__ import annotations

import hmac
from typing import NoReturn, final


@final
class Secret:
    """Octets of a key: no repr, no hash, no pickle, equal in constant time.

    `expose()` is the one way to the octets, so that each place where a key becomes readable
    can be found by that word. Python cannot wipe the memory (see docs/limitations.md).
    """

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        # Octets are not copied without need. Others pass through memoryview, for bytes(16) would
        # make a key of zeros out of a length.
        self._octets = octets if type(octets) is bytes else bytes(memoryview(octets))

    def expose(self) -> bytes:
        """Return the octets themselves."""
        return self._octets

    def __len__(self) -> int:
        return len(self._octets)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._octets, other._octets)

    __hash__ = None  # type: ignore[assignment]  # a hash would leak equality through tables

    def __repr__(self) -> str:
        return f"<Secret of {len(self._octets)} octets>"

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled; call expose() where that is meant")
