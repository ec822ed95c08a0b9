"""Descriptions that nobody answers: SAP, a file, a web page (RFC 4567 4.1.3; R4567-4.1.3-1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mikey.carriage.sdp._agreed import refused
from mikey.carriage.sdp._keymgmt import MIKEY
from mikey.errors import LocalError
from mikey.registry import DataType
from mikey.wire import Message

if TYPE_CHECKING:
    from mikey.carriage.sdp._description import Carried, Description
    from mikey.session import Initiator, Stream

_UNANSWERED = frozenset({DataType.PSK_INIT, DataType.PKE_INIT, DataType.SAKKE})


def announce(mine: Description, initiator: Initiator, ssrcs: Mapping[int, int | Stream]) -> str:
    """Return the text with a session-level message that asks for no response.

    The protocol list is left out: exactly one protocol is allowed, so there is none to bid down.
    Raises LocalError if the text offers another protocol.
    """
    if others := set(mine.protocols) - {MIKEY}:
        raise LocalError(f"a one-way description holds MIKEY alone, this one {sorted(others)} too")
    context = replace(mine.context, protocols=())
    octets = initiator.start(mine.streams(ssrcs), context=context, respond=False)
    return mine.attach(octets)


def announced(theirs: Description) -> tuple[Carried, ...]:
    """Return the messages of a description that came one way, with their contexts.

    Raises CarriageError (488) if it names another protocol, or if a message needs a response:
    only PSK, PKE and SAKKE with V=0 do not. Raises PeerError for octets that are no message.
    """
    messages = theirs.messages()
    if set(theirs.protocols) != {MIKEY}:
        raise refused("a one-way description names more than one key management protocol")
    for carried in messages:
        header = Message.parse(carried.octets).header
        if header.v or header.data_type not in _UNANSWERED:
            raise refused(
                f"{header.data_type.label} at {carried.context.place} level needs a response"
            )
    return tuple(
        replace(carried, context=replace(carried.context, protocols=())) for carried in messages
    )
