"""The Initiator's half of each method: from a draft to a message under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mikey.credentials import ANY, Certificate, Certified, NoKey, Psk, Sakke
from mikey.errors import LocalError
from mikey.methods import dhhmac, dhsign, pke, psk, rsar, sakke
from mikey.methods._common.envelope import FRESH_KEY
from mikey.methods._common.exchange import Draft, Opening
from mikey.methods._common.identities import to_id
from mikey.methods._common.message_keys import MessageKeys
from mikey.policy import Context, Policy
from mikey.registry import CacheType, DataType, DhGroup, EncrAlg, ExtensionType, KeyType, MacAlg
from mikey.secret import Secret
from mikey.session.bundle import Bundle, Credential
from mikey.session.method import Method
from mikey.session.options import Options
from mikey.values import quick_init
from mikey.wire import (
    Cert,
    GeneralExtension,
    GenericIdMap,
    Id,
    KeyData,
    KvNull,
    KvSpi,
    SdpIds,
    Validity,
)


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a message is to bring: `keys` that are sent, or a TGK to make with `validity`.

    `rand` is that of the CSB. `renew` False is an update that leaves the keys.
    """

    keys: tuple[KeyData, ...] = field(repr=False)
    renew: bool
    validity: Validity
    rand: bytes = field(repr=False)
    random: Callable[[int], bytes]


class Starter(Protocol):
    """One method, as its Initiator uses it."""

    @property
    def name(self) -> str:
        """The name for `Bundle.method`."""

    @property
    def request(self) -> DataType:
        """The data type of the first message."""

    @property
    def sends_keys(self) -> bool:
        """Whether the message carries the keys; else the response makes them."""

    @property
    def always_answered(self) -> bool:
        """Whether there is a response whatever the V flag says (R3830-6.1-10)."""

    @property
    def has_response(self) -> bool:
        """Whether the method knows a response."""

    @property
    def certs(self) -> tuple[Cert, ...]:
        """Our certificates for the message, if they stand behind our ID."""

    def open(self, draft: Draft, plan: Plan, /) -> Opening:
        """Build the message."""


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class PskStarter:
    """The pre-shared key method; MIKEY-NULL without a key, updates under an envelope key."""

    credential: Psk | NoKey | Certified
    key: Secret | None = field(repr=False)
    encr: EncrAlg
    mac: MacAlg

    request = psk.REQUEST
    sends_keys = True
    always_answered = False
    has_response = True
    certs: tuple[Cert, ...] = field(default=(), init=False)

    @property
    def name(self) -> str:
        """PSK or NULL."""
        return psk.NAME if self.key is not None else "NULL"

    def open(self, draft: Draft, plan: Plan) -> Opening:
        """Build the message."""
        return psk.start(
            draft,
            plan.keys,
            self.key,
            self._names(draft),
            (self.encr, self.mac),
            rand=plan.rand,
            compat=self.credential.compat,
        )

    def _names(self, draft: Draft) -> tuple[Id, Id]:
        """Return IDi and IDr; those of the credential where the message names nobody."""
        if is_unnamed(self.credential):
            return to_id(self.credential.identity), to_id(self.credential.peer)
        if draft.idi is None or draft.idr is None:
            raise LocalError("a pre-shared key belongs to two named parties")
        return draft.idi, draft.idr


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class PkeStarter:
    """The public-key method; `recipient` is the peer's verified certificate."""

    credential: Certified
    recipient: Certificate
    encr: EncrAlg
    mac: MacAlg
    cache: CacheType

    name = pke.NAME
    request = pke.REQUEST
    sends_keys = True
    always_answered = False
    has_response = True

    @property
    def certs(self) -> tuple[Cert, ...]:
        """Our certificates."""
        return self.credential.cert_payloads()

    def open(self, draft: Draft, plan: Plan) -> Opening:
        """Build the message, with a fresh envelope key."""
        sealed = pke.Envelope(
            recipient=self.recipient,
            key=Secret(plan.random(FRESH_KEY)),
            encr_alg=self.encr,
            mac_alg=self.mac,
            cache=self.cache,
            chash=self.credential.chash,
            oaep_hash=self.credential.oaep_hash,
        )
        return pke.build_request(draft, plan.keys, self.credential, sealed, rand=plan.rand)


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class DhSignStarter:
    """The signed Diffie-Hellman method."""

    credential: Certified
    group: DhGroup

    name = dhsign.NAME
    request = dhsign.REQUEST
    sends_keys = False
    always_answered = True
    has_response = True

    @property
    def certs(self) -> tuple[Cert, ...]:
        """Our certificates."""
        return self.credential.cert_payloads()

    def open(self, draft: Draft, plan: Plan) -> Opening:
        """Build the message, with a fresh exponent if keys are to change."""
        half = dhsign.make_half(self.group, plan.validity, plan.random) if plan.renew else None
        return dhsign.build_request(draft, self.credential, half, rand=plan.rand)


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class DhhmacStarter:
    """Diffie-Hellman under a pre-shared key."""

    credential: Psk
    group: DhGroup

    name = dhhmac.NAME
    request = dhhmac.REQUEST
    sends_keys = False
    always_answered = True
    has_response = True
    certs: tuple[Cert, ...] = field(default=(), init=False)

    def open(self, draft: Draft, plan: Plan) -> Opening:
        """Build the message, with a fresh exponent if keys are to change."""
        half = dhhmac.make_half(self.group, plan.validity, plan.random) if plan.renew else None
        header = draft.header
        keys = MessageKeys(self.credential.key, header.prf, header.csb_id, plan.rand)
        return dhhmac.build_request(
            draft,
            keys,
            half,
            idi=to_id(self.credential.identity),
            rand=plan.rand,
            compat=self.credential.compat,
        )


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class RsaRStarter:
    """RSA-R: the Responder makes the keys."""

    credential: Certified

    name = rsar.NAME
    request = rsar.REQUEST
    sends_keys = False
    always_answered = True
    has_response = True

    @property
    def certs(self) -> tuple[Cert, ...]:
        """Our certificates."""
        return self.credential.cert_payloads()

    def open(self, draft: Draft, _plan: Plan) -> Opening:
        """Build the message."""
        return rsar.build_request(draft, self.credential)


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class SakkeStarter:
    """SAKKE: a key for an identity, and no response."""

    credential: Sakke

    name = sakke.NAME
    request = sakke.REQUEST
    sends_keys = True
    always_answered = False
    has_response = False
    certs: tuple[Cert, ...] = field(default=(), init=False)

    def open(self, draft: Draft, plan: Plan) -> Opening:
        """Build the message."""
        ssv, *more = plan.keys
        if more or ssv.key_type is not KeyType.TGK or len(ssv.key) != sakke.SSV_OCTETS:
            raise LocalError(f"SAKKE brings one TGK of {sakke.SSV_OCTETS} octets")
        named = KvSpi if isinstance(draft.header.cs_map, GenericIdMap) else KvNull
        if not isinstance(ssv.validity, KvNull | named):
            raise LocalError("SAKKE has no key validity but the MKI of a GENERIC-ID map")
        return sakke.build_request(draft, ssv.key, self.credential, random=plan.random)


def choose_starter(
    credential: Credential, options: Options, now: int, bundle: Bundle | None = None
) -> Starter:
    """Return the method for a first message, or for the update of `bundle`.

    `now` is the time to check the peer's certificate at, which PKE needs beforehand. Raises
    LocalError, PeerError (8) for that certificate.
    """
    if isinstance(credential, Sakke):
        if bundle is not None:
            raise LocalError("SAKKE has no update: begin a new CSB")
        return SakkeStarter(credential=credential)
    if not isinstance(credential, Certified):
        if options.method is Method.DHHMAC and isinstance(credential, Psk):
            return DhhmacStarter(credential=credential, group=options.dh_group)
        key = credential.key if isinstance(credential, Psk) else None
        return PskStarter(credential=credential, key=key, encr=options.encr, mac=options.mac)
    if bundle is not None and bundle.message_key is not None:
        # The envelope key was kept: updates are messages of the PSK method (R3830-4.5-5).
        mac = options.mac or MacAlg.HMAC_SHA_1_160
        return PskStarter(credential=credential, key=bundle.message_key, encr=options.encr, mac=mac)
    if options.method is Method.PKE:
        return PkeStarter(
            credential=credential,
            recipient=_recipient(credential, now),
            encr=options.encr,
            mac=options.mac,
            cache=options.cache,
        )
    if options.method is Method.DH_SIGN:
        return DhSignStarter(credential=credential, group=options.dh_group)
    if bundle is not None:  # R4738-3.6-14
        raise LocalError("RSA-R has no update: keep the envelope key, or begin a new CSB")
    return RsaRStarter(credential=credential)


def check_null(starter: Starter, plan: Plan, context: Context, policy: Policy) -> None:
    """Refuse to send in clear what nothing else protects (R3830-6.2-13); raises LocalError."""
    if not isinstance(starter, PskStarter):
        return
    readable = starter.encr is EncrAlg.NULL and bool(plan.keys)
    unprotected = readable or starter.mac is MacAlg.NULL
    if unprotected and not (context.secure or policy.allow_null):
        raise LocalError("NULL algorithms need a secure transport or Policy(allow_null=True)")


def protocols(credential: Credential, context: Context) -> tuple[GeneralExtension, ...]:
    """Return the list of protocols, where something protects it (R4567-4.1.4-1)."""
    unsigned = isinstance(credential, Sakke) and credential.anonymous
    if not context.protocols or unsigned or isinstance(credential, NoKey):
        return ()
    return (GeneralExtension(ExtensionType.SDP_IDS, SdpIds(context.protocols).encode()),)


def is_unnamed(credential: Credential) -> bool:
    """Whether messages leave the identities out: MIKEY-NULL alone, which proves none."""
    return isinstance(credential, NoKey) and credential.compat.without_identities


def named_peer(credential: Credential) -> str | None:
    """Return the peer that a credential names, None for any."""
    return None if credential.peer == ANY else credential.peer


def _recipient(credential: Certified, now: int) -> Certificate:
    if credential.peer_certificate is None:
        raise LocalError("PKE needs the peer's certificate (peer_certificate)")
    return credential.trust.verify(
        credential.known_chain(), now=now, identity=named_peer(credential), purpose="encrypt"
    )
