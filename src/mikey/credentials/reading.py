"""Reading files that hold keys and certificates, within bounds."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from mikey.errors import LocalError


def read_file(path: Path, *, most: int, private: bool) -> bytes:
    """Return the octets of a file of at most `most` octets.

    Raises LocalError for one that cannot be read or is longer and, if it is `private`, that
    others than its owner may open.
    """
    try:
        with path.open("rb") as file:
            # Asked of the open file, so that it is the one that is read.
            kind = os.fstat(file.fileno()).st_mode
            mode = stat.S_IMODE(kind)
            if private and os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                advice = f"; run: chmod 600 {shlex.quote(str(path))}" if stat.S_ISREG(kind) else ""
                raise LocalError(
                    f"{path}: others than its owner may open it (mode {mode:04o}){advice}"
                )
            octets = file.read(most + 1)
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror or error}") from None
    except ValueError:  # a NUL in the name
        raise LocalError(f"{str(path)!r}: no file has such a name") from None
    if len(octets) > most:
        raise LocalError(f"{path}: longer than {most} octets")
    return octets
