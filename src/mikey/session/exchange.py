"""An exchange that waits for its response, and what the response makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mikey.errors import PolicyError
from mikey.methods._common.exchange import Completion, Opening
from mikey.methods._common.identities import to_text
from mikey.policy import Context, Policy, SrtpPolicy
from mikey.registry import ErrorNumber
from mikey.session.bundle import Bundle
from mikey.session.keys import check_keys, count_replaced, merge_keys
from mikey.session.starters import Starter
from mikey.session.stream import policies_of
from mikey.values import quick_init
from mikey.wire import KeyData, Message, Rand, SrtpId


@quick_init
@dataclass(frozen=True, slots=True)
class Exchange:
    """An exchange that waits for its response.

    `bundle` has the keys that the message carries, `old_keys` are those from before it.
    """

    bundle: Bundle
    old_keys: tuple[KeyData, ...]
    opening: Opening
    starter: Starter
    responds: bool
    is_first: bool
    in_group: bool


def completed(exchange: Exchange, completion: Completion, sessions: tuple[SrtpId, ...]) -> Bundle:
    """Return the bundle with what the response brought; raises PolicyError."""
    bundle = exchange.bundle
    if (completion.csb_id != bundle.csb_id) is not exchange.in_group:
        raise PolicyError("the response is for another kind of CSB than ours", number=None)
    if exchange.starter.sends_keys:
        kept = completion.message_key
        if kept == bundle.message_key:
            return replace(bundle, sessions=sessions)
        return replace(bundle, sessions=sessions, message_key=kept)
    check_keys(completion.keys)
    policies = policies_of(completion.policies, bundle.credential.compat) or bundle.policies
    keys = merge_keys(exchange.old_keys, completion.keys)
    return replace(
        bundle,
        csb_id=completion.csb_id,
        peer=to_text(completion.idr),
        rand=completion.rand,
        sessions=sessions,
        policies=policies,
        keys=keys,
        replaced=count_replaced(keys, exchange.old_keys, bundle.replaced),
        message_key=completion.message_key,
    )


def check_granted(bundle: Bundle, ours: Sequence[SrtpPolicy]) -> None:
    """Check policies that the Responder stated: those of a group were not offered by us.

    Raises PolicyError for one that leaves packets unprotected, unless we named it ourselves.
    """
    for policy in bundle.policies.values():
        if policy.is_weak and policy not in ours:
            raise PolicyError(f"SRTP policy {policy.name} is not acceptable here", number=None)


def check_rand(message: Message, policy: Policy, *, number: ErrorNumber | None) -> None:
    """Check the length of a RAND, which both an I_MESSAGE and an RSA-R answer may have.

    Raises PolicyError with `number` (R3830-6.11-2).
    """
    rand = message.get(Rand)
    if rand is not None and len(rand.value) < policy.minimum_rand:
        raise PolicyError(
            f"RAND has {len(rand.value)} octets, {policy.minimum_rand} are due",
            number=number,
            payload="RAND",
        )


def check_responder(bundle: Bundle, context: Context) -> None:
    """Compare who answered with whom the signalling shows; raises PolicyError (7)."""
    if context.responder not in (None, bundle.peer):
        raise PolicyError(
            f"the response comes from {bundle.peer}, the signalling says {context.responder}",
            number=ErrorNumber.INVALID_ID,
        )
