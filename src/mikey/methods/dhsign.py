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
from mikey.errors import ReportedError
from mikey.methods._common import certificates, dh_values, signature
from mikey.methods._common.dh_exchange import DhOpening, DhRequest
from mikey.methods._common.dh_values import DEFAULT_GROUPS, Half, make_half
from mikey.methods._common.exchange import (
    Completion,
    Draft,
    Reply,
    Surroundings,
    check_answers,
    refuse_strangers,
)
from mikey.methods._common.identities import to_id
from mikey.methods._common.signed_error import (
    build_signed_error,
    needed_in_answer,
    read_signed_error,
)
from mikey.registry import DataType, DhGroup, ErrorNumber
from mikey.values import quick_init
from mikey.wire import Id, Kemac, Message, Payload, Pke, Rand, Sp, T, V

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
@quick_init
@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Opening(DhOpening):
    """An I_MESSAGE that was sent."""

    _credential: Certified = field(repr=False)

    def needed(self, message: Message) -> tuple[FetchCertificate, ...]:
        """Return the certificates to fetch before `receive` or `read_error`; PeerError."""
        return needed_in_answer(message, RESPONSE, self.header, self.t, self._credential.compat)

    def receive(self, message: Message, around: Surroundings) -> Completion:
        """Verify the R_MESSAGE and make the TGK; no exponentiation before the signature held.

        Raises DecodeError for another T, IDi or DHi than ours, PolicyError (7, 8) for a
        responder or certificate that is not acceptable, AuthenticationError.
        """
        check_answers(message, RESPONSE, self.header, self.t, self._credential.compat)
        signature.check_form(message)
        refuse_strangers(message, (Kemac, Pke, V, Rand), NAME)
        certificates.needed(message)
        claimed, theirs = self.check_answer(message)
        signer = certificates.verify_sender(message, self._credential, claimed, around)
        return self.complete(signer.identity, theirs)

    def read_error(self, message: Message, around: Surroundings) -> ReportedError:
        """Read an Error message, which ends in SIGNr if the Responder verified ours."""
        return read_signed_error(message, self.t, self._credential, self.idr, around)


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
        header=draft.header,
        t=draft.t,
        idi=draft.idi or to_id(credential.identity),
        idr=draft.idr,
        half=half,
        rand=rand,
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
class VerifiedRequest(DhRequest):
    """An I_MESSAGE whose signature was right; `initiator` is whom its certificate proves.

    Not for two threads at a time.
    """

    __slots__ = ("_credential", "certificate", "initiator")

    def __init__(
        self, message: Message, credential: Certified, certificate: Certificate, initiator: Id
    ) -> None:
        super().__init__(message)
        self.certificate = certificate
        self.initiator = initiator
        self._credential = credential

    def respond(self, reply: Reply) -> bytes:
        """Return the R_MESSAGE, which names the Initiator in any case. After `keys`."""
        payloads = (
            self.message.one(T),
            *reply.identity(),
            self.initiator,
            *reply.extensions,
            *self.answered(),
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
