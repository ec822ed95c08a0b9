"""Private keys: signing and decryption as two protocols, and RSA keys in memory.

A `Signer` signs messages (SIGN, RFC 3830 6.5), a `Decrypter` opens envelopes (PKE, 6.3). Keys in
memory are `SoftwareKey`; keys elsewhere (a token, a service) implement the same few names.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Protocol, final, runtime_checkable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mikey.credentials.public_key import (
    HASHES,
    LEAST_ENVELOPE,
    MOST_BITS,
    MOST_EXPONENT_BITS,
    PublicKey,
    oaep,
)
from mikey.crypto import aes_cm, mac
from mikey.errors import LocalError, PeerError
from mikey.registry import MacAlg
from mikey.secret import Secret

LEAST_BITS = 1024
"""The smallest RSA key that is taken at all; below 2048 only where a Trust allows it."""


@runtime_checkable
class Signer(Protocol):
    """Makes RSA signatures.

    `size` is the length of a signature, the octets of the modulus. `blocking` says that a call
    may take long (a token, a network): such an exchange runs in a worker thread.
    """

    @property
    def size(self) -> int:
        """The octets of the modulus."""
        ...

    @property
    def blocking(self) -> bool:
        """Whether a call may take long."""
        ...

    def sign(self, octets: bytes, *, hash: str, pss: bool) -> bytes:  # noqa: A002
        """Return the signature over `octets`: PKCS #1 v1.5, or PSS with a salt as long as the hash.

        `hash` is "sha1", "sha256", "sha384" or "sha512". Raises MikeyError alone.
        """
        ...


@runtime_checkable
class Decrypter(Protocol):
    """Opens RSA envelopes; `size` and `blocking` as those of Signer."""

    @property
    def size(self) -> int:
        """The octets of the modulus."""
        ...

    @property
    def blocking(self) -> bool:
        """Whether a call may take long."""
        ...

    def decrypt(self, ciphertext: bytes) -> Secret:
        """Return the envelope key, or octets that nobody can foresee if there is none.

        No error tells a bad ciphertext from a good one: the MAC of KEMAC decides
        (R3830-6.3-6). See `ImplicitRejection`.
        """
        ...


@final
class ImplicitRejection:
    """Turns a failed decryption into an envelope key like any other (R3830-6.3-5, 6.3-6).

    For each ciphertext there is a substitute, octets and length alike, derived from a key of
    our own: it stays the same when the ciphertext is sent again, as a real plaintext would.
    Substitute and decryption are computed each time; only then one of them is taken.
    """

    __slots__ = ("_key", "_size")

    def __init__(self, size: int, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._size = size
        self._key = Secret(random(32))

    def apply(self, ciphertext: bytes, decrypt: Callable[[bytes], bytes]) -> Secret:
        """Return what `decrypt` makes of `ciphertext`, the substitute where that is no key.

        `decrypt` gets octets of the key's size in any case and may raise any Exception.
        """
        size = self._size
        stream = self._stream(ciphertext, size + 4)
        span = size - 11 - LEAST_ENVELOPE + 1
        length = LEAST_ENVELOPE + int.from_bytes(stream[-4:]) % span
        substitute = stream[:length]
        fits = len(ciphertext) == size
        # A first octet of zero keeps the stand-in below the modulus, so that it costs the same.
        stand_in = bytes(1) + stream[1:size]
        try:
            plain = decrypt((stand_in, ciphertext)[fits])
        except Exception:  # what a library or a token says of a bad ciphertext is told to nobody
            plain = b""
        valid = fits & (len(plain) >= LEAST_ENVELOPE) & (len(plain) <= size - 11)
        return Secret((substitute, plain)[valid])

    def _stream(self, ciphertext: bytes, length: int) -> bytes:
        """Return octets that only who has the key can foresee: AES in counter mode.

        Its key is a MAC of the ciphertext, so that no two ciphertexts share one.
        """
        seed = Secret(mac(MacAlg.HMAC_SHA_256_256, self._key, ciphertext))
        return aes_cm(seed, bytes(16), bytes(length))


@final
class SoftwareKey:
    """An RSA private key in memory: both Signer and Decrypter.

    `oaep_hash` is that of RSAES-OAEP to decrypt with, None for PKCS #1 v1.5 (the RFC's).
    Raises LocalError for a key that is not RSA, is below 1024 bits or above 8192.
    """

    __slots__ = ("_key", "_padding", "_rejection", "public_key", "size")

    blocking = False

    def __init__(self, key: rsa.RSAPrivateKey, *, oaep_hash: str | None = None) -> None:
        if not isinstance(key, rsa.RSAPrivateKey):
            raise LocalError("a SoftwareKey is an RSA private key")
        if key.key_size < LEAST_BITS:
            raise LocalError(f"an RSA key of {key.key_size} bits is too short")
        self._key = key
        self._padding = padding.PKCS1v15() if oaep_hash is None else oaep(oaep_hash)
        try:
            self.public_key = PublicKey(key.public_key())
        except PeerError:  # no peer's, but the caller's own
            raise LocalError(
                f"the RSA key is too large: {MOST_BITS} bits, and {MOST_EXPONENT_BITS} of the "
                "exponent, are the most"
            ) from None
        self.size = self.public_key.size
        self._rejection = ImplicitRejection(self.size)

    def __repr__(self) -> str:
        return f"<SoftwareKey RSA-{self._key.key_size}>"

    def sign(self, octets: bytes, *, hash: str, pss: bool) -> bytes:  # noqa: A002
        """Return the signature over `octets` (R3830-6.5-5); LocalError for an unknown hash."""
        algorithm = HASHES.get(hash)
        if algorithm is None:
            raise LocalError(f"no signatures are made with {hash!r}")
        try:
            return self._key.sign(octets, _signature_padding(algorithm, pss), algorithm)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise LocalError(f"cannot sign with {hash}: {error}") from None

    def decrypt(self, ciphertext: bytes) -> Secret:
        """Return the envelope key, or octets that nobody can foresee; raises nothing."""
        return self._rejection.apply(
            ciphertext, lambda octets: self._key.decrypt(octets, self._padding)
        )


def _signature_padding(
    algorithm: hashes.HashAlgorithm, pss: bool
) -> padding.PKCS1v15 | padding.PSS:
    if pss:
        return padding.PSS(padding.MGF1(algorithm), padding.PSS.DIGEST_LENGTH)
    return padding.PKCS1v15()
