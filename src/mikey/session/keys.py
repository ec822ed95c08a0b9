"""From the keys of a message to SRTP master keys (RFC 3830 4.1.3, 6.13, A.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from mikey.crypto import blocks_cancel, prf
from mikey.crypto.labels import TEK, TGK_SALT, tgk_label
from mikey.errors import DecodeError, PolicyError
from mikey.policy import Compat, SrtpPolicy
from mikey.registry import ErrorNumber, KeyType, PrfFunc
from mikey.secret import Secret
from mikey.srtp import MasterKey
from mikey.values import quick_init
from mikey.wire import KeyData, KvInterval, KvSpi, Validity

_TGK = frozenset({KeyType.TGK, KeyType.TGK_SALT})
TEKS = frozenset({KeyType.TEK, KeyType.TEK_SALT})
_BASE = _TGK | TEKS
_LEAST_TGK = 16

RAND_OCTETS = 16
"""The octets of a RAND that we make, the least that is advised (RFC 3830 6.11)."""

MOST_KEYS = 16
"""The keys that a CSB, and so an SRTP context, holds."""

MOST_OCTETS = 1024
"""The octets of all keys of a message: derivations cost time for each, times crypto sessions."""


def check_keys(keys: Sequence[KeyData]) -> None:
    """Check the keys of one message against each other.

    Raises DecodeError (12) for a kind of key that the base methods do not have, for a key that
    the PRF would cancel (R3830-4.1.2-5), for several keys that neither MKI nor interval tells
    apart (R3830-A.1-1), for MKIs of different lengths (R3830-6.14-4) or twice the same, and for
    more keys or octets than `MOST_KEYS` and `MOST_OCTETS`.
    """
    if len(keys) > MOST_KEYS or sum([len(key.key) for key in keys]) > MOST_OCTETS:
        raise _malformed(f"more than {MOST_KEYS} keys, or {MOST_OCTETS} octets of them")
    for key in keys:
        if key.key_type not in _BASE:
            raise _malformed(f"a key of type {key.key_type.label} has no place here")
        if len(key.key) == 0:
            raise _malformed("a key is empty")
        if key.key_type in _TGK and blocks_cancel(key.key.expose()):
            raise _malformed("a TGK holds the same 32 octets twice")
    intervals = [bounds(key.validity) for key in keys if isinstance(key.validity, KvInterval)]
    for first, last in intervals:
        if first > last:
            raise _malformed("an interval of key validity ends before it begins")
    if len(keys) > 1:
        _check_apart(keys, intervals)


def _check_apart(keys: Sequence[KeyData], intervals: Sequence[tuple[int, int]]) -> None:
    """Check that several keys can be told apart."""
    if len(intervals) == len(keys):
        if any(before[1] >= after[0] for before, after in pairwise(sorted(intervals))):
            raise _malformed("intervals of key validity overlap")
        return
    names = [mki_of(key) for key in keys]
    if not all(names):
        raise _malformed("several keys need an MKI or an interval each")
    if len({len(name) for name in names}) > 1:
        raise _malformed("the MKIs of one crypto session have one length")
    if len(set(names)) < len(names):
        raise _malformed("two keys have the same MKI")


def make_key(
    kind: KeyType,
    policies: Iterable[SrtpPolicy],
    validity: Validity,
    random: Callable[[int], bytes],
) -> KeyData:
    """Make a fresh key, as strong as the strongest policy asks for (R3830-9.1-2)."""
    wanted = tuple(policies)
    length = max(policy.key_length for policy in wanted)
    if kind is KeyType.TEK:
        # Its salt stands behind it: so long a key fits one kind of policy alone.
        return KeyData(kind, Secret(random(length + wanted[0].master_salt_length)), None, validity)
    if kind in _TGK:
        length = max(length, _LEAST_TGK)
    key = Secret(random(length))
    salt = Secret(random(wanted[0].master_salt_length)) if kind.has_salt else None
    return KeyData(kind, key, salt, validity)


def merge_keys(old: Sequence[KeyData], new: Sequence[KeyData]) -> tuple[KeyData, ...]:
    """Return the keys of a CSB after an update, newest first (RFC 3830 4.5).

    No new keys, or the old ones said again: the old stay. A key with MKI joins the last
    generation, one with an interval leaves of it what it does not cover whole, one with neither
    replaces it (R3830-4.5-12). Raises DecodeError (12) where the update changes the way in
    which keys are named, which is fixed for the life of an SRTP context (RFC 3711 3.2.1), or
    names another key, or the same key otherwise, by what was used before.
    """
    fresh = [key for key in new if key not in old]
    if not fresh:
        return tuple(old)
    if old and {_naming(key) for key in fresh} != {_naming(key) for key in old}:
        raise _malformed("an update keeps to the kind of key validity, and the length of the MKI")
    if any(key.key == held.key for key in fresh for held in old):
        raise _malformed("an update brings a key that is in use, under another name")
    names = {mki_of(key) for key in fresh}
    kept: Sequence[KeyData] = ()
    if isinstance(fresh[0].validity, KvInterval):
        kept = [held for held in old if not any(_covers(key, held) for key in fresh)]
    elif mki_of(fresh[0]):
        if any(mki_of(held) in names for held in old):
            raise _malformed("an update uses an MKI again")
        kept = old
    # One generation back is enough for late packets; older keys are forgotten.
    return (*fresh, *kept[: max(1, len(fresh))])[:MOST_KEYS]


def count_replaced(merged: Sequence[KeyData], old: Sequence[KeyData], replaced: int) -> int:
    """Return how many of the keys that `merge_keys` made, the last, newer ones take the place of.

    `replaced` is the number for `old`, which holds where nothing new came.
    """
    if tuple(merged) == tuple(old):
        return replaced
    return sum([key in old for key in merged])


def mki_of(key: KeyData) -> bytes:
    """Return the MKI of a key, b"" for none (R3830-6.14-4)."""
    return key.validity.spi if isinstance(key.validity, KvSpi) else b""


def bounds(interval: KvInterval) -> tuple[int, int]:
    """Return <From, To> as 48-bit SRTP indices; an empty end is open (RFC 3711 8.1.1).

    Raises DecodeError (12) for ends of another length than 6 octets (R3830-6.14-2).
    """
    first, last = interval.valid_from, interval.valid_to
    if len(first) not in (0, 6) or len(last) not in (0, 6):
        raise _malformed("an interval of key validity for SRTP has ends of 6 octets")
    return int.from_bytes(first), int.from_bytes(last) if last else (1 << 48) - 1


def check_fit(key: KeyData, policy: SrtpPolicy, compat: Compat) -> None:
    """Check that a key and its salt have lengths that the policy can use.

    Raises PolicyError (10): R3830-6.13-8 for a TEK, R3830-6.10.1-13 for a carried salt.
    """
    if key.key_type in TEKS:
        lengths = {policy.key_length}
        if key.salt is None and compat.tek_needs_salt:
            lengths.clear()
        if key.salt is None and compat.tek_with_salt:
            lengths.add(policy.key_length + policy.master_salt_length)
        if len(key.key) not in lengths:
            raise _unfit(f"a TEK of {len(key.key)} octets does not fit {policy.name}")
    if key.salt is not None and len(key.salt) != policy.master_salt_length:
        raise _unfit(f"a master salt of {len(key.salt)} octets does not fit {policy.name}")


@quick_init
@dataclass(frozen=True, slots=True)
class Derivation:
    """What a derivation from a TGK takes besides the TGK (RFC 3830 4.1.3)."""

    func: PrfFunc
    cs_id: int
    csb_id: int
    rand: bytes = field(repr=False)

    def derive(self, tgk: Secret, constant: int, length: int) -> Secret:
        """Return `length` octets for the purpose that `constant` names."""
        label = tgk_label(constant, self.cs_id, self.csb_id, self.rand)
        return prf(self.func, tgk, label, length)


def master_key(key: KeyData, policy: SrtpPolicy, inputs: Derivation) -> MasterKey:
    """Return the SRTP master key and salt that a crypto session takes from `key`.

    `key` passed `check_fit`. A TGK is derived from; a TEK is taken as it is. A salt carried
    beside the key is used in place of a derived one (R3830-6.13-7); a TEK without any has the
    NULL salt of RFC 3711, unless it is long enough to hold one (R3830-6.13-8).
    """
    salt_length = policy.master_salt_length
    if key.key_type in _TGK:
        tek = inputs.derive(key.key, TEK, policy.key_length)
    else:
        tek = Secret(key.key.expose()[: policy.key_length])
    if key.salt is not None:
        salt = key.salt
    elif key.key_type in _TGK:
        salt = inputs.derive(key.key, TGK_SALT, salt_length)
    else:
        salt = Secret(key.key.expose()[policy.key_length :] or bytes(salt_length))
    first, last = None, None
    if isinstance(key.validity, KvInterval):
        first, last = bounds(key.validity)
    return MasterKey(tek, salt, mki=mki_of(key), valid_from=first, valid_to=last)


def _naming(key: KeyData) -> tuple[bool, int]:
    return isinstance(key.validity, KvInterval), len(mki_of(key))


def _covers(newer: KeyData, older: KeyData) -> bool:
    """Tell whether an interval holds the whole of another."""
    if not (isinstance(newer.validity, KvInterval) and isinstance(older.validity, KvInterval)):
        return False
    first, last = bounds(newer.validity)
    old_first, old_last = bounds(older.validity)
    return first <= old_first and old_last <= last


def _malformed(reason: str) -> DecodeError:
    return DecodeError(reason, payload="KEMAC")


def _unfit(reason: str) -> PolicyError:
    return PolicyError(reason, number=ErrorNumber.INVALID_SPPAR, payload="KEMAC")
