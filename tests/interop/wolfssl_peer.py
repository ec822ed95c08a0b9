"""wolfSSL's SAKKE and ECCSI: the C program in `wolfssl/`, which answers line by line."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Self

from tests.peers import need_c

SOURCE = Path(__file__).parent / "wolfssl" / "peer.c"
HEADER = "wolfssl/wolfcrypt/sakke.h"


class RefusedError(Exception):
    """wolfSSL does not do what was asked; the text is its error number."""


class WolfSsl:
    """One process of the program, for many requests."""

    def __init__(self) -> None:
        command = [need_c(SOURCE, library="wolfssl", header=HEADER)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate(timeout=60)

    def ask(self, verb: str, *octets: bytes) -> list[bytes]:
        """Send a request and return the words of the reply; raises RefusedError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join([verb, *(word.hex() or "-" for word in octets)]) + "\n")
        self._process.stdin.flush()
        state, *words = self._process.stdout.readline().split()
        if state != "ok":
            raise RefusedError(f"{verb}: {' '.join(words)}")
        return [bytes.fromhex(word) for word in words]

    def one(self, verb: str, *octets: bytes) -> bytes:
        """Return the one word of a reply."""
        (word,) = self.ask(verb, *octets)
        return word

    def holds(self, verb: str, *octets: bytes) -> bool:
        """Return the answer to a yes-or-no question; an error is a no."""
        try:
            return self.one(verb, *octets) == b"\1"
        except RefusedError:
            return False
