"""What each method is good for, from `data/methods.toml` (RFC 5197, RFC 3830, 4650, 4738)."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Cell:
    """A verdict ("yes", "part", "no", ...) and the limit that goes with it, if there is one."""

    verdict: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class MethodTable:
    """`rows` are the titles by name, `methods` the cells by method and name of the row."""

    rows: Mapping[str, str]
    methods: Mapping[str, Mapping[str, Cell]]

    def cell(self, method: str, row: str) -> Cell:
        """Return a cell; an empty one for what is not in the table (MIKEY-NULL)."""
        return self.methods.get(method, {}).get(row, Cell(""))


@functools.cache
def method_table() -> MethodTable:
    """Return the table; it is read once."""
    text = (resources.files("mikey.cli") / "data" / "methods.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return MethodTable(
        table["rows"],
        {
            method: {row: _cell(value) for row, value in cells.items()}
            for method, cells in table["methods"].items()
        },
    )


def _cell(value: str | list[str]) -> Cell:
    return Cell(value) if isinstance(value, str) else Cell(*value)
