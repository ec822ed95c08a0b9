"""A test PKI: a root, an intermediate, and end entities with the identities of the tests.

Keys are made once in a run. ``issue`` takes every field that a test wants to have wrong.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Sequence
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.naive.rsa import V15, Signer

BEGIN, END = datetime.datetime(2000, 1, 1), datetime.datetime(2100, 1, 1)
SIGN, ENCRYPT, BOTH = "sign", "encrypt", "both"


class Issuer(NamedTuple):
    """Who signs certificates; ``der`` is the issuer's own."""

    key: RSAPrivateKey
    name: x509.Name
    der: bytes


@functools.cache
def key(owner: str, bits: int = 2048) -> RSAPrivateKey:
    """Return the key of that owner, the same one in the whole run."""
    return rsa.generate_private_key(65537, bits)


def issue(
    subject: str,
    public: RSAPublicKey,
    issuer: Issuer | None,
    signing: RSAPrivateKey,
    *,
    names: Sequence[x509.GeneralName] = (),
    usage: str = BOTH,
    ca: bool = False,
    eku: Sequence[ObjectIdentifier] = (),
    begin: datetime.datetime = BEGIN,
    end: datetime.datetime = END,
) -> bytes:
    """Return a certificate in DER; without an issuer it is its own."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = x509.CertificateBuilder(
        name if issuer is None else issuer.name, name, public, x509.random_serial_number(),
        begin, end,
    )  # fmt: skip
    builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    builder = builder.add_extension(
        x509.KeyUsage(
            digital_signature=not ca and usage != ENCRYPT,
            key_encipherment=not ca and usage != SIGN,
            key_cert_sign=ca, crl_sign=ca, content_commitment=False, data_encipherment=False,
            key_agreement=False, encipher_only=False, decipher_only=False,
        ),
        critical=True,
    )  # fmt: skip
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    builder = builder.add_extension(authority, False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    if eku:
        builder = builder.add_extension(x509.ExtendedKeyUsage(eku), False)
    return builder.sign(signing, hashes.SHA256()).public_bytes(Encoding.DER)


def authority(subject: str, above: Issuer | None = None) -> Issuer:
    """Return a certificate authority with a key of its own, a root without ``above``."""
    own = key(subject)
    signing = own if above is None else above.key
    der = issue(subject, own.public_key(), above, signing, ca=True)
    return Issuer(own, x509.load_der_x509_certificate(der).subject, der)


@functools.cache
def root() -> Issuer:
    return authority("Root")


@functools.cache
def middle() -> Issuer:
    return authority("Intermediate", root())


def identity_names(identity: bytes) -> list[x509.GeneralName]:
    """Return the subjectAltName of an identity: a URI for SIP, an e-mail address for an NAI."""
    text = identity.decode()
    return [x509.UniformResourceIdentifier(text) if ":" in text else x509.RFC822Name(text)]


@functools.cache
def certificate(
    identity: bytes, usage: str = BOTH, *, owner: str = "", server_only: bool = False
) -> bytes:
    """Return the end entity's certificate by the intermediate; its key is ``key(owner)``.

    Without ``owner`` the key is that of the identity.
    """
    above = middle()
    return issue(
        identity.decode(), key(owner or identity.decode()).public_key(), above, above.key,
        names=identity_names(identity), usage=usage,
        eku=[ExtendedKeyUsageOID.SERVER_AUTH] if server_only else [],
    )  # fmt: skip


def signer(identity: bytes, *, s_type: int = V15, hash_name: str = "sha1") -> Signer:
    """Return the identity's key with its chain, leaf first, each certificate of type 0."""
    chain = ((0, certificate(identity)), (0, middle().der))
    return Signer(key(identity.decode()), chain, s_type, hash_name)


def split_signer(identity: bytes) -> Signer:
    """Return a signer whose certificates are of type 2 (first) and 3, with separate keys."""
    name = identity.decode()
    signs = certificate(identity, SIGN, owner=f"{name} signs")
    decrypts = certificate(identity, ENCRYPT, owner=f"{name} decrypts")
    chain = ((2, signs), (3, decrypts), (0, middle().der))
    return Signer(key(f"{name} signs"), chain)


def public_key(der: bytes) -> RSAPublicKey:
    """Return the RSA key of a certificate."""
    public = x509.load_der_x509_certificate(der).public_key()
    if not isinstance(public, RSAPublicKey):
        raise ValueError("the certificate's key is not RSA")
    return public


def spki(public: RSAPublicKey) -> bytes:
    """Return the key in the DER form that names it."""
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def identities(der: bytes) -> list[bytes]:
    """Return the URIs and e-mail addresses of a certificate's subjectAltName."""
    try:
        found = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return []
    kinds = (x509.UniformResourceIdentifier, x509.RFC822Name)
    return [name.value.encode() for name in found.value if isinstance(name, kinds)]
