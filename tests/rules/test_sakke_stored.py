"""MIKEY-SAKKE messages that wait in a mailbox (RFC 6509 2.5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mikey import (
    Clock,
    Context,
    ErrorNumber,
    Group,
    Initiator,
    Method,
    Policy,
    ReplayCache,
    ReplayError,
    Stream,
    TimestampError,
)  # fmt: skip
from mikey.policy import SECOND
from tests.rules import session_parties as others
from tests.rules.psk_parties import Time, refused
from tests.rules.sakke_parties import (
    ALICE,
    BOB,
    CONTEXT,
    NOW,
    Noon,
    alice,
    at,
    bob,
    first,
    keys,
    same_keys,
    taken,
    user,
)

DAY = 86_400 * SECOND
MAILBOX = replace(CONTEXT, stored=True)
STORED = Policy(accept_stored=True)


@pytest.mark.rule("R6509-2.5-1", "R6509-2.5-2")
def test_a_message_that_waited() -> None:
    who = alice()
    message = first(who)
    theirs = taken(bob(Noon(NOW + 5 * DAY), policy=STORED), message, MAILBOX)
    same_keys(who.early_bundle(message), theirs)


@pytest.mark.rule("R6509-2.5-1")
@pytest.mark.parametrize(
    ("policy", "context"), [(STORED, CONTEXT), (Policy(), MAILBOX), (Policy(), Context())]
)
def test_policy_and_carrier_must_both_say_so(policy: Policy, context: Context) -> None:
    to = bob(Noon(NOW + 5 * DAY), policy=policy)
    refused(to, first(), ErrorNumber.INVALID_TS, TimestampError, context)


@pytest.mark.rule("R6509-2.5-1")
def test_other_methods_keep_to_their_time() -> None:
    time = Time()
    octets = others.alice(Method.PSK, time).start(others.STREAMS, context=CONTEXT)
    time.advance(86_400)
    to = others.bob(time, policy=STORED)
    refused(to, octets, ErrorNumber.INVALID_TS, TimestampError, MAILBOX)


@pytest.mark.rule("R6509-2.5-1")
@pytest.mark.parametrize("before", [CONTEXT, MAILBOX], ids=["live", "stored"])
def test_replays_are_known_for_the_whole_period(before: Context) -> None:
    time, message = Noon(), first()
    to = bob(time, user(BOB, keys=(keys(BOB), keys(BOB, at(2026, 12, 1)))), policy=STORED)
    taken(to, message, before)
    for day in (1, 5, 29):
        time.now = NOW + day * DAY
        refused(to, message, None, ReplayError, MAILBOX)
    # The period after T is over: the cache forgets, and the age refuses.
    time.now = NOW + 30 * DAY + 2 * SECOND
    refused(to, message, ErrorNumber.INVALID_TS, TimestampError, MAILBOX)


@pytest.mark.rule("R6509-2.5-1")
def test_the_age_of_a_stored_message() -> None:
    """A month from T, whatever the calendar says, and not without the keys of its month."""
    message, both = first(), user(BOB, keys=(keys(BOB), keys(BOB, at(2026, 12, 1))))
    for now in (NOW + 30 * DAY - 1, at(2026, 12, 20)):
        taken(bob(Noon(now), both, policy=STORED), message, MAILBOX)
    late = bob(Noon(NOW + 30 * DAY), both, policy=STORED)
    refused(late, message, ErrorNumber.INVALID_TS, TimestampError, MAILBOX)
    december = user(BOB, keys=(keys(BOB, at(2026, 12, 1)),))
    to = bob(Noon(at(2026, 12, 1)), december, policy=STORED)
    refused(to, message, ErrorNumber.INVALID_TS, TimestampError, MAILBOX)


@pytest.mark.rule("R6509-2.5-1")
def test_no_mailbox_holds_messages_of_tomorrow() -> None:
    to = bob(Noon(NOW - 301 * SECOND), policy=STORED)
    refused(to, first(), ErrorNumber.INVALID_TS, TimestampError, MAILBOX)
    taken(bob(Noon(NOW - 299 * SECOND), policy=STORED), first(), MAILBOX)


def test_short_lives_beside_long_ones() -> None:
    """Without the policy an entry is gone when its window is."""
    time, cache = Noon(), ReplayCache()
    taken(bob(time, replay=cache), first())
    assert len(cache) == 1
    cache.purge(NOW + 602 * SECOND)
    assert len(cache) == 0


@pytest.mark.rule("R6509-2.5-2")
def test_longer_storage_needs_a_message_for_each_period() -> None:
    """Only for periods whose signing key is here; T lies inside; key, RAND and CSB ID are one."""
    both = (keys(ALICE), keys(ALICE, at(2026, 12, 1)))
    credential = user(ALICE, BOB, keys=both)
    group = Group.new([Stream(0xA1)], tgk_length=16)
    months = [Noon(NOW), Noon(at(2026, 12, 15))]
    messages = [
        Initiator(credential, clock=Clock(month)).start(group=group, context=CONTEXT)
        for month in months
    ]
    his = user(BOB, keys=(keys(BOB), keys(BOB, at(2026, 12, 1))))
    now = at(2026, 12, 20)
    bundles = [taken(bob(Noon(now), his, policy=STORED), m, MAILBOX) for m in messages]
    same_keys(*bundles)
