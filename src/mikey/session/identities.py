"""Identities: between text and ID payloads, and who is who in a message (RFC 3830 6.7)."""

from __future__ import annotations

import re

from mikey.errors import PolicyError
from mikey.policy import Context
from mikey.registry import ErrorNumber, IdType
from mikey.wire import Id, Message

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def to_id(identity: str) -> Id:
    """Return the ID payload of an identity: a URI if it begins with a scheme, else an NAI."""
    kind = IdType.URI if _URI.match(identity) else IdType.NAI
    return Id(kind, identity.encode())


def to_text(payload: Id) -> str:
    """Return the identity of an ID payload.

    Raises PolicyError (7) for a type other than NAI and URI, and for octets that are no text.
    """
    if payload.id_type not in (IdType.NAI, IdType.URI):
        raise _unacceptable(f"ID type {payload.id_type.label} is not supported")
    try:
        text = payload.data.decode()
    except UnicodeDecodeError:
        raise _unacceptable("an identity is not UTF-8 text") from None
    if not text or not text.isprintable():
        raise _unacceptable("an identity is empty or holds control characters")
    return text


def request_parties(
    message: Message, context: Context, own: frozenset[str]
) -> tuple[Id | None, Id | None]:
    """Return IDi and IDr of an I_MESSAGE of the pre-shared key method.

    IDs have no role mark (R3830-6.7-8): of two the first is IDi; a lone one is IDi, unless it
    is one of our own identities and the carrier names another initiator.
    """
    ids = message.all(Id)
    if len(ids) == 2:
        return ids[0], ids[1]
    if not ids:
        return None, None
    lone = to_text(ids[0])
    if lone in own and context.initiator not in (None, lone):
        return None, ids[0]
    return ids[0], None


def _unacceptable(reason: str) -> PolicyError:
    return PolicyError(reason, number=ErrorNumber.INVALID_ID, payload="ID")
