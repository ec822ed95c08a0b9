"""The keys behind a verified message: what KEMAC held, and what each crypto session makes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mikey.errors import PeerError
from mikey.policy import Compat
from mikey.registry import DataType
from mikey.session.cs_map import CsName, read_map, sessions_of
from mikey.session.keys import Derivation, check_fit, master_key
from mikey.session.stream import policies_of, policy_of
from mikey.srtp import MasterKey
from mikey.wire import Hdr, KeyData, Message, Sp, SrtpId

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
        entries, names = _map(header)
        policies = policies_of(described_by.all(Sp), _COMPAT)
    except PeerError as error:
        return Keys(key_data, ()), (f"no keys derived: {error.reason}",)
    for place, entry in enumerate(entries):
        name = names[place] if names else None
        cs_id = place + 1 if name is None else name.cs_id
        try:
            policy = policy_of(entry, policies)
            inputs = Derivation(header.prf, cs_id, csb_id, rand)
            masters = []
            for key in key_data:
                check_fit(key, policy, _COMPAT)
                master = master_key(key, policy, inputs)
                masters.append(master if name is None else replace(master, mki=name.spi))
        except PeerError as error:
            problems.append(f"no keys for CS {cs_id}: {error.reason}")
            continue
        sessions.append(SessionKeys(cs_id, entry.ssrc, policy.name, tuple(masters)))
    return Keys(key_data, tuple(sessions)), tuple(problems)


def _map(header: Hdr) -> tuple[tuple[SrtpId, ...], tuple[CsName, ...]]:
    """Return the crypto sessions of a message, and their names if its map has them."""
    if header.data_type is DataType.SAKKE:
        return read_map(header.cs_map)
    return sessions_of(header), ()
