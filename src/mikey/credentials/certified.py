"""Who we are by certificate, and whom we believe (RFC 3830 3.2, 3.3; RFC 4738)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from mikey.credentials.certificate import Certificate, Parsed, Purpose, read
from mikey.credentials.fetching import FetchCertificate
from mikey.credentials.keys import Decrypter, Signer
from mikey.credentials.psk import ANY, check_names
from mikey.credentials.public_key import HASHES, PublicKey
from mikey.credentials.trust import Trust
from mikey.errors import LocalError, PeerError
from mikey.policy import Compat
from mikey.registry import CertType, HashFunc, SignType
from mikey.secret import Secret
from mikey.wire import Cert


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Certified:
    """A private key with its certificate, and the trust for those of peers.

    `key` signs and decrypts; `chain` are DER certificates, ours first, each next one certifying
    the one before (R3830-6.7-5). `identity` is ours as in ID payloads, `peer` theirs or "*".
    With a key of its own for envelopes, `encryption_key` and `encryption_chain`, certificates go
    out as types 2 and 3; else as type 0. `url`: where our certificate lies; it is then sent as
    type 1 in place of the certificate and its chain.
    `sign_hash` ("sha1", the only hash that the RFC makes mandatory; "sha256" where the peer is
    known to take it) and `pss` are for our signatures, `verify_hashes` for those of peers.
    `peer_certificate`: the peer's DER certificate, known beforehand: to enclose an envelope
    key, and where the peer sends none. It is trusted like any other, by `trust`.
    `oaep_hash`: envelopes under OAEP with that hash, where the peer is known to take it.
    `chash`: in PKE, tell a peer that has several keys by this hash of its certificate which of
    them the envelope is for (R3830-6.8-3).

    Raises LocalError for keys, certificates and names that do not belong together.
    """

    key: Signer
    chain: Sequence[bytes] = field(repr=False)
    identity: str
    trust: Trust
    peer: str = ANY
    compat: Compat = field(default_factory=Compat)
    sign_hash: str = "sha1"
    pss: bool = False
    verify_hashes: tuple[str, ...] = tuple(HASHES)
    peer_certificate: bytes | None = field(default=None, repr=False)
    encryption_key: Decrypter | None = None
    encryption_chain: Sequence[bytes] = field(default=(), repr=False)
    url: str | None = None
    oaep_hash: str | None = None
    chash: HashFunc | None = None
    _leaves: dict[str, Certificate] = field(init=False, repr=False, default_factory=dict)
    _own_decrypter: Decrypter | None = field(init=False, repr=False, default=None)
    _payloads: tuple[Cert, ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        check_names(self.identity, self.peer)
        for name in (self.sign_hash, *self.verify_hashes):
            if name not in HASHES:
                raise LocalError(f"{name!r} is no hash for signatures")
        if not self.verify_hashes:
            raise LocalError("at least one hash is accepted in signatures")
        if bool(self.encryption_chain) != (self.encryption_key is not None):
            raise LocalError("a key for encryption goes with its certificate")
        if self.url is not None:
            _own_url(self.url)
        if self.chash is not None and not self.chash.assigned:
            raise LocalError(f"hash function {self.chash.label} is not known")
        signer = self._own_leaf(self.chain, self.key, "sign")
        self._leaves["sign"] = signer
        if self.encryption_key is not None:
            self._leaves["encrypt"] = self._own_leaf(
                self.encryption_chain, self.encryption_key, "encrypt"
            )
        elif signer.allows("encrypt"):
            self._leaves["encrypt"] = signer
            if isinstance(self.key, Decrypter):  # asked once: it is slow for a protocol
                object.__setattr__(self, "_own_decrypter", self.key)
        object.__setattr__(self, "_payloads", self._cert_payloads())

    @property
    def certificate(self) -> Certificate:
        """Our certificate for signatures."""
        return self._leaves["sign"]

    @property
    def encryption_certificate(self) -> Certificate | None:
        """Our certificate for envelopes, None if there is none."""
        return self._leaves.get("encrypt")

    @property
    def blocking(self) -> bool:
        """Whether a call of our keys may take long."""
        return self.key.blocking or (
            self.encryption_key is not None and self.encryption_key.blocking
        )

    @property
    def s_type(self) -> SignType:
        """The S type of our signatures."""
        return SignType.RSA_PSS if self.pss else SignType.RSA_PKCS_1_V1_5

    @property
    def signature_size(self) -> int:
        """The octets of our signatures, needed before one is made (R3830-6.5-4)."""
        return self.key.size

    def cert_payloads(self) -> tuple[Cert, ...]:
        """Return our CERT payloads: the end entity's first, each authority once."""
        return self._payloads

    def _cert_payloads(self) -> tuple[Cert, ...]:
        if self.url is not None:
            return (Cert(CertType.X509_URL, self.url.encode("ascii")),)
        if not self.encryption_chain:
            return tuple(Cert(CertType.X509, der) for der in self.chain)
        authorities = dict.fromkeys((*self.chain[1:], *self.encryption_chain[1:]))
        return (
            Cert(CertType.X509_SIGN, self.chain[0]),
            Cert(CertType.X509_ENCR, self.encryption_chain[0]),
            *(Cert(CertType.X509, der) for der in authorities),
        )

    def known_chain(self) -> tuple[bytes, ...]:
        """Return the peer's certificate that is known beforehand, () if there is none.

        Behind it stand the authorities above us: they may be the peer's as well.
        """
        if self.peer_certificate is None:
            return ()
        return (self.peer_certificate, *self.chain[1:])

    def sign(self, octets: bytes) -> bytes:
        """Return our signature over `octets`, `signature_size` octets (R3830-6.5-5).

        Raises LocalError if the key cannot make it.
        """
        signature = self.key.sign(octets, hash=self.sign_hash, pss=self.pss)
        if len(signature) != self.key.size:
            raise LocalError("the key made a signature of another length than its own")
        return signature

    def decrypt(self, ciphertext: bytes) -> Secret:
        """Return the envelope key; no error tells whether the ciphertext held one (R3830-6.3-6).

        Raises LocalError if we have no key for envelopes.
        """
        key = self._own_decrypter if self.encryption_key is None else self.encryption_key
        if key is None:
            raise LocalError("this credential has no key that decrypts")
        return key.decrypt(ciphertext)

    def has_certificate(self, hash_func: HashFunc, value: bytes) -> bool:
        """Return whether CHASH names our certificate for envelopes (R3830-6.8-3).

        Raises PeerError (5) for an unknown hash function.
        """
        mine = self.encryption_certificate
        return mine is not None and mine.digest(hash_func) == value

    def _own_leaf(
        self, chain: Sequence[bytes], key: Signer | Decrypter, purpose: Purpose
    ) -> Certificate:
        if not chain:
            raise LocalError("a credential has a certificate")
        try:
            parsed = [read(der) for der in chain]
            leaf = parsed[0].end_entity()
        except PeerError as error:
            raise LocalError(f"our own certificate cannot be used: {error.reason}") from None
        _check_order(parsed)
        # Not every key can tell its public half; those in memory and most tokens can.
        public = getattr(key, "public_key", None)
        if leaf.public_key.size != key.size or (
            isinstance(public, PublicKey) and public != leaf.public_key
        ):
            raise LocalError("the first certificate of the chain does not belong to the key")
        if leaf.public_key.bits < self.trust.minimum_rsa_bits:
            raise LocalError(f"our own RSA key has {leaf.public_key.bits} bits only")
        if not leaf.allows(purpose):
            raise LocalError(f"our certificate's keyUsage does not allow to {purpose}")
        if leaf.identities and not leaf.names(
            self.identity, normalize=self.trust.normalize_identities
        ):
            raise LocalError(f"our certificate does not name {self.identity}")
        return leaf


def _check_order(chain: Sequence[Parsed]) -> None:
    for subject, issuer in pairwise(chain):
        if subject.certificate.issuer != issuer.certificate.subject:
            raise LocalError("a chain has the end entity first, then the issuer of each")


def _own_url(url: str) -> None:
    try:
        FetchCertificate(url)
    except PeerError as error:
        raise LocalError(error.reason) from None
