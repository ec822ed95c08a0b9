"""Whom we believe: certificates of peers checked against anchors (RFC 3830 4.3, 6.7; RFC 5280).

The order keeps the costly last: counts and sizes, then names and usages, and only for a chain
that by its names ends at an anchor of ours any public-key work (base.md, section 26).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mikey.credentials import _path
from mikey.credentials._cache import ChainCache
from mikey.credentials.certificate import Certificate, Parsed, Purpose, moment, read
from mikey.credentials.crl import Revocations
from mikey.credentials.public_key import Observer, PublicKey, silent, unacceptable
from mikey.errors import LocalError, PeerError
from mikey.registry import CertType
from mikey.wire import Cert

MOST_CERTIFICATES = 8
MOST_OCTETS = 16 * 1024
MOST_TRIALS = 2
"""Certificates whose key is tried on a signature, where names leave more than one."""

EXTENDED_KEY_USAGES = frozenset(
    {
        "2.5.29.37.0",  # anyExtendedKeyUsage
        "1.3.6.1.5.5.7.3.1",  # serverAuth: what cameras carry, and often alone
        "1.3.6.1.5.5.7.3.2",  # clientAuth
        "1.3.6.1.5.5.7.3.4",  # emailProtection
        "1.3.6.1.5.5.7.3.20",  # sipDomain (RFC 5924)
    }
)
"""Extended key usages (OIDs) of which a certificate has one, if it has any."""

_KINDS = frozenset(CertType)
_TYPES: dict[Purpose, tuple[CertType, ...]] = {
    # The dedicated certificate goes before the general one.
    "sign": (CertType.X509_SIGN, CertType.X509),
    "encrypt": (CertType.X509_ENCR, CertType.X509),
}


class Trust:
    """Anchors, revocation lists and what certificates must fulfil.

    `anchors`: DER octets (or objects of `cryptography`) of root or intermediate authorities,
    or of single peers (pinned, self-signed or not). `intermediates`: certificates of authorities
    that peers need not send; they are not trusted by themselves.
    `crls`: revocation lists; `require_crl` refuses a chain of which a certificate has no current
    one. `minimum_rsa_bits`: of the end entity's key. `extended_key_usages`: see
    EXTENDED_KEY_USAGES. `normalize_identities`: compare scheme, host and realm in lower case,
    in place of octet by octet (R3830-6.7-9).
    `cache_size`: verified chains kept until the first of their certificates or lists expires.
    `observe` is told of each public-key operation.

    A chain under a name constraint that is not understood (URIs, directory names) is refused, as
    is one with an unknown critical extension.

    Raises LocalError for an anchor, intermediate or CRL that cannot be used.
    """

    def __init__(
        self,
        anchors: Iterable[bytes | x509.Certificate],
        crls: Iterable[bytes | x509.CertificateRevocationList] = (),
        *,
        intermediates: Iterable[bytes | x509.Certificate] = (),
        require_crl: bool = False,
        minimum_rsa_bits: int = 2048,
        extended_key_usages: Iterable[str] = EXTENDED_KEY_USAGES,
        normalize_identities: bool = False,
        cache_size: int = 1024,
        observe: Observer = silent,
    ) -> None:
        self._anchors = {parsed.der: parsed for parsed in map(_own, anchors)}
        if not self._anchors:
            raise LocalError("trust needs an anchor: the certificate of an authority or a peer")
        self._intermediates = tuple(map(_own, intermediates))
        self._revocations = Revocations(crls)
        self.require_crl = require_crl
        self.minimum_rsa_bits = minimum_rsa_bits
        self.extended_key_usages = frozenset(extended_key_usages)
        self.normalize_identities = normalize_identities
        self._observe = observe
        self._cache_size = cache_size
        self._cache = ChainCache(cache_size)

    def __repr__(self) -> str:
        return f"<Trust with {len(self._anchors)} anchors>"

    def replace_crls(self, crls: Iterable[bytes | x509.CertificateRevocationList]) -> None:
        """Use these revocation lists from now on; every chain is verified anew."""
        self._revocations = Revocations(crls)
        # A new cache, behind the lists: who is still at work with the old lists has the old one.
        self._cache = ChainCache(self._cache_size)

    def verify(
        self,
        certs: Sequence[Cert | bytes],
        *,
        now: int,
        identity: str | None = None,
        purpose: Purpose = "sign",
        proves: Callable[[PublicKey], bool] | None = None,
    ) -> Certificate:
        """Return the end entity's certificate among `certs`, verified.

        `certs`: the CERT payloads of a message, in any order; URLs resolved. Bare DER octets
        count as type 0. `now`: nanoseconds since 1970. `identity`: whom the certificate must
        name in subjectAltName, None if anyone. `purpose` with the types 0, 2 and 3 and keyUsage
        decides which certificate is meant (R3830-6.7-10). Where more than one is left, `proves`
        says whether a key made the signature of the message, for 2 of them at most.

        Raises PeerError (8) for all that is not accepted.
        """
        offered = _admit(certs)
        pool = [der for kind in _TYPES[purpose] for der, kinds in offered.items() if kind in kinds]
        known = [leaf for der in pool if (leaf := self._cache.get(der, now)) is not None]
        # A chain that was verified before costs no parsing; another end entity may be meant.
        leaves = [leaf for leaf in known if self._refusal(leaf, identity, purpose) is None]
        if leaves:
            return _choose(leaves, proves)
        parsed = {der: read(der) for der in offered}
        sent = list(parsed.values())
        leaf = self._end_entity([parsed[der] for der in pool], sent, identity, purpose, proves)
        return self._verify_chain(leaf, sent, now)

    def _end_entity(
        self,
        pool: Sequence[Parsed],
        sent: Sequence[Parsed],
        identity: str | None,
        purpose: Purpose,
        proves: Callable[[PublicKey], bool] | None,
    ) -> Certificate:
        """Find the end entity by what it says, without any public-key work."""
        leaves: dict[bytes, Certificate] = {}
        refusal = "the message has no certificate of an end entity"
        for parsed in pool:
            # A self-signed certificate of a peer often claims to be an authority.
            if parsed.is_ca and parsed.der not in self._anchors:
                continue
            try:
                leaf = parsed.end_entity(self._observe)
            except PeerError as error:
                refusal = error.reason
                continue
            reason = self._refusal(leaf, identity, purpose)
            if reason is None:
                leaves.setdefault(parsed.der, leaf)
            else:
                refusal = reason
        if not leaves:
            raise unacceptable(refusal)
        if len(leaves) > 1:  # a key that no authority of ours could vouch for is not tried
            leaves = {der: leaf for der, leaf in leaves.items() if self._is_reached(leaf, sent)}
            if not leaves:
                raise unacceptable("the certificate's issuer is not known here")
        return _choose(list(leaves.values()), proves)

    def _is_reached(self, leaf: Certificate, sent: Sequence[Parsed]) -> bool:
        try:
            self._helpers(leaf, sent)
        except PeerError:
            return False
        return True

    def _refusal(self, leaf: Certificate, identity: str | None, purpose: Purpose) -> str | None:
        """Return why a certificate is not that of the peer, None if it may be."""
        if leaf.public_key.bits < self.minimum_rsa_bits:
            return f"the RSA key of the certificate has {leaf.public_key.bits} bits only"
        if not leaf.allows(purpose):
            return f"the certificate's keyUsage does not allow to {purpose}"
        if not self._usage_fits(leaf.parsed):
            return "the certificate's extended key usage is for something else"
        if identity is not None and not leaf.names(identity, normalize=self.normalize_identities):
            return "the certificate does not name the peer"
        return None

    def _usage_fits(self, parsed: Parsed) -> bool:
        return parsed.extended is None or not self.extended_key_usages.isdisjoint(parsed.extended)

    def _helpers(self, leaf: Certificate, sent: Sequence[Parsed]) -> list[Parsed]:
        anchors = list(self._anchors.values())
        return _path.by_name(leaf.parsed, [*sent, *self._intermediates], anchors)

    def _verify_chain(self, leaf: Certificate, sent: Sequence[Parsed], now: int) -> Certificate:
        at = moment(now)
        cache = self._cache  # read before the lists, see `replace_crls`
        anchors = list(self._anchors.values())
        helpers = self._helpers(leaf, sent)
        self._observe("chain")
        chain = _path.verify(leaf.parsed, helpers, anchors, at)
        if not all(map(self._usage_fits, chain[1:-1])):
            raise unacceptable("an authority's extended key usage is for something else")
        until = self._revocations.check(
            chain, now, required=self.require_crl, observe=self._observe
        )
        cache.put(
            leaf,
            max(each.not_before for each in chain),
            min(until, *(each.not_after for each in chain)),
        )
        return leaf


def _admit(certs: Sequence[Cert | bytes]) -> dict[bytes, set[CertType]]:
    """Return the certificates and the types they were sent as, in the order sent."""
    if not certs:
        raise unacceptable("the message has no certificate")
    if len(certs) > MOST_CERTIFICATES:
        raise unacceptable(f"the message has more than {MOST_CERTIFICATES} certificates")
    offered: dict[bytes, set[CertType]] = {}
    octets = 0
    for each in certs:
        cert = Cert(CertType.X509, each) if isinstance(each, bytes) else each
        kind = cert.cert_type
        octets += len(cert.data)
        if octets > MOST_OCTETS:
            raise unacceptable(f"the certificates have more than {MOST_OCTETS} octets")
        if kind is CertType.X509_URL:
            raise unacceptable("a certificate that was given by URL is not there")
        if kind not in _KINDS:
            raise unacceptable(f"certificate type {kind.label} is not supported")
        offered.setdefault(cert.data, set()).add(kind)
    return offered


def _choose(leaves: list[Certificate], proves: Callable[[PublicKey], bool] | None) -> Certificate:
    if len(leaves) == 1 or proves is None:
        return leaves[0]
    for leaf in leaves[:MOST_TRIALS]:
        if proves(leaf.public_key):
            return leaf
    raise unacceptable("no certificate's key fits the signature")


def _own(source: bytes | x509.Certificate) -> Parsed:
    if isinstance(source, str):
        raise LocalError("a certificate is DER octets: credentials.files.load_certificates(path)")
    der = source.public_bytes(Encoding.DER) if isinstance(source, x509.Certificate) else source
    try:
        return read(der)
    except PeerError as error:
        raise LocalError(f"a certificate of ours cannot be used: {error.reason}") from None
