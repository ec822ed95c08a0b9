"""What the caller allows."""

from __future__ import annotations

from dataclasses import dataclass

from mikey.errors import LocalError
from mikey.policy.clock import SECOND
from mikey.registry import DhGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the caller allows beyond, or within, the RFC's MUSTs; the defaults are safe.

    `skew`: how far a timestamp may lie from the clock, before or after, in nanoseconds,
    such as `60 * mikey.policy.SECOND` (RFC 3830 5.4); messages are remembered for twice as long,
    until T leaves the window.
    `allow_null`: accept and send NULL encryption and NULL MAC (MIKEY-NULL, RFC 5197) on a
    transport that is not known to be secure (R3830-6.2-13).
    `minimum_rand`: the least octets of RAND (R3830-6.11-2).
    `report_timestamps`: answer a timestamp outside the window with error 1 (R3830-5.3-3).
    `responder_may_update`: the Responder of a CSB may start an update (R3830-4.5-14).
    `dh_groups`: the Diffie-Hellman groups that are offered and taken; OAKLEY 1 and 2 have 768
    and 1024 bits.
    `allow_unsigned`: take SAKKE messages without SIGN, from callers who stay unknown
    (R6509-6-1); everybody can make one.
    `accept_stored`: take SAKKE messages that were stored on their way (`Context.stored`) at any
    age within the key period, if its keys are still here (R6509-2.5-1). All SAKKE messages are
    then remembered for as long: give the replay cache room for them.

    Raises LocalError unless `skew` is above 0, and `minimum_rand` 0 or more.
    """

    skew: int = 300 * SECOND
    allow_null: bool = False
    minimum_rand: int = 16
    report_timestamps: bool = True
    responder_may_update: bool = False
    dh_groups: frozenset[DhGroup] = frozenset({DhGroup.OAKLEY_5})
    allow_unsigned: bool = False
    accept_stored: bool = False

    def __post_init__(self) -> None:
        if self.skew <= 0 or self.minimum_rand < 0:
            raise LocalError("a Policy has a skew above 0 and a minimum_rand of 0 or more")
