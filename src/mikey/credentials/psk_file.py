"""Pre-shared keys in a text file: one `identity key` per line.

    # who                      key
    sip:bob@example.org        6f1ed002ab5595859014ebf0951522d9
    sip:carol@example.org      c2VjcmV0IG9mIDI0IG9jdGV0cyE=
    *                          MDEyMzQ1Njc4OWFiY2RlZg==

The identity is the peer's, `*` serves any other. A key is hexadecimal if it has only hex digits,
an even number of them; else base64. A `#` begins a comment where a word could begin. No error
shows the text of a key.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mikey.credentials.psk import ANY, MINIMUM_KEY
from mikey.credentials.reading import read_file
from mikey.crypto import blocks_cancel
from mikey.errors import LocalError
from mikey.secret import Secret

_MAX_OCTETS = 1 << 20
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+", re.ASCII)


@dataclass(frozen=True, slots=True)
class PskFile:
    """The keys of a file by identity of the peer, `*` for any."""

    keys: Mapping[str, Secret]

    def lookup(self, peer: str) -> Secret | None:
        """Return the key for a peer: its own line before that of `*`; None if neither exists."""
        return self.keys.get(peer, self.keys.get(ANY))


def load(path: str | os.PathLike[str]) -> PskFile:
    """Read a file that only its owner can read or write.

    Raises LocalError with the name of the file and the line for a file that cannot be read, is
    open to others, or holds a line that is wrong: no two words, an identity twice, a key below
    16 octets or one that the PRF would cancel (R3830-4.1.2-5).
    """
    return parse(_read(Path(path)), str(path))


def parse(text: str, name: str = "PSK file") -> PskFile:
    """Read the text of a file; `name` stands in the errors, which are those of `load`."""
    keys: dict[str, Secret] = {}
    seen: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        words = _words(line)
        if not words:
            continue
        where = f"{name}, line {number}"
        if len(words) != 2:
            raise LocalError(f"{where}: a line is 'identity key', this one has {len(words)} words")
        identity, key = words
        if identity in keys:
            # The word itself is not shown: it is a key where someone swapped the two.
            raise LocalError(f"{where}: the identity of line {seen[identity]} again")
        seen[identity] = number
        keys[identity] = _key(key, where)
    if not keys:
        raise LocalError(f"{name}: holds no key")
    return PskFile(keys)


def _words(line: str) -> list[str]:
    words = []
    for word in line.split():
        if word.startswith("#"):
            break
        words.append(word)
    return words


def _key(text: str, where: str) -> Secret:
    """Return the octets of a key. Errors tell lengths, never the text."""
    if _HEX.fullmatch(text):
        octets = bytes.fromhex(text)
    else:
        try:
            octets = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise LocalError(f"{where}: the key is neither hexadecimal nor base64") from None
    if len(octets) < MINIMUM_KEY:
        raise LocalError(
            f"{where}: the key has {len(octets)} octets, at least {MINIMUM_KEY} are needed"
        )
    if blocks_cancel(octets):
        raise LocalError(f"{where}: the key holds the same 32 octets twice, which cancel out")
    return Secret(octets)


def _read(path: Path) -> str:
    octets = read_file(path, most=_MAX_OCTETS, private=True)
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise LocalError(f"{path}, line {line}: not UTF-8") from None
