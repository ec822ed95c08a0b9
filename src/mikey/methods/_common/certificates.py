"""The certificates of a message: limits, URLs, whose they are (RFC 3830 4.3, 6.7; RFC 4738 3.8).

Chains are checked by `credentials.Trust`; nothing here opens a connection.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mikey.credentials import ANY, Certificate, Certified, FetchCertificate, PublicKey
from mikey.credentials.certificate import read
from mikey.credentials.fetching import requests, resolve
from mikey.credentials.trust import MOST_CERTIFICATES, MOST_OCTETS
from mikey.errors import AuthenticationError, PolicyError
from mikey.methods._common.exchange import Surroundings
from mikey.methods._common.identities import signed_request_ids, to_id, to_text
from mikey.methods._common.signature import check_signature
from mikey.registry import CertType, ErrorNumber
from mikey.values import quick_init
from mikey.wire import Cert, Id, Message

_CERT_TYPES = frozenset(CertType)


@quick_init
@dataclass(frozen=True, slots=True)
class Peer:
    """Whom a verified signature is from: the leaf certificate, and the identity asked of it."""

    certificate: Certificate
    identity: Id


def needed(message: Message) -> tuple[FetchCertificate, ...]:
    """Return what has to be fetched before `message` is verified; none for most messages.

    Bounds what a message that nobody authenticated yet makes us look at. Raises PeerError (8)
    for too many certificates, too many octets of them, an unknown Cert type, and URLs that are
    not fetched.
    """
    certs = message.all(Cert)
    if not certs:
        return ()
    if len(certs) > MOST_CERTIFICATES or sum([len(cert.data) for cert in certs]) > MOST_OCTETS:
        raise _unacceptable(
            f"more than {MOST_CERTIFICATES} certificates, or {MOST_OCTETS} octets of them"
        )
    for cert in certs:
        if cert.cert_type not in _CERT_TYPES:
            raise _unacceptable(f"certificate type {cert.cert_type.label} is not supported")
    return requests(certs)


def request_ids(
    message: Message,
    own: Collection[str],
    initiator: str | None,
    fetched: Mapping[str, bytes] | None = None,
) -> tuple[Id | None, Id | None]:
    """Return IDi and IDr of a signed I_MESSAGE (R3830-6.7-8); nothing is verified.

    `own` are our identities, `initiator` is whom the carrier names. Raises PeerError: 7 for an
    identity that is no text, 8 for a certificate that is none.
    """

    def certified() -> frozenset[str]:
        certs = resolve(message.all(Cert), fetched or {})
        found = (read(cert.data) for cert in certs if cert.cert_type is not CertType.X509_URL)
        return frozenset(name for each in found if not each.is_ca for name in each.identities)

    return signed_request_ids(message, own, initiator, certified)


def verify_sender(
    message: Message,
    credential: Certified,
    claimed: Id | None,
    around: Surroundings,
    *readings: bytes,
) -> Peer:
    """Verify the sender's certificate with its chain, and then the signature of `message`.

    `claimed` is who the message or its carrier says it is from. Where nobody says it, that is
    the peer that `credential` names, else whom the certificate names first. `readings` are
    those of `check_signature`. Raises PeerError: 8 for a certificate that is missing or does
    not hold, 7 for somebody whom `credential` is not for; AuthenticationError.
    """
    identity = _expected(credential, claimed)
    proven: list[PublicKey] = []

    def proves(key: PublicKey) -> bool:
        try:
            check_signature(message, key, credential, *readings)
        except AuthenticationError:
            return False
        proven.append(key)
        return True

    certificate = credential.trust.verify(
        _presented(message, credential, around),
        now=around.now,
        identity=None if identity is None else to_text(identity),
        purpose="sign",
        proves=proves,
    )
    if certificate.public_key not in proven:
        check_signature(message, certificate.public_key, credential, *readings)
    if identity is None:
        if not certificate.identities:
            raise _unacceptable("the certificate names nobody")
        identity = to_id(certificate.identities[0])
    return Peer(certificate, identity)


def recipient(
    message: Message, credential: Certified, identity: Id, around: Surroundings
) -> Certificate:
    """Verify the certificate to enclose keys for the sender of `message`; PeerError (8)."""
    return credential.trust.verify(
        _presented(message, credential, around),
        now=around.now,
        identity=to_text(identity),
        purpose="encrypt",
    )


def _presented(
    message: Message, credential: Certified, around: Surroundings
) -> tuple[Cert | bytes, ...]:
    """Return the certificates of the message, else the one known beforehand (R3830-4.3.1-1)."""
    certs = resolve(message.all(Cert), around.fetched)
    if certs:
        return certs
    return credential.known_chain()


def _expected(credential: Certified, claimed: Id | None) -> Id | None:
    if credential.peer == ANY:
        return claimed
    if claimed is None:
        return to_id(credential.peer)
    if to_text(claimed) != credential.peer:
        raise PolicyError(
            f"the message is from {to_text(claimed)}, not from {credential.peer}",
            number=ErrorNumber.INVALID_ID,
            payload="ID",
        )
    return claimed


def _unacceptable(reason: str) -> PolicyError:
    return PolicyError(reason, number=ErrorNumber.INVALID_CERT, payload="CERT")
