"""Identities: between text and ID payloads, and who is who in a message (RFC 3830 6.7).

ID payloads have no role mark; each method tells them apart by their places (R3830-6.7-8).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from mikey.errors import DecodeError, PolicyError
from mikey.registry import ErrorNumber, IdType
from mikey.wire import Cert, Id, Message

_TEXT = frozenset({IdType.NAI, IdType.URI})
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def to_id(identity: str) -> Id:
    """Return the ID payload of an identity: a URI if it begins with a scheme, else an NAI."""
    kind = IdType.URI if _URI.match(identity) else IdType.NAI
    return Id(kind, identity.encode())


def to_text(payload: Id) -> str:
    """Return the identity of an ID payload.

    Raises PolicyError (7) for a type other than NAI and URI, and for octets that are no text.
    """
    if payload.id_type not in _TEXT:
        raise _unacceptable(f"ID type {payload.id_type.label} is not supported")
    try:
        text = payload.data.decode()
    except UnicodeDecodeError:
        raise _unacceptable("an identity is not UTF-8 text") from None
    if not text or not text.isprintable():
        raise _unacceptable("an identity is empty or holds control characters")
    return text


def signed_request_ids(
    message: Message,
    own: Collection[str],
    initiator: str | None,
    certified: Callable[[], Collection[str]],
) -> tuple[Id | None, Id | None]:
    """Return IDi and IDr of an I_MESSAGE that is signed (data types 2, 4 and 9).

    Of two the first is IDi. A lone one behind the certificates is IDr, because the
    Initiator's own names stand in front of it, unless that very certificate says that name:
    `certified` returns its identities, which nobody verified yet. Any other lone one is IDi,
    unless it is one of `own` and the carrier names another `initiator`.
    """
    ids = message.all(Id)
    if len(ids) == 2:
        return ids[0], ids[1]
    if not ids:
        return None, None
    lone = to_text(ids[0])
    if _behind_certificates(message):
        return (ids[0], None) if lone in certified() else (None, ids[0])
    if lone in own and initiator not in (None, lone):
        return None, ids[0]
    return ids[0], None


def dh_response_ids(message: Message) -> tuple[Id | None, Id]:
    """Return IDr and IDi of a DH or DHHMAC response, in which IDi is mandatory.

    Raises DecodeError.
    """
    ids = message.all(Id)
    if not ids:
        raise DecodeError("the response does not name us as IDi", number=None, payload="ID")
    return (ids[0], ids[1]) if len(ids) == 2 else (None, ids[0])


def lone_id(message: Message) -> Id | None:
    """Return IDr of a response that has no other ID; raises DecodeError for two."""
    ids = message.all(Id)
    if len(ids) > 1:
        raise DecodeError("the response has one ID payload", number=None, payload="ID")
    return ids[0] if ids else None


def _behind_certificates(message: Message) -> bool:
    """Whether certificates stand in front of the ID payload."""
    for payload in message.payloads:
        if isinstance(payload, Cert):
            return True
        if isinstance(payload, Id):
            return False
    return False


def _unacceptable(reason: str) -> PolicyError:
    return PolicyError(reason, number=ErrorNumber.INVALID_ID, payload="ID")
