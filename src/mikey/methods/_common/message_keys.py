"""The keys that protect the messages of one exchange (RFC 3830 4.1.4, 4.2.3, 4.2.4)."""

from __future__ import annotations

from mikey.crypto import aes_cm, aes_cm_iv, aes_kw_unwrap, aes_kw_wrap, check_mac, mac, prf
from mikey.crypto.labels import (
    MESSAGE_AUTHENTICATION,
    MESSAGE_ENCRYPTION,
    MESSAGE_SALT,
    message_label,
)
from mikey.errors import AuthenticationError, LibraryError, UnsupportedError
from mikey.registry import EncrAlg, ErrorNumber, MacAlg, PrfFunc
from mikey.secret import Secret

_AUTH_KEY_LENGTH = {MacAlg.HMAC_SHA_1_160: 20, MacAlg.HMAC_SHA_256_256: 32}
_ENCR_KEY_LENGTH = {EncrAlg.AES_CM_128: 16, EncrAlg.AES_KW_128: 16, EncrAlg.AES_CM_256: 32}
_SALT_LENGTH = {EncrAlg.AES_CM_128: 14, EncrAlg.AES_KW_128: 8, EncrAlg.AES_CM_256: 14}


class MessageKeys:
    """encr_key, auth_key and salt of an exchange, derived when first needed.

    `key` is the pre-shared or envelope key, None for MIKEY-NULL, which derives nothing;
    `csb_id` and `rand` are those of the initial exchange of the CSB (R3830-4.1.4-4).
    """

    __slots__ = ("_cache", "_csb_id", "_key", "_prf", "_rand")

    def __init__(self, key: Secret | None, func: PrfFunc, csb_id: int, rand: bytes) -> None:
        self._key = key
        self._prf = func
        self._csb_id = csb_id
        self._rand = rand
        self._cache: dict[int, Secret] = {}

    def __repr__(self) -> str:
        return f"<MessageKeys of CSB {self._csb_id:08x}>"

    def mac(self, alg: MacAlg, octets: bytes) -> bytes:
        """Return the MAC of `octets` under auth_key; empty for the NULL MAC."""
        if alg is MacAlg.NULL:
            return b""
        return mac(alg, self._derive(MESSAGE_AUTHENTICATION, _AUTH_KEY_LENGTH[alg]), octets)

    def check_mac(self, alg: MacAlg, octets: bytes, received: bytes) -> None:
        """Raise AuthenticationError unless `received` is the MAC of `octets`."""
        if alg is MacAlg.NULL:
            return
        if self._key is None:  # MIKEY-NULL: nobody can prove anything
            raise AuthenticationError
        key = self._derive(MESSAGE_AUTHENTICATION, _AUTH_KEY_LENGTH[alg])
        check_mac(alg, key, octets, received)

    def encrypt(self, alg: EncrAlg, t: int, plaintext: bytes) -> bytes:
        """Return Encr data; `t` is the 64-bit timestamp of the Initiator's message.

        AES key wrap takes a plaintext that is filled already; an empty one is not wrapped
        (R3830-4.2.3-4).
        """
        if alg is EncrAlg.AES_KW_128 and plaintext:
            key, salt = self._cipher_keys(alg)
            return aes_kw_wrap(key, salt, plaintext)
        return self._stream(alg, t, plaintext)

    def decrypt(self, alg: EncrAlg, t: int, encr_data: bytes) -> bytes:
        """Return the plaintext of authenticated Encr data; key wrap leaves its filling on.

        Raises AuthenticationError where the key wrap does not open, UnsupportedError (4) for an
        unknown algorithm.
        """
        if alg is EncrAlg.AES_KW_128 and encr_data:
            key, salt = self._cipher_keys(alg)
            return aes_kw_unwrap(key, salt, encr_data)
        return self._stream(alg, t, encr_data)

    def _stream(self, alg: EncrAlg, t: int, octets: bytes) -> bytes:
        if alg is EncrAlg.NULL or not octets:
            return octets
        key, salt = self._cipher_keys(alg)
        return aes_cm(key, aes_cm_iv(salt, self._csb_id, t), octets)

    def _cipher_keys(self, alg: EncrAlg) -> tuple[Secret, Secret]:
        check_encr(alg)
        key = self._derive(MESSAGE_ENCRYPTION, _ENCR_KEY_LENGTH[alg])
        return key, self._derive(MESSAGE_SALT, _SALT_LENGTH[alg])

    def _derive(self, constant: int, length: int) -> Secret:
        """Derive once per constant: an exchange keeps to one cipher and one MAC."""
        known = self._cache.get(constant)
        if known is not None and len(known) == length:
            return known
        if self._key is None:
            raise LibraryError("MIKEY-NULL has no key to derive from")
        label = message_label(constant, self._csb_id, self._rand)
        key = prf(self._prf, self._key, label, length)
        self._cache[constant] = key
        return key


def check_mac_alg(alg: MacAlg) -> None:
    """Raise UnsupportedError (3) for an unknown Mac alg (R3830-6.2-4)."""
    if alg is not MacAlg.NULL and alg not in _AUTH_KEY_LENGTH:
        raise UnsupportedError(f"MAC {int(alg)} is not supported", number=ErrorNumber.INVALID_MAC)


def check_encr(alg: EncrAlg) -> None:
    """Raise UnsupportedError (4) for an unknown Encr alg (R3830-6.2-4)."""
    if alg is not EncrAlg.NULL and alg not in _ENCR_KEY_LENGTH:
        raise UnsupportedError(
            f"encryption {int(alg)} is not supported", number=ErrorNumber.INVALID_EA
        )
