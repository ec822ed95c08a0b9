"""Certificates read once, with what MIKEY asks of them (RFC 3830 6.7, 6.8; RFC 5280)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from mikey.credentials.public_key import Observer, PublicKey, silent, unacceptable
from mikey.errors import LocalError, PeerError
from mikey.policy import SECOND
from mikey.registry import ErrorNumber, HashFunc

Purpose = Literal["sign", "encrypt"]
"""What a peer's certificate is for: the signature of SIGN, or the envelope of PKE."""

WEAK_HASHES = frozenset({"md2", "md4", "md5", "sha1"})

_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):([^;?#/]*)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """An end entity's certificate; from `Trust.verify` a trusted one.

    `der` are its octets, `public_key` the RSA key, `identities` the URIs and e-mail addresses of
    its subjectAltName. `not_before` and `not_after` are nanoseconds since 1970, both inclusive.
    """

    der: bytes = field(repr=False)
    public_key: PublicKey
    identities: tuple[str, ...]
    not_before: int
    not_after: int
    parsed: Parsed = field(repr=False)

    def digest(self, hash_func: HashFunc) -> bytes:
        """Return the hash of the DER octets, as CHASH has it (R3830-6.8-4).

        Raises PeerError (5) for an unknown hash function.
        """
        if hash_func is HashFunc.SHA_1:
            return hashlib.sha1(self.der, usedforsecurity=False).digest()
        if hash_func is HashFunc.MD5:
            return hashlib.md5(self.der, usedforsecurity=False).digest()
        if hash_func is HashFunc.SHA_256:
            return hashlib.sha256(self.der).digest()
        raise PeerError(
            f"hash function {hash_func.label} is not supported",
            number=ErrorNumber.INVALID_HA,
            payload="CHASH",
        )

    def names(self, identity: str, *, normalize: bool = False) -> bool:
        """Return whether subjectAltName holds `identity`: exactly, or normalized on both sides."""
        if normalize:
            return normalized(identity) in map(normalized, self.identities)
        return identity in self.identities

    def allows(self, purpose: Purpose) -> bool:
        """Return whether keyUsage, if there is any, allows the purpose (R3830-6.7-10)."""
        usage = self.parsed.key_usage
        if usage is None:
            return True
        if purpose == "sign":
            return usage.digital_signature or usage.content_commitment
        return usage.key_encipherment


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """A certificate with all of its parts looked at, so that none can fail later."""

    der: bytes = field(repr=False)
    certificate: x509.Certificate = field(repr=False)
    key: CertificatePublicKeyTypes = field(repr=False)
    key_usage: x509.KeyUsage | None
    extended: frozenset[str] | None
    is_ca: bool
    hash_name: str | None
    identities: tuple[str, ...]
    not_before: int
    not_after: int

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return self.certificate.subject == self.certificate.issuer

    def end_entity(self, observe: Observer = silent) -> Certificate:
        """Return the certificate as one of an end entity; PeerError (8) if its key is not RSA."""
        return Certificate(
            der=self.der,
            public_key=PublicKey(self.key, observe),
            identities=self.identities,
            not_before=self.not_before,
            not_after=self.not_after,
            parsed=self,
        )


def read(der: bytes) -> Parsed:
    """Read an X.509 certificate from its DER octets; no signature is checked.

    Raises PeerError (8) for whatever is no X.509v3 certificate that we understand, among them
    one with RSA keys beyond measure or signed with SHA-1, MD5 or a hash that is not known.
    """
    try:
        parsed = _read(der)
    except PeerError:
        raise
    except Exception as error:  # the parser's own many kinds: all of them are the peer's doing
        raise unacceptable(f"no X.509 certificate: {type(error).__name__}") from None
    if parsed.hash_name is not None and parsed.hash_name in WEAK_HASHES:
        raise unacceptable(f"a certificate is signed with {parsed.hash_name}")
    return parsed


def _read(der: bytes) -> Parsed:
    certificate = x509.load_der_x509_certificate(der)
    if certificate.version is not x509.Version.v3:
        raise unacceptable("a certificate is not of version 3")
    _ = certificate.issuer, certificate.subject  # parsed when asked for: here, where it may fail
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        PublicKey(key)  # for its limits: an issuer's key costs time as well
    algorithm = certificate.signature_hash_algorithm
    extensions = certificate.extensions
    usage = extended = basic = names = None
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.KeyUsage):
            usage = value
        elif isinstance(value, x509.ExtendedKeyUsage):
            extended = frozenset(oid.dotted_string for oid in value)
        elif isinstance(value, x509.BasicConstraints):
            basic = value
        elif isinstance(value, x509.SubjectAlternativeName):
            names = value
    return Parsed(
        der=der,
        certificate=certificate,
        key=key,
        key_usage=usage,
        extended=extended,
        is_ca=basic is not None and basic.ca,
        hash_name=None if algorithm is None else algorithm.name,
        identities=() if names is None else _identities(names),
        not_before=_ns(certificate.not_valid_before_utc),
        not_after=_ns(certificate.not_valid_after_utc),
    )


def _identities(names: x509.SubjectAlternativeName) -> tuple[str, ...]:
    # A URI has a scheme and an NAI none, so that neither can pass for the other.
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    mails = names.get_values_for_type(x509.RFC822Name)
    return (
        *(uri for uri in uris if _URI.match(uri)),
        *(mail for mail in mails if not _URI.match(mail)),
    )


def normalized(identity: str) -> str:
    """Return an identity with scheme and host, or the realm of an NAI, in lower case.

    RFC 3986 6.2.2.1 and RFC 7542 2.4: the user's part stays as it is.
    """
    match = _URI.fullmatch(identity)
    if match is None:
        user, at, realm = identity.rpartition("@")
        return f"{user}{at}{realm.lower()}" if at else identity
    scheme, authority, rest = match.groups()
    user, at, host = authority.rpartition("@")
    return f"{scheme.lower()}:{user}{at}{host.lower()}{rest}"


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * SECOND


def moment(now: int) -> datetime:
    """Return nanoseconds since 1970 as a datetime; LocalError beyond the year 9999."""
    try:
        return datetime.fromtimestamp(now // SECOND, tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise LocalError(f"{now} ns is no time that a certificate could have") from None
