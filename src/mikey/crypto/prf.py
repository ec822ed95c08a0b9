"""The pseudo-random functions of MIKEY (RFC 3830 4.1.2, RFC 6043 6.1).

P(s, label, m) = HMAC(s, A_1 || label) || ... || HMAC(s, A_m || label), with A_0 = label and
A_i = HMAC(s, A_(i-1)). The input key is cut into blocks of 32 octets, the last of which may be
shorter and is never padded; the output is the XOR of P over all blocks.
"""

from __future__ import annotations

from mikey import _native
from mikey.errors import LibraryError, UnsupportedError
from mikey.registry import ErrorNumber, PrfFunc
from mikey.secret import Secret

_BLOCK = 32
_BUILT = frozenset({PrfFunc.MIKEY_1, PrfFunc.PRF_HMAC_SHA_256})


def check_prf(func: PrfFunc) -> None:
    """Raise UnsupportedError (2) for a function that is not implemented (R3830-6.1-13)."""
    if func not in _BUILT:
        raise UnsupportedError(f"PRF {int(func)} is not supported", number=ErrorNumber.INVALID_PRF)


def prf(func: PrfFunc, inkey: Secret, label: bytes, length: int) -> Secret:
    """Return `length` octets derived from `inkey` under `label`.

    `inkey` has any length above 0. Raises UnsupportedError (2) for an unknown function.
    """
    octets = inkey.expose()
    if not octets:
        raise LibraryError("the PRF takes no empty key")
    try:
        return Secret(_native.prf(func, octets, label, length))
    except ValueError:
        check_prf(func)
        raise


def blocks_cancel(inkey: bytes) -> bool:
    """Tell whether two 32-octet blocks of a key are equal to HMAC (R3830-4.1.2-5).

    Equal blocks cancel in the XOR: a key made of one half twice gives all-zero output. HMAC
    fills its key with zeros, so a short last block may equal a full one that ends in zeros.
    """
    if len(inkey) <= _BLOCK:
        return False
    blocks = [inkey[i : i + _BLOCK].rstrip(b"\0") for i in range(0, len(inkey), _BLOCK)]
    return len(set(blocks)) < len(blocks)
