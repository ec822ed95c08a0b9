"""The Error message that ends in SIGNr (RFC 3830 5.1.2), and what answers by URL need."""

from __future__ import annotations

from mikey.credentials import Certified, FetchCertificate
from mikey.errors import ReportedError
from mikey.methods._common import certificates, signature
from mikey.methods._common.error_message import error_parts, reported_numbers
from mikey.methods._common.exchange import Surroundings, check_answers
from mikey.policy import Compat
from mikey.registry import DataType, ErrorNumber
from mikey.wire import Cert, Hdr, Id, Message, Sign, Sp, T


def build_signed_error(
    offending: Message,
    numbers: tuple[ErrorNumber, ...],
    offered: tuple[Sp, ...],
    credential: Certified,
) -> bytes:
    """Return the Error message that answers `offending`, whose sender was authenticated.

    SIGNr covers the Error message alone (R3830-5.1.2-6). There is no place for certificates
    in it: who did not know ours already takes it as a hint.
    """
    header, payloads = error_parts(offending.header, offending.one(T), numbers, offered)
    return signature.build_signed(header, payloads, credential)


def needed_in_answer(
    message: Message, kind: DataType, sent: Hdr, t: T, compat: Compat
) -> tuple[FetchCertificate, ...]:
    """Return what is to be fetched before a signed answer, or a signed Error, is verified.

    Nobody makes us fetch who cannot even repeat what we sent. Raises DecodeError for a message
    that does not answer the one with header `sent` and time `t`, PeerError (8) as
    `certificates.needed`.
    """
    if message.header.data_type is DataType.ERROR:
        reported_numbers(message, t)
    else:
        check_answers(message, kind, sent, t, compat)
    return certificates.needed(message) if message.get(Sign) is not None else ()


def read_signed_error(
    message: Message, sent: T, credential: Certified, idr: Id | None, around: Surroundings
) -> ReportedError:
    """Return what an Error message reports to the Initiator that sent `sent`.

    It counts as authenticated if it is signed and the Responder's certificate is in it or in
    `credential`. Raises DecodeError for one that answers nothing of ours, AuthenticationError
    and PolicyError for a signature that does not hold.
    """
    numbers = reported_numbers(message, sent)
    known = bool(message.get(Cert)) or credential.peer_certificate is not None
    authenticated = known and message.get(Sign) is not None
    if authenticated:
        signature.check_form(message)
        certificates.needed(message)
        certificates.verify_sender(message, credential, idr or around.responder, around)
    return ReportedError(numbers, authenticated=authenticated, offered=message.all(Sp))
