"""The RSA-R method: the Responder makes the keys (RFC 4738).

    unicast  I_MESSAGE = HDR, T, [RAND], [IDi|{CERTi}], [IDr], {SP}, SIGNi
             R_MESSAGE = HDR, T, [RAND], [IDr|{CERTr}], [SP], KEMAC, PKE, SIGNr
    group    I_MESSAGE = HDR, T, [RAND], [IDi|{CERTi}], [IDr], SIGNi
             R_MESSAGE = HDR, GenExt(CSB_ID), T, RAND, [IDr|{CERTr}], SP, KEMAC, PKE, SIGNr

SIGNr covers R_MESSAGE || IDi || IDr || T. There is no update: where the envelope key was cached
it is the pre-shared key of one, else a new CSB is made (R4738-3.6-14).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import final

from mikey.credentials import ANY, Certificate, Certified, FetchCertificate
from mikey.errors import (
    AuthenticationError,
    DecodeError,
    LibraryError,
    PeerError,
    PolicyError,
    ReportedError,
)
from mikey.methods._common import certificates, envelope, signature
from mikey.methods._common.exchange import (
    Completion,
    Draft,
    Reply,
    Surroundings,
    check_answers,
    refuse_strangers,
)
from mikey.methods._common.identities import lone_id, to_id
from mikey.methods._common.message_keys import MessageKeys
from mikey.methods._common.signed_error import (
    build_signed_error,
    needed_in_answer,
    read_signed_error,
)
from mikey.policy import Compat, SrtpPolicy, choices, srtp_policy
from mikey.policy.clock import value64
from mikey.registry import (
    CacheType,
    DataType,
    EncrAlg,
    ErrorNumber,
    ExtensionType,
    MacAlg,
    ProtType,
)
from mikey.secret import Secret
from mikey.values import quick_init
from mikey.wire import (
    CsbIdExtension,
    Dh,
    GeneralExtension,
    Hdr,
    Id,
    Kemac,
    KeyData,
    Message,
    Payload,
    Pke,
    Rand,
    Sign,
    Sp,
    SrtpIdMap,
    T,
    V,
)

NAME = "RSA-R"
REQUEST = DataType.RSA_R_INIT
RESPONSE = DataType.RSA_R_RESP


@final
@quick_init
@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Opening:
    """An I_MESSAGE that was sent (see `exchange.Opening`)."""

    octets: bytes = field(repr=False)
    _draft: Draft = field(repr=False)
    _idi: Id
    _credential: Certified = field(repr=False)

    @property
    def early_keys(self) -> tuple[KeyData, ...]:
        """No keys: the response brings them."""
        return ()

    @property
    def message_key(self) -> Secret | None:
        """None: the envelope comes with the response."""
        return None

    def needed(self, message: Message) -> tuple[FetchCertificate, ...]:
        """Return the certificates to fetch before `receive` or `read_error`; PeerError."""
        draft = self._draft
        return needed_in_answer(message, RESPONSE, draft.header, draft.t, self._credential.compat)

    def receive(self, message: Message, around: Surroundings) -> Completion:
        """Verify the R_MESSAGE and open its envelope, in this order.

        Raises DecodeError for another T and for a RAND, SP or map that the request does not
        allow, PolicyError (3, 4, 7, 8), AuthenticationError for signature, envelope, and an
        identity in it that is not the one outside (R4738-3.6-12).
        """
        draft, credential = self._draft, self._credential
        check_answers(message, RESPONSE, draft.header, draft.t, credential.compat)
        signature.check_form(message)
        refuse_strangers(message, (Dh, V), NAME)
        envelope.check_algorithms(message.one(Kemac))
        pke = message.one(Pke)
        certificates.needed(message)
        csb_id = _new_csb_id(message)
        rand = _agreed_rand(message, draft.rand, group=csb_id is not None)
        _check_policies(message, draft.policies, group=csb_id is not None, compat=credential.compat)
        if csb_id is None:
            _check_map(message.header, draft.header)
        idr = lone_id(message)
        claimed = idr or (to_id(credential.peer) if credential.peer != ANY else draft.idr)
        appended = _appended(self._idi, claimed, draft.t)
        sender = certificates.verify_sender(
            message, credential, claimed, around, *_readings(message, appended)
        )
        # Only now our private key is used.
        env_key, sound = envelope.decrypt_key(pke, credential)
        opened = self._open(message, env_key, rand, csb_id, sound=sound)
        if claimed is not None:
            if opened.identity != claimed:
                raise AuthenticationError
        elif opened.identity not in map(to_id, sender.certificate.identities):
            raise AuthenticationError
        return Completion(
            keys=opened.keys,
            idr=opened.identity,
            rand=rand,
            csb_id=draft.header.csb_id if csb_id is None else csb_id,
            policies=message.all(Sp),
            message_key=None if pke.c is CacheType.NO_CACHE else env_key,
        )

    def read_error(self, message: Message, around: Surroundings) -> ReportedError:
        """Read an Error message, which ends in SIGNr if the Responder verified ours."""
        return read_signed_error(message, self._draft.t, self._credential, self._draft.idr, around)

    def _open(
        self, message: Message, env_key: Secret, rand: bytes, csb_id: int | None, *, sound: bool
    ) -> envelope.Opened:
        """Open KEMAC under the new CSB ID; some peers use the old one for it (R4738-3.6-4)."""
        header = self._draft.header
        t = value64(self._draft.t)
        if csb_id is not None:
            with suppress(AuthenticationError):
                keys = MessageKeys(env_key, header.prf, csb_id, rand)
                return envelope.unseal(message, keys, t, sound=sound)
        keys = MessageKeys(env_key, header.prf, header.csb_id, rand)
        return envelope.unseal(message, keys, t, sound=sound)


def build_request(draft: Draft, credential: Certified) -> Opening:
    """Build an I_MESSAGE; the V flag is set (R4738-3.4-1).

    For a unicast exchange `draft` has a RAND and the SPs to choose from, each an alternative
    for all streams (R4738-3.5-4); for a group neither, and no crypto sessions unless we send
    streams (R4738-3.4-3). IDr is there if nobody else may answer. Raises LocalError.
    """
    if not draft.header.v:
        draft = replace(draft, header=replace(draft.header, v=True))
    return Opening(
        octets=signature.build_signed(draft.header, draft.payloads(), credential),
        _draft=draft,
        _idi=draft.idi or to_id(credential.identity),
        _credential=credential,
    )


def check_request(message: Message) -> None:
    """Do all that costs no cryptography: payloads, order, limits.

    Raises DecodeError (13), UnsupportedError (0), PolicyError (8).
    """
    message.one(T)
    signature.check_form(message)
    refuse_strangers(message, (Kemac, Pke, Dh, V), NAME)
    certificates.needed(message)


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the Responder gives: keys, how they are protected, and what to derive with.

    `env_key` is fresh. `rand` is used where the Responder has to give one, see
    `VerifiedRequest.rand`. `csb_id` makes it the group mode: with it, the same keys, CSB ID,
    map and `rand` go to every member (R4738-3.6-3). `policies` are the chosen SP, or in a
    group those of the group.
    """

    keys: tuple[KeyData, ...] = field(repr=False)
    env_key: Secret
    rand: bytes = field(repr=False)
    csb_id: int | None = None
    policies: tuple[Sp, ...] = ()
    encr_alg: EncrAlg = EncrAlg.AES_CM_128
    mac_alg: MacAlg = MacAlg.HMAC_SHA_1_160
    cache: CacheType = CacheType.NO_CACHE


@final
@quick_init
@dataclass(frozen=True, slots=True, eq=False)
class VerifiedRequest:
    """An I_MESSAGE whose signature was right: the only value that gives keys away.

    `initiator` is whom the certificate proves, `recipient` the certificate to enclose keys for.
    `idr` is whom the message asks for.
    """

    message: Message
    initiator: Id
    recipient: Certificate = field(repr=False)
    idr: Id | None
    _credential: Certified = field(repr=False)

    def check_group(self) -> None:
        """Check that the request may be answered with the keys of a group.

        Raises DecodeError (13) for one that offers policies: those of a group are not to be
        negotiated (R4738-3.2-1).
        """
        if self.message.get(Sp) is not None:
            raise DecodeError(
                "a request for the keys of a group offers no policies",
                number=self.message.header.malformed_number,
                payload="SP",
            )

    def rand(self, grant: Grant) -> bytes:
        """Return the RAND that keys are derived with: in unicast the only one (R4738-3.5-3)."""
        sent = self.message.get(Rand)
        return grant.rand if sent is None or grant.csb_id is not None else sent.value

    def respond(self, reply: Reply, grant: Grant) -> bytes:
        """Return the R_MESSAGE.

        Raises LibraryError where the policies do not fit the mode, LocalError for an envelope
        key that the recipient cannot take, and what our key raises.
        """
        group = grant.csb_id is not None
        if group:
            self.check_group()
        if not grant.policies and (group or self.message.get(Sp) is not None):
            raise LibraryError("an RSA-R response states the policy")
        envelope.check_sent(grant.encr_alg, grant.mac_alg, grant.env_key)
        header, t = self.message.header, self.message.one(T)
        rand = self.rand(grant)
        csb_id = header.csb_id if grant.csb_id is None else grant.csb_id
        idr = reply.idr or self.idr or to_id(self._credential.identity)
        keys = MessageKeys(grant.env_key, header.prf, csb_id, rand)
        payloads: list[Payload] = [t]
        if grant.csb_id is not None:
            data = CsbIdExtension(grant.csb_id).encode()
            payloads.insert(0, GeneralExtension(ExtensionType.CSB_ID, data))
        if group or self.message.get(Rand) is None:
            payloads.append(Rand(rand))
        # Who was not asked for by name says his own: SIGNr covers it (R4738-3.6-11).
        told = reply if self.idr is not None else replace(reply, idr=idr)
        payloads += (*told.identity(), *grant.policies, *reply.extensions)
        algorithms = (grant.encr_alg, grant.mac_alg)
        payloads.append(envelope.seal(idr, grant.keys, keys, value64(t), algorithms))
        sealed = self.recipient.public_key.encrypt(
            grant.env_key, oaep_hash=self._credential.oaep_hash
        )
        payloads.append(Pke(grant.cache, sealed))
        appended = _appended(self.initiator, idr, t)
        return signature.build_signed(reply.header, payloads, self._credential, appended)

    def error(self, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...] = ()) -> bytes:
        """Return the Error message, signed over itself alone (R3830-5.1.2-6)."""
        return build_signed_error(self.message, numbers, offered, self._credential)


def verify_request(
    message: Message,
    credential: Certified,
    around: Surroundings,
    *,
    initiator: Id | None,
    idr: Id | None,
) -> VerifiedRequest:
    """Check certificates and signature of an I_MESSAGE that passed `check_request`.

    `initiator` and `idr` are who message or carrier say it is from and for. Raises PeerError
    (7, 8) for an initiator or a certificate that does not hold, AuthenticationError.
    """
    sender = certificates.verify_sender(message, credential, initiator, around)
    recipient = certificates.recipient(message, credential, sender.identity, around)
    return VerifiedRequest(message, sender.identity, recipient, idr, credential)


def choose_policy(
    message: Message, acceptable: Callable[[SrtpPolicy], bool], compat: Compat
) -> tuple[Sp, SrtpPolicy]:
    """Choose from the policies of an I_MESSAGE: the SP to send back, and what it says.

    Each SP is an alternative for all streams, the one that the map names first is preferred,
    and a Type that stands more than once in it is a list of options (R4738-3.5-4). The SP has
    one value per Type, and its number goes into every entry of the map. Raises PolicyError
    (10) if none is acceptable, or a number stands twice.
    """
    offered = message.all(Sp)
    if len({sp.policy_no for sp in offered}) < len(offered):
        raise _unacceptable("a policy number stands twice")
    cs_map = message.header.cs_map
    first = (
        {entry.policy_no for entry in cs_map.sessions[:1]}
        if isinstance(cs_map, SrtpIdMap)
        else set()
    )
    for sp in sorted(offered, key=lambda sp: sp.policy_no not in first):
        for option in choices(sp):
            with suppress(PeerError):
                policy = srtp_policy(option, compat)
                if acceptable(policy):
                    return option, policy
    raise _unacceptable("none of the offered policies is acceptable")


def _new_csb_id(message: Message) -> int | None:
    """Return the CSB ID of the group, None in a unicast exchange (R4738-3.6-2)."""
    found = [
        CsbIdExtension.parse(item.data).csb_id
        for item in message.all(GeneralExtension)
        if item.ext_type is ExtensionType.CSB_ID
    ]
    if len(found) > 1:
        raise _silent("the response has two CSB IDs")
    return found[0] if found else None


def _agreed_rand(message: Message, sent: Rand | None, *, group: bool) -> bytes:
    """Return the RAND of the exchange.

    In a group it is always the Responder's, in unicast the only one, which is a reason to
    drop an answer with two or none (R4738-3.7-1, R4738-3.7-2).
    """
    received = message.get(Rand)
    if received is not None and (group or sent is None):
        return received.value
    if received is None and sent is not None and not group:
        return sent.value
    raise _silent("one RAND is due in the whole exchange, a group's in the response")


def _check_policies(
    message: Message, offered: tuple[Sp, ...], *, group: bool, compat: Compat
) -> None:
    """Check that the response chose from what was offered, or states a group's policy."""
    chosen = {sp.policy_no: sp for sp in message.all(Sp)}
    if len(chosen) < len(message.all(Sp)):
        raise _silent("a policy number stands twice")
    if group:
        if offered or not chosen:
            raise _silent("a group's answer states its policy, and answers no offer of policies")
        return
    if not offered:
        return
    options = {sp.policy_no: tuple(choices(sp)) for sp in offered}
    if not chosen or not all(
        any(_same(sp, option, compat) for option in options.get(number, ()))
        for number, sp in chosen.items()
    ):
        raise _silent("the response states a policy that was not offered")
    cs_map = message.header.cs_map
    entries = cs_map.sessions if isinstance(cs_map, SrtpIdMap) else ()
    if any(entry.policy_no not in chosen for entry in entries):
        raise _silent("a crypto session has a policy that the response does not state")


def _same(chosen: Sp, option: Sp, compat: Compat) -> bool:
    """Whether an SP says what one of our own says; defaults need not be spelled out."""
    if chosen.prot_type is not option.prot_type:
        return False
    if chosen.params == option.params:
        return True
    if chosen.prot_type is not ProtType.SRTP:
        return sorted(chosen.params) == sorted(option.params)
    try:
        return srtp_policy(chosen, compat) == srtp_policy(option)
    except PeerError:
        return False


def _check_map(answered: Hdr, sent: Hdr) -> None:
    """Check that a unicast answer keeps the streams that we described (R3830-6.1-22).

    The Responder may add streams and fill in what was left open; Policy_no follows its choice.
    """
    if not isinstance(sent.cs_map, SrtpIdMap) or not sent.cs_map.sessions:
        return
    ours = sent.cs_map.sessions
    theirs = answered.cs_map.sessions if isinstance(answered.cs_map, SrtpIdMap) else ()
    if len(theirs) < len(ours) or any(
        mine.ssrc and (mine.ssrc, mine.roc) != (other.ssrc, other.roc)
        for mine, other in zip(ours, theirs, strict=False)
    ):
        raise _silent("the response alters a crypto session that was fixed")


def _appended(idi: Id, idr: Id | None, t: T) -> bytes:
    """Return what SIGNr covers behind the message; an unknown IDr is empty (R4738-3.6-11)."""
    return idi.data + (b"" if idr is None else idr.data) + t.value


def _readings(message: Message, appended: bytes) -> tuple[bytes, bytes]:
    """Return what SIGNr may cover: with the two octets of SIGN's own, or without."""
    front = signature.unsigned(message)
    return front + appended, front[: -Sign.HEADER_OCTETS] + appended


def _silent(reason: str) -> DecodeError:
    return DecodeError(reason, number=None)


def _unacceptable(reason: str) -> PolicyError:
    return PolicyError(reason, number=ErrorNumber.INVALID_SPPAR, payload="SP")
