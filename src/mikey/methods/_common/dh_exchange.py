"""What DH-SIGN and DHHMAC say alike on either side (RFC 3830 3.3, RFC 4650 3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mikey.errors import DecodeError, LibraryError, PolicyError
from mikey.methods._common import dh_values
from mikey.methods._common.dh_values import Answer, Half
from mikey.methods._common.exchange import Completion, Random
from mikey.methods._common.identities import dh_response_ids
from mikey.registry import ErrorNumber
from mikey.values import quick_init
from mikey.wire import Dh, Hdr, Id, KeyData, Message, T


@quick_init
@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DhOpening:
    """An I_MESSAGE that was sent (see `exchange.Opening`); it holds our exponent.

    `idr` None leaves open who answers; `half` None leaves the TGK; `rand` is that of the CSB.
    """

    early_keys: ClassVar[tuple[KeyData, ...]] = ()  # the response makes them
    message_key: ClassVar[None] = None  # there is no envelope

    octets: bytes = field(repr=False)
    header: Hdr
    t: T
    idi: Id
    idr: Id | None
    half: Half | None = field(repr=False)
    rand: bytes = field(repr=False)

    def check_answer(self, message: Message) -> tuple[Id | None, Dh | None]:
        """Return who a response says it is from, and DHr, None if we sent no DH value.

        Raises DecodeError for another IDi or DHi than ours, PolicyError (7) for another
        responder.
        """
        idr, idi = dh_response_ids(message)
        if idi != self.idi:
            raise DecodeError("the response is for another initiator", number=None, payload="ID")
        if None not in (idr, self.idr) and idr != self.idr:
            raise PolicyError(
                "the response names another responder", number=ErrorNumber.INVALID_ID, payload="ID"
            )
        return idr or self.idr, dh_values.check_answered(message, self.half)

    def complete(self, idr: Id, theirs: Dh | None) -> Completion:
        """Make the TGK of a response that is authentic, from its DHr."""
        keys = () if self.half is None or theirs is None else (self.half.tgk(theirs),)
        return Completion(keys=keys, idr=idr, rand=self.rand, csb_id=self.header.csb_id)


class DhRequest:
    """An authentic I_MESSAGE, and our half once it is made. Not for two threads at a time."""

    __slots__ = ("_answer", "message")

    def __init__(self, message: Message) -> None:
        self.message = message
        self._answer: Answer | None = None

    def keys(self, random: Random) -> tuple[KeyData, ...]:
        """Make our half and the TGK; () for an update that leaves it."""
        if self._answer is None:
            self._answer = dh_values.answer(self.message.get(Dh), random)
        return self._answer.keys

    def answered(self) -> tuple[Dh, ...]:
        """Return DHr and DHi for the R_MESSAGE; after `keys`."""
        if self._answer is None:
            raise LibraryError("our half of the exchange was not made")
        return self._answer.payloads
