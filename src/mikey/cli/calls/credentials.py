"""Who we are in a call: pre-shared keys and certificates from the files that the options name."""

from __future__ import annotations

from dataclasses import dataclass, field

from mikey.credentials import ANY, Certified, Psk, SoftwareKey, Trust
from mikey.credentials import psk_file as psk_files
from mikey.credentials.certificate import read
from mikey.credentials.files import load_certificates, load_crl, load_key
from mikey.credentials.psk_file import PskFile
from mikey.errors import LocalError, PeerError
from mikey.session import Method

__all__ = ["CERTIFIED", "METHODS", "Certificates", "Files", "Own", "initiator_credential"]

METHODS = tuple(method for method in Method if method is not Method.SAKKE)
"""The methods that the commands speak."""

CERTIFIED = (Method.PKE, Method.DH_SIGN, Method.RSA_R)
"""The methods that need a certificate; the others need a pre-shared key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files of the options, and what else goes with certificates alone.

    None, () and False where an option was not given.
    """

    psk: str | None = None
    key: str | None = None
    cert: str | None = None
    authorities: tuple[str, ...] = ()
    peer_cert: str | None = None
    crls: tuple[str, ...] = ()
    sign_hash: str | None = None
    fetch: bool = False

    def load(self) -> Own:
        """Read them all; LocalError for a file that cannot be used and for options that lack."""
        keys = None if self.psk is None else psk_files.load(self.psk)
        named = {"--key": self.key, "--cert": self.cert, "--ca": self.authorities or None}
        others = (self.peer_cert, self.crls, self.sign_hash, self.fetch)
        if not any((*named.values(), *others)):
            if keys is None:
                raise LocalError("who are we? --psk-file, or --key with --cert and --ca")
            return Own(keys, None)
        missing = [option for option, value in named.items() if value is None]
        if self.key is None or self.cert is None or missing:
            raise LocalError(
                f"a certificate takes --key, --cert and --ca: {' and '.join(missing)} missing"
            )
        peer = () if self.peer_cert is None else load_certificates(self.peer_cert)
        trust = Trust(
            [der for path in self.authorities for der in load_certificates(path)],
            [load_crl(path) for path in self.crls],
            intermediates=peer[1:],
        )
        chain = load_certificates(self.cert)
        own = Certificates(
            name=self.cert,
            key=load_key(self.key),
            chain=chain,
            trust=trust,
            peer=peer[:1],
            sign_hash=self.sign_hash or "sha1",
        )
        return Own(keys, own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Our key and chain, whom we trust, and the peer's certificate if it is known.

    `name` is the file of the chain, for errors; `sign_hash` is the hash of our signatures.
    """

    name: str
    key: SoftwareKey
    chain: tuple[bytes, ...] = field(repr=False)
    trust: Trust
    peer: tuple[bytes, ...] = field(default=(), repr=False)
    sign_hash: str = "sha1"

    @property
    def identity(self) -> str:
        """The first identity of our certificate. LocalError if it has none."""
        return self._first(self.chain[0], self.name)

    @property
    def peer_identity(self) -> str:
        """The first identity of the peer's certificate. LocalError if it is not known."""
        if not self.peer:
            raise LocalError("the peer's certificate is not known (--peer-cert FILE)")
        return self._first(self.peer[0], "--peer-cert")

    def certified(self, identity: str | None, peer: str = ANY) -> Certified:
        """Return the credential; `identity` None is that of the certificate. LocalError."""
        try:
            return Certified(
                key=self.key,
                chain=self.chain,
                identity=identity or self.identity,
                peer=peer,
                trust=self.trust,
                sign_hash=self.sign_hash,
                peer_certificate=self.peer[0] if self.peer else None,
            )
        except LocalError as error:
            raise LocalError(f"{self.name}: {error}") from None

    @staticmethod
    def _first(der: bytes, name: str) -> str:
        try:
            identities = read(der).identities
        except PeerError as error:
            raise LocalError(f"{name}: {error.reason}") from None
        if not identities:
            raise LocalError(f"{name}: the certificate names nobody (subjectAltName)")
        return identities[0]


@dataclass(frozen=True, slots=True)
class Own:
    """What we have: pre-shared keys, certificates, or both."""

    psk: PskFile | None
    certificates: Certificates | None

    @property
    def default_method(self) -> Method:
        """PSK if there is a key, else DH-SIGN."""
        return Method.DH_SIGN if self.psk is None else Method.PSK


def initiator_credential(
    own: Own, method: Method, identity: str | None, default: str, peer: str, *, any_peer: bool
) -> Psk | Certified:
    """Return the credential to call `peer` with.

    `identity` is ours if an option says so; `default` is it where nothing else names us.
    `any_peer`: whoever answers is taken, where the method can. Raises LocalError for what a
    method needs and the options do not give.
    """
    if method not in CERTIFIED:
        if own.psk is None:
            raise LocalError(f"{method.value} needs a pre-shared key (--psk-file)")
        key = own.psk.lookup(peer)
        if key is None:
            raise LocalError(f"the PSK file has no key for {peer}, and none for *")
        return Psk(key, identity or default, peer)
    if own.certificates is None:
        raise LocalError(f"{method.value} needs a certificate (--key, --cert and --ca)")
    if method is Method.PKE:
        named = own.certificates.peer_identity  # says what is missing
        peer = named if any_peer else peer
    elif any_peer:
        peer = ANY
    return own.certificates.certified(identity, peer)
