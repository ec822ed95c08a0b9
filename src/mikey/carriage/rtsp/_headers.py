"""Header fields in order, several of one name, names without case (RFC 2326 4.2, RFC 7826 5.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from mikey.carriage.rtsp._text import TOKEN
from mikey.errors import LocalError

Fields: TypeAlias = "Headers | Mapping[str, str] | Iterable[tuple[str, str]]"

_UNSAFE = re.compile(r"[\r\n\0]")


class Headers:
    """Header fields as (name, value), in order; they do not change.

    Names compare without case, values are text without line ends. The repr shows names only:
    values may hold keys or credentials.
    """

    __slots__ = ("_fields", "_first")

    def __init__(self, fields: Fields = ()) -> None:
        items = fields.items() if isinstance(fields, Mapping) else fields
        self._fields = tuple((name, value) for name, value in items)
        self._first: dict[str, str] = {}
        for name, value in self._fields:
            self._first.setdefault(name.lower(), value)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._first

    def __getitem__(self, name: str) -> str:
        return self._first[name.lower()]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return [(n.lower(), v) for n, v in self] == [(n.lower(), v) for n, v in other]

    def __hash__(self) -> int:
        return hash(tuple((n.lower(), v) for n, v in self))

    def __repr__(self) -> str:
        return f"<Headers {', '.join(name for name, _ in self)}>"

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a name."""
        return self._first.get(name.lower(), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of a name, in order."""
        wanted = name.lower()
        return tuple(value for known, value in self._fields if known.lower() == wanted)

    def with_field(self, name: str, value: str) -> Headers:
        """Return the headers with this field in place of all of its name, at the end if new."""
        wanted, fields, placed = name.lower(), [], False
        for known, old in self._fields:
            if known.lower() != wanted:
                fields.append((known, old))
            elif not placed:
                fields.append((name, value))
                placed = True
        if not placed:
            fields.append((name, value))
        return Headers(fields)

    def and_field(self, name: str, value: str) -> Headers:
        """Return the headers with one more field at the end."""
        return Headers((*self._fields, (name, value)))

    def without(self, name: str) -> Headers:
        """Return the headers without the fields of a name."""
        wanted = name.lower()
        return Headers(field for field in self._fields if field[0].lower() != wanted)

    def encode(self) -> str:
        """Return the lines; raises LocalError for what would break out of its line."""
        lines = []
        for name, value in self._fields:
            if not TOKEN.fullmatch(name) or _UNSAFE.search(value):
                raise LocalError(f"header field {name!r} does not fit one line")
            lines.append(f"{name}: {value}\r\n")
        return "".join(lines)
