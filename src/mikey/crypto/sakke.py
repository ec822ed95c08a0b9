"""SAKKE, identity-based encapsulation of a key (RFC 6508), parameter set 1 (RFC 6509 App. A).

A KMS has a master secret z and its public Z. Who has Z encapsulates a Shared Secret Value (SSV)
to an identifier; the identifier's Receiver Secret Key (RSK), which the KMS made, opens it. Note
what that means: a KMS can open everything (R6508-7-2). The arithmetic is native, and other
threads run meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, final

from mikey import _native
from mikey.crypto._draw import draw
from mikey.errors import AuthenticationError, LocalError
from mikey.secret import Secret

FIELD_OCTETS: Final = 128
"""L: octets of an element of F_p, and of a master secret."""

POINT_OCTETS: Final = 257
"""Octets of Z and of an RSK, 04 || x || y (R6508-4-1)."""

SSV_OCTETS: Final = 16
"""Octets of an SSV: n is 128."""

DATA_OCTETS: Final = 273
"""Octets of Encapsulated Data: a point and the masked SSV (R6508-4-2)."""

_TOP_BITS = 0x3F  # q has 1022 bits
_ONE = Secret((1).to_bytes(FIELD_OCTETS))


@final
class PublicKey:
    """The public key Z of a KMS, with its tables.

    Takes the 257 octets and checks that they are a point of order q; raises LocalError. Z must
    have come to us authenticated (R6508-6.1.2-1).
    """

    __slots__ = ("_native", "octets")

    octets: bytes
    """Z."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        try:
            self._native = _native.SakkePublicKey(octets)
        except ValueError as error:
            raise LocalError(f"Z: {error}") from None

    def encapsulate(self, identifier: bytes, ssv: Secret) -> bytes:
        """Return the Encapsulated Data of an SSV for an identifier, 273 octets (RFC 6508 6.2.1).

        The SSV has 16 octets and is fresh and random (R6508-6.2.1-1). Raises LocalError for
        another length, or an identifier that is no number in 2..q-1 (R6508-2.2-1).
        """
        _check_ssv(ssv)
        try:
            return self._native.encapsulate(identifier, ssv.expose())
        except ValueError as error:
            raise LocalError(f"SAKKE: {error}") from None

    def encapsulate_many(self, identifiers: Sequence[bytes], ssv: Secret) -> list[bytes]:
        """Return the Encapsulated Data of one SSV for each of many identifiers (R6508-6.3-1).

        Faster than one by one where the processor can. Raises LocalError as `encapsulate`.
        """
        _check_ssv(ssv)
        try:
            return self._native.encapsulate_many(identifiers, ssv.expose())
        except ValueError as error:
            raise LocalError(f"SAKKE: {error}") from None

    def __repr__(self) -> str:
        return f"<SAKKE PublicKey {self.octets[1:5].hex()}...>"


@final
class ReceiverKey:
    """An RSK that fits its identifier and Z, with its table (RFC 6508 6.1.2).

    Raises LocalError for one that does not: an RSK must not be used before.
    """

    __slots__ = ("_native", "identifier", "public")

    public: PublicKey
    """The Z of the KMS that made it."""

    identifier: bytes
    """Whose messages it opens."""

    def __init__(self, public: PublicKey, identifier: bytes, rsk: Secret) -> None:
        self.public = public
        self.identifier = identifier
        try:
            self._native = _native.SakkeReceiverKey(public.octets, identifier, rsk.expose())
        except ValueError as error:
            raise LocalError(f"SAKKE: {error}") from None

    def decapsulate(self, data: bytes) -> Secret:
        """Return the SSV of Encapsulated Data (RFC 6508 6.2.2).

        Raises AuthenticationError if they are malformed or were not made for this identifier: one
        error for all causes.
        """
        try:
            return Secret(self._native.decapsulate(data))
        except ValueError:
            raise AuthenticationError from None

    def decapsulate_many(self, data: Sequence[bytes]) -> list[Secret | None]:
        """Return the SSV of each Encapsulated Data, None where `decapsulate` raises.

        Faster than one by one where the processor can.
        """
        opened = self._native.decapsulate_many(data)
        return [None if ssv is None else Secret(ssv) for ssv in opened]

    def __repr__(self) -> str:
        return f"<SAKKE ReceiverKey for {self.identifier!r}>"


def batch_unit() -> str | None:
    """Return what this processor computes eight operations at once with; None: one by one."""
    return _native.sakke_simd()


def make_master(random: Callable[[int], bytes]) -> Secret:
    """Return a z, uniform in 2..q-1, from 128 octets of `random` or more; raises LocalError."""

    def usable(drawn: bytes) -> Secret:
        master = Secret(bytes((drawn[0] & _TOP_BITS,)) + drawn[1:])
        if master == _ONE:
            raise ValueError("1 is no master secret")
        _native.sakke_public_key(master.expose())
        return master

    return draw(random, FIELD_OCTETS, usable)


def make_public_key(master: Secret) -> PublicKey:
    """Return Z = [z]P (RFC 6508 6.1); raises LocalError for a z that is not in 2..q-1."""
    _check_master(master)
    try:
        return PublicKey(_native.sakke_public_key(master.expose()))
    except ValueError as error:
        raise LocalError(f"SAKKE: {error}") from None


def make_receiver_key(master: Secret, identifier: bytes) -> Secret:
    """Return the RSK of an identifier, [1/(a + z)]P, 257 octets (RFC 6508 6.1.1).

    Raises LocalError for a z or an identifier that is not in 2..q-1, and where a + z is q, for
    then there is none (R6508-6.1.1-1).
    """
    _check_master(master)
    try:
        return Secret(_native.sakke_receiver_key(master.expose(), identifier))
    except ValueError as error:
        raise LocalError(f"SAKKE: {error}") from None


def _check_ssv(ssv: Secret) -> None:
    if len(ssv) != SSV_OCTETS:
        raise LocalError(f"an SSV has {SSV_OCTETS} octets, not {len(ssv)}")


def _check_master(master: Secret) -> None:
    if master == _ONE:
        raise LocalError("SAKKE: 1 is no master secret")
