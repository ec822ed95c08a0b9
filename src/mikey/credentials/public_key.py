"""RSA public keys of peers: signatures checked, envelope keys enclosed (RFC 3830 6.3, 6.5)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mikey.errors import AuthenticationError, LocalError, PeerError
from mikey.registry import ErrorNumber, SignType
from mikey.secret import Secret

HASHES: Mapping[str, hashes.HashAlgorithm] = MappingProxyType(
    {
        "sha1": hashes.SHA1(),  # noqa: S303 - the one hash that RFC 3830 makes mandatory
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
    }
)
"""Hash functions of signatures, by name."""

LEAST_ENVELOPE = 16
"""The least octets of an envelope key; the most are 11 below the modulus (R3830-6.3-5)."""

MOST_BITS = 8192
"""The largest RSA key: work with it stays within a few milliseconds."""

MOST_EXPONENT_BITS = 32

_DIGESTS = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}

# DER of DigestInfo up to the digest itself (RFC 8017 9.2, notes).
DIGEST_INFO = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}

Observer = Callable[[str], None]
"""Told of each public-key operation: "chain", "signature", "crl" or "envelope"."""


def silent(operation: str) -> None:
    """Ignore an operation."""


def unacceptable(reason: str) -> PeerError:
    """Return the error for a certificate that is not accepted (error 8, R3830-6.7-7)."""
    return PeerError(reason, number=ErrorNumber.INVALID_CERT, payload="CERT")


@final
class PublicKey:
    """An RSA public key of at most 8192 bits.

    `size` is the modulus in octets, `bits` in bits. Raises PeerError (8) for another kind of key,
    for one whose work would be beyond measure, and for an even modulus.
    """

    __slots__ = ("_key", "_observe", "bits", "size")

    def __init__(self, key: object, observe: Observer = silent) -> None:
        if not isinstance(key, rsa.RSAPublicKey):
            raise unacceptable("the key of the certificate is not RSA")
        self._key = key
        self._observe = observe
        self.bits = key.key_size
        self.size = (key.key_size + 7) // 8
        numbers = key.public_numbers()
        if self.bits > MOST_BITS or numbers.e.bit_length() > MOST_EXPONENT_BITS:
            raise unacceptable("the RSA key of the certificate is too large")
        if not numbers.n & 1:  # nothing can be encrypted under it, which would show late
            raise unacceptable("the RSA key of the certificate is none")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PublicKey):
            return NotImplemented
        return self._key.public_numbers() == other._key.public_numbers()

    def __hash__(self) -> int:
        return hash(self._key.public_numbers())

    def __repr__(self) -> str:
        return f"<PublicKey RSA-{self.bits}>"

    def verify(
        self,
        signature: bytes,
        *readings: bytes,
        s_type: SignType = SignType.RSA_PKCS_1_V1_5,
        hashes: Sequence[str] = tuple(HASHES),
    ) -> int:
        """Check a signature over octets; return which of the `readings` it covers.

        A v1.5 signature names its hash, and one public-key operation serves all readings. PSS
        does not: the allowed `hashes` are tried in order, with any length of salt (R3830-6.5-5).
        Raises AuthenticationError for a signature over none of them, of the wrong length, by a
        hash that is not allowed, or of another S type (R3830-6.5-6).
        """
        # A length is told without any arithmetic.
        if len(signature) != self.size:
            raise AuthenticationError
        if s_type is SignType.RSA_PKCS_1_V1_5:
            return self._verify_v15(signature, readings, hashes)
        if s_type is SignType.RSA_PSS:
            return self._verify_pss(signature, readings, hashes)
        raise AuthenticationError

    def encrypt(self, envelope_key: Secret, *, oaep_hash: str | None = None) -> bytes:
        """Return the envelope key under this key: PKCS #1 v1.5, or OAEP with the hash named.

        Raises LocalError for a key of fewer than 16 octets, or more than the padding leaves
        room for (modulus - 11 with v1.5, R3830-6.3-5).
        """
        if not LEAST_ENVELOPE <= len(envelope_key) <= self.size - 11:
            raise LocalError(
                f"an envelope key has {LEAST_ENVELOPE} to {self.size - 11} octets for this peer"
            )
        self._observe("envelope")
        how = padding.PKCS1v15() if oaep_hash is None else oaep(oaep_hash)
        try:
            return self._key.encrypt(envelope_key.expose(), how)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise LocalError(f"the envelope key cannot be encrypted: {error}") from None

    def _verify_v15(
        self, signature: bytes, readings: Sequence[bytes], allowed: Sequence[str]
    ) -> int:
        self._observe("signature")
        try:
            info = self._key.recover_data_from_signature(signature, padding.PKCS1v15(), None)
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            raise AuthenticationError from None
        for name in allowed:
            prefix = DIGEST_INFO[name]
            if not info.startswith(prefix):
                continue
            for index, octets in enumerate(readings):
                # Compared as a whole: no parser, hence no room for what a parser would skip.
                if hmac.compare_digest(info, prefix + _DIGESTS[name](octets).digest()):
                    return index
        raise AuthenticationError

    def _verify_pss(
        self, signature: bytes, readings: Sequence[bytes], allowed: Sequence[str]
    ) -> int:
        for index, octets in enumerate(readings):
            for name in allowed:
                algorithm = HASHES[name]
                how = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
                self._observe("signature")
                try:
                    self._key.verify(signature, octets, how, algorithm)
                except (InvalidSignature, ValueError, UnsupportedAlgorithm):
                    continue
                return index
        raise AuthenticationError


def oaep(name: str) -> padding.OAEP:
    """Return RSAES-OAEP with that hash, MGF1 with the same; LocalError for an unknown name."""
    algorithm = HASHES.get(name)
    if algorithm is None:
        raise LocalError(f"no OAEP is made with {name!r}")
    return padding.OAEP(mgf=padding.MGF1(algorithm), algorithm=algorithm, label=None)
