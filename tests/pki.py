"""Certificates for tests: any chain in a few lines, RSA keys made once per process.

    root = pki.authority("root")
    alice = pki.issue(root, "alice", uris=["sip:alice@example.org"])
    alice.der, alice.key        the DER octets, the RSA key

Everything is valid from 2026 to 2036 unless said otherwise; NOW lies in between.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mikey.policy.clock import SECOND

START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2036, 1, 1, tzinfo=UTC)

Digest = hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def ns(moment: datetime) -> int:
    """Return a moment in nanoseconds since 1970."""
    return int(moment.timestamp()) * SECOND


NOW = ns(datetime(2030, 1, 1, tzinfo=UTC))


@functools.cache
def rsa_key(label: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return the key of that label, the same one for the whole run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@functools.cache
def ec_key(label: str) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key of that label; authorities have these, for they are made fast."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Issued:
    """A certificate and the private key to it."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def der(self) -> bytes:
        """The certificate's DER octets."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def rsa(self) -> rsa.RSAPrivateKey:
        """The key, which is RSA."""
        assert isinstance(self.key, rsa.RSAPrivateKey)
        return self.key


def name(common: str) -> x509.Name:
    """Return the distinguished name CN=common."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def usage(*names: str) -> x509.KeyUsage:
    """Return a KeyUsage of these names and no other."""
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    assert set(names) <= set(every)
    return x509.KeyUsage(**{each: each in names for each in every})


CA_USAGE = usage("key_cert_sign", "crl_sign")
END_USAGE = usage("digital_signature", "key_encipherment")


NO_CA = x509.BasicConstraints(ca=False, path_length=None)


def authority(
    label: str,
    issuer: Issued | None = None,
    *,
    path_length: int | None = None,
    ca: bool = True,
    key: PrivateKey | None = None,
    key_usage: x509.KeyUsage | None = CA_USAGE,
    constraints: x509.NameConstraints | None = None,
    extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
    start: datetime = START,
    end: datetime = END,
    digest: Digest | None = None,
) -> Issued:
    """Return a certification authority, a root if no issuer is given."""
    more: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), True),
        *extensions,
    ]
    if constraints is not None:
        more.append((constraints, True))
    return _make(
        label, key or ec_key(label), issuer, more, key_usage, start=start, end=end, digest=digest
    )


def issue(
    issuer: Issued | None,
    label: str,
    *,
    uris: Sequence[str] = (),
    emails: Sequence[str] = (),
    key: PrivateKey | None = None,
    key_usage: x509.KeyUsage | None = END_USAGE,
    extended: Sequence[x509.ObjectIdentifier] | None = (ExtendedKeyUsageOID.CLIENT_AUTH,),
    basic: x509.BasicConstraints | None = NO_CA,
    extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
    start: datetime = START,
    end: datetime = END,
    digest: Digest | None = None,
) -> Issued:
    """Return an end entity with an RSA key of 2048 bits; self-signed if no issuer is given."""
    more: list[tuple[x509.ExtensionType, bool]] = list(extensions)
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
    names += [x509.RFC822Name(email) for email in emails]
    if names:
        more.append((x509.SubjectAlternativeName(names), False))
    if extended is not None:
        more.append((x509.ExtendedKeyUsage(extended), False))
    if basic is not None:
        more.append((basic, True))
    return _make(
        label, key or rsa_key(label), issuer, more, key_usage, start=start, end=end, digest=digest
    )


def revocations(
    issuer: Issued,
    serials: Iterable[int] = (),
    *,
    this: datetime = START,
    following: datetime | None = END,
    extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
    digest: Digest | None = None,
) -> x509.CertificateRevocationList:
    """Return a CRL of `issuer` with these serial numbers."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(this)
        .next_update(following or END)
    )
    for serial in serials:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(this).build()
        )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer.key, digest or hashes.SHA256())


def _make(
    label: str,
    key: PrivateKey,
    issuer: Issued | None,
    extensions: Iterable[tuple[x509.ExtensionType, bool]],
    key_usage: x509.KeyUsage | None,
    *,
    start: datetime,
    end: datetime,
    digest: Digest | None,
) -> Issued:
    signer = key if issuer is None else issuer.key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(label))
        .issuer_name(name(label) if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
        )
    )
    if key_usage is not None:
        builder = builder.add_extension(key_usage, True)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Issued(builder.sign(signer, digest or hashes.SHA256()), key)
