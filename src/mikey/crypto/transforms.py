"""The transforms of KEMAC and V (RFC 3830 4.2.3 and 4.2.4, RFC 6043 6.2)."""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mikey import _native
from mikey.errors import AuthenticationError, LibraryError
from mikey.registry import MacAlg
from mikey.secret import Secret

_ROUNDS = 6  # of the key wrap: RFC 3394 2.2.1


def mac(alg: MacAlg, key: Secret, octets: bytes) -> bytes:
    """Return the MAC of `octets`; the NULL MAC is empty."""
    if alg is MacAlg.NULL:
        return b""
    return _native.mac(alg, key.expose(), octets)


def check_mac(alg: MacAlg, key: Secret, octets: bytes, received: bytes) -> None:
    """Raise AuthenticationError unless `received` is the MAC, in constant time (R3830-6.9-4)."""
    if not hmac.compare_digest(mac(alg, key, octets), received):
        raise AuthenticationError


def aes_cm_iv(salt: Secret, csb_id: int, t: int) -> bytes:
    """Return the IV of AES-CM: (salt XOR (0x0000 || CSB ID || T)) || 0x0000.

    `salt` has 14 octets, `t` is the 64-bit timestamp of the Initiator's message.
    """
    mask = csb_id << 64 | t
    return (int.from_bytes(salt.expose()) ^ mask).to_bytes(14) + b"\0\0"


def aes_cm(key: Secret, iv: bytes, octets: bytes) -> bytes:
    """Encrypt or decrypt in counter mode; `key` has 16 or 32 octets, no padding."""
    return _native.aes_cm(key.expose(), iv, octets)


def aes_kw_wrap(key: Secret, iv: Secret, octets: bytes) -> bytes:
    """Wrap `octets` (a multiple of 8, at least 16) after RFC 3394.

    MIKEY replaces the initial value A6..A6 by a derived salt of 8 octets, which ready-made key
    wraps do not take: hence this loop over the block cipher.
    """
    if len(octets) < 16 or len(octets) % 8 or len(iv) != 8:
        raise LibraryError("key wrap takes a multiple of 8 octets, at least 16, and an IV of 8")
    # A key wrap is defined over single AES blocks; no message is encrypted in this mode.
    block = Cipher(algorithms.AES(key.expose()), modes.ECB()).encryptor()  # noqa: S305
    registers = [octets[i : i + 8] for i in range(0, len(octets), 8)]
    a = iv.expose()
    step = 0
    for _ in range(_ROUNDS):
        for i, register in enumerate(registers):
            step += 1
            both = block.update(a + register)
            a = (int.from_bytes(both[:8]) ^ step).to_bytes(8)
            registers[i] = both[8:]
    return a + b"".join(registers)


def aes_kw_unwrap(key: Secret, iv: Secret, octets: bytes) -> bytes:
    """Undo `aes_kw_wrap`; raises AuthenticationError if the initial value does not come back."""
    if len(octets) < 24 or len(octets) % 8:
        raise AuthenticationError
    initial, plaintext = _unwind(key, octets)
    if initial != iv:
        raise AuthenticationError
    return plaintext.expose()


def _unwind(key: Secret, octets: bytes) -> tuple[Secret, Secret]:
    """Return the initial value and the plaintext that come out of wrapped octets."""
    block = Cipher(algorithms.AES(key.expose()), modes.ECB()).decryptor()  # noqa: S305
    registers = [octets[i : i + 8] for i in range(8, len(octets), 8)]
    a = octets[:8]
    step = _ROUNDS * len(registers)
    for _ in range(_ROUNDS):
        for i in reversed(range(len(registers))):
            both = block.update((int.from_bytes(a) ^ step).to_bytes(8) + registers[i])
            a, registers[i] = both[:8], both[8:]
            step -= 1
    return Secret(a), Secret(b"".join(registers))
