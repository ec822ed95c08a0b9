"""The Responder's half of each method: an authenticated request, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from mikey.credentials import Certified, Psk, Sakke
from mikey.errors import AuthenticationError, LocalError, PolicyError
from mikey.methods import dhhmac, dhsign, pke, psk, rsar, sakke
from mikey.methods._common.envelope import FRESH_KEY
from mikey.methods._common.error_message import build_error
from mikey.methods._common.exchange import Reply
from mikey.methods._common.identities import to_text
from mikey.methods._common.verification import Parties, appendix
from mikey.policy import Compat, Context, SrtpPolicy
from mikey.registry import CacheType, DataType, ErrorNumber, IdType, KeyType
from mikey.secret import Secret
from mikey.session.bundle import Credential
from mikey.session.cs_map import CsName, read_map, sessions_of
from mikey.session.group import Group
from mikey.session.keys import RAND_OCTETS, make_key
from mikey.session.stream import describe, policies_of, to_sps, used_policies
from mikey.values import quick_init
from mikey.wire import EmptyMap, Id, KeyData, KvNull, KvSpi, Message, Rand, Sp, SrtpId

_MOST_SESSIONS = 255  # CS IDs and #CS have one octet


@quick_init
@dataclass(frozen=True, slots=True)
class Terms:
    """What the Responder brings: which policies it takes, and randomness.

    `default` is the policy of streams that a message leaves to be known otherwise.
    """

    acceptable: Callable[[SrtpPolicy], bool]
    default: SrtpPolicy
    context: Context
    random: Callable[[int], bytes]
    mki_length: int
    cache: CacheType


@quick_init
@dataclass(frozen=True, slots=True)
class Opened:
    """What a request comes to: keys, policies by number, and the map; `names` as in a Bundle."""

    keys: tuple[KeyData, ...] = field(repr=False)
    policies: dict[int, SrtpPolicy]
    sessions: tuple[SrtpId, ...]
    csb_id: int
    rand: bytes = field(repr=False)
    names: tuple[CsName, ...] = ()


class Proof(Protocol):
    """A request whose MAC or signature was right. Not for two threads at a time.

    `initiator` is proven, `idr` ours; `rand` is the one to derive with.
    """

    @property
    def name(self) -> str:
        """The name for `Bundle.method`."""

    @property
    def response(self) -> DataType | None:
        """The data type of the answer; None for a method that has none."""

    @property
    def message(self) -> Message:
        """The request."""

    @property
    def credential(self) -> Credential:
        """What proved it."""

    @property
    def initiator(self) -> Id:
        """Who sent it; an Id without octets for nobody who is known."""

    @property
    def idr(self) -> Id:
        """Who we are in it."""

    @property
    def message_key(self) -> Secret | None:
        """The key that later updates are protected with; after `open`."""

    @property
    def always_answered(self) -> bool:
        """Whether there is a response whatever the V flag says."""

    def open(self, terms: Terms) -> Opened:
        """Take or make the keys; raises PeerError."""

    def respond(self, reply: Reply) -> bytes:
        """Return the response; after `open`."""

    def error(self, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...]) -> bytes:
        """Return the authenticated Error message."""


class _Request(Protocol):
    @property
    def message(self) -> Message: ...


class _SignedRequest(_Request, Protocol):
    @property
    def initiator(self) -> Id: ...


class _Proven:
    """What every proof takes from its request."""

    __slots__ = ()

    request: _Request

    @property
    def message(self) -> Message:
        """The request."""
        return self.request.message


class _Signed(_Proven):
    """A request that was signed."""

    __slots__ = ()

    request: _SignedRequest

    @property
    def initiator(self) -> Id:
        """Whom the certificate proves."""
        return self.request.initiator


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class PskProof(_Proven):
    """A message of the pre-shared key method, under the key `message_key`.

    `name` is PSK or NULL; for an update under an envelope key the method that brought that.
    """

    request: psk.VerifiedRequest
    credential: Credential
    message_key: Secret | None = field(repr=False)
    name: str
    initiator: Id
    idr: Id
    rand: bytes = field(repr=False)

    response = psk.RESPONSE
    always_answered = False

    def open(self, _terms: Terms) -> Opened:
        """Decrypt KEMAC."""
        return _taken(self.message, self.request.key_data(), self.rand, self.credential.compat)

    def respond(self, reply: Reply) -> bytes:
        """Return the message that ends in V."""
        compat = self.credential.compat
        parties = Parties(self.initiator.data, self.idr.data)
        return psk.build_response(reply.header, reply.idr, self.request, parties, compat)

    def error(self, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...]) -> bytes:
        """Return the Error message that ends in V."""
        request = self.request
        covered = appendix(
            Parties(self.initiator.data, self.idr.data), request.t, self.credential.compat
        )
        return build_error(
            self.message.header,
            request.t,
            numbers,
            offered,
            keys=request.keys,
            alg=request.kemac.mac_alg,
            covered=covered,
        )


@dataclass(slots=True, kw_only=True)
class PkeProof(_Signed):
    """A message of the public-key method.

    `others` are further keys of ours that the envelope may be for: with each, a function that
    verifies the message for it. One is tried after the other (R3830-6.8-6).
    """

    request: pke.VerifiedRequest
    credential: Certified
    idr: Id
    rand: bytes = field(repr=False)
    others: tuple[tuple[Certified, Callable[[], pke.VerifiedRequest]], ...] = ()

    name = pke.NAME
    response = pke.RESPONSE
    always_answered = False

    @property
    def message_key(self) -> Secret | None:
        """The envelope key, if both keep it."""
        return self.request.message_key

    def open(self, _terms: Terms) -> Opened:
        """Open the envelope with our private key, with the one of several that fits."""
        return _taken(self.message, self._keys(), self.rand, self.credential.compat)

    def _keys(self) -> tuple[KeyData, ...]:
        try:
            return self.request.keys()
        except AuthenticationError:
            for credential, verify in self.others:
                with suppress(AuthenticationError, PolicyError):
                    request = verify()
                    keys = request.keys()
                    self.credential, self.request = credential, request
                    return keys
            raise

    def respond(self, reply: Reply) -> bytes:
        """Return the message that ends in V."""
        return self.request.respond(reply, self.idr)

    def error(self, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...]) -> bytes:
        """Return the Error message, with V once the envelope was opened."""
        return self.request.error(numbers, offered, self.idr)


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class DhSignProof(_Signed):
    """A message of the signed Diffie-Hellman method."""

    request: dhsign.VerifiedRequest
    credential: Certified
    idr: Id
    rand: bytes = field(repr=False)

    name = dhsign.NAME
    response = dhsign.RESPONSE
    always_answered = True
    message_key: Secret | None = field(default=None, init=False)

    def open(self, terms: Terms) -> Opened:
        """Make our half and the TGK."""
        keys = self.request.keys(terms.random)
        return _taken(self.message, keys, self.rand, self.credential.compat)

    def respond(self, reply: Reply) -> bytes:
        """Return the signed response."""
        return self.request.respond(reply)

    def error(self, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...]) -> bytes:
        """Return the signed Error message."""
        return self.request.error(numbers, offered)


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class DhhmacProof(_Proven):
    """A message of the DHHMAC method."""

    request: dhhmac.VerifiedRequest
    credential: Psk
    initiator: Id
    idr: Id
    rand: bytes = field(repr=False)

    name = dhhmac.NAME
    response = dhhmac.RESPONSE
    always_answered = True

    @property
    def message_key(self) -> Secret | None:
        """The pre-shared key."""
        return self.credential.key

    def open(self, terms: Terms) -> Opened:
        """Make our half and the TGK."""
        keys = self.request.keys(terms.random)
        return _taken(self.message, keys, self.rand, self.credential.compat)

    def respond(self, reply: Reply) -> bytes:
        """Return the response, which ends in KEMAC."""
        return self.request.respond(reply, self.initiator)

    def error(self, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...]) -> bytes:
        """Return the Error message, which is bare in this method (R4650-4.1-2)."""
        return self.request.error(numbers, offered)


@dataclass(slots=True, kw_only=True)
class RsaRProof(_Signed):
    """A message of the RSA-R method: we make the keys.

    `grant` is what the response gives, `own` the fresh keys, which are there in any case.
    """

    request: rsar.VerifiedRequest
    credential: Certified
    idr: Id
    grant: rsar.Grant | None = field(default=None, repr=False)
    own: rsar.Grant | None = field(default=None, repr=False)

    name = rsar.NAME
    response = rsar.RESPONSE
    always_answered = True

    @property
    def message_key(self) -> Secret | None:
        """The envelope key, if both keep it."""
        granted = self._granted()
        return None if granted.cache is CacheType.NO_CACHE else granted.env_key

    def open(self, terms: Terms) -> Opened:
        """Choose a policy and make the keys of a unicast exchange."""
        message = self.message
        compat = self.credential.compat
        sps: tuple[Sp, ...] = ()
        number, policy = 0, SrtpPolicy.AES_CM_128_HMAC_SHA1_80
        if message.get(Sp) is not None:
            sp, policy = rsar.choose_policy(message, terms.acceptable, compat)
            sps, number = (sp,), sp.policy_no
        sessions = tuple(SrtpId(number, s.ssrc, s.roc) for s in sessions_of(message.header))
        if not sessions and terms.context.lines:
            # The Initiator sends nothing: we define the map, as SDP numbers it (R4738-3.4-3).
            sessions = _open_sessions(number, terms.context.lines)
        mki = (1).to_bytes(terms.mki_length) if terms.mki_length else b""
        key = make_key(KeyType.TGK, [policy], KvSpi(mki) if mki else KvNull(), terms.random)
        self.grant = rsar.Grant(
            keys=(key,),
            env_key=Secret(terms.random(FRESH_KEY)),
            rand=terms.random(RAND_OCTETS),
            policies=sps,
            cache=terms.cache,
        )
        self.own = self.grant
        return Opened(
            (key,), {number: policy}, sessions, message.header.csb_id, self.request.rand(self.grant)
        )

    def join(self, group: Group, random: Callable[[int], bytes]) -> Opened:
        """Give the keys of a group in place of fresh ones; raises PeerError, LocalError."""
        self.request.check_group()
        sessions, policies = describe(group.streams, group.policies[0])
        if len(policies) > 1:
            raise LocalError("the streams of a group have one policy in RSA-R")
        self.grant = rsar.Grant(
            keys=group.keys,
            env_key=Secret(random(FRESH_KEY)),
            rand=group.rand,
            csb_id=group.csb_id,
            policies=to_sps(policies, self.credential.compat),
            cache=self._granted().cache,
        )
        return Opened(group.keys, policies, sessions, group.csb_id, group.rand)

    def leave(self) -> None:
        """Give the fresh keys after all, where an answer with those of a group failed."""
        self.grant = self.own

    def respond(self, reply: Reply) -> bytes:
        """Return the signed response with its envelope."""
        return self.request.respond(reply, self._granted())

    def error(self, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...]) -> bytes:
        """Return the signed Error message."""
        return self.request.error(numbers, offered)

    def _granted(self) -> rsar.Grant:
        if self.grant is None:
            raise LocalError("no keys were made for the request")
        return self.grant


@dataclass(slots=True, kw_only=True)
class SakkeProof:
    """A message of the SAKKE method."""

    request: sakke.VerifiedRequest
    idr: Id

    name = sakke.NAME
    response = None
    always_answered = False
    message_key = None

    @property
    def message(self) -> Message:
        """The request."""
        return self.request.message

    @property
    def credential(self) -> Sakke:
        """What proved it."""
        return self.request.credential

    @property
    def initiator(self) -> Id:
        """Whom the signature proves; an Id without octets where there is none."""
        return self.request.initiator or Id(IdType.BYTE_STRING, b"")

    def open(self, terms: Terms) -> Opened:
        """Take the TGK, after all that costs no pairing (flow 3.1: policies, map)."""
        message = self.message
        policies = policies_of(message.all(Sp), self.credential.compat)
        sessions, names = read_map(message.header.cs_map)
        if isinstance(message.header.cs_map, EmptyMap):
            policies = {0: terms.default}
            sessions = _open_sessions(0, terms.context.lines or 0)
        for policy in used_policies(sessions, policies) if policies else ():
            if not terms.acceptable(policy):
                raise PolicyError(
                    f"SRTP policy {policy.name} is not acceptable here",
                    number=ErrorNumber.INVALID_SPPAR,
                )
        spis = {name.spi for name in names}
        spi = spis.pop() if len(spis) == 1 else b""
        validity = KvSpi(spi) if spi else KvNull()
        key = KeyData(KeyType.TGK, self.request.open(), None, validity)
        rand = message.one(Rand).value
        return Opened((key,), policies, sessions, message.header.csb_id, rand, names)

    def respond(self, _reply: Reply) -> bytes:
        """Raise LocalError: the method has no response."""
        raise LocalError("nobody answers a SAKKE message")

    def error(self, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...]) -> bytes:
        """Return the Error message, signed if the request was."""
        return self.request.error(numbers, offered)


def proven(proof: Proof) -> str:
    """Return who sent a request, "" for somebody who stays unknown; PolicyError (7)."""
    return to_text(proof.initiator) if proof.initiator.data else ""


def _open_sessions(policy_no: int, lines: int) -> tuple[SrtpId, ...]:
    """Return two crypto sessions for each m= line; PolicyError (12) beyond the IDs of a CSB."""
    if 2 * lines > _MOST_SESSIONS:
        raise PolicyError(f"one message cannot key {lines} m= lines", payload="HDR")
    return (SrtpId(policy_no, 0),) * (2 * lines)


def _taken(message: Message, keys: tuple[KeyData, ...], rand: bytes, compat: Compat) -> Opened:
    """Return what a message says by itself."""
    header = message.header
    policies = policies_of(message.all(Sp), compat)
    return Opened(keys, policies, sessions_of(header), header.csb_id, rand)
