"""Files that their owner alone can open, each written as a whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mikey.errors import LocalError

_OTHERS = re.compile(r"[^A-Za-z0-9]+")
_LONGEST = 60  # characters of a file's name, before what follows a dot


def stem_of(identity: str) -> str:
    """Return a name for the file of somebody: lower-case letters, digits and dashes, maybe none."""
    return _OTHERS.sub("-", identity).strip("-").lower()[:_LONGEST]


def make_folder(path: Path) -> None:
    """Make a folder for its owner alone, if it is not there; LocalError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise LocalError(f"{path}: is there already, and no folder") from None
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror or error}") from None


def write_all(files: Mapping[Path, bytes], *, force: bool) -> None:
    """Write files; none that is there is overwritten without `force`. LocalError."""
    if not force:
        for path in files:
            if path.exists() or path.is_symlink():
                raise LocalError(f"{path}: is there already (--force overwrites it)")
    for path, octets in files.items():
        try:
            _write(path, octets, force=force)
        except FileExistsError:
            raise LocalError(f"{path}: is there already (--force overwrites it)") from None
        except OSError as error:
            raise LocalError(f"{path}: {error.strerror or error}") from None


def _write(path: Path, octets: bytes, *, force: bool) -> None:
    # mkstemp gives mode 0600, and the name comes when all is written.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        if force:
            part.replace(path)
        else:
            path.hardlink_to(part)  # refuses a name that is taken, where replace would not
    finally:
        part.unlink(missing_ok=True)
