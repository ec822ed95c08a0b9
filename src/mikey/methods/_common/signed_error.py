"""The Error message that ends in SIGNr (RFC 3830 5.1.2)."""

from __future__ import annotations

from mikey.credentials import Certified
from mikey.errors import ReportedError
from mikey.methods._common import certificates, signature
from mikey.methods._common.error_message import error_parts, reported_numbers
from mikey.methods._common.exchange import Surroundings
from mikey.registry import ErrorNumber
from mikey.wire import Cert, Id, Message, Sign, Sp, T


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
        certificates.verify_sender(message, credential, idr, around)
    return ReportedError(numbers, authenticated=authenticated, offered=message.all(Sp))
