"""The DH payloads of the two Diffie-Hellman methods (RFC 3830 3.3, 6.4; RFC 4650 3)."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass

from mikey.crypto import dh
from mikey.errors import DecodeError, UnsupportedError
from mikey.methods._common.exchange import Random
from mikey.registry import DhGroup, ErrorNumber, KeyType
from mikey.secret import Secret
from mikey.values import quick_init
from mikey.wire import Dh, KeyData, KvNull, Message, Rand, Validity

DEFAULT_GROUPS = frozenset({DhGroup.OAKLEY_5})
"""The groups that need no word of the policy; 1 and 2 have 768 and 1024 bits."""


@quick_init
@dataclass(frozen=True, slots=True)
class Half:
    """Our half of a Diffie-Hellman exchange: the exponent, and the payload with g^x."""

    exponent: Secret
    payload: Dh

    def tgk(self, theirs: Dh) -> KeyData:
        """Return the TGK that both halves make: left-padded, as the values are (R3830-4.1.3-6).

        It has the validity that our payload says; no salt, which is derived (R3830-3.3-7).
        Raises PeerError (12) for a value outside 2..p-2.
        """
        shared = dh.shared(theirs.group, self.exponent, theirs.value)
        return KeyData(KeyType.TGK, shared, None, self.payload.validity)


def make_half(group: DhGroup, validity: Validity, random: Random) -> Half:
    """Make a fresh exponent and its public value (R3830-3.3-3)."""
    exponent, public = dh.make_keypair(group, random)
    return Half(exponent, Dh(group, public, validity))


def check_offered(message: Message, groups: Collection[DhGroup]) -> Dh | None:
    """Return DHi of an I_MESSAGE, None in an update that leaves the TGK (R3830-4.5-8).

    Raises UnsupportedError (6) for a group that is not in `groups`, DecodeError (12) for a
    value outside 2..p-2, and where a first message has none.
    """
    offered = message.get(Dh)
    if offered is None:
        if message.get(Rand) is not None:
            raise DecodeError("a first message carries a DH payload", payload="DH")
        return None
    if offered.group not in groups:
        raise UnsupportedError(
            f"DH group {offered.group.label} is not allowed",
            number=ErrorNumber.INVALID_DH,
            payload="DH",
        )
    dh.check_public(offered.group, offered.value)
    return offered


@quick_init
@dataclass(frozen=True, slots=True)
class Answer:
    """What the Responder makes of DHi: DHr and the echo of DHi, and the TGK; or none of both."""

    payloads: tuple[Dh, ...] = ()
    keys: tuple[KeyData, ...] = ()


def answer(offered: Dh | None, random: Random) -> Answer:
    """Make the Responder's half and the TGK; the exponent is gone when this returns.

    DHr is in the same group, with DHi's validity copied (R3830-6.4-7).
    """
    if offered is None:
        return Answer()
    half = make_half(offered.group, offered.validity, random)
    echo = Dh(offered.group, offered.value, offered.validity)
    return Answer((half.payload, echo), (half.tgk(offered),))


def check_answered(message: Message, sent: Half | None) -> Dh | None:
    """Return DHr of an R_MESSAGE, None where we sent no DH value.

    DHr comes first and is in our group, DHi repeats ours (R3830-6.4-9); neither stands alone,
    and there is none if we sent none (R3830-4.5-8). A DHr that says another validity than ours
    is refused, unless it says none (R3830-6.4-7). Raises DecodeError.
    """
    values = message.all(Dh)
    if sent is None:
        if values:
            raise _unfit("the response has DH values, and we sent none")
        return None
    ours = sent.payload
    if len(values) != 2:
        raise _unfit("the response has DHr and DHi")
    theirs, echo = values
    if echo.group is not ours.group or not hmac.compare_digest(echo.value, ours.value):
        raise _unfit("the response does not repeat our DH value")
    if theirs.group is not ours.group:
        raise _unfit("the response is in another DH group")
    if not isinstance(theirs.validity, KvNull) and theirs.validity != ours.validity:
        raise _unfit("the response says another key validity than we did")
    if hmac.compare_digest(theirs.value, ours.value):
        raise _unfit("the response brings our own DH value as its own")
    dh.check_public(theirs.group, theirs.value)
    return theirs


def _unfit(reason: str) -> DecodeError:
    return DecodeError(reason, number=None, payload="DH")
