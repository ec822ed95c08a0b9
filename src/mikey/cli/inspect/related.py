"""Which messages belong together: request, response, updates of one CSB."""

from __future__ import annotations

from collections.abc import Iterable

from mikey.errors import PeerError
from mikey.methods import dhhmac, dhsign, pke, psk, rsar, sakke
from mikey.registry import DataType, ExtensionType
from mikey.wire import CsbIdExtension, GeneralExtension, Message, Rand, Sp, T

_METHODS = (psk, pke, dhsign, dhhmac, rsar)
REQUESTS = frozenset({*(method.REQUEST for method in _METHODS), sakke.REQUEST})
_REQUEST_OF = {method.RESPONSE: method.REQUEST for method in _METHODS}
RESPONSES = frozenset({*_REQUEST_OF, DataType.ERROR})

_MOST_MESSAGES = 1000  # of one CSB


def csb_id_of(message: Message) -> int:
    """Return the CSB ID that keys are derived with: in an RSA-R group that of the extension."""
    for extension in message.all(GeneralExtension):
        if extension.ext_type is ExtensionType.CSB_ID:
            try:
                return CsbIdExtension.parse(extension.data).csb_id
            except PeerError:
                continue
    return message.header.csb_id


class Related:
    """All messages that may belong together, by CSB."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages: dict[int, list[Message]] = {}
        for message in messages:
            for csb_id in {message.header.csb_id, csb_id_of(message)}:
                known = self._messages.setdefault(csb_id, [])
                if len(known) < _MOST_MESSAGES:
                    known.append(message)

    def of(self, message: Message) -> list[Message]:
        """Return the messages with the CSB ID of one, itself among them if it was given."""
        return self._messages.get(message.header.csb_id, [])

    def request_of(self, response: Message) -> Message | None:
        """Return the request that a response answers: of its method, that with its T first."""
        wanted = _REQUEST_OF.get(response.header.data_type)
        same = [
            message
            for message in self.of(response)
            if message.header.data_type is wanted
            or (wanted is None and message.header.data_type in REQUESTS)
        ]
        exact = [message for message in same if message.get(T) == response.get(T)]
        return next(iter(exact or same), None)

    def described_by(self, message: Message) -> Message:
        """Return the message that has the security policies of this one's crypto sessions.

        That is itself, its request, or for an update without SP the first of its CSB.
        """
        related = [one for one in self.of(message) if one.header.data_type is not DataType.ERROR]
        exact = [one for one in related if one.get(T) == message.get(T)]
        candidates = (message, *exact, *related)
        return next((one for one in candidates if one.get(Sp) is not None), message)

    def rand_of(self, message: Message) -> bytes | None:
        """Return the RAND of a message or, of an update, that of its CSB."""
        for candidate in (message, *self.of(message)):
            rand = candidate.get(Rand)
            if rand is not None:
                return rand.value
        return None
