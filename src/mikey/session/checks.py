"""Checks of an authenticated message against its CSB and its carrier."""

from __future__ import annotations

import hmac

from mikey.errors import DecodeError, PolicyError
from mikey.policy import Compat, Context
from mikey.policy.clock import difference64
from mikey.registry import DataType, ErrorNumber, ExtensionType, MacAlg
from mikey.session.bundle import Bundle
from mikey.wire import (
    GeneralExtension,
    Kemac,
    Message,
    Rand,
    Sign,
    SrtpId,
    T,
)


def check_update(message: Message, known: Bundle | None) -> None:
    """Check the rules for RAND, T and PRF of a message whose CSB is `known` (R3830-4.5-2).

    Raises PolicyError: 12 for a RAND on a live CSB or an older T, 2 for another PRF.
    """
    if known is None:
        return
    if message.get(Rand) is not None:
        raise PolicyError("a new CSB has the ID of a live one", payload="RAND")
    if message.header.prf is not known.prf:  # R3830-4.5-16
        raise PolicyError("an update changes the PRF", number=ErrorNumber.INVALID_PRF)
    t = message.one(T)
    if t.ts_type is not known.t.ts_type or difference64(t, known.t) <= 0:
        raise PolicyError("an update is not newer than the last message of its CSB", payload="T")


def check_list(message: Message, context: Context, compat: Compat) -> None:
    """Compare the authenticated list of protocols with the carrier's (RFC 4567 4.1.4, 7).

    Raises PolicyError (12) for a list that differs, or is missing where it is due: somebody
    may have removed a stronger protocol from the offer.
    """
    lists = [
        payload.data
        for payload in message.all(GeneralExtension)
        if payload.ext_type is ExtensionType.SDP_IDS
    ]
    if len(lists) > 1:
        raise DecodeError("the list of protocols stands twice", payload="General Extension")
    if not context.protocols:
        return
    if not lists:
        kemac = message.get(Kemac)
        psk = message.header.data_type is DataType.PSK_INIT
        unprotected = psk and kemac is not None and kemac.mac_alg is MacAlg.NULL
        if message.header.data_type is DataType.SAKKE:
            unprotected = message.get(Sign) is None
        alone = set(context.protocols) == {"mikey"}
        if alone and (unprotected or compat.missing_sdp_ids or context.optional_list):
            return
        raise PolicyError("the message lacks the list of the offer's protocols (SDP IDs)")
    allowed = [context.protocols]
    if compat.deduplicated_sdp_ids:
        allowed.append(tuple(dict.fromkeys(context.protocols)))
    expected = [";".join(protocols).encode() for protocols in allowed]
    if not any(hmac.compare_digest(lists[0], item) for item in expected):
        raise PolicyError("the offer's protocols are not those that its sender listed")


def extended(old: tuple[SrtpId, ...], new: tuple[SrtpId, ...]) -> tuple[SrtpId, ...]:
    """Return the crypto sessions after an update: #CS 0 leaves the map (R3830-4.5-13).

    An entry keeps its SSRC and policy in place, a ROC may have moved on, an SSRC that was left
    open may be 0 again. Raises PolicyError (12) otherwise. A shorter list drops from the tail.
    """
    if not new:
        return old
    kept = []
    for before, after in zip(old, new, strict=False):
        if after.policy_no != before.policy_no or after.ssrc not in (before.ssrc, 0):
            raise PolicyError("an update alters a crypto session in place", payload="HDR")
        kept.append(SrtpId(before.policy_no, before.ssrc, after.roc))
    return (*kept, *new[len(old) :])


def check_session_count(count: int, context: Context, compat: Compat) -> None:
    """Check #CS against the m= lines (RFC 4567 7.1).

    Two for each line that the message governs, or two for each line at all; one for each
    governed line and one for everything are tolerated (R4567-7.1-3, -4), any number where the
    peer is known for that. Raises PolicyError (12).
    """
    if context.lines is None or (count and compat.any_session_count):
        return
    allowed = {2 * context.lines, context.lines, 1}
    if context.all_lines is not None:
        allowed.add(2 * context.all_lines)
    if count not in allowed:
        raise PolicyError(
            f"{count} crypto sessions do not fit {context.lines} m= lines", payload="HDR"
        )
