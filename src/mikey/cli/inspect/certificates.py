"""Certificates as they are found: read without judging them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from mikey.credentials import PublicKey
from mikey.errors import PeerError


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says: distinguished names, names in subjectAltName, validity, key.

    `key` is for people ("RSA 2048 bits"), `public_key` is there if it is an RSA key that is
    worked with.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key: str
    is_ca: bool
    public_key: PublicKey | None = field(repr=False)


def look(der: bytes) -> CertificateFacts | None:
    """Read a certificate; None for what is none. Nothing is verified."""
    try:
        return _look(x509.load_der_x509_certificate(der))
    except Exception:  # the parser's own many kinds: all are the sender's doing
        return None


def _look(certificate: x509.Certificate) -> CertificateFacts:
    names: tuple[str, ...] = ()
    is_ca = False
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            names = tuple(_name(name) for name in extension.value)
        elif isinstance(extension.value, x509.BasicConstraints):
            is_ca = extension.value.ca
    key = certificate.public_key()
    try:
        public_key = PublicKey(key)
    except PeerError:
        public_key = None
    return CertificateFacts(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=names,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key=_key(key),
        is_ca=is_ca,
        public_key=public_key,
    )


def _key(key: object) -> str:
    if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey):
        kind = "RSA" if isinstance(key, rsa.RSAPublicKey) else "DSA"
        return f"{kind} {key.key_size} bits"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey")


def _name(name: x509.GeneralName) -> str:
    kinds = {
        x509.UniformResourceIdentifier: "URI",
        x509.RFC822Name: "e-mail",
        x509.DNSName: "DNS",
        x509.IPAddress: "IP",
    }
    value = name.value
    text = value.rfc4514_string() if isinstance(value, x509.Name) else str(value)
    return f"{kinds.get(type(name), type(name).__name__)}:{text}"


def day(moment: datetime) -> str:
    """Return a time of a certificate for people, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
