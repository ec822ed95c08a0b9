"""ECCSI, identity-based signatures (RFC 6507) over P-256 with SHA-256 (RFC 6509 2.1.1).

A KMS has a master secret KSAK and its public KPAK. It gives each identifier a secret signing key
SSK with a public validation token PVT; who has the KPAK verifies a signature by the identifier
alone. The arithmetic is native, and other threads run meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mikey import _native
from mikey.crypto._draw import draw
from mikey.errors import AuthenticationError, LocalError
from mikey.secret import Secret

INTEGER_OCTETS: Final = 32
"""N: octets of KSAK, SSK, r and s."""

POINT_OCTETS: Final = 65
"""Octets of KPAK and PVT, 04 || x || y (R6507-3.2-1)."""

SIGNATURE_OCTETS: Final = 129
"""Octets of a signature, r || s || PVT (R6507-3.3-1)."""


@final
class PublicKey:
    """A KPAK, with tables for it and for those who signed under it more than once.

    Takes the 65 octets and checks that they are a point of the curve (R6507-4.2-1); raises
    LocalError. It must have come to us authenticated.
    """

    __slots__ = ("_native", "octets")

    octets: bytes
    """The KPAK."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        try:
            self._native = _native.EccsiPublicKey(octets)
        except ValueError as error:
            raise LocalError(f"KPAK: {error}") from None

    def verify(self, identifier: bytes, message: bytes, signature: bytes) -> None:
        """Verify a signature by the holder of an identifier (RFC 6507 5.2.2).

        Raises AuthenticationError for whatever reason it does not hold. A holder of a signature
        can make a second one, with q - s: no octets of it may tell messages apart (R6507-6-2).
        """
        try:
            self._native.verify(identifier, message, signature)
        except ValueError:
            raise AuthenticationError from None

    def __repr__(self) -> str:
        return f"<ECCSI PublicKey {self.octets[1:5].hex()}...>"


@final
class SigningKey:
    """An SSK that fits its PVT, identifier and KPAK (RFC 6507 5.1.2).

    Raises LocalError for one that does not: an SSK must not be used before.
    """

    __slots__ = ("_native", "identifier", "public", "pvt")

    public: PublicKey
    """The KPAK that its signatures are verified with."""

    identifier: bytes
    """Whose signatures it makes."""

    pvt: bytes
    """The public validation token, 65 octets."""

    def __init__(self, public: PublicKey, identifier: bytes, ssk: Secret, pvt: bytes) -> None:
        self.public = public
        self.identifier = identifier
        self.pvt = pvt
        try:
            self._native = _native.EccsiSigningKey(public.octets, identifier, ssk.expose(), pvt)
        except ValueError as error:
            raise LocalError(f"ECCSI key: {error}") from None

    @classmethod
    def from_octets(cls, public: PublicKey, identifier: bytes, pair: Secret) -> SigningKey:
        """Take SSK || PVT, 97 octets, as some KMSs give them out; raises LocalError."""
        if len(pair) != INTEGER_OCTETS + POINT_OCTETS:
            raise LocalError(
                f"SSK and PVT have {INTEGER_OCTETS + POINT_OCTETS} octets together, not {len(pair)}"
            )
        octets = pair.expose()
        ssk, pvt = Secret(octets[:INTEGER_OCTETS]), octets[INTEGER_OCTETS:]
        return cls(public, identifier, ssk, pvt)

    def sign(self, message: bytes, random: Callable[[int], bytes]) -> bytes:
        """Return a signature of 129 octets (RFC 6507 5.2.1).

        Its j is 32 octets from `random`, drawn again if not in 1..q-1. Who can predict it has the
        SSK (R6507-6-1). Raises LocalError for a source that gives none.
        """
        return draw(random, INTEGER_OCTETS, lambda j: self._native.sign(message, j))

    def __repr__(self) -> str:
        return f"<ECCSI SigningKey for {self.identifier!r}>"


def make_master(random: Callable[[int], bytes]) -> Secret:
    """Return a KSAK, uniform in 1..q-1, from 32 octets of `random` or more; raises LocalError."""

    def usable(ksak: bytes) -> Secret:
        _native.eccsi_public_key(ksak)
        return Secret(ksak)

    return draw(random, INTEGER_OCTETS, usable)


def make_public_key(master: Secret) -> PublicKey:
    """Return the KPAK of a KSAK, [KSAK]G (RFC 6507 4.2); raises LocalError for no KSAK."""
    try:
        return PublicKey(_native.eccsi_public_key(master.expose()))
    except ValueError as error:
        raise LocalError(f"KSAK: {error}") from None


def make_pair(
    master: Secret, identifier: bytes, random: Callable[[int], bytes]
) -> tuple[Secret, bytes]:
    """Return a new SSK and its PVT for an identifier (RFC 6507 5.1.1).

    Its v is 32 octets from `random`, drawn again if unusable. An identifier may have several
    pairs, one for each device (R6507-5.1.1-2). Raises LocalError.
    """

    def pair(v: bytes) -> tuple[bytes, bytes]:
        return _native.eccsi_make_pair(master.expose(), identifier, v)

    ssk, pvt = draw(random, INTEGER_OCTETS, pair)
    return Secret(ssk), pvt
