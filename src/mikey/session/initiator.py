"""The Initiator of exchanges (RFC 3830 3.1, 4.5, 5.2, 5.3)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from mikey.credentials import ANY, Certificate, Certified, NoKey, Psk
from mikey.crypto import check_prf
from mikey.errors import LocalError, PeerError, PolicyError
from mikey.methods._common import certificates
from mikey.methods._common.exchange import Completion, Draft, Opening, Surroundings
from mikey.methods._common.identities import to_id, to_text
from mikey.methods._common.message_keys import check_encr, check_mac_alg
from mikey.policy import Clock, Context, Policy, SrtpPolicy
from mikey.policy.clock import difference64
from mikey.registry import (
    CacheType,
    DataType,
    DhGroup,
    EncrAlg,
    ErrorNumber,
    ExtensionType,
    KeyType,
    MacAlg,
    PrfFunc,
)
from mikey.session.bundle import Bundle, Role
from mikey.session.fetching import with_fetched
from mikey.session.group import Group
from mikey.session.keys import check_keys, make_key, merge_keys
from mikey.session.method import Method
from mikey.session.replay import ReplayEntry, ReplayStore
from mikey.session.starters import (
    DhhmacStarter,
    DhSignStarter,
    PkeStarter,
    Plan,
    PskStarter,
    RsaRStarter,
    Starter,
    named_peer,
)
from mikey.session.step import Step
from mikey.session.stream import Stream, describe, policies_of, to_sps
from mikey.session.updating import chosen, extend, filled, generation
from mikey.wire import (
    GeneralExtension,
    Hdr,
    Id,
    KeyData,
    KvNull,
    KvSpi,
    Message,
    Rand,
    SdpIds,
    SrtpId,
    SrtpIdMap,
    T,
    Validity,
)

_RAND_LENGTH = 16
_SENT = (KeyType.TGK, KeyType.TGK_SALT, KeyType.TEK_SALT)
_CERTIFIED = (Method.PKE, Method.DH_SIGN, Method.RSA_R)


@dataclass(frozen=True, slots=True)
class _Open:
    """An exchange that waits for its response.

    `bundle` has the keys that the message carries, `old_keys` are those from before it.
    """

    bundle: Bundle
    old_keys: tuple[KeyData, ...]
    opening: Opening
    starter: Starter
    responds: bool
    is_first: bool
    in_group: bool


class Initiator:
    """Starts exchanges with one peer and takes the responses.

    `credential` names both parties; in DH-SIGN and RSA-R its peer may be "*", whoever the
    certificate then names. `method` None is PSK with a key, DH-SIGN with a certificate.
    `policies` are ours by preference: a stream without its own gets the first (there is no
    counter-offer inside an exchange, RFC 3830 5.1.1); in RSA-R the Responder chooses among all.
    `prf`, `encr` and `mac` protect the messages; `key_type` is the kind of key that is sent,
    `mki_length` the octets of the MKI that names each key, 0 for none. Keys that are to change
    while media flows need an MKI (RFC 3830 A.1). `dh_group` is that of the Diffie-Hellman
    methods, `cache` says in PKE whether both keep the envelope key for updates (RFC 3830 6.3).
    `replay` is the store of a Responder with the same key, if there is one: it then knows our
    messages and refuses them when they are reflected (R3830-3.1-8). A CSB is remembered until
    `close`. Not to be used by two threads at a time.
    """

    def __init__(
        self,
        credential: Psk | NoKey | Certified,
        *,
        method: Method | None = None,
        policies: Sequence[SrtpPolicy] = (SrtpPolicy(),),
        policy: Policy | None = None,
        clock: Clock | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
        prf: PrfFunc = PrfFunc.MIKEY_1,
        encr: EncrAlg = EncrAlg.AES_CM_128,
        mac: MacAlg = MacAlg.HMAC_SHA_1_160,
        key_type: KeyType = KeyType.TGK,
        mki_length: int = 0,
        dh_group: DhGroup = DhGroup.OAKLEY_5,
        cache: CacheType = CacheType.NO_CACHE,
        replay: ReplayStore | None = None,
    ) -> None:
        method = _fitting_method(credential, method)
        unnamed = credential.peer == ANY and method not in (Method.DH_SIGN, Method.RSA_R)
        if credential.identity == ANY or unnamed:
            raise LocalError("an Initiator's credential names both parties")
        if not policies:
            raise LocalError("an Initiator offers at least one SRTP policy")
        wrapped = method is Method.PKE and encr is EncrAlg.AES_KW_128
        if mac is MacAlg.NULL and not isinstance(credential, NoKey) and not wrapped:
            raise LocalError("a message has a MAC")
        if not 0 <= mki_length <= 0xFF:
            raise LocalError("an MKI has at most 255 octets")
        if key_type not in _SENT:
            raise LocalError(f"a key is sent as TGK, TGK+SALT or TEK+SALT, not {key_type.label}")
        with _our_fault():
            check_encr(encr)
            check_mac_alg(mac)
            check_prf(prf)
        self._credential = credential
        self._method = method
        self._policies = tuple(policies)
        self._policy = policy or Policy()
        self._clock = clock or Clock()
        self._random = random
        self._prf = prf
        null = isinstance(credential, NoKey)
        self._encr = EncrAlg.NULL if null else encr
        self._mac = MacAlg.NULL if null else mac
        self._key_type = key_type
        self._mki_length = mki_length
        self._dh_group = dh_group
        self._cache = cache
        self._replay = replay
        self._open: dict[int, _Open] = {}
        # Of every CSB that is open or live: the number of the last key that was made for it.
        self._generations: dict[int, int] = {}

    def start(
        self,
        streams: Sequence[Stream] = (),
        *,
        context: Context | None = None,
        keys: Sequence[KeyData] | None = None,
        respond: bool = True,
        group: Group | None = None,
        join: bool = False,
    ) -> bytes:
        """Return the first message of a new CSB.

        `streams` are the crypto sessions in order: ours with their SSRC, the peer's with 0.
        `keys` None makes fresh ones; given ones (for pre-encrypted media) are sent as they
        are. With `respond` False no response is asked for, and `early_bundle` has the result.
        `group`: give a member of a group its keys, with its CSB ID, RAND and map in place of
        `streams` (PSK, PKE; R3830-8.1-1). `join`: ask for the keys of a group (RSA-R).

        Raises LocalError, PeerError for a peer's certificate that does not hold (PKE).
        """
        context = context or Context()
        starter = self._starter()
        if group is not None and not starter.sends_keys:
            raise LocalError(f"{starter.name} gives nobody the keys of a group")
        if join and self._method is not Method.RSA_R:
            raise LocalError("keys of a group are asked for by RSA-R")
        if keys is not None and not starter.sends_keys:
            raise LocalError(f"{starter.name} makes its keys; none are given to it")
        sessions, policies = self._described(streams, group)
        csb_id, rand = self._new_csb(group, join=join)
        t = self._clock.timestamp()
        material = self._first_keys(starter, keys, policies, group)
        with _our_fault():
            _check_sent(material)
            bundle = self._bundle(starter, csb_id, rand, sessions, policies, material, t)
        # An RSA-R request for the keys of a group has no RAND and no policies (R4738-3.2-1).
        first = self._send(
            starter,
            bundle,
            (),
            Draft(
                header=self._header(starter, bundle, respond=respond),
                t=t,
                rand=None if join else Rand(rand),
                idi=to_id(bundle.identity),
                certs=starter.certs,
                idr=self._idr(),
                policies=() if join else to_sps(self._offered(policies)),
                extensions=self._extensions(context),
            ),
            self._plan(bundle, material, renew=True, count=1),
            context,
            in_group=join,
        )
        self._generations[csb_id] = 1
        return first

    def rekey(
        self,
        bundle: Bundle,
        *,
        streams: Sequence[Stream] | None = None,
        new_keys: bool = True,
        keys: Sequence[KeyData] | None = None,
        context: Context | None = None,
        respond: bool = True,
    ) -> bytes:
        """Return an update message of a CSB (RFC 3830 4.5).

        `streams` None leaves the crypto sessions as they are; else it lists all of them, the
        old ones first and unchanged (R3830-4.5-13). `new_keys` sends a fresh key (or `keys`);
        without, new streams take theirs from the key that is there.

        Raises LocalError, also while the last message of the CSB waits for its response: take
        that, or `cancel`, first.
        """
        either = self._policy.responder_may_update or bundle.method == Method.RSA_R.value
        if bundle.role is not Role.INITIATOR and not either:
            raise LocalError("an update is started by the Initiator of the CSB (R3830-4.5-14)")
        waiting = self._open.get(bundle.csb_id)
        if waiting is not None and waiting.responds:
            raise LocalError("the last message of the CSB waits for its response")
        context = context or Context()
        starter = self._starter(bundle)
        if isinstance(starter, RsaRStarter):  # R4738-3.6-14
            raise LocalError("RSA-R has no update: keep the envelope key, or begin a new CSB")
        if keys is not None and not starter.sends_keys:
            raise LocalError(f"{starter.name} makes its keys; none are given to it")
        sessions, policies = bundle.sessions, dict(bundle.policies)
        added: dict[int, SrtpPolicy] = {}
        if streams is not None:
            sessions, policies, added = extend(bundle, streams, self._policies[0])
        t = self._clock.timestamp()
        if t.ts_type is not bundle.t.ts_type or difference64(t, bundle.t) <= 0:
            raise LocalError("our clock is not ahead of the last timestamp of the CSB")
        # An update that was cancelled may have arrived: its MKI is not used again.
        count = 1 + max(generation(bundle), self._generations.get(bundle.csb_id, 0))
        material: tuple[KeyData, ...] = ()
        if keys is not None:
            material = tuple(keys)
        elif new_keys and starter.sends_keys:
            material = self._make_keys(policies.values(), count)
        with _our_fault():
            _check_sent(material)
            merged = merge_keys(bundle.keys, material)
            changed = replace(bundle, sessions=sessions, policies=policies, keys=merged, t=t)
        octets = self._send(
            starter,
            changed,
            bundle.keys,
            Draft(
                header=self._header(starter, changed, respond=respond),
                t=t,
                rand=None,
                idi=to_id(bundle.identity),
                certs=starter.certs,
                idr=to_id(bundle.peer),
                policies=to_sps(added),
                extensions=self._extensions(context),
            ),
            self._plan(changed, material, renew=new_keys, count=count),
            context,
        )
        self._generations[bundle.csb_id] = count
        return octets

    def early_bundle(self, first: bytes) -> Bundle:
        """Return the keys of a message that was just made, before its response.

        For media that come before the answer (R4567-4.1.2-9) and for messages that ask for no
        response; streams of the peer have no SSRC yet. Raises LocalError where the response
        makes the keys.
        """
        exchange = self._waiting(Message.parse(first).header.csb_id)
        if not exchange.starter.sends_keys:
            raise LocalError(f"in {exchange.starter.name} the response makes the keys")
        return exchange.bundle

    def cancel(self, first: bytes) -> None:
        """Give up an exchange that will have no response; the CSB is what it was before."""
        message = Message.parse(first)
        exchange = self._open.get(message.header.csb_id)
        if exchange is not None and exchange.bundle.t == message.one(T):
            self._give_up(exchange)

    def close(self, bundle: Bundle) -> None:
        """Forget a CSB and what is open for it; its ID may be used again."""
        self._open.pop(bundle.csb_id, None)
        self._generations.pop(bundle.csb_id, None)

    def receive(self, octets: bytes, *, context: Context | None = None) -> Bundle | Step[Bundle]:
        """Take the response to an open exchange and return its bundle.

        Raises PeerError. A wrong message leaves the exchange open, for the right one may still
        come (R3830-3.1-7); an authenticated Error message (ReportedError) ends it, an
        unauthenticated one is only a hint (R3830-5.1.2-8).
        """
        message = Message.parse(octets)
        csb_id = message.header.csb_id
        if csb_id not in self._open:
            raise PolicyError(f"no exchange is open for CSB {csb_id:08x}", number=None)
        proceed = partial(self._receive, message, self._open[csb_id], context or Context())
        return with_fetched(certificates.needed(message), proceed)

    def _receive(
        self,
        message: Message,
        exchange: _Open,
        context: Context,
        fetched: Mapping[str, bytes],
    ) -> Bundle:
        bundle, opening = exchange.bundle, exchange.opening
        if self._open.get(bundle.csb_id) is not exchange:
            raise PolicyError("the exchange was closed meanwhile", number=None)
        around = Surroundings(now=self._clock.now(), fetched=fetched)
        if message.header.data_type is DataType.ERROR:
            error = opening.read_error(message, around)
            if error.authenticated:
                self._give_up(exchange)
            raise error
        free = exchange.starter.name == Method.RSA_R.value
        sessions = chosen(message.header) if free else filled(bundle, message.header)
        completion = opening.receive(message, around)
        if (completion.csb_id != bundle.csb_id) is not exchange.in_group:
            raise PolicyError("the response is for another kind of CSB than ours", number=None)
        complete = self._completed(exchange, completion, sessions)
        if context.responder not in (None, complete.peer):
            raise PolicyError(
                f"the response comes from {complete.peer}, the signalling says {context.responder}",
                number=ErrorNumber.INVALID_ID,
            )
        del self._open[bundle.csb_id]
        if completion.csb_id != bundle.csb_id:
            self._generations[completion.csb_id] = self._generations.pop(bundle.csb_id)
        return complete

    def _completed(
        self, exchange: _Open, completion: Completion, sessions: tuple[SrtpId, ...]
    ) -> Bundle:
        """Return the bundle with what the response brought."""
        bundle = exchange.bundle
        if exchange.starter.sends_keys:
            kept = completion.message_key
            if kept == bundle.message_key:
                return replace(bundle, sessions=sessions)
            return replace(bundle, sessions=sessions, message_key=kept)
        check_keys(completion.keys)
        policies = policies_of(completion.policies, bundle.credential.compat) or bundle.policies
        return replace(
            bundle,
            csb_id=completion.csb_id,
            peer=to_text(completion.idr),
            rand=completion.rand,
            sessions=sessions,
            policies=policies,
            keys=merge_keys(exchange.old_keys, completion.keys),
            message_key=completion.message_key,
        )

    def _starter(self, bundle: Bundle | None = None) -> Starter:
        """Return the method for a first message, or for the update of `bundle`."""
        credential = self._credential
        if isinstance(credential, Certified) and bundle is not None and bundle.message_key:
            # The envelope key was kept: updates are messages of the PSK method (R3830-4.5-5).
            mac = self._mac or MacAlg.HMAC_SHA_1_160
            return PskStarter(
                credential=credential, key=bundle.message_key, encr=self._encr, mac=mac
            )
        if isinstance(credential, Certified):
            if self._method is Method.PKE:
                return PkeStarter(
                    credential=credential,
                    recipient=self._recipient(credential),
                    encr=self._encr,
                    mac=self._mac,
                    cache=self._cache,
                )
            if self._method is Method.DH_SIGN:
                return DhSignStarter(credential=credential, group=self._dh_group)
            return RsaRStarter(credential=credential)
        if self._method is Method.DHHMAC and isinstance(credential, Psk):
            return DhhmacStarter(credential=credential, group=self._dh_group)
        key = credential.key if isinstance(credential, Psk) else None
        return PskStarter(credential=credential, key=key, encr=self._encr, mac=self._mac)

    def _recipient(self, credential: Certified) -> Certificate:
        """Return the peer's certificate for the envelope, which PKE needs beforehand."""
        if credential.peer_certificate is None:
            raise LocalError("PKE needs the peer's certificate (peer_certificate)")
        return credential.trust.verify(
            (credential.peer_certificate,),
            now=self._clock.now(),
            identity=named_peer(credential),
            purpose="encrypt",
        )

    def _described(
        self, streams: Sequence[Stream], group: Group | None
    ) -> tuple[tuple[SrtpId, ...], dict[int, SrtpPolicy]]:
        if group is not None:
            if streams:
                raise LocalError("a group has its own streams")
            streams = group.streams
        return describe(streams, self._policies[0])

    def _offered(self, policies: dict[int, SrtpPolicy]) -> dict[int, SrtpPolicy]:
        """Return the policies to send: in RSA-R all of ours, to choose from (R4738-3.5-4)."""
        if self._method is Method.RSA_R:
            return dict(enumerate(self._policies))
        return policies

    def _new_csb(self, group: Group | None, *, join: bool) -> tuple[int, bytes]:
        if group is not None:
            if group.csb_id in self._generations:
                raise LocalError("this member has the CSB already")
            return group.csb_id, group.rand
        csb_id = self._new_csb_id()
        return csb_id, b"" if join else self._random(_RAND_LENGTH)

    def _first_keys(
        self,
        starter: Starter,
        keys: Sequence[KeyData] | None,
        policies: dict[int, SrtpPolicy],
        group: Group | None,
    ) -> tuple[KeyData, ...]:
        if not starter.sends_keys:
            return ()
        if group is not None:
            return group.keys
        material = self._make_keys(policies.values(), 1) if keys is None else tuple(keys)
        if not material:
            raise LocalError("a first message carries at least one key")
        return material

    def _idr(self) -> Id | None:
        peer = named_peer(self._credential)
        return None if peer is None else to_id(peer)

    def _header(self, starter: Starter, bundle: Bundle, *, respond: bool) -> Hdr:
        return Hdr(
            data_type=starter.request,
            csb_id=bundle.csb_id,
            cs_map=SrtpIdMap(bundle.sessions),
            v=respond,
            prf=bundle.prf,
        )

    def _plan(
        self, bundle: Bundle, material: tuple[KeyData, ...], *, renew: bool, count: int
    ) -> Plan:
        return Plan(
            keys=material,
            renew=renew,
            validity=self._validity(count),
            rand=bundle.rand,
            random=self._random,
        )

    def _send(
        self,
        starter: Starter,
        bundle: Bundle,
        old_keys: tuple[KeyData, ...],
        draft: Draft,
        plan: Plan,
        context: Context,
        *,
        in_group: bool = False,
    ) -> bytes:
        """Build the message of `bundle` and open the exchange."""
        self._check_null(starter, plan, context)
        opening = starter.open(draft, plan)
        if self._replay is not None:
            entry = ReplayEntry.of(Message.parse(opening.octets), bundle.identity)
            self._replay.add(entry, self._clock.now() + 2 * self._policy.skew)
        self._open[bundle.csb_id] = _Open(
            bundle,
            old_keys,
            opening,
            starter,
            responds=draft.header.v or starter.always_answered,
            is_first=not old_keys,
            in_group=in_group,
        )
        return opening.octets

    def _check_null(self, starter: Starter, plan: Plan, context: Context) -> None:
        if not isinstance(starter, PskStarter):
            return
        readable = starter.encr is EncrAlg.NULL and bool(plan.keys)
        unprotected = readable or starter.mac is MacAlg.NULL
        if unprotected and not (context.secure or self._policy.allow_null):
            raise LocalError("NULL algorithms need a secure transport or Policy(allow_null=True)")

    def _extensions(self, context: Context) -> tuple[GeneralExtension, ...]:
        """Return the list of protocols, where something protects it (R4567-4.1.4-1)."""
        if not context.protocols or isinstance(self._credential, NoKey):
            return ()
        return (GeneralExtension(ExtensionType.SDP_IDS, SdpIds(context.protocols).encode()),)

    def _bundle(
        self,
        starter: Starter,
        csb_id: int,
        rand: bytes,
        sessions: tuple[SrtpId, ...],
        policies: dict[int, SrtpPolicy],
        keys: tuple[KeyData, ...],
        t: T,
    ) -> Bundle:
        credential = self._credential
        return Bundle(
            csb_id=csb_id,
            method=starter.name,
            role=Role.INITIATOR,
            identity=credential.identity,
            peer=credential.peer,
            prf=self._prf,
            rand=rand,
            sessions=sessions,
            policies=policies,
            keys=keys,
            t=t,
            credential=credential,
            message_key=credential.key if isinstance(credential, Psk) else None,
        )

    def _make_keys(self, policies: Iterable[SrtpPolicy], count: int) -> tuple[KeyData, ...]:
        return (make_key(self._key_type, policies, self._validity(count), self._random),)

    def _validity(self, count: int) -> Validity:
        """Return the MKI of the key with this number, where keys have one."""
        length = self._mki_length
        return KvSpi((count % (1 << 8 * length)).to_bytes(length)) if length else KvNull()

    def _new_csb_id(self) -> int:
        """Draw a CSB ID that no exchange or CSB of ours has (R3830-6.1-15)."""
        while True:
            csb_id = int.from_bytes(self._random(4))
            if csb_id not in self._generations:
                return csb_id

    def _waiting(self, csb_id: int) -> _Open:
        try:
            return self._open[csb_id]
        except KeyError:
            raise LocalError(f"no exchange is open for CSB {csb_id:08x}") from None

    def _give_up(self, exchange: _Open) -> None:
        """Forget an exchange, and the CSB that it was to make if that waited for a response."""
        csb_id = exchange.bundle.csb_id
        del self._open[csb_id]
        if exchange.is_first and exchange.responds:
            del self._generations[csb_id]


@contextmanager
def _our_fault() -> Iterator[None]:
    """Turn an error that would be a peer's into ours: the caller gave the values."""
    try:
        yield
    except PeerError as error:
        raise LocalError(str(error)) from None


def _check_sent(material: tuple[KeyData, ...]) -> None:
    if any(key.key_type is KeyType.TEK for key in material):
        raise LocalError("a TEK is sent with its salt (R3830-6.13-8)")
    check_keys(material)


def _fitting_method(credential: Psk | NoKey | Certified, method: Method | None) -> Method:
    certified = isinstance(credential, Certified)
    if method is None:
        return Method.DH_SIGN if certified else Method.PSK
    if (method in _CERTIFIED) is not certified:
        raise LocalError(f"{method.value} needs another kind of credential")
    if method is Method.DHHMAC and not isinstance(credential, Psk):
        raise LocalError("DHHMAC needs a pre-shared key")
    return method
