"""What an update changes, and what a response fills in (RFC 3830 4.5, 6.1.1)."""

from __future__ import annotations

from collections.abc import Sequence

from mikey.errors import DecodeError, LocalError
from mikey.policy import SrtpPolicy
from mikey.session.bundle import Bundle
from mikey.session.stream import Stream, policy_of
from mikey.wire import Hdr, KvSpi, SrtpId, SrtpIdMap

Extended = tuple[tuple[SrtpId, ...], dict[int, SrtpPolicy], dict[int, SrtpPolicy]]


def extend(bundle: Bundle, streams: Sequence[Stream], default: SrtpPolicy) -> Extended:
    """Return map, policies and the policies that are new, old crypto sessions in place.

    Raises LocalError unless `streams` lists the old ones first, unchanged (R3830-4.5-13).
    """
    kept = len(bundle.sessions)
    if len(streams) < kept or any(
        (stream.ssrc or entry.ssrc) != entry.ssrc
        or stream.policy not in (None, policy_of(entry, bundle.policies))
        for stream, entry in zip(streams, bundle.sessions, strict=False)
    ):
        raise LocalError("an update lists the old streams first, unchanged (R3830-4.5-13)")
    policies = dict(bundle.policies)
    sessions = [
        entry._replace(roc=stream.roc)
        for stream, entry in zip(streams, bundle.sessions, strict=False)
    ]
    added: dict[int, SrtpPolicy] = {}
    for stream in streams[kept:]:
        wanted = stream.policy or default
        number = next((n for n, known in policies.items() if known == wanted), None)
        if number is None:
            number = max(policies, default=-1) + 1
            policies[number] = added[number] = wanted
        sessions.append(SrtpId(number, stream.ssrc, stream.roc))
    if len(sessions) > 0xFF or len(policies) > 0xFF:
        raise LocalError("a message describes at most 255 crypto sessions")
    return tuple(sessions), policies, added


def generation(bundle: Bundle) -> int:
    """Return the number in the newest MKI, which counts the keys of a CSB; 0 without any."""
    newest = bundle.keys[0].validity if bundle.keys else None
    return int.from_bytes(newest.spi) if isinstance(newest, KvSpi) else 0


def filled(bundle: Bundle, header: Hdr) -> tuple[SrtpId, ...]:
    """Return the map of the response: ours, with the open entries filled (R3830-6.1.1-7)."""
    answer = header.cs_map
    if not isinstance(answer, SrtpIdMap) or len(answer.sessions) != len(bundle.sessions):
        raise DecodeError("the response describes other crypto sessions", number=None)
    if header.prf is not bundle.prf:
        raise DecodeError("the response names another PRF", number=None)
    for ours, theirs in zip(bundle.sessions, answer.sessions, strict=True):
        if theirs.policy_no != ours.policy_no or (ours.ssrc and theirs != ours):
            raise DecodeError("the response alters a crypto session that was fixed", number=None)
    return answer.sessions


def chosen(header: Hdr) -> tuple[SrtpId, ...]:
    """Return the map of a response whose Responder defines it (R4738-3.6-1)."""
    return header.cs_map.sessions if isinstance(header.cs_map, SrtpIdMap) else ()
