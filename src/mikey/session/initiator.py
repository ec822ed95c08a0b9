"""The Initiator of exchanges (RFC 3830 3.1, 4.5, 5.2, 5.3)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from mikey.credentials import ANY, NoKey, Psk
from mikey.crypto import check_prf
from mikey.errors import DecodeError, LocalError, PeerError, PolicyError
from mikey.methods import psk
from mikey.methods._common.error_message import read_error
from mikey.methods._common.message_keys import MessageKeys, check_encr, check_mac_alg
from mikey.methods._common.verification import Parties, appendix
from mikey.policy import Clock, Context, Policy, SrtpPolicy
from mikey.policy.clock import difference64
from mikey.registry import (
    DataType,
    EncrAlg,
    ErrorNumber,
    ExtensionType,
    KeyType,
    MacAlg,
    PrfFunc,
)
from mikey.secret import Secret
from mikey.session.bundle import Bundle, Role
from mikey.session.identities import to_id, to_text
from mikey.session.keys import check_keys, merge_keys
from mikey.session.replay import ReplayEntry, ReplayStore
from mikey.session.step import Step
from mikey.session.stream import Stream, describe, policy_of, to_sps
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
)

_RAND_LENGTH = 16
_LEAST_TGK = 16
_SENT = (KeyType.TGK, KeyType.TGK_SALT, KeyType.TEK_SALT)


@dataclass(frozen=True, slots=True)
class _Open:
    """An exchange that waits for its response: what the bundle will be, and how to check."""

    bundle: Bundle
    keys: MessageKeys
    mac_alg: MacAlg
    idi: Id
    idr: Id
    responds: bool
    is_first: bool


class Initiator:
    """Starts exchanges with one peer and takes the responses.

    `credential` names both parties. `policies` are ours by preference: a stream without its own
    gets the first (there is no counter-offer inside an exchange, RFC 3830 5.1.1). `prf`, `encr`
    and `mac` protect the messages; `key_type` is the kind of key that is sent, `mki_length` the
    octets of the MKI that names each key, 0 for none. Keys that are to change while media flows
    need an MKI (RFC 3830 A.1). `replay` is the store of a Responder with the same key, if there
    is one: it then knows our messages and refuses them when they are reflected (R3830-3.1-8).
    A CSB is remembered until `close`. Not to be used by two threads at a time.
    """

    def __init__(
        self,
        credential: Psk | NoKey,
        *,
        policies: Sequence[SrtpPolicy] = (SrtpPolicy(),),
        policy: Policy | None = None,
        clock: Clock | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
        prf: PrfFunc = PrfFunc.MIKEY_1,
        encr: EncrAlg = EncrAlg.AES_CM_128,
        mac: MacAlg = MacAlg.HMAC_SHA_1_160,
        key_type: KeyType = KeyType.TGK,
        mki_length: int = 0,
        replay: ReplayStore | None = None,
    ) -> None:
        if ANY in (credential.identity, credential.peer):
            raise LocalError("an Initiator's credential names both parties")
        if not policies:
            raise LocalError("an Initiator offers at least one SRTP policy")
        if mac is MacAlg.NULL and isinstance(credential, Psk):
            raise LocalError("a message under a pre-shared key has a MAC")
        if not 0 <= mki_length <= 0xFF:
            raise LocalError("an MKI has at most 255 octets")
        if key_type not in _SENT:
            raise LocalError(f"a key is sent as TGK, TGK+SALT or TEK+SALT, not {key_type.label}")
        with _our_fault():
            check_encr(encr)
            check_mac_alg(mac)
            check_prf(prf)
        self._credential = credential
        self._secret = credential.key if isinstance(credential, Psk) else None
        self._policies = tuple(policies)
        self._policy = policy or Policy()
        self._clock = clock or Clock()
        self._random = random
        self._prf = prf
        null = self._secret is None
        self._encr = EncrAlg.NULL if null else encr
        self._mac = MacAlg.NULL if null else mac
        self._key_type = key_type
        self._mki_length = mki_length
        self._replay = replay
        self._open: dict[int, _Open] = {}
        # Of every CSB that is open or live: the number of the last key that was made for it.
        self._generations: dict[int, int] = {}

    def start(
        self,
        streams: Sequence[Stream],
        *,
        context: Context | None = None,
        keys: Sequence[KeyData] | None = None,
        respond: bool = True,
    ) -> bytes:
        """Return the first message of a new CSB.

        `streams` are the crypto sessions in order: ours with their SSRC, the peer's with 0.
        `keys` None makes fresh ones; given ones (for pre-encrypted media, for a group) are sent
        as they are. With `respond` False no response is asked for, and `early_bundle` has the
        result. Raises LocalError.
        """
        context = context or Context()
        sessions, policies = describe(streams, self._policies[0])
        csb_id = self._new_csb_id()
        rand = self._random(_RAND_LENGTH)
        t = self._clock.timestamp()
        material = tuple(keys) if keys is not None else self._make_keys(policies.values(), 1)
        if not material:
            raise LocalError("a first message carries at least one key")
        with _our_fault():
            _check_sent(material)
            bundle = self._bundle(csb_id, rand, sessions, policies, material, t)
        first = self._send(bundle, material, Rand(rand), policies, context, respond=respond)
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
        if bundle.role is not Role.INITIATOR and not self._policy.responder_may_update:
            raise LocalError("an update is started by the Initiator of the CSB (R3830-4.5-14)")
        waiting = self._open.get(bundle.csb_id)
        if waiting is not None and waiting.responds:
            raise LocalError("the last message of the CSB waits for its response")
        context = context or Context()
        sessions, policies = bundle.sessions, dict(bundle.policies)
        added: dict[int, SrtpPolicy] = {}
        if streams is not None:
            sessions, policies, added = self._extend(bundle, streams)
        t = self._clock.timestamp()
        if t.ts_type is not bundle.t.ts_type or difference64(t, bundle.t) <= 0:
            raise LocalError("our clock is not ahead of the last timestamp of the CSB")
        # An update that was cancelled may have arrived: its MKI is not used again.
        generation = 1 + max(_generation(bundle), self._generations.get(bundle.csb_id, 0))
        material: tuple[KeyData, ...] = ()
        if keys is not None:
            material = tuple(keys)
        elif new_keys:
            material = self._make_keys(policies.values(), generation)
        with _our_fault():
            _check_sent(material)
            merged = merge_keys(bundle.keys, material)
            changed = replace(bundle, sessions=sessions, policies=policies, keys=merged, t=t)
        octets = self._send(changed, material, None, added, context, respond=respond)
        self._generations[bundle.csb_id] = generation
        return octets

    def early_bundle(self, first: bytes) -> Bundle:
        """Return the keys of a message that was just made, before its response.

        For media that come before the answer (R4567-4.1.2-9) and for messages that ask for no
        response; streams of the peer have no SSRC yet.
        """
        return self._waiting(Message.parse(first).header.csb_id).bundle

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
        header = message.header
        if header.csb_id not in self._open:
            raise PolicyError(f"no exchange is open for CSB {header.csb_id:08x}", number=None)
        exchange = self._open[header.csb_id]
        if header.data_type is DataType.ERROR:
            raise self._reported(message, exchange)
        if header.data_type is not psk.RESPONSE:
            raise DecodeError(f"{header.data_type.label} answers no PSK message", number=None)
        sessions = _filled(exchange.bundle, header)
        idr = self._responder(message, exchange, context or Context())
        bundle = exchange.bundle
        psk.check_response(
            message,
            bundle.t,
            exchange.mac_alg,
            exchange.keys,
            Parties(exchange.idi.data, idr.data),
            bundle.compat,
        )
        complete = replace(bundle, sessions=sessions)
        del self._open[header.csb_id]
        return complete

    def _send(
        self,
        bundle: Bundle,
        material: tuple[KeyData, ...],
        rand: Rand | None,
        policies: dict[int, SrtpPolicy],
        context: Context,
        *,
        respond: bool,
    ) -> bytes:
        """Build the message of `bundle` and open the exchange."""
        readable = self._encr is EncrAlg.NULL and bool(material)
        unprotected = readable or self._mac is MacAlg.NULL
        if unprotected and not (context.secure or self._policy.allow_null):
            raise LocalError("NULL algorithms need a secure transport or Policy(allow_null=True)")
        header = Hdr(
            data_type=psk.REQUEST,
            csb_id=bundle.csb_id,
            cs_map=SrtpIdMap(bundle.sessions),
            v=respond,
            prf=bundle.prf,
        )
        idi, idr = to_id(bundle.identity), to_id(bundle.peer)
        draft = psk.Draft(
            header=header,
            t=bundle.t,
            rand=rand,
            idi=idi,
            idr=idr,
            policies=to_sps(policies),
            extensions=self._extensions(context),
        )
        keys = MessageKeys(bundle.message_key, bundle.prf, bundle.csb_id, bundle.rand)
        octets = psk.build_request(draft, keys, material, self._encr, self._mac)
        if self._replay is not None:
            entry = ReplayEntry.of(Message.parse(octets), bundle.identity)
            self._replay.add(entry, self._clock.now() + 2 * self._policy.skew)
        is_first = rand is not None
        self._open[bundle.csb_id] = _Open(bundle, keys, self._mac, idi, idr, respond, is_first)
        return octets

    def _extensions(self, context: Context) -> tuple[GeneralExtension, ...]:
        """Return the list of protocols, where something protects it (R4567-4.1.4-1)."""
        if not context.protocols or self._mac is MacAlg.NULL:
            return ()
        return (GeneralExtension(ExtensionType.SDP_IDS, SdpIds(context.protocols).encode()),)

    def _bundle(
        self,
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
            method=psk.NAME if self._secret is not None else "NULL",
            role=Role.INITIATOR,
            identity=credential.identity,
            peer=credential.peer,
            prf=self._prf,
            rand=rand,
            sessions=sessions,
            policies=policies,
            keys=keys,
            t=t,
            compat=credential.compat,
            message_key=self._secret,
        )

    def _extend(
        self, bundle: Bundle, streams: Sequence[Stream]
    ) -> tuple[tuple[SrtpId, ...], dict[int, SrtpPolicy], dict[int, SrtpPolicy]]:
        """Return map, policies and the policies that are new, old crypto sessions in place."""
        kept = len(bundle.sessions)
        if len(streams) < kept or any(
            (stream.ssrc or entry.ssrc) != entry.ssrc
            or stream.policy not in (None, policy_of(entry, bundle.policies))
            for stream, entry in zip(streams, bundle.sessions, strict=False)
        ):
            raise LocalError("an update lists the old streams first, unchanged (R3830-4.5-13)")
        policies = dict(bundle.policies)
        sessions = [
            entry._replace(roc=stream.roc)
            for stream, entry in zip(streams, bundle.sessions, strict=False)
        ]
        added: dict[int, SrtpPolicy] = {}
        for stream in streams[kept:]:
            wanted = stream.policy or self._policies[0]
            number = next((n for n, known in policies.items() if known == wanted), None)
            if number is None:
                number = max(policies, default=-1) + 1
                policies[number] = added[number] = wanted
            sessions.append(SrtpId(number, stream.ssrc, stream.roc))
        if len(sessions) > 0xFF or len(policies) > 0xFF:
            raise LocalError("a message describes at most 255 crypto sessions")
        return tuple(sessions), policies, added

    def _make_keys(self, policies: Iterable[SrtpPolicy], generation: int) -> tuple[KeyData, ...]:
        """Make one fresh key as strong as the strongest policy asks for (R3830-9.1-2)."""
        wanted = tuple(policies)
        length = max(policy.key_length for policy in wanted)
        if self._key_type in (KeyType.TGK, KeyType.TGK_SALT):
            length = max(length, _LEAST_TGK)
        key = Secret(self._random(length))
        salt = None
        if self._key_type.has_salt:
            salt = Secret(self._random(wanted[0].master_salt_length))
        mki = (generation % (1 << 8 * self._mki_length)).to_bytes(self._mki_length)
        validity = KvSpi(mki) if self._mki_length else KvNull()
        return (KeyData(self._key_type, key, salt, validity),)

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

    def _reported(self, message: Message, exchange: _Open) -> PeerError:
        bundle = exchange.bundle
        covered = appendix(Parties(exchange.idi.data, exchange.idr.data), bundle.t, bundle.compat)
        error = read_error(message, bundle.t, exchange.keys, covered)
        if error.authenticated:
            self._give_up(exchange)
        return error

    def _give_up(self, exchange: _Open) -> None:
        """Forget an exchange, and the CSB that it was to make if that waited for a response."""
        csb_id = exchange.bundle.csb_id
        del self._open[csb_id]
        if exchange.is_first and exchange.responds:
            del self._generations[csb_id]

    def _responder(self, message: Message, exchange: _Open, context: Context) -> Id:
        """Return IDr, which must be the peer that we have the key for."""
        ids = message.all(Id)
        if len(ids) > 1:
            raise DecodeError("a PSK response has one ID payload", number=None, payload="ID")
        idr = ids[0] if ids else exchange.idr
        for name in (to_text(idr), context.responder or exchange.bundle.peer):
            if name != exchange.bundle.peer:
                raise PolicyError(
                    f"the response comes from {name}, not from {exchange.bundle.peer}",
                    number=ErrorNumber.INVALID_ID,
                )
        return idr


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


def _generation(bundle: Bundle) -> int:
    """Return the number in the newest MKI, which counts the keys of a CSB."""
    newest = bundle.keys[0].validity
    return int.from_bytes(newest.spi) if isinstance(newest, KvSpi) else 0


def _filled(bundle: Bundle, header: Hdr) -> tuple[SrtpId, ...]:
    """Return the map of the response: ours, with the open entries filled (R3830-6.1.1-7)."""
    answer = header.cs_map
    if not isinstance(answer, SrtpIdMap) or len(answer.sessions) != len(bundle.sessions):
        raise DecodeError("the response describes other crypto sessions", number=None)
    if header.prf is not bundle.prf:
        raise DecodeError("the response names another PRF", number=None)
    for ours, theirs in zip(bundle.sessions, answer.sessions, strict=True):
        if theirs.policy_no != ours.policy_no or (ours.ssrc and theirs != ours):
            raise DecodeError("the response alters a crypto session that was fixed", number=None)
    return answer.sessions
