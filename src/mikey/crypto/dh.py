"""The Diffie-Hellman groups of MIKEY (RFC 3830 3.3 and 6.4, RFC 2412 appendix E).

The moduli are safe primes p and the generator is 2 in all three groups, so that a public value
in 2..p-2 has an order of at least (p-1)/2: the range is the whole check (R3830-6.4-10). The
exponentiation is native: constant time for the exponent, and other threads run meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from mikey import _native
from mikey.errors import DecodeError, LibraryError, LocalError, UnsupportedError
from mikey.registry import DhGroup, ErrorNumber
from mikey.secret import Secret

GENERATOR: Final = 2
"""The generator of every group (R3830-6.4-4)."""

EXPONENT_OCTETS: Final = 32
"""Octets of our exponents: 256 bits, more than twice what the largest group is worth."""

_PAYLOAD: Final = "DH"


class Group(NamedTuple):
    """A group: its prime modulus, and the octets of the modulus, of a DH-value and of a TGK."""

    modulus: int
    octets: int


def _group(number: DhGroup) -> Group:
    modulus = _native.modp_modulus(number)
    return Group(int.from_bytes(modulus), len(modulus))


GROUPS: Final[Mapping[DhGroup, Group]] = {number: _group(number) for number in DhGroup}
"""The groups that are built, by DH-Group (note that 0 is OAKLEY 5)."""


def check_group(group: DhGroup) -> Group:
    """Return the group; raises UnsupportedError (6) for one that is not built (R3830-6.4-8)."""
    known = GROUPS.get(group)
    if known is None:
        raise UnsupportedError(
            f"DH-Group {int(group)} is not supported",
            number=ErrorNumber.INVALID_DH,
            payload=_PAYLOAD,
        )
    return known


def check_public(group: DhGroup, value: bytes) -> None:
    """Check a peer's public value: as long as the modulus, in 2..p-2 (R3830-6.4-5, -10).

    Cheap: no exponentiation. Raises DecodeError (12), UnsupportedError (6) for another group.
    """
    modulus, octets = check_group(group)
    if len(value) != octets:
        raise DecodeError(
            f"a DH value of {len(value)} octets in a group of {octets}", payload=_PAYLOAD
        )
    if not 2 <= int.from_bytes(value) <= modulus - 2:
        raise DecodeError("a DH value is out of range", payload=_PAYLOAD)


def make_keypair(group: DhGroup, random: Callable[[int], bytes]) -> tuple[Secret, bytes]:
    """Return a fresh exponent and its public value g^x mod p (RFC 3830 3.3).

    The exponent is 32 octets from `random`, drawn at once; the public value is left-padded to
    the length of the modulus. Raises UnsupportedError (6) for a group that is not built,
    LocalError if `random` gives another length or zeros only.
    """
    check_group(group)
    exponent = Secret(random(EXPONENT_OCTETS))
    if len(exponent) != EXPONENT_OCTETS:
        raise LocalError(f"the random source gave {len(exponent)} octets of {EXPONENT_OCTETS}")
    if exponent == Secret(bytes(EXPONENT_OCTETS)):
        raise LocalError("the random source gave zeros only")
    return exponent, _native.modp_generate(group, exponent.expose())


def shared(group: DhGroup, exponent: Secret, peer: bytes) -> Secret:
    """Return the shared secret peer^x mod p, left-padded to the modulus (R3830-4.1.3-6).

    `exponent` is of `make_keypair`, `peer` the other side's public value, checked here. Raises
    DecodeError (12) for a public value that `check_public` refuses or a shared secret of 1,
    UnsupportedError (6) for a group that is not built.
    """
    check_public(group, peer)
    if len(exponent) != EXPONENT_OCTETS:
        raise LibraryError(f"a DH exponent has {EXPONENT_OCTETS} octets")
    secret = Secret(_native.modp_power(group, peer, exponent.expose()))
    if secret == Secret((1).to_bytes(len(secret))):
        raise DecodeError("the DH shared secret is 1", payload=_PAYLOAD)
    return secret
