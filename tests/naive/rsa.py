"""RSA as the methods use it: signatures by hash and scheme, envelopes by hand (RFC 3830 4.2.5-6).

The v1.5 envelope is opened with ``pow``, so that bad padding is seen here instead of turning
into the random octets that a library gives for it.
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

V15, PSS = 0, 1

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(), "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(), "sha512": hashes.SHA512(),
}  # fmt: skip

_OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)


class Signer(NamedTuple):
    """Who signs: the key, the (Cert type, octets) of the CERT payloads to send, and the form."""

    key: RSAPrivateKey
    certs: tuple[tuple[int, bytes], ...] = ()
    s_type: int = V15
    hash: str = "sha1"


def octets(key: RSAPrivateKey | RSAPublicKey) -> int:
    """Return the length of the modulus, of a signature and of an envelope."""
    return (key.key_size + 7) // 8


def sign(signer: Signer, data: bytes) -> bytes:
    """The salt of PSS is as long as the hash (R3830-6.5-5)."""
    func = HASHES[signer.hash]
    if signer.s_type == V15:
        return signer.key.sign(data, padding.PKCS1v15(), func)
    return signer.key.sign(data, padding.PSS(padding.MGF1(func), func.digest_size), func)


def verify(key: RSAPublicKey, s_type: int, signature: bytes, data: bytes) -> str:
    """Return the name of the hash with which the signature is right; ValueError if none is."""
    for name, func in HASHES.items():
        scheme: padding.PKCS1v15 | padding.PSS = padding.PKCS1v15()
        if s_type == PSS:
            scheme = padding.PSS(padding.MGF1(func), padding.PSS.AUTO)
        try:
            key.verify(signature, data, scheme, func)
        except InvalidSignature:
            continue
        return name
    raise ValueError("the signature is wrong")


def encrypt(
    key: RSAPublicKey, message: bytes, filler: bytes = b"\xa5", *, oaep: bool = False
) -> bytes:
    """Encrypt an envelope key; v1.5 repeats the non-zero ``filler`` as its padding string."""
    if oaep:
        return key.encrypt(message, _OAEP)
    size = octets(key)
    room = size - 3 - len(message)
    if room < 8 or 0 in filler:
        raise ValueError("too long for the modulus, or a zero octet in the padding")
    block = b"\0\2" + (filler * room)[:room] + b"\0" + message
    public = key.public_numbers()
    return pow(int.from_bytes(block, "big"), public.e, public.n).to_bytes(size, "big")


def decrypt(key: RSAPrivateKey, envelope: bytes, *, oaep: bool = False) -> bytes:
    """Open an envelope; ValueError for a wrong length or wrong padding."""
    if oaep:
        return key.decrypt(envelope, _OAEP)
    private = key.private_numbers()
    n, size, number = private.public_numbers.n, octets(key), int.from_bytes(envelope, "big")
    if len(envelope) != size or number >= n:
        raise ValueError("an envelope of another length than the modulus")
    block = pow(number, private.d, n).to_bytes(size, "big")
    end = block.find(b"\0", 2)
    if block[:2] != b"\0\2" or end < 10:
        raise ValueError("the padding of the envelope is wrong")
    return block[end + 1 :]
