"""Fields of a payload with their place in the message, and the cursor that lays them out.

`mikey.wire` reads; what it read is laid out here once more, value by value, so that every octet
has a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from mikey.registry import WireEnum
from mikey.secret import Secret
from mikey.wire import KvInterval, KvSpi, Validity

Value: TypeAlias = int | bytes | Secret | None
"""An integer, octets, key material, or nothing where a field is the sum of its `fields`."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field: the RFC's name, its octets in the message, its value and what that means.

    A field narrower than its octets has the `mask` of its bits. `fields` are its parts.
    """

    name: str
    offset: int
    length: int
    value: Value
    meaning: str = ""
    mask: int | None = None
    fields: tuple[Field, ...] = ()

    def secrets(self) -> Iterator[Field]:
        """Yield the fields, this one or parts of it, that hold key material."""
        if isinstance(self.value, Secret):
            yield self
        for part in self.fields:
            yield from part.secrets()


class Layout:
    """Lays fields out from an offset on, each behind the one before."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.fields: list[Field] = []

    def integer(self, name: str, length: int, value: int, meaning: str = "") -> None:
        """Add an unsigned integer of `length` octets; a registry's value brings its name."""
        if isinstance(value, WireEnum) and not meaning:
            meaning = value.label
        self._add(name, length, int(value), meaning)

    def octets(self, name: str, value: bytes | Secret, meaning: str = "") -> None:
        """Add octets as they are."""
        self._add(name, len(value), value, meaning)

    def counted(
        self, name: str, width: int, label: str, value: bytes | Secret, meaning: str = ""
    ) -> None:
        """Add a length of `width` octets under `label`, then as many octets under `name`."""
        self.integer(label, width, len(value))
        self.octets(name, value, meaning)

    def bits(self, length: int, *parts: tuple[str, int, int, str]) -> None:
        """Add fields that share `length` octets, each (name, mask, value, meaning)."""
        for name, mask, value, meaning in parts:
            if isinstance(value, WireEnum) and not meaning:
                meaning = value.label
            self.fields.append(Field(name, self.offset, length, int(value), meaning, mask))
        self.offset += length

    def group(self, name: str, lay_out: Callable[[Layout], None], meaning: str = "") -> None:
        """Add a field that consists of the fields that `lay_out` adds."""
        inner = Layout(self.offset)
        lay_out(inner)
        length = inner.offset - self.offset
        self.fields.append(
            Field(name, self.offset, length, None, meaning, fields=tuple(inner.fields))
        )
        self.offset = inner.offset

    def validity(self, validity: Validity) -> None:
        """Add the KV data of a key (RFC 3830 6.14)."""
        if isinstance(validity, KvSpi):
            self.counted("SPI", 1, "SPI Length", validity.spi)
        elif isinstance(validity, KvInterval):
            self.counted("Valid From", 1, "VF Length", validity.valid_from)
            self.counted("Valid To", 1, "VT Length", validity.valid_to)

    def _add(self, name: str, length: int, value: Value, meaning: str) -> None:
        self.fields.append(Field(name, self.offset, length, value, meaning))
        self.offset += length
