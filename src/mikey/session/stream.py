"""Streams as the caller describes them, and the map and SP payloads that say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mikey.errors import LocalError, PolicyError, ReportedError
from mikey.policy import Compat, SrtpPolicy, alternatives, product_sp, srtp_policy
from mikey.registry import ErrorNumber
from mikey.values import quick_init
from mikey.wire import Sp, SrtpId

_MOST_LISTS = 16


@quick_init
@dataclass(frozen=True, slots=True)
class Stream:
    """One crypto session: a one-way SRTP stream with its SRTCP; CS i is the i-th of a message.

    `ssrc` 0 leaves the choice to the stream's sender (RFC 3830 6.1.1). `roc` is the current
    rollover counter. `policy` None takes the first policy of the Initiator. `seq` is the sequence
    number of the next packet of a stream that runs already, which a GENERIC-ID map tells with ROC.

    Raises LocalError for numbers out of their range: 32 bits, 16 of `seq`.
    """

    ssrc: int = 0
    roc: int = 0
    policy: SrtpPolicy | None = None
    seq: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.ssrc < 1 << 32 and 0 <= self.roc < 1 << 32):
            raise LocalError("SSRC and ROC have 32 bits")
        if not 0 <= self.seq < 1 << 16:
            raise LocalError("a sequence number has 16 bits")


def describe(
    streams: Sequence[Stream], default: SrtpPolicy, compat: Compat | None = None
) -> tuple[tuple[SrtpId, ...], dict[int, SrtpPolicy]]:
    """Return the map entries of `streams` and their policies by Policy no, as `compat` has them.

    Raises LocalError for more than 255 streams.
    """
    if len(streams) > 0xFF:
        raise LocalError("a message describes at most 255 crypto sessions")
    numbers: dict[SrtpPolicy, int] = {}
    sessions = []
    short = compat is not None and compat.short_srtcp_tag
    default = replace(default, short_srtcp_tag=True) if short else default
    for stream in streams:
        policy = stream.policy or default
        policy = replace(policy, short_srtcp_tag=True) if short else policy
        number = numbers.setdefault(policy, len(numbers))
        sessions.append(SrtpId(number, stream.ssrc, stream.roc))
    if not numbers:
        numbers[default] = 0
    return tuple(sessions), {number: policy for policy, number in numbers.items()}


def policies_of(payloads: Sequence[Sp], compat: Compat) -> dict[int, SrtpPolicy]:
    """Return the SRTP policies of a message by Policy no.

    Raises UnsupportedError (9) and PolicyError (10) as `srtp_policy`; a number that stands
    twice is error 10 (R3830-6.10-3).
    """
    policies: dict[int, SrtpPolicy] = {}
    for sp in payloads:
        if sp.policy_no in policies:
            raise PolicyError(
                f"policy {sp.policy_no} is defined twice", number=ErrorNumber.INVALID_SPPAR
            )
        policies[sp.policy_no] = srtp_policy(sp, compat)
    return policies


def policy_of(session: SrtpId, policies: Mapping[int, SrtpPolicy]) -> SrtpPolicy:
    """Return the policy that a map entry names.

    Raises PolicyError (10) for a number that no SP payload has (R3830-6.1.1-10).
    """
    try:
        return policies[session.policy_no]
    except KeyError:
        raise PolicyError(
            f"no SP payload defines policy {session.policy_no}",
            number=ErrorNumber.INVALID_SPPAR,
        ) from None


def used_policies(
    sessions: Sequence[SrtpId], policies: Mapping[int, SrtpPolicy]
) -> list[SrtpPolicy]:
    """Return the policies that a map names, each number once; errors are those of `policy_of`."""
    used: dict[int, SrtpPolicy] = {}
    for session in sessions:
        if session.policy_no not in used:
            used[session.policy_no] = policy_of(session, policies)
    return list(used.values())


def to_sps(policies: Mapping[int, SrtpPolicy], compat: Compat) -> tuple[Sp, ...]:
    """Return the SP payloads of numbered policies, as the peer wants them; raises LocalError."""
    return tuple(product_sp(policy, number, compat) for number, policy in policies.items())


def offered_policies(error: ReportedError) -> tuple[SrtpPolicy, ...]:
    """Return the SRTP policies that a peer's Error message offers (RFC 3830 5.1.1).

    What we do not know or have not built is left out, and what stands behind the first 16 SP
    payloads: the message may be unauthenticated, and reading a list of alternatives takes time.
    """
    payloads = [sp for sp in error.offered if isinstance(sp, Sp)]
    offered = (policy for sp in payloads[:_MOST_LISTS] for policy in alternatives(sp))
    return tuple(dict.fromkeys(offered))
