"""The keys of a group: one CSB for many members (RFC 3830 8.1, RFC 4738 3.2)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from mikey.errors import LocalError
from mikey.policy import SrtpPolicy
from mikey.registry import KeyType
from mikey.secret import Secret
from mikey.session.keys import RAND_OCTETS, make_key
from mikey.session.stream import Stream
from mikey.wire import KeyData, KvSpi

_MKI_LENGTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What every member of a group gets: the same TGK, CSB ID, CS IDs, RAND and MKI.

    Each member is told in a message of its own (`Initiator.start(group=...)` with PSK, PKE or
    SAKKE, `mikey.group.key_group` for many), or asks for it (`Offer.accept(group=...)` in RSA-R).
    Change the group and tell the members:
    `renewed` when one leaves, `at` with the rollover counters before a late one joins.
    """

    csb_id: int
    rand: bytes = field(repr=False)
    streams: tuple[Stream, ...]
    keys: tuple[KeyData, ...] = field(repr=False)

    @classmethod
    def new(
        cls,
        streams: Sequence[Stream],
        *,
        policy: SrtpPolicy | None = None,
        tgk_length: int | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Self:
        """Make the keys of a new group; `streams` have their SSRCs, since the group has no say.

        A stream without a policy gets `policy`. `tgk_length` is that of the TGK in octets: 16 for
        SAKKE, None for what the policies ask for. Raises LocalError for a stream without SSRC.
        """
        default = policy or SrtpPolicy()
        known = tuple(replace(item, policy=item.policy or default) for item in streams)
        if not known or not all(stream.ssrc for stream in known):
            raise LocalError("a group describes its streams with their SSRCs")
        csb_id = int.from_bytes(random(4))
        rand = random(RAND_OCTETS)
        return cls(
            csb_id=csb_id, rand=rand, streams=known, keys=(_key(known, 1, random, tgk_length),)
        )

    @property
    def policies(self) -> tuple[SrtpPolicy, ...]:
        """The policies of the streams, each once."""
        return tuple(dict.fromkeys(stream.policy or SrtpPolicy() for stream in self.streams))

    def at(self, rocs: Mapping[int, int], seqs: Mapping[int, int] | None = None) -> Self:
        """Return the group with the rollover counters of streams, by CS ID, as they are now.

        `seqs` are the sequence numbers of their next packets, which SAKKE messages tell as well.
        Raises LocalError for a CS that is not of the group.
        """
        streams = list(self.streams)
        for cs_id in {*rocs, *(seqs or {})}:
            if not 1 <= cs_id <= len(streams):
                raise LocalError(f"the group has no crypto session {cs_id}")
            old = streams[cs_id - 1]
            seq = (seqs or {}).get(cs_id, 0)  # an old one says nothing beside a new ROC
            streams[cs_id - 1] = replace(old, roc=rocs.get(cs_id, old.roc), seq=seq)
        return replace(self, streams=tuple(streams))

    def renewed(
        self, random: Callable[[int], bytes] = secrets.token_bytes, *, new_csb: bool = False
    ) -> Self:
        """Return the group with a new TGK under the next MKI: who is not told is out.

        With `new_csb` it is a new CSB, as SAKKE needs it, where nothing updates an old one. The
        master keys of both fit into the same SRTP contexts.
        """
        newest = self.keys[0].validity
        count = int.from_bytes(newest.spi) if isinstance(newest, KvSpi) else 0
        csb_id, rand = self.csb_id, self.rand
        if new_csb:
            csb_id, rand = int.from_bytes(random(4)), random(RAND_OCTETS)
        key = _key(self.streams, count + 1, random, len(self.keys[0].key))
        return replace(self, csb_id=csb_id, rand=rand, keys=(key,))


def _key(
    streams: Sequence[Stream], count: int, random: Callable[[int], bytes], length: int | None
) -> KeyData:
    policies = [stream.policy or SrtpPolicy() for stream in streams]
    mki = (count % (1 << 8 * _MKI_LENGTH)).to_bytes(_MKI_LENGTH)
    if length is not None:
        return KeyData(KeyType.TGK, Secret(random(length)), None, KvSpi(mki))
    return make_key(KeyType.TGK, policies, KvSpi(mki), random)
