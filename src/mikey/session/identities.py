"""Who is who in an I_MESSAGE of the pre-shared key method (RFC 3830 6.7)."""

from __future__ import annotations

from mikey.methods._common.identities import to_text
from mikey.policy import Context
from mikey.wire import Id, Message


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
