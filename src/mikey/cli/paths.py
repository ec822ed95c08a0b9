"""Names of files in options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["PATH"]


class _PathType(click.ParamType[Path]):
    """A path; an empty one, as an unset variable of a shell makes it, would be the folder here."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Read the text of an option."""
        if not str(value):
            self.fail("the name is empty", param, ctx)
        return Path(value)


PATH = _PathType()
