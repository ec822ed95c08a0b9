"""The signed Diffie-Hellman method (RFC 3830 3.3, 4.5).

    I_MESSAGE = HDR, T, RAND, [IDi|{CERTi}], [IDr], {SP}, DHi, SIGNi
    R_MESSAGE = HDR, T, [IDr|{CERTr}], IDi, DHr, DHi, SIGNr

An update has the same form without RAND; without DH values, too, it leaves the TGK.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import final

from mikey.credentials import Certificate, Certified, FetchCertificate
from mikey.errors import DecodeError, LibraryError, PolicyError, ReportedError
from mikey.methods._common import certificates, dh_values, signature
from mikey.methods._common.dh_values import DEFAULT_GROUPS, Answer, Half, make_half
from mikey.methods._common.exchange import (
    Completion,
    Draft,
    Random,
    Reply,
    Surroundings,
    check_answers,
    refuse_strangers,
)
from mikey.methods._common.identities import dh_response_ids, to_id
from mikey.methods._common.signed_error import (
    build_signed_error,
    needed_in_answer,
    read_signed_error,
)
from mikey.registry import DataType, DhGroup, ErrorNumber
from mikey.secret import Secret
from mikey.wire import Dh, Hdr, Id, Kemac, KeyData, Message, Payload, Pke, Rand, Sp, T, V

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
    "verify_request",
]

NAME = "DH-SIGN"
REQUEST = DataType.DH_INIT
RESPONSE = DataType.DH_RESP


@final
@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Opening:
    """An I_MESSAGE that was sent (see `exchange.Opening`); it holds our exponent."""

    octets: bytes = field(repr=False)
    _header: Hdr
    _t: T
    _idi: Id
    _idr: Id | None
    _half: Half | None = field(repr=False)
    _rand: bytes = field(repr=False)
    _credential: Certified = field(repr=False)

    @property
    def early_keys(self) -> tuple[KeyData, ...]:
        """No keys: the response makes them."""
        return ()

    @property
    def message_key(self) -> Secret | None:
        """None: there is no envelope."""
        return None

    def needed(self, message: Message) -> tuple[FetchCertificate, ...]:
        """Return the certificates to fetch before `receive` or `read_error`; PeerError."""
        return needed_in_answer(message, RESPONSE, self._header, self._t, self._credential.compat)

    def receive(self, message: Message, around: Surroundings) -> Completion:
        """Verify the R_MESSAGE and make the TGK; no exponentiation before the signature held.

        Raises DecodeError for another T, IDi or DHi than ours, PolicyError (7, 8) for a
        responder or certificate that is not acceptable, AuthenticationError.
        """
        check_answers(message, RESPONSE, self._header, self._t, self._credential.compat)
        signature.check_form(message)
        refuse_strangers(message, (Kemac, Pke, V, Rand), NAME)
        certificates.needed(message)
        idr, idi = dh_response_ids(message)
        if idi != self._idi:
            raise DecodeError("the response is for another initiator", number=None, payload="ID")
        if None not in (idr, self._idr) and idr != self._idr:
            raise PolicyError(
                "the response names another responder", number=ErrorNumber.INVALID_ID, payload="ID"
            )
        theirs = dh_values.check_answered(message, self._half)
        claimed = idr or self._idr
        signer = certificates.verify_sender(message, self._credential, claimed, around)
        keys = (self._half.tgk(theirs),) if self._half is not None and theirs is not None else ()
        return Completion(
            keys=keys, idr=signer.identity, rand=self._rand, csb_id=self._header.csb_id
        )

    def read_error(self, message: Message, around: Surroundings) -> ReportedError:
        """Read an Error message, which ends in SIGNr if the Responder verified ours."""
        return read_signed_error(message, self._t, self._credential, self._idr, around)


def build_request(
    draft: Draft, credential: Certified, half: Half | None, *, rand: bytes
) -> Opening:
    """Build an I_MESSAGE; `half` None makes the update that leaves the TGK.

    `rand` is the one in `draft`, in an update that of the CSB. Without an IDr in `draft`
    whoever the peer of `credential` allows may answer. Raises LocalError.
    """
    own: tuple[Payload, ...] = () if half is None else (half.payload,)
    octets = signature.build_signed(draft.header, (*draft.payloads(), *own), credential)
    return Opening(
        octets=octets,
        _header=draft.header,
        _t=draft.t,
        _idi=draft.idi or to_id(credential.identity),
        _idr=draft.idr,
        _half=half,
        _rand=rand,
        _credential=credential,
    )


def check_request(message: Message, *, groups: Collection[DhGroup] = DEFAULT_GROUPS) -> None:
    """Do all that costs no cryptography: payloads, order, DH group and value, limits.

    Raises DecodeError (12), UnsupportedError (0, 6), PolicyError (8).
    """
    message.one(T)
    signature.check_form(message)
    refuse_strangers(message, (Kemac, Pke, V), NAME)
    certificates.needed(message)
    dh_values.check_offered(message, groups)


@final
class VerifiedRequest:
    """An I_MESSAGE whose signature was right; `initiator` is whom its certificate proves.

    Not for two threads at a time.
    """

    __slots__ = ("_answer", "_credential", "certificate", "initiator", "message")

    def __init__(
        self, message: Message, credential: Certified, certificate: Certificate, initiator: Id
    ) -> None:
        self.message = message
        self.certificate = certificate
        self.initiator = initiator
        self._credential = credential
        self._answer: Answer | None = None

    def keys(self, random: Random) -> tuple[KeyData, ...]:
        """Make our half and the TGK; () for an update that leaves it."""
        if self._answer is None:
            self._answer = dh_values.answer(self.message.get(Dh), random)
        return self._answer.keys

    def respond(self, reply: Reply) -> bytes:
        """Return the R_MESSAGE, which names the Initiator in any case. After `keys`."""
        if self._answer is None:
            raise LibraryError("our half of the exchange was not made")
        payloads = (
            self.message.one(T),
            *reply.identity(),
            self.initiator,
            *reply.extensions,
            *self._answer.payloads,
        )
        return signature.build_signed(reply.header, payloads, self._credential)

    def error(self, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...] = ()) -> bytes:
        """Return the Error message, signed."""
        return build_signed_error(self.message, numbers, offered, self._credential)


def verify_request(
    message: Message, credential: Certified, around: Surroundings, *, initiator: Id | None
) -> VerifiedRequest:
    """Check certificate and signature of an I_MESSAGE that passed `check_request`.

    `initiator` is who message or carrier say it is from, None where neither does. Raises
    PolicyError (7, 8) for an initiator or a certificate that does not hold,
    AuthenticationError for the signature.
    """
    signer = certificates.verify_sender(message, credential, initiator, around)
    return VerifiedRequest(message, credential, signer.certificate, signer.identity)
