"""Who we are by identity alone: keys from a KMS (RFC 6507, 6508, 6509 2.1, 3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mikey.credentials.certified import Certified
from mikey.credentials.id_schemes import IdScheme, TelMonthly
from mikey.credentials.psk import ANY, check_names
from mikey.crypto import eccsi, sakke
from mikey.errors import LocalError, PeerError
from mikey.policy import Compat
from mikey.registry import SakkeIdScheme


@dataclass(frozen=True, slots=True, eq=False)
class Kms:
    """The public side of a KMS: what its users need to call, and to believe, each other.

    `uri` names it, `sakke` is its public key (Z), `eccsi` its public authentication key (KPAK),
    both obtained from a place that is trusted. A KMS that changes its keys does so with a key
    period (R6509-3.3-3): `period` is the one that these are for, None for all.
    """

    uri: str
    sakke: sakke.PublicKey
    eccsi: eccsi.PublicKey
    scheme: IdScheme = field(default_factory=TelMonthly)
    period: int | None = None

    def __post_init__(self) -> None:
        check_names(self.uri)

    def serves(self, at: int) -> bool:
        """Tell whether the keys are those of a time."""
        return self.period is None or self.period == self.scheme.period(at)

    def identifier(self, uri: str, at: int) -> bytes:
        """Return the identifier of a user; PolicyError (7) for what is none."""
        return self.scheme.identifier(uri, self.uri, at)


@dataclass(frozen=True, slots=True, eq=False)
class SakkeKeys:
    """What a user has from a KMS for one key period.

    `receiver` opens what is sent to the user (RSK), the same on all of the user's devices;
    `signing` signs (SSK and PVT), for each device its own (R6509-2.3-1). A user who signs with
    a certificate has no `signing`.
    """

    kms: Kms
    period: int
    receiver: sakke.ReceiverKey
    signing: eccsi.SigningKey | None = None

    @property
    def identifier(self) -> bytes:
        """The identifier that the keys are for."""
        return self.receiver.identifier


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sakke:
    """A user of one KMS or more.

    `identity` is ours, `peer` theirs or "*", in the form that the identifier scheme makes of
    them: a tel URI with a global number for RFC 6509's own scheme. `keys` are ours, by KMS and
    key period: give those of two periods around the change (R6509-3.3-1). The KMS of the first
    is our own. `domains` are the public sides of other KMSs.
    `peer_kms` is the URI of the peer's KMS, by default our own: it alone is believed about that
    peer. For the peer "*" and without `peer_kms` every KMS that is known here is believed about
    everybody: see `Offer.initiator_kms`.
    `signer` signs with a certificate in place of ECCSI, and verifies who does (R6509-2.1.2-2).
    `anonymous` sends messages that name and prove nobody (R6509-6-1). `send_ids` and `send_kms`
    say whether messages name the parties and their KMSs (R6509-2.2.1-5); without, the signalling
    must.

    Raises LocalError for keys that are of another identity, period or KMS than they say.
    """

    identity: str
    peer: str = ANY
    keys: Sequence[SakkeKeys] = field(default=(), repr=False)
    domains: Sequence[Kms] = field(default=(), repr=False)
    peer_kms: str | None = None
    signer: Certified | None = field(default=None, repr=False)
    anonymous: bool = False
    send_ids: bool = True
    send_kms: bool = True
    compat: Compat = field(default_factory=Compat)

    def __post_init__(self) -> None:
        check_names(self.identity, self.peer)
        if not self.keys and not self.domains:
            raise LocalError("a credential for SAKKE has keys, or knows at least one KMS")
        for keys in self.keys:
            self._check_keys(keys)
        names = [(kms.uri, kms.scheme.number, kms.period) for kms in self.known()]
        if len(set(names)) < len(names):
            raise LocalError("the public keys of one KMS and key period are given twice")
        held = [(keys.kms.uri, keys.kms.scheme.number, keys.period) for keys in self.keys]
        if len(set(held)) < len(held):
            raise LocalError("the keys of one KMS and key period are given twice")
        for name in (self.identity, self.peer):
            if name != ANY and self._normal(name) != name:
                raise LocalError(f"{name} is written {self._normal(name)} in identifiers")

    @property
    def home(self) -> str:
        """The URI of our own KMS."""
        return self.keys[0].kms.uri if self.keys else self.domains[0].uri

    @property
    def blocking(self) -> bool:
        """Whether a call of our keys may take long."""
        return self.signer is not None and self.signer.blocking

    def believes(self, uri: str) -> bool:
        """Tell whether a KMS may vouch for the peer; any may for "*", unless `peer_kms` is one."""
        if self.peer == ANY and self.peer_kms is None:
            return True
        return uri == (self.peer_kms or self.home)

    def known(self) -> Iterator[Kms]:
        """Yield every KMS whose public keys are here, each once."""
        seen: set[int] = set()
        for kms in (*(keys.kms for keys in self.keys), *self.domains):
            if id(kms) not in seen:
                seen.add(id(kms))
                yield kms

    def find_kms(self, uri: str, at: int, scheme: SakkeIdScheme | None = None) -> Kms | None:
        """Return the public side of a KMS at a time, of a scheme if that is given."""
        for kms in self.known():
            if kms.uri == uri and scheme in (None, kms.scheme.number) and kms.serves(at):
                return kms
        return None

    def find_keys(self, uri: str, at: int, scheme: SakkeIdScheme | None = None) -> SakkeKeys | None:
        """Return our keys from a KMS for a time, of a scheme if that is given."""
        for keys in self.keys:
            kms = keys.kms
            fits = kms.uri == uri and scheme in (None, kms.scheme.number)
            if fits and keys.period == kms.scheme.period(at):
                return keys
        return None

    def _check_keys(self, keys: SakkeKeys) -> None:
        kms = keys.kms
        if kms.period not in (None, keys.period):
            raise LocalError(f"the keys are not of the key period of {kms.uri}'s public keys")
        try:
            wanted = kms.identifier(self.identity, kms.scheme.start(keys.period))
        except PeerError as error:
            raise LocalError(f"{self.identity}: {error.reason}") from None
        receiver, signing = keys.receiver, keys.signing
        made_by = [receiver.public.octets == kms.sakke.octets]
        identifiers = {receiver.identifier}
        if signing is not None:
            made_by.append(signing.public.octets == kms.eccsi.octets)
            identifiers.add(signing.identifier)
        if not all(made_by):
            raise LocalError(f"the keys are of another KMS than {kms.uri}")
        if identifiers != {wanted}:
            label = kms.scheme.label(keys.period)
            raise LocalError(f"the keys are not those of {self.identity} for {label}")

    def _normal(self, name: str) -> str:
        scheme = next(self.known()).scheme
        try:
            return scheme.normal(name)
        except PeerError as error:
            raise LocalError(f"{name}: {error.reason}") from None
