"""The Initiator of exchanges (RFC 3830 3.1, 4.5, 5.2, 5.3)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from mikey.credentials import Certified, NoKey, Psk, Sakke
from mikey.errors import LocalError, PolicyError
from mikey.methods._common.exchange import Draft, Surroundings
from mikey.methods._common.identities import to_id
from mikey.policy import Clock, Context, Policy, SrtpPolicy
from mikey.policy.clock import difference64
from mikey.registry import (
    CacheType,
    DataType,
    DhGroup,
    EncrAlg,
    KeyType,
    MacAlg,
    MapType,
    PrfFunc,
)
from mikey.session.bundle import Bundle, Role, is_blocking
from mikey.session.cs_map import to_map, to_names
from mikey.session.exchange import (
    Exchange,
    check_granted,
    check_rand,
    check_responder,
    completed,
)
from mikey.session.fetching import with_fetched
from mikey.session.group import Group
from mikey.session.keys import RAND_OCTETS, count_replaced, merge_keys, mki_of
from mikey.session.method import Method
from mikey.session.options import Options, check_sent, our_fault
from mikey.session.replay import ReplayEntry, ReplayStore
from mikey.session.starters import (
    Plan,
    Starter,
    check_null,
    choose_starter,
    is_unnamed,
    named_peer,
    protocols,
)
from mikey.session.step import Step
from mikey.session.stream import Stream, describe, to_sps
from mikey.session.updating import chosen, extend, filled, generation
from mikey.wire import (
    Hdr,
    KeyData,
    Message,
    Rand,
    SrtpId,
    T,
)


class Initiator:
    """Starts exchanges with one peer and takes the responses.

    `credential` names both parties; in DH-SIGN and RSA-R its peer may be "*", whoever the
    certificate then names. `method` None is PSK with a key, DH-SIGN with a certificate.
    `policies` are ours by preference: a stream without its own gets the first (there is no
    counter-offer inside an exchange, RFC 3830 5.1.1); in RSA-R the Responder chooses among all.
    `prf`, `encr` and `mac` protect the messages; `key_type` is the kind of key that is sent,
    `mki_length` the octets of the MKI that names each key, 0 for none (None: what the peer's
    Compat says, TGK without MKI unless it says otherwise). Keys that are to change
    while media flows need an MKI (RFC 3830 A.1). `dh_group` is that of the Diffie-Hellman
    methods, `cache` says in PKE whether both keep the envelope key for updates (RFC 3830 6.3).
    `map_type` is for SAKKE: a GENERIC-ID map by default, which alone carries an MKI (of one octet
    at least), SRTP-ID, or an Empty map, with which streams and policy are known otherwise.
    `replay` is the store of a Responder with the same key, if there is one: it then knows our
    messages and refuses them when they are reflected (R3830-3.1-8). A CSB is remembered until
    `close`. Not to be used by two threads at a time.

    Raises LocalError for a method that the credential does not serve, for a party without a name
    and for options that no message can be made with.
    """

    def __init__(
        self,
        credential: Psk | NoKey | Certified | Sakke,
        *,
        method: Method | None = None,
        policies: Sequence[SrtpPolicy] = (SrtpPolicy(),),
        policy: Policy | None = None,
        clock: Clock | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
        prf: PrfFunc = PrfFunc.MIKEY_1,
        encr: EncrAlg = EncrAlg.AES_CM_128,
        mac: MacAlg = MacAlg.HMAC_SHA_1_160,
        key_type: KeyType | None = None,
        mki_length: int | None = None,
        dh_group: DhGroup = DhGroup.OAKLEY_5,
        cache: CacheType = CacheType.NO_CACHE,
        map_type: MapType | None = None,
        replay: ReplayStore | None = None,
    ) -> None:
        self._credential = credential
        self._options = Options.checked(
            credential,
            method=method,
            policies=policies,
            prf=prf,
            encr=encr,
            mac=mac,
            key_type=key_type,
            mki_length=mki_length,
            dh_group=dh_group,
            cache=cache,
            map_type=map_type,
        )
        self._policy = policy or Policy()
        if dh_group not in self._policy.dh_groups:
            raise LocalError(f"DH group {dh_group.label} needs a Policy that allows it (dh_groups)")
        self._clock = clock or Clock()
        self._random = random
        self._replay = replay
        self._open: dict[int, Exchange] = {}
        # Of every CSB that is open or live: the number of the last key that was made for it.
        self._generations: dict[int, int] = {}
        self._begun = 0

    @property
    def blocking(self) -> bool:
        """Whether a call may take long, for our key lies in a token (see `aio.run`)."""
        return is_blocking(self._credential)

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
        starter = choose_starter(self._credential, self._options, self._clock.now())
        if group is not None and not starter.sends_keys:
            raise LocalError(f"{starter.name} gives nobody the keys of a group")
        if join and self._options.method is not Method.RSA_R:
            raise LocalError("keys of a group are asked for by RSA-R")
        if keys is not None and not starter.sends_keys:
            raise LocalError(f"{starter.name} makes its keys; none are given to it")
        sessions, policies = self._described(streams, group)
        csb_id, rand = self._new_csb(group, join=join)
        peer = named_peer(self._credential)
        compat = self._credential.compat
        unnamed = is_unnamed(self._credential)
        t = self._clock.timestamp()
        count = self._first_count(starter)
        material = self._first_keys(starter, keys, policies, group, count)
        with our_fault():
            check_sent(material, self._credential.compat)
            bundle = self._bundle(starter, csb_id, rand, sessions, policies, material, t)
            if self._options.map_type is MapType.GENERIC_ID:
                named = to_names(streams if group is None else group.streams, mki_of(material[0]))
                bundle = replace(bundle, names=named)
        # An RSA-R request for the keys of a group has no RAND and no policies (R4738-3.2-1).
        first = self._send(
            starter,
            bundle,
            (),
            Draft(
                header=self._header(starter, bundle, respond=respond),
                t=t,
                rand=None if join else Rand(rand),
                idi=None if unnamed else to_id(bundle.identity),
                certs=starter.certs,
                idr=None if unnamed or peer is None else to_id(peer),
                policies=(
                    () if join or self._is_empty() else to_sps(self._offered(policies), compat)
                ),
                extensions=protocols(self._credential, context),
            ),
            self._plan(bundle, material, renew=True, count=count),
            context,
            in_group=join,
        )
        self._generations[csb_id] = count
        self._begun += 1
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
        starter = choose_starter(self._credential, self._options, self._clock.now(), bundle)
        if keys is not None and not starter.sends_keys:
            raise LocalError(f"{starter.name} makes its keys; none are given to it")
        compat = self._credential.compat
        unnamed = is_unnamed(self._credential)
        sessions, policies = bundle.sessions, dict(bundle.policies)
        added: dict[int, SrtpPolicy] = {}
        if streams is not None:
            sessions, policies, added = extend(bundle, streams, self._options.policies[0])
        t = self._clock.timestamp()
        if t.ts_type is not bundle.t.ts_type or difference64(t, bundle.t) <= 0:
            raise LocalError("our clock is not ahead of the last timestamp of the CSB")
        # An update that was cancelled may have arrived: its MKI is not used again.
        count = 1 + max(generation(bundle), self._generations.get(bundle.csb_id, 0))
        material: tuple[KeyData, ...] = ()
        if keys is not None:
            material = tuple(keys)
        elif new_keys and starter.sends_keys:
            material = self._options.make_keys(policies.values(), count, self._random)
        with our_fault():
            check_sent(material, self._credential.compat)
            merged = merge_keys(bundle.keys, material)
            changed = replace(
                bundle,
                sessions=sessions,
                policies=policies,
                keys=merged,
                replaced=count_replaced(merged, bundle.keys, bundle.replaced),
                t=t,
            )
        octets = self._send(
            starter,
            changed,
            bundle.keys,
            Draft(
                header=self._header(starter, changed, respond=respond),
                t=t,
                rand=Rand(bundle.rand) if compat.full_updates else None,
                idi=None if unnamed else to_id(bundle.identity),
                certs=starter.certs,
                idr=None if unnamed else to_id(bundle.peer),
                policies=to_sps(policies if compat.full_updates else added, compat),
                extensions=protocols(self._credential, context),
            ),
            self._plan(changed, material, renew=new_keys, count=count),
            context,
        )
        self._generations[bundle.csb_id] = count
        return octets

    def early_bundle(self, first: bytes) -> Bundle:
        """Return the keys of a message that was just made, before its response.

        For media that come before the answer (R4567-4.1.2-9) and for messages that have no
        response, as in SAKKE; streams of the peer have no SSRC yet. Raises LocalError where
        the response makes the keys.
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
        return with_fetched(self._open[csb_id].opening.needed(message), proceed)

    def _receive(
        self,
        message: Message,
        exchange: Exchange,
        context: Context,
        fetched: Mapping[str, bytes],
    ) -> Bundle:
        bundle, opening = exchange.bundle, exchange.opening
        if self._open.get(bundle.csb_id) is not exchange:
            raise PolicyError("the exchange was closed meanwhile", number=None)
        shown = None if context.responder is None else to_id(context.responder)
        around = Surroundings(now=self._clock.now(), fetched=fetched, responder=shown)
        if message.header.data_type is DataType.ERROR:
            error = opening.read_error(message, around)
            if error.authenticated:
                self._give_up(exchange)
            raise error
        check_rand(message, self._policy, number=None)
        free = exchange.starter.name == Method.RSA_R.value
        sessions = chosen(message.header) if free else filled(bundle, message.header)
        completion = opening.receive(message, around)
        complete = completed(exchange, completion, sessions)
        check_granted(complete, self._options.policies)
        check_responder(complete, context)
        del self._open[bundle.csb_id]
        if completion.csb_id != bundle.csb_id:
            self._generations[completion.csb_id] = self._generations.pop(bundle.csb_id)
        return complete

    def _described(
        self, streams: Sequence[Stream], group: Group | None
    ) -> tuple[tuple[SrtpId, ...], dict[int, SrtpPolicy]]:
        if group is not None:
            if streams:
                raise LocalError("a group has its own streams")
            streams = group.streams
        return describe(streams, self._options.policies[0], self._credential.compat)

    def _offered(self, policies: dict[int, SrtpPolicy]) -> dict[int, SrtpPolicy]:
        """Return the policies to send: in RSA-R all of ours, to choose from (R4738-3.5-4)."""
        if self._options.method is Method.RSA_R:
            return dict(enumerate(self._options.policies))
        return policies

    def _new_csb(self, group: Group | None, *, join: bool) -> tuple[int, bytes]:
        if group is not None:
            if group.csb_id in self._generations:
                raise LocalError("this member has the CSB already")
            return group.csb_id, group.rand
        csb_id = self._new_csb_id()
        return csb_id, b"" if join else self._random(RAND_OCTETS)

    def _first_count(self, starter: Starter) -> int:
        """Return the number of the first key of a new CSB: 1, if updates can follow.

        Where none can, new keys for the same streams come in a new CSB, under the next MKI.
        """
        return 1 if starter.has_response else self._begun + 1

    def _first_keys(
        self,
        starter: Starter,
        keys: Sequence[KeyData] | None,
        policies: dict[int, SrtpPolicy],
        group: Group | None,
        count: int,
    ) -> tuple[KeyData, ...]:
        if not starter.sends_keys:
            return ()
        if group is not None:
            return group.keys
        material = (
            self._options.make_keys(policies.values(), count, self._random)
            if keys is None
            else tuple(keys)
        )
        if not material:
            raise LocalError("a first message carries at least one key")
        return material

    def _header(self, starter: Starter, bundle: Bundle, *, respond: bool) -> Hdr:
        return Hdr(
            data_type=starter.request,
            csb_id=bundle.csb_id,
            cs_map=to_map(self._options.map_type, bundle.sessions, bundle.names),
            v=respond and starter.has_response,
            prf=bundle.prf,
        )

    def _plan(
        self, bundle: Bundle, material: tuple[KeyData, ...], *, renew: bool, count: int
    ) -> Plan:
        return Plan(
            keys=material,
            renew=renew,
            validity=self._options.validity(count),
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
        check_null(starter, plan, context, self._policy)
        opening = starter.open(draft, plan)
        if self._replay is not None:
            entry = ReplayEntry.of(Message.parse(opening.octets), bundle.identity)
            self._replay.add(entry, self._clock.now() + 2 * self._policy.skew)
        self._open[bundle.csb_id] = Exchange(
            bundle,
            old_keys,
            opening,
            starter,
            responds=draft.header.v or starter.always_answered,
            is_first=not old_keys,
            in_group=in_group,
        )
        return opening.octets

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
            prf=self._options.prf,
            rand=rand,
            sessions=sessions,
            policies=policies,
            keys=keys,
            t=t,
            credential=credential,
            message_key=credential.key if isinstance(credential, Psk) else None,
        )

    def _is_empty(self) -> bool:
        """Whether the map is the Empty map, beside which no SP may stand (R4563-5-1)."""
        return self._options.map_type is MapType.EMPTY

    def _new_csb_id(self) -> int:
        """Draw a CSB ID that no exchange or CSB of ours has (R3830-6.1-15)."""
        while True:
            csb_id = int.from_bytes(self._random(4))
            if csb_id not in self._generations:
                return csb_id

    def _waiting(self, csb_id: int) -> Exchange:
        try:
            return self._open[csb_id]
        except KeyError:
            raise LocalError(f"no exchange is open for CSB {csb_id:08x}") from None

    def _give_up(self, exchange: Exchange) -> None:
        """Forget an exchange, and the CSB that it was to make if that waited for a response."""
        csb_id = exchange.bundle.csb_id
        del self._open[csb_id]
        if exchange.is_first and exchange.responds:
            del self._generations[csb_id]
