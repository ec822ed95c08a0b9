"""Keys, certificates and revocation lists in files, as `openssl` and `mikey keygen` write them."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_der_private_key,
    load_pem_private_key,
)

from mikey.credentials.keys import SoftwareKey
from mikey.credentials.reading import read_file
from mikey.errors import LocalError
from mikey.secret import Secret

_MAX_OCTETS = 1 << 24
_PEM = b"-----BEGIN"


def load_key(
    path: str | os.PathLike[str],
    *,
    password: Secret | None = None,
    oaep_hash: str | None = None,
) -> SoftwareKey:
    """Read an RSA private key, PEM or DER, from a file that only its owner can open.

    Raises LocalError for a file that cannot be read, is open to others, or holds no RSA key; and
    where `password` is missing, wrong or not needed. No error shows what the file holds.
    """
    octets = read_file(Path(path), most=_MAX_OCTETS, private=True)
    load = load_pem_private_key if _PEM in octets else load_der_private_key
    try:
        key = load(octets, None if password is None else password.expose())
    except TypeError:
        need = "needs a password" if password is None else "has no password"
        raise LocalError(f"{path}: the private key {need}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise LocalError(f"{path}: no private key, or the password is wrong") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise LocalError(f"{path}: the private key is not RSA")
    return SoftwareKey(key, oaep_hash=oaep_hash)


def load_certificates(path: str | os.PathLike[str]) -> tuple[bytes, ...]:
    """Read certificates: all in a PEM file in their order, or one in a DER file.

    Returns DER octets. Raises LocalError for a file that cannot be read or holds none.
    """
    octets = read_file(Path(path), most=_MAX_OCTETS, private=False)
    try:
        if _PEM in octets:
            certificates = x509.load_pem_x509_certificates(octets)
        else:
            certificates = [x509.load_der_x509_certificate(octets)]
    except (ValueError, UnsupportedAlgorithm):
        raise LocalError(f"{path}: no certificates") from None
    return tuple(each.public_bytes(Encoding.DER) for each in certificates)


def load_crl(path: str | os.PathLike[str]) -> bytes:
    """Read a certificate revocation list, PEM or DER; return its DER octets.

    Raises LocalError for a file that cannot be read or holds none.
    """
    octets = read_file(Path(path), most=_MAX_OCTETS, private=False)
    load = x509.load_pem_x509_crl if _PEM in octets else x509.load_der_x509_crl
    try:
        return load(octets).public_bytes(Encoding.DER)
    except (ValueError, UnsupportedAlgorithm):
        raise LocalError(f"{path}: no certificate revocation list") from None
