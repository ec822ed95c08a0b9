"""Why a socket could not be had, in the words of the system."""

from __future__ import annotations

import os
import re
import socket
import ssl

__all__ = ["reason_of"]

_NUMBERS = re.compile(r"\[Errno (\d+)\]")


def reason_of(error: OSError) -> str:
    """Return what the system calls an error, in place of what asyncio makes of it.

    asyncio puts a text of its own into `strerror` ("Connect call failed (...)"), and where a name
    has several addresses it knows the numbers of their errors as a text alone.
    """
    # Those of names and of TLS have numbers of their own.
    foreign = isinstance(error, socket.gaierror | ssl.SSLError)
    if error.errno is not None and not foreign:
        return os.strerror(error.errno)
    numbers = [int(number) for number in _NUMBERS.findall(str(error))]
    if numbers:
        return ", ".join(dict.fromkeys(map(os.strerror, numbers)))
    return error.strerror or str(error) or type(error).__name__
