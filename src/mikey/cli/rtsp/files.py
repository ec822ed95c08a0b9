"""Files that are there when they are complete: under another name until then."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import BinaryIO, Self

from mikey.errors import LocalError

__all__ = ["Part", "not_written"]


def not_written(path: Path, error: OSError) -> LocalError:
    """Return the error of a file that cannot be written."""
    return LocalError(f"{path}: {error.strerror or type(error).__name__}")


class Part:
    """A file to be: `path` while it grows, put in its place by `keep`, else removed.

    A context manager. What it holds was encrypted before: only its owner may read it. A device,
    a pipe and the like are written as they are. Raises LocalError.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        special = target.exists() and not target.is_file()
        name = f".{target.name}.{secrets.token_hex(4)}.part{target.suffix}"
        self.path = target if special else target.with_name(name)
        try:
            if not special:
                os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            elif target.is_dir():
                raise IsADirectoryError(21, "Is a directory")
        except OSError as error:
            raise not_written(target, error) from None

    def open(self) -> BinaryIO:
        """Open it for writing."""
        try:
            return self.path.open("wb")
        except OSError as error:
            raise not_written(self.target, error) from None

    def keep(self) -> str:
        """Put it in its place; return that."""
        if self.path != self.target:
            try:
                self.path.replace(self.target)
            except OSError as error:
                raise not_written(self.target, error) from None
        return str(self.target)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self.close()
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove what there is of it; a device and the like stay where they are."""
        if self.path != self.target:
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of what writes it; done before it is put in its place or removed."""
