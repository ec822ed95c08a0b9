"""MIKEY-SAKKE: one message, to an identity and signed by one (RFC 6509).

    I_MESSAGE = HDR, T, RAND, [IDRi], [IDRr], [IDRkmsi], [IDRkmsr], [CERT], {SP}, SAKKE, SIGN

There is no response. Both identities, with the key period that T lies in, are the public keys:
the Responder's for SAKKE under the key of its KMS, the Initiator's for ECCSI under the key of
its own. TGK is the Shared Secret Value that SAKKE encapsulates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from mikey.credentials import FetchCertificate, Kms, Sakke, SakkeKeys
from mikey.errors import (
    AuthenticationError,
    DecodeError,
    LocalError,
    PolicyError,
    ReportedError,
    TimestampError,
    UnsupportedError,
)
from mikey.methods._common import certificates, signature
from mikey.methods._common.error_message import build_error, error_parts, reported_numbers
from mikey.methods._common.exchange import (
    Completion,
    Draft,
    Random,
    Surroundings,
    refuse_strangers,
)
from mikey.methods._common.identities import to_id, to_text
from mikey.methods._common.signed_error import build_signed_error, read_signed_error
from mikey.policy import Compat
from mikey.policy.clock import ns_from_t
from mikey.registry import (
    DataType,
    ErrorNumber,
    IdRole,
    IdType,
    SakkeParams,
    SignType,
    TsType,
)
from mikey.secret import Secret
from mikey.values import quick_init
from mikey.wire import (
    Cert,
    Chash,
    Dh,
    Err,
    Hdr,
    Id,
    Idr,
    Kemac,
    KeyData,
    Message,
    Payload,
    Pke,
    Rand,
    Sign,
    Sp,
    T,
    V,
)
from mikey.wire import Sakke as SakkePayload

NAME = "SAKKE"
REQUEST = DataType.SAKKE

SSV_OCTETS = 16
"""Octets of a Shared Secret Value under parameter set 1, and so of the TGK (R6509-3.1-1)."""

_DATA_OCTETS = 273  # R6508-4-2
_SIGNATURE_OCTETS = 129  # R6507-3.3-1
_STRANGERS = (Kemac, Pke, Dh, V, Id, Chash, Err)
_TS_TYPES = (TsType.NTP_UTC, TsType.NTP)
_ROLES = (IdRole.INITIATOR, IdRole.RESPONDER, IdRole.INITIATOR_KMS, IdRole.RESPONDER_KMS)
_RSA = (SignType.RSA_PKCS_1_V1_5, SignType.RSA_PSS)


@final
@quick_init
@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Opening:
    """An I_MESSAGE that was sent (see `exchange.Opening`). No response comes, at most an error."""

    octets: bytes = field(repr=False)
    early_keys: tuple[KeyData, ...] = field(repr=False)
    _t: T
    _peer: str
    _kms: Kms
    _credential: Sakke = field(repr=False)

    @property
    def message_key(self) -> Secret | None:
        """None: there is no envelope."""
        return None

    def needed(self, message: Message) -> tuple[FetchCertificate, ...]:
        """Return the certificates to fetch before a signed Error message is verified."""
        if self._credential.signer is None or message.get(Cert) is None:
            return ()
        reported_numbers(message, self._t)
        return certificates.needed(message)

    def receive(self, message: Message, _around: Surroundings) -> Completion:
        """Raise DecodeError: the method has no response."""
        raise DecodeError(
            f"{message.header.data_type.label} answers no {NAME} message", number=None
        )

    def read_error(self, message: Message, around: Surroundings) -> ReportedError:
        """Read an Error message, which ends in SIGN if the Responder verified ours.

        Raises DecodeError for one that answers nothing of ours, AuthenticationError and
        PolicyError for a signature that does not hold.
        """
        sign = message.get(Sign)
        if sign is not None and sign.s_type is not SignType.ECCSI:
            if self._credential.signer is None:
                return ReportedError(reported_numbers(message, self._t), authenticated=False)
            signer = self._credential.signer
            return read_signed_error(message, self._t, signer, to_id(self._peer), around)
        numbers = reported_numbers(message, self._t)
        if sign is not None:
            _check_length(message, sign)
            identifier = self._kms.identifier(self._peer, ns_from_t(self._t))
            _verify(message, sign, self._kms, identifier, self._credential.compat)
        return ReportedError(numbers, authenticated=sign is not None, offered=message.all(Sp))


def build_request(draft: Draft, ssv: Secret, credential: Sakke, *, random: Random) -> Opening:
    """Build an I_MESSAGE that brings `ssv` to the peer of `credential` (RFC 6509 2.2.1).

    Raises LocalError where keys for the period of T, or the public keys of the peer's KMS, are
    not here.
    """
    recipient = recipient_of(credential, draft.t)
    data = recipient.kms.sakke.encapsulate(recipient.identifier, ssv)
    octets = build_message(draft, data, recipient, credential, random=random)
    return Opening(
        octets=octets,
        early_keys=(),
        _t=draft.t,
        _peer=recipient.uri,
        _kms=recipient.kms,
        _credential=credential,
    )


@quick_init
@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom a message goes: the URI, the KMS, and the identifier in the period of T."""

    uri: str
    kms: Kms
    identifier: bytes


def recipient_of(
    credential: Sakke, t: T, uri: str | None = None, kms: str | None = None
) -> Recipient:
    """Return the recipient `uri` at `kms`, by default the peer of `credential`, at a time.

    Raises LocalError for a T of no use (R6509-2.2.1-2), a KMS whose public keys are not here, and
    a URI that is no identity of its scheme.
    """
    if t.ts_type not in _TS_TYPES:
        raise LocalError("SAKKE needs a clock whose timestamps are NTP-UTC or NTP")
    at = ns_from_t(t)
    uri = credential.peer if uri is None else uri
    name = kms or credential.peer_kms or credential.home
    found = credential.find_kms(name, at)
    if found is None:
        raise LocalError(f"the public keys of the KMS {name} are not here")
    try:
        return Recipient(uri, found, found.identifier(uri, at))
    except PolicyError as error:
        raise LocalError(f"{uri}: {error.reason}") from None


def build_message(
    draft: Draft, data: bytes, recipient: Recipient, credential: Sakke, *, random: Random
) -> bytes:
    """Return the message that brings the Encapsulated Data `data`, signed; raises LocalError."""
    keys = _our_keys(credential, recipient, ns_from_t(draft.t))
    scheme = recipient.kms.scheme.number
    payloads: list[Payload] = [draft.t]
    if draft.rand is not None:
        payloads.append(draft.rand)
    payloads += _names(credential, recipient, keys)
    signer = None if credential.anonymous else credential.signer
    if signer is not None:
        payloads += signer.cert_payloads()
    payloads += draft.policies
    payloads.append(SakkePayload(SakkeParams.SET_1, scheme, data))
    payloads += draft.extensions
    if credential.anonymous:
        return Message.build(draft.header, payloads).octets
    if signer is not None:
        return signature.build_signed(draft.header, payloads, signer)
    if keys is None:
        raise LocalError("no key to sign with is here for the key period of now")
    if keys.kms.scheme.number is not scheme:
        raise LocalError("both parties of a message have identifiers of one scheme")
    return _signed(draft.header, payloads, keys, credential.compat, random)


def check_request(message: Message, *, allow_unsigned: bool = False) -> None:
    """Do all that costs no cryptography: payloads, types, lengths.

    Raises TimestampError for a T that has no date (R6509-2.2.1-2), DecodeError (13),
    UnsupportedError (0 for another signature, 13 for other parameters), PeerError (8) for
    certificates beyond the limits.
    """
    number = message.header.malformed_number
    t = message.one(T)
    if t.ts_type not in _TS_TYPES:
        raise TimestampError(f"{NAME} takes no timestamp of type {t.ts_type.label}", payload="T")
    message.one(Rand)
    refuse_strangers(message, _STRANGERS, NAME)
    for role in _ROLES:
        if len(_of_role(message, role)) > 1:
            raise DecodeError(f"two identities of role {role.label}", number=number, payload="IDR")
    sakke = message.one(SakkePayload)
    if sakke.params is not SakkeParams.SET_1:
        raise UnsupportedError(
            f"SAKKE parameter set {sakke.params} is not supported", number=number, payload="SAKKE"
        )
    if len(sakke.data) != _DATA_OCTETS:
        raise DecodeError(
            f"{len(sakke.data)} octets of SAKKE data where {_DATA_OCTETS} are due",
            number=number,
            payload="SAKKE",
        )
    _check_sign(message, allow_unsigned=allow_unsigned)


def request_ids(message: Message) -> tuple[Id | None, Id | None]:
    """Return IDRi and IDRr as ID payloads; nothing is verified. Without SIGN nobody is named."""
    signed = message.get(Sign) is not None
    idi = _id_of(message, IdRole.INITIATOR) if signed else None
    return idi, _id_of(message, IdRole.RESPONDER)


@final
class VerifiedRequest:
    """An I_MESSAGE whose signature was right, or that may do without (`initiator` None).

    `kms` is the URI of the KMS under whose key the Initiator signed, None for other signatures.
    `expires` is when its age alone makes it useless, in nanoseconds since 1970: a key period
    after T.
    """

    __slots__ = ("_around", "_keys", "credential", "expires", "initiator", "kms", "message")

    def __init__(
        self,
        message: Message,
        credential: Sakke,
        keys: SakkeKeys,
        initiator: Id | None,
        around: Surroundings,
        kms: str | None = None,
    ) -> None:
        self.message = message
        self.credential = credential
        self.initiator = initiator
        self.kms = kms
        self._keys = keys
        self._around = around
        at = ns_from_t(message.one(T))
        self.expires = at + _length(keys, at)

    def open(self) -> Secret:
        """Return the SSV; AuthenticationError if it was made for somebody else (R6508-6.2.2-1)."""
        return self._keys.receiver.decapsulate(self.message.one(SakkePayload).data)

    def error(self, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...] = ()) -> bytes:
        """Return the Error message, signed as the request was if we can (RFC 3830 5.1.2)."""
        sign = self.message.get(Sign)
        credential, header, t = self.credential, self.message.header, self.message.one(T)
        if sign is None:
            return build_error(header, t, numbers)
        if sign.s_type is not SignType.ECCSI and credential.signer is not None:
            return build_signed_error(self.message, numbers, offered, credential.signer)
        if self._keys.signing is None or self._around.random is None:
            return build_error(header, t, numbers, offered)
        parts = error_parts(header, t, numbers, offered)
        return _signed(*parts, self._keys, credential.compat, self._around.random)


def find_keys(message: Message, credential: Sakke, around: Surroundings) -> SakkeKeys:
    """Return our keys for a message that passed `check_request`; nothing is verified.

    That is those of the KMS in IDRkmsr, else of our own, for the month of T and the scheme of the
    message, if messages of that key period are taken at this time (R6509-3.3-2). Raises
    TimestampError for the key period, PolicyError (7) where it is for keys that we do not have,
    UnsupportedError (13) for the scheme.
    """
    at = ns_from_t(message.one(T))
    scheme = message.one(SakkePayload).id_scheme
    name = _kms_of(message, IdRole.RESPONDER_KMS) or credential.home
    served = [k.kms.scheme for k in credential.keys if k.kms.uri == name]
    if not served:
        raise PolicyError(
            "the message is for keys of another KMS", number=ErrorNumber.INVALID_ID, payload="IDR"
        )
    schemes = [s for s in served if s.number is scheme]
    if not schemes:
        raise UnsupportedError(
            f"SAKKE ID scheme {scheme} is not supported here",
            number=message.header.malformed_number,
            payload="SAKKE",
        )
    keys = credential.find_keys(name, at, scheme)
    if around.stored:
        fits = keys is not None and around.now < at + _length(keys, at)
    else:
        fits = any(each.acceptable(at, around.now) for each in schemes)
    if not fits:
        raise TimestampError("the message is of a key period that is not taken now", payload="T")
    if keys is None:
        label = schemes[0].label(schemes[0].period(at))
        raise PolicyError(
            f"no keys of ours for {label}", number=ErrorNumber.INVALID_ID, payload="SAKKE"
        )
    return keys


def verify_request(
    message: Message,
    credential: Sakke,
    keys: SakkeKeys,
    around: Surroundings,
    *,
    initiator: Id | None,
) -> VerifiedRequest:
    """Check the signature of an I_MESSAGE that passed `check_request`.

    `keys` are those of `find_keys`, `initiator` is who message or carrier say it is from, None
    where neither does. Raises PolicyError (7, 8; 0 for a KMS that is not known here, or is not
    the peer's), AuthenticationError for the signature. No pairing is computed.
    """
    sign = message.get(Sign)
    if sign is None:
        return VerifiedRequest(message, credential, keys, None, around)
    if sign.s_type is not SignType.ECCSI:
        if credential.signer is None:
            raise PolicyError(
                "no certificate authority is known here", number=ErrorNumber.INVALID_CERT
            )
        peer = certificates.verify_sender(message, credential.signer, initiator, around)
        return VerifiedRequest(message, credential, keys, peer.identity, around)
    if initiator is None:
        raise PolicyError(
            "the message does not say who it is from", number=ErrorNumber.INVALID_ID, payload="IDR"
        )
    at = ns_from_t(message.one(T))
    default = credential.peer_kms or credential.home
    name = _kms_of(message, IdRole.INITIATOR_KMS) or default
    kms = credential.find_kms(name, at, keys.kms.scheme.number)
    if kms is None or not credential.believes(name):
        raise PolicyError(
            "the KMS that vouches for the Initiator is not known here, or not the peer's",
            number=ErrorNumber.AUTH_FAILURE,
            payload="IDR",
        )
    uri = to_text(initiator)
    if kms.scheme.normal(uri) != uri:
        raise PolicyError(
            f"{uri} is not the form of that identity", number=ErrorNumber.INVALID_ID, payload="IDR"
        )
    _verify(message, sign, kms, kms.identifier(uri, at), credential.compat)
    return VerifiedRequest(message, credential, keys, initiator, around, kms.uri)


def _names(credential: Sakke, recipient: Recipient, keys: SakkeKeys | None) -> list[Idr]:
    """Return IDRi, IDRr, IDRkmsi and IDRkmsr, as far as they are sent (R6509-2.2.1-5)."""
    names: list[Idr] = []
    if credential.send_ids:
        if not credential.anonymous:
            names.append(_idr(IdRole.INITIATOR, credential.identity))
        names.append(_idr(IdRole.RESPONDER, recipient.uri))
    if credential.send_kms:
        by_certificate = credential.signer is not None  # and then no KMS is its root
        if keys is not None and not credential.anonymous and not by_certificate:
            names.append(_idr(IdRole.INITIATOR_KMS, keys.kms.uri))
        names.append(_idr(IdRole.RESPONDER_KMS, recipient.kms.uri))
    return names


def _idr(role: IdRole, text: str) -> Idr:
    if role in (IdRole.INITIATOR_KMS, IdRole.RESPONDER_KMS):
        return Idr(role, IdType.URI, text.encode())
    identity = to_id(text)
    return Idr(role, identity.id_type, identity.data)


def _our_keys(credential: Sakke, recipient: Recipient, at: int) -> SakkeKeys | None:
    """Return the keys that we sign with: of the recipient's KMS if it gave us any, else our own."""
    for scheme in (recipient.kms.scheme.number, None):
        for name in (recipient.kms.uri, credential.home):
            keys = credential.find_keys(name, at, scheme)
            if keys is not None and keys.signing is not None:
                return keys
    return None


def _of_role(message: Message, role: IdRole) -> list[Idr]:
    return [idr for idr in message.all(Idr) if idr.role is role]


def _id_of(message: Message, role: IdRole) -> Id | None:
    found = _of_role(message, role)
    return Id(found[0].id_type, found[0].data) if found else None


def _kms_of(message: Message, role: IdRole) -> str | None:
    found = _id_of(message, role)
    return None if found is None else to_text(found)


def _length(keys: SakkeKeys, at: int) -> int:
    """Return the nanoseconds of the key period that a time lies in."""
    scheme = keys.kms.scheme
    period = scheme.period(at)
    return scheme.start(period + 1) - scheme.start(period)


def _check_sign(message: Message, *, allow_unsigned: bool) -> None:
    sign = message.payloads[-1]
    if not isinstance(sign, Sign):
        if allow_unsigned:
            return
        raise DecodeError(
            "the last payload of a signed message is SIGN",
            number=message.header.malformed_number,
            payload="SIGN",
        )
    if sign.s_type is SignType.ECCSI:
        _check_length(message, sign)
        if message.get(Cert) is not None:
            raise DecodeError(
                "certificates stand beside a signature by identity",
                number=message.header.malformed_number,
                payload="CERT",
            )
    elif sign.s_type in _RSA:
        certificates.needed(message)
    else:
        raise UnsupportedError(
            f"signatures of type {sign.s_type.label} are not supported",
            number=ErrorNumber.AUTH_FAILURE,
            payload="SIGN",
        )


def _check_length(message: Message, sign: Sign) -> None:
    if len(sign.signature) != _SIGNATURE_OCTETS:
        raise DecodeError(
            f"an ECCSI signature has {_SIGNATURE_OCTETS} octets",
            number=message.header.malformed_number,
            payload="SIGN",
        )


def _signed(
    header: Hdr,
    payloads: Sequence[Payload],
    keys: SakkeKeys,
    compat: Compat,
    random: Random,
) -> bytes:
    """Return the message that ends in our ECCSI signature (R6509-2.2.1-4)."""
    if keys.signing is None:
        raise LocalError("these keys do not sign")
    blank = Sign(SignType.ECCSI, bytes(_SIGNATURE_OCTETS))
    front = Message.build(header, (*payloads, blank)).octets[:-_SIGNATURE_OCTETS]
    covered = front[: -Sign.HEADER_OCTETS] if compat.sign_without_head else front
    return front + keys.signing.sign(covered, random)


def _verify(message: Message, sign: Sign, kms: Kms, identifier: bytes, compat: Compat) -> None:
    """Check an ECCSI signature over the received octets; AuthenticationError."""
    covered = signature.unsigned(message)
    try:
        kms.eccsi.verify(identifier, covered, sign.signature)
    except AuthenticationError:
        if not compat.sign_without_head:
            raise
        kms.eccsi.verify(identifier, covered[: -Sign.HEADER_OCTETS], sign.signature)
