"""Octets from the text forms that people have at hand: hexadecimal and base64."""

from __future__ import annotations

import base64
import re

_SEPARATORS = re.compile(r"[\s:,-]|0[xX](?=[0-9A-Fa-f])")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+", re.ASCII)
_HEX_ODD = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+", re.ASCII)


class EncodingError(ValueError):
    """Text that is neither hexadecimal nor base64; its message never shows the text.

    `prefix` are the octets in front of the damage.
    """

    def __init__(self, reason: str, prefix: bytes) -> None:
        super().__init__(reason)
        self.prefix = prefix


def decode(text: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the octets of hexadecimal (blanks, colons, commas, 0x allowed) or base64 text.

    The second value says what had to be overlooked. Raises EncodingError.
    """
    digits = _SEPARATORS.sub("", text)
    if _HEX.fullmatch(digits):
        return bytes.fromhex(digits), ()
    if _HEX_ODD.fullmatch(digits):
        raise EncodingError("the hexadecimal ends in half an octet", bytes.fromhex(digits[:-1]))
    return decode_base64(text)


def decode_base64(text: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the octets of base64 text, as `decode`; blanks and lost padding are overlooked."""
    joined = "".join(text.split())
    bare = joined.rstrip("=")
    match = _BASE64.match(bare)
    sound = match[0] if match else ""
    prefix = base64.b64decode(sound[: len(sound) // 4 * 4])
    if sound != bare:
        raise EncodingError("the base64 holds a character that is none of its alphabet", prefix)
    if len(bare) % 4 == 1:
        raise EncodingError("the base64 is cut", prefix)
    octets = base64.b64decode(bare + "=" * (-len(bare) % 4))
    canonical = base64.b64encode(octets).decode("ascii")
    overlooked = []
    if joined != text.strip():
        overlooked.append("the base64 is broken by white space (RFC 4567 wants one string)")
    if canonical != joined:
        wrong = "padding" if canonical.rstrip("=") == bare else "bits behind its end"
        overlooked.append(f"the base64 has wrong {wrong}")
    return octets, tuple(overlooked)
