"""Certificate revocation lists given by the caller (RFC 5280 section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from mikey.credentials.certificate import WEAK_HASHES, Parsed
from mikey.credentials.public_key import Observer, unacceptable
from mikey.errors import LocalError
from mikey.policy import SECOND

_UNBOUNDED = (1 << 63) - 1


@dataclass(frozen=True, slots=True, eq=False)
class _Crl:
    """One list, read."""

    crl: x509.CertificateRevocationList
    this_update: int
    next_update: int | None
    serials: frozenset[int]

    def current(self, now: int) -> bool:
        # Without nextUpdate nobody knows how long it holds (RFC 5280 5.1.2.5 demands one).
        return self.next_update is not None and self.this_update <= now <= self.next_update


class Revocations:
    """The lists of all issuers.

    `crls`: DER octets or objects of `cryptography`. Raises LocalError for what is none, is
    signed with SHA-1 or MD5, or is a list in parts (delta, indirect, of one distribution point):
    that a serial number is missing from such a list says nothing.
    """

    def __init__(self, crls: Iterable[bytes | x509.CertificateRevocationList]) -> None:
        self._crls = tuple(_read(crl) for crl in crls)

    def check(self, chain: Sequence[Parsed], now: int, *, required: bool, observe: Observer) -> int:
        """Look up each certificate of a verified chain, the end entity first, the anchor last.

        Returns until when the answer holds, in nanoseconds. Raises PeerError (8) for a
        certificate that an authentic list of any age names, and with `required` for one whose
        issuer has no current list.
        """
        until = _UNBOUNDED
        for subject, issuer in pairwise(chain):
            lists = [crl for crl in self._crls if _issued_by(crl.crl, issuer, observe)]
            if any(subject.certificate.serial_number in each.serials for each in lists):
                raise unacceptable("a certificate is revoked")
            current = [each for each in lists if each.current(now)]
            if current:
                until = min(until, max(each.next_update or 0 for each in current))
            elif required:
                raise unacceptable("there is no current CRL for the issuer of a certificate")
        return until


def _issued_by(crl: x509.CertificateRevocationList, issuer: Parsed, observe: Observer) -> bool:
    if crl.issuer != issuer.certificate.subject:
        return False
    usage = issuer.key_usage
    if usage is not None and not usage.crl_sign:
        return False
    observe("crl")
    try:
        # The type of an issuer's key is not always one that signs; the call says so itself.
        return crl.is_signature_valid(issuer.key)  # type: ignore[arg-type]
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False


def _read(source: bytes | x509.CertificateRevocationList) -> _Crl:
    try:
        crl = x509.load_der_x509_crl(source) if isinstance(source, bytes) else source
        algorithm = crl.signature_hash_algorithm
        critical = [extension.oid for extension in crl.extensions if extension.critical]
        following = crl.next_update_utc
        read = _Crl(
            crl,
            int(crl.last_update_utc.timestamp()) * SECOND,
            None if following is None else int(following.timestamp()) * SECOND,
            frozenset(entry.serial_number for entry in crl),
        )
    except Exception as error:  # the parser's own many kinds: a file of the caller's is wrong
        raise LocalError(f"no certificate revocation list: {type(error).__name__}") from None
    if algorithm is not None and algorithm.name in WEAK_HASHES:
        raise LocalError(f"a CRL is signed with {algorithm.name}")
    if critical:
        raise LocalError("a CRL covers a part only (critical extension): use complete CRLs")
    return read
