"""Diffie-Hellman under a pre-shared key (RFC 4650).

    I_MESSAGE = HDR, T, RAND, [IDi], IDr, {SP}, DHi, KEMAC
    R_MESSAGE = HDR, T, [IDr], IDi, DHr, DHi, KEMAC

KEMAC is empty but for its MAC, which covers the message alone. An update has the same form
without RAND; without DH values, too, it leaves the TGK (RFC 4650 3.1).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, final

from mikey.credentials import FetchCertificate
from mikey.errors import (
    AuthenticationError,
    DecodeError,
    LibraryError,
    ReportedError,
    UnsupportedError,
)
from mikey.methods._common import dh_values
from mikey.methods._common.dh_exchange import DhOpening, DhRequest
from mikey.methods._common.dh_values import DEFAULT_GROUPS, Half, make_half
from mikey.methods._common.error_message import build_error, error_parts, reported_numbers
from mikey.methods._common.exchange import (
    Completion,
    Draft,
    Reply,
    Surroundings,
    check_answers,
)
from mikey.methods._common.message_keys import MessageKeys
from mikey.policy import Compat
from mikey.registry import DataType, DhGroup, EncrAlg, ErrorNumber, MacAlg
from mikey.values import quick_init
from mikey.wire import (
    Dh,
    Err,
    GeneralExtension,
    Hdr,
    Id,
    Kemac,
    Message,
    Payload,
    Rand,
    Sp,
    T,
    encode,
)

__all__ = [
    "DEFAULT_GROUPS",
    "NAME",
    "REQUEST",
    "RESPONSE",
    "Half",
    "Opening",
    "VerifiedRequest",
    "build_request",
    "check_request",
    "make_half",
    "request_ids",
    "verify_request",
]

NAME = "DHHMAC"
REQUEST = DataType.DHHMAC_INIT
RESPONSE = DataType.DHHMAC_RESP

_ALG: Final = MacAlg.HMAC_SHA_1_160
_MAC_OCTETS: Final = 20
_ALLOWED: Final = (T, Rand, Id, Sp, Dh, Kemac, Err, GeneralExtension)
# RFC 4650 4.2.a prints 2 for NULL encryption and 0 for HMAC-SHA-1; IANA has 0 and 1.
_LITERAL_NULL: Final = 2


@final
@quick_init
@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Opening(DhOpening):
    """An I_MESSAGE that was sent; its IDr is mandatory."""

    idr: Id
    _keys: MessageKeys = field(repr=False)
    _compat: Compat

    def needed(self, _message: Message) -> tuple[FetchCertificate, ...]:
        """No certificate has a part in this."""
        return ()

    def receive(self, message: Message, _around: Surroundings) -> Completion:
        """Verify the R_MESSAGE and make the TGK; no exponentiation before the MAC held.

        Raises DecodeError for another T, IDi or DHi than ours, PolicyError (7) for another
        responder, AuthenticationError.
        """
        check_answers(message, RESPONSE, self.header, self.t, self._compat)
        _check_form(message)
        if message.get(Rand) is not None:
            raise DecodeError("a DHHMAC response has no RAND", number=None, payload="RAND")
        _, theirs = self.check_answer(message)
        _check_mac(message, self._keys)
        return self.complete(self.idr, theirs)

    def read_error(self, message: Message, _around: Surroundings) -> ReportedError:
        """Read an Error message; one that ends in KEMAC is authenticated (R4650-4.1-2)."""
        numbers = reported_numbers(message, self.t)
        authenticated = message.get(Kemac) is not None
        if authenticated:
            _check_form(message)
            _check_mac(message, self._keys)
        return ReportedError(numbers, authenticated=authenticated, offered=message.all(Sp))


def build_request(
    draft: Draft,
    keys: MessageKeys,
    half: Half | None,
    *,
    idi: Id,
    rand: bytes,
    compat: Compat,
) -> Opening:
    """Build an I_MESSAGE; `half` None makes the update that leaves the TGK.

    `keys` come from the pre-shared key; `idi` is ours, which `draft` may leave out; its IDr is
    mandatory (R4650-3-1). Raises LibraryError without it.
    """
    if draft.idr is None or draft.certs:
        raise LibraryError("a DHHMAC message names its responder, and has no certificates")
    own: tuple[Payload, ...] = () if half is None else (half.payload,)
    return Opening(
        octets=_build(draft.header, (*draft.payloads(), *own), keys),
        header=draft.header,
        t=draft.t,
        idi=idi,
        idr=draft.idr,
        half=half,
        rand=rand,
        _keys=keys,
        _compat=compat,
    )


def check_request(message: Message, *, groups: Collection[DhGroup] = DEFAULT_GROUPS) -> None:
    """Do all that costs no cryptography: payloads, order, algorithms, DH group and value.

    Raises DecodeError (12), UnsupportedError (3, 4, 6).
    """
    message.one(T)
    _check_form(message)
    request_ids(message)
    dh_values.check_offered(message, groups)


def request_ids(message: Message) -> tuple[Id | None, Id]:
    """Return IDi and IDr of an I_MESSAGE: a lone ID is IDr, which is mandatory (R3830-6.7-8).

    Raises DecodeError.
    """
    ids = message.all(Id)
    if not ids:
        raise DecodeError("a DHHMAC message names its responder", payload="ID")
    return (ids[0], ids[1]) if len(ids) == 2 else (None, ids[0])


@final
class VerifiedRequest(DhRequest):
    """An I_MESSAGE whose MAC was right. Not for two threads at a time."""

    __slots__ = ("_keys",)

    def __init__(self, message: Message, keys: MessageKeys) -> None:
        super().__init__(message)
        self._keys = keys

    def respond(self, reply: Reply, idi: Id) -> bytes:
        """Return the R_MESSAGE, which names the Initiator in any case. After `keys`."""
        t = self.message.one(T)
        names = (idi,) if reply.idr is None else (reply.idr, idi)
        payloads = (t, *names, *reply.extensions, *self.answered())
        return _build(reply.header, payloads, self._keys)

    def error(
        self,
        numbers: tuple[ErrorNumber, ...],
        offered: tuple[Sp, ...] = (),
        *,
        authenticate: bool = False,
    ) -> bytes:
        """Return the Error message, with KEMAC only where the peer is known to take it.

        V has no place in this method, and KEMAC is in the RFC's list without a word on errors
        (R4650-4.1-2).
        """
        header, t = self.message.header, self.message.one(T)
        if not authenticate:
            return build_error(header, t, numbers)
        return _build(*error_parts(header, t, numbers, offered), self._keys)


def verify_request(message: Message, keys: MessageKeys) -> VerifiedRequest:
    """Check the MAC of an I_MESSAGE that passed `check_request`; raises AuthenticationError."""
    _check_mac(message, keys)
    return VerifiedRequest(message, keys)


def _check_form(message: Message) -> Kemac:
    """Check the payload types (R4650-4.1-1), and that the message ends in a MAC of 20 octets.

    The registered numbers and those that RFC 4650 prints are the same, and nothing else is:
    no pair of numbers ever means that there is no MAC (R4650-4.2-2).
    """
    for payload in message.payloads:
        if not isinstance(payload, _ALLOWED):
            raise DecodeError("a payload has no place in a DHHMAC message")
    kemac = message.payloads[-1]
    if not isinstance(kemac, Kemac):
        raise DecodeError("the last payload of a DHHMAC message is KEMAC", payload="KEMAC")
    if kemac.encr_data:
        raise DecodeError("KEMAC of a DHHMAC message carries no data", payload="KEMAC")
    literal = kemac.has_rfc4650_mac and kemac.encr_alg == _LITERAL_NULL
    if not literal and kemac.encr_alg is not EncrAlg.NULL:
        raise UnsupportedError(
            "KEMAC of a DHHMAC message is not encrypted",
            number=ErrorNumber.INVALID_EA,
            payload="KEMAC",
        )
    if not literal and kemac.mac_alg is not _ALG:
        raise UnsupportedError(
            "a DHHMAC message has an HMAC-SHA-1 of 160 bits",
            number=ErrorNumber.INVALID_MAC,
            payload="KEMAC",
        )
    return kemac


def _build(header: Hdr, payloads: tuple[Payload, ...], keys: MessageKeys) -> bytes:
    """Return the message that ends in KEMAC with the registered numbers."""
    kemac = Kemac(EncrAlg.NULL, b"", _ALG, bytes(_MAC_OCTETS))
    octets = encode(header, (*payloads, kemac))[:-_MAC_OCTETS]
    return octets + keys.mac(_ALG, octets)


def _check_mac(message: Message, keys: MessageKeys) -> None:
    mac = message.one(Kemac).mac
    if len(mac) != _MAC_OCTETS:
        raise AuthenticationError
    keys.check_mac(_ALG, message.octets[:-_MAC_OCTETS], mac)
