"""The arithmetic of digest authentication (RFC 7616 3.4, RFC 2617 3.2, RFC 2069 2.1)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from mikey.secret import Secret

ALGORITHMS = {"SHA-256": "sha256", "MD5": "md5"}
"""What is spoken, the stronger first; products know MD5, often nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What a response is computed from besides the password.

    `qop` is "auth", or None for the older form without count and client nonce (RFC 2069).
    """

    algorithm: str
    user: str
    realm: str
    nonce: str = field(repr=False)
    method: str
    uri: str
    qop: str | None = None
    nc: str = "00000001"
    cnonce: str = field(default="", repr=False)

    def response(self, password: Secret) -> str:
        """Return the response in lower-case hexadecimal."""
        who = f"{self.user}:{self.realm}:".encode("utf-8", "surrogateescape") + password.expose()
        secret = self._hash(who)
        what = self._hash(_octets(f"{self.method}:{self.uri}"))
        middle = self.nonce
        if self.qop is not None:
            middle = f"{self.nonce}:{self.nc}:{self.cnonce}:{self.qop}"
        return self._hash(_octets(f"{secret}:{middle}:{what}"))

    def _hash(self, octets: bytes) -> str:
        # MD5 is what the peers' protocol asks for; nothing else relies on it.
        return hashlib.new(ALGORITHMS[self.algorithm], octets, usedforsecurity=False).hexdigest()


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
