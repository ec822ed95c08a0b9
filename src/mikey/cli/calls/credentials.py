"""Who we are in a call: the keys and certificates in the files that the options name."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from mikey.cli.sakke_options import SakkeUser, load_user
from mikey.credentials import ANY, Certified, Psk, Sakke, SoftwareKey, Trust
from mikey.credentials import psk_file as psk_files
from mikey.credentials.certificate import moment, read
from mikey.credentials.files import load_certificates, load_crl, load_key
from mikey.credentials.psk_file import PskFile
from mikey.errors import LocalError, PeerError
from mikey.session import Method

__all__ = ["CERTIFIED", "METHODS", "Certificates", "Files", "Own", "initiator_credential"]

METHODS = tuple(Method)
"""The methods that the commands speak."""

CERTIFIED = (Method.PKE, Method.DH_SIGN, Method.RSA_R)
"""The methods that need a certificate."""

_SHARED = (Method.PSK, Method.DHHMAC)


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
    sakke_keys: tuple[str, ...] = ()
    kms: tuple[str, ...] = ()

    def load(self) -> Own:
        """Read them all; LocalError for a file that cannot be used and for options that lack."""
        keys = None if self.psk is None else psk_files.load(self.psk)
        user = load_user(self.sakke_keys, self.kms)
        named = {"--key": self.key, "--cert": self.cert, "--ca": self.authorities or None}
        others = (self.peer_cert, self.crls, self.sign_hash, self.fetch)
        missing = [option for option, value in named.items() if value is None]
        if len(missing) == len(named) and not any(others):
            if keys is None and user is None:
                raise LocalError(
                    "who are we? --psk-file, or --key with --cert and --ca, or --sakke-keys"
                )
            return Own(keys, None, user)
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
        _check_time(chain[0], self.cert)
        own = Certificates(
            name=self.cert,
            key=load_key(self.key),
            chain=chain,
            trust=trust,
            peer=peer[:1],
            sign_hash=self.sign_hash or "sha1",
        )
        return Own(keys, own, user)

    def check(self, method: Method) -> None:
        """Refuse what a call by `method` would not look at. LocalError."""
        signing = (*CERTIFIED, Method.SAKKE)
        for option, given, methods in (
            ("--psk-file", self.psk, _SHARED),
            ("--key", self.key, signing),
            ("--hash", self.sign_hash, signing),
            ("--peer-cert", self.peer_cert, CERTIFIED),
            ("--crl", self.crls, CERTIFIED),
            ("--fetch", self.fetch, CERTIFIED),
            ("--sakke-keys", self.sakke_keys, (Method.SAKKE,)),
        ):
            if given and method not in methods:
                *most, last = (each.value for each in methods)
                names = f"{', '.join(most)} and {last}" if most else last
                raise LocalError(f"{option} is for {names}, not for {method.value} (--method)")


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
        return _identities(self.chain[0], self.name)[0]

    @property
    def peer_identities(self) -> tuple[str, ...]:
        """The identities in the peer's certificate, one at least. LocalError if it is not known."""
        if not self.peer:
            raise LocalError("the peer's certificate is not known (--peer-cert FILE)")
        return _identities(self.peer[0], "--peer-cert")

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


@dataclass(frozen=True, slots=True)
class Own:
    """What we have, of each kind or of some."""

    psk: PskFile | None
    certificates: Certificates | None
    sakke: SakkeUser | None = None

    @property
    def default_method(self) -> Method:
        """PSK if there is a key, DH-SIGN if there is a certificate, else SAKKE."""
        if self.psk is not None:
            return Method.PSK
        return Method.SAKKE if self.certificates is None else Method.DH_SIGN

    def is_of_user(self, identity: str) -> bool:
        """Tell whether an identity is that of our SAKKE keys alone, and none for SIP.

        With no other kind of key it has to be.
        """
        if self.sakke is None:
            return False
        alone = self.psk is None and self.certificates is None
        return alone or identity.partition(":")[0].lower() not in ("sip", "sips")

    def callee_credential(self, identity: str | None) -> Sakke | None:
        """Return the credential to be called with, None without SAKKE keys.

        Who signs by a certificate is believed as in other methods. Raises LocalError.
        """
        if self.sakke is None:
            return None
        wanted = identity if identity is not None and self.is_of_user(identity) else None
        signer = None if self.certificates is None else self.certificates.certified(None)
        return self.sakke.credential(wanted, signer=signer)

    def sakke_credential(
        self, identity: str | None, peer: str = ANY, peer_kms: str | None = None
    ) -> Sakke:
        """Return the credential of the user whose SAKKE keys we have.

        `identity` is that of an option, which must be the user's. Our certificate signs in place
        of keys that do not. Raises LocalError.
        """
        if self.sakke is None:
            raise LocalError("SAKKE needs keys from a KMS (--sakke-keys FILE)")
        signer = None
        if self.certificates is not None:
            if self.sakke.signs:
                raise LocalError("the SAKKE keys sign; --key and --cert are for keys that do not")
            signer = self.certificates.certified(self.sakke.identity)
        return self.sakke.credential(identity, peer, peer_kms, signer)


def initiator_credential(
    own: Own, method: Method, identity: str | None, default: str, peer: str, *, any_peer: bool
) -> Psk | Certified:
    """Return the credential to call `peer` with.

    `identity` is ours if an option says so; `default` is it where nothing else names us.
    `any_peer`: whoever answers is taken, where the method can. Raises LocalError for what a
    method needs and the options do not give.
    """
    if method is Method.SAKKE:
        raise LocalError("SAKKE has a credential of its own")
    if method not in CERTIFIED:
        if own.psk is None:
            raise LocalError(f"{method.value} needs a pre-shared key (--psk-file)")
        key = own.psk.lookup(peer)
        if key is None:
            raise LocalError(f"the PSK file has no key for {peer}, and none for *")
        return Psk(key, identity or default, peer)
    if own.certificates is None:
        raise LocalError(f"{method.value} needs a certificate (--key, --cert and --ca)")
    if method is Method.PKE or (own.certificates.peer and not any_peer):
        names = own.certificates.peer_identities  # says what is missing
        if any_peer:
            peer = names[0]
        elif peer not in names:
            raise LocalError(f"--peer-cert: the certificate names {names[0]}, not {peer}")
    elif any_peer:
        peer = ANY
    return own.certificates.certified(identity, peer)


def _identities(der: bytes, name: str) -> tuple[str, ...]:
    """Return whom a certificate names, one at least; LocalError with the `name` of the file."""
    try:
        identities = tuple(read(der).identities)
    except PeerError as error:
        raise LocalError(f"{name}: {error.reason}") from None
    if not identities:
        raise LocalError(f"{name}: the certificate names nobody (subjectAltName)")
    return identities


def _check_time(der: bytes, name: str) -> None:
    """Refuse a certificate of ours that no peer can believe now; LocalError."""
    try:
        own = read(der)
    except PeerError:
        return  # whoever uses it says what is wrong
    now, form = time.time_ns(), "%Y-%m-%d %H:%M UTC"
    if now < own.not_before:
        raise LocalError(f"{name}: not valid before {moment(own.not_before):{form}}")
    if now > own.not_after:
        raise LocalError(f"{name}: expired at {moment(own.not_after):{form}}")
