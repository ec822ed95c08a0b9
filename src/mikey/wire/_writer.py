"""A growing string of octets whose fields are checked for their width."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from mikey.errors import LocalError
from mikey.wire._tables import spoken

if TYPE_CHECKING:
    from struct import Struct

    from mikey.registry import PayloadType

_TYPED = struct.Struct(">BH")


class Writer:
    """Appends integers and octet strings; what does not fit its field raises `LocalError`.

    `payload` names the payload being written, for the text of the error. No octet that was
    given to write ever stands in an error.
    """

    __slots__ = ("octets", "payload")

    def __init__(self, payload: PayloadType | str) -> None:
        self.octets = bytearray()
        self.payload = payload

    def u8(self, value: int) -> None:
        """Append one octet."""
        try:
            self.octets.append(value)
        except ValueError:
            raise self.misuse(f"{value} does not fit one octet") from None

    def u16(self, value: int) -> None:
        """Append an integer of two octets."""
        if not 0 <= value <= 0xFFFF:
            raise self.misuse(f"{value} does not fit two octets")
        self.octets += value.to_bytes(2, "big")

    def put(self, octets: bytes | bytearray) -> None:
        """Append octets as they are."""
        self.octets += octets

    def pack(self, layout: Struct, *values: int) -> None:
        """Append integers by `layout`."""
        try:
            self.octets += layout.pack(*values)
        except struct.error as error:
            raise self.misuse(f"a number does not fit its field ({error})") from None

    def put8(self, octets: bytes) -> None:
        """Append a length of one octet and the octets."""
        if len(octets) > 0xFF:
            raise self.misuse(f"{len(octets)} octets do not fit a length of one octet")
        self.octets.append(len(octets))
        self.octets += octets

    def put16(self, octets: bytes) -> None:
        """Append a length of two octets and the octets."""
        length = len(octets)
        if length > 0xFFFF:
            raise self.misuse(f"{length} octets do not fit a length of two octets")
        self.octets += length.to_bytes(2, "big")
        self.octets += octets

    def typed16(self, kind: int, octets: bytes) -> None:
        """Append a type of one octet, a length of two octets and the octets."""
        length = len(octets)
        if length > 0xFFFF:
            raise self.misuse(f"{length} octets do not fit a length of two octets")
        try:
            self.octets += _TYPED.pack(kind, length)
        except struct.error:
            raise self.misuse(f"{kind} does not fit one octet") from None
        self.octets += octets

    def misuse(self, reason: str) -> LocalError:
        """Return the error for a value that has no encoding."""
        return LocalError(f"{spoken(self.payload)}: {reason}")
