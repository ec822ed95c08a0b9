"""The keys behind a verified message: what KEMAC held, and what each crypto session makes of it."""

from __future__ import annotations

from dataclasses import dataclass

from mikey.errors import PeerError
from mikey.policy import Compat
from mikey.session.cs_map import sessions_of
from mikey.session.keys import Derivation, check_fit, master_key
from mikey.session.stream import policies_of, policy_of
from mikey.srtp import MasterKey
from mikey.wire import KeyData, Message, Sp

_COMPAT = Compat(tag_length_in_type_3=True, tek_with_salt=True)


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """A crypto session: its map entry, the name of its policy, its SRTP master keys."""

    cs_id: int
    ssrc: int
    policy: str
    masters: tuple[MasterKey, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """Everything secret that a message leads to."""

    key_data: tuple[KeyData, ...]
    sessions: tuple[SessionKeys, ...]


def derive(
    message: Message,
    described_by: Message,
    key_data: tuple[KeyData, ...],
    rand: bytes,
    csb_id: int,
) -> tuple[Keys, tuple[str, ...]]:
    """Return the keys of a message, and why some of them could not be derived.

    `described_by` is the request, which has the policies; the map is that of `message`, where a
    response has filled it in. Products' deviations in SP and TEK are read as they mean them.
    """
    header = message.header
    problems: list[str] = []
    sessions: list[SessionKeys] = []
    try:
        entries = sessions_of(header)
        policies = policies_of(described_by.all(Sp), _COMPAT)
    except PeerError as error:
        return Keys(key_data, ()), (f"no keys derived: {error.reason}",)
    for cs_id, entry in enumerate(entries, 1):
        try:
            policy = policy_of(entry, policies)
            inputs = Derivation(header.prf, cs_id, csb_id, rand)
            masters = []
            for key in key_data:
                check_fit(key, policy, _COMPAT)
                masters.append(master_key(key, policy, inputs))
        except PeerError as error:
            problems.append(f"no keys for CS {cs_id}: {error.reason}")
            continue
        sessions.append(SessionKeys(cs_id, entry.ssrc, policy.name, tuple(masters)))
    return Keys(key_data, tuple(sessions)), tuple(problems)
