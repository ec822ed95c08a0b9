"""What SIP calls the parties, where that can be compared with what SAKKE calls them."""

from __future__ import annotations

from dataclasses import replace

from mikey.carriage.sdp import Description
from mikey.errors import PeerError
from mikey.methods import sakke
from mikey.methods._common.identities import to_text
from mikey.policy import Context
from mikey.wire import Id, Message

__all__ = ["named"]


def named(text: str, context: Context) -> Description:
    """Return a description whose messages are compared with `context`, as far as they can be.

    A SIP URI and the telephone number that a SAKKE message names, and its signature proves, are
    two names of different kinds: there From and To say nothing. Nothing else is left out.
    """
    description = Description(text, context=context)
    try:
        message = Message.parse(description.message())
    except PeerError:
        return description  # whoever receives it says what is wrong
    if message.header.data_type is not sakke.REQUEST:
        return description
    initiator, responder = sakke.request_ids(message)
    return Description(
        text,
        context=replace(
            context,
            initiator=_comparable(context.initiator, initiator),
            responder=_comparable(context.responder, responder),
        ),
    )


def _comparable(shown: str | None, identity: Id | None) -> str | None:
    """Return what SIP shows, None if the message names the party by another kind of URI."""
    if shown is None or identity is None:
        return shown
    try:
        name = to_text(identity)
    except PeerError:
        return shown
    return shown if _scheme(name) == _scheme(shown) else None


def _scheme(uri: str) -> str:
    return uri.partition(":")[0].lower()
