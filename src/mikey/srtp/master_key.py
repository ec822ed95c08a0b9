"""An SRTP master key and what selects it (RFC 3711 3.2.1 and 8.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mikey.errors import LocalError
from mikey.policy import SrtpPolicy
from mikey.secret import Secret
from mikey.values import quick_init

_LAST_INDEX = (1 << 48) - 1
_LONGEST_MKI = 255  # one octet says its length in MIKEY (RFC 3830 6.14)


@quick_init
@dataclass(frozen=True, slots=True)
class MasterKey:
    """A master key (TEK) with its salt.

    Packets find it by `mki`, 0 to 255 octets, of one length in a context; or, without an MKI, by
    the 48-bit SRTP index ROC || SEQ, from `valid_from` to `valid_to`, both included (None: no
    bound). LocalError if the MKI is too long or the bounds are none.
    """

    key: Secret
    salt: Secret
    mki: bytes = b""
    valid_from: int | None = None
    valid_to: int | None = None

    def __post_init__(self) -> None:
        if len(self.mki) > _LONGEST_MKI:
            raise LocalError(f"an MKI has at most {_LONGEST_MKI} octets, not {len(self.mki)}")
        first = 0 if self.valid_from is None else self.valid_from
        last = _LAST_INDEX if self.valid_to is None else self.valid_to
        if not 0 <= first <= last <= _LAST_INDEX:
            raise LocalError("valid_from and valid_to are 48-bit SRTP indices in this order")

    def check(self, policy: SrtpPolicy) -> None:
        """Raise LocalError unless key and salt have the lengths that `policy` asks for."""
        for name, secret, length in (
            ("key", self.key, policy.key_length),
            ("salt", self.salt, policy.master_salt_length),
        ):
            if len(secret) != length:
                raise LocalError(
                    f"the master {name} has {len(secret)} octets; {policy.name} takes {length}"
                )


NativeKey = tuple[bytes, bytes, bytes, int | None, int | None]
NativeProfile = tuple[int, int, int, int, int, bool, bool]


def native_keys(policy: SrtpPolicy, masters: Sequence[MasterKey]) -> list[NativeKey]:
    """Return the keys as the native contexts take them, their lengths checked."""
    for master in masters:
        master.check(policy)
    return [(m.key.expose(), m.salt.expose(), m.mki, m.valid_from, m.valid_to) for m in masters]


def native_profile(policy: SrtpPolicy) -> NativeProfile:
    """Return the transforms as the native contexts take them."""
    return (
        int(policy.encryption),
        policy.key_length,
        policy.srtp_tag_length,
        policy.srtcp_tag_length,
        policy.key_derivation_rate,
        policy.srtp_encryption,
        policy.srtcp_encryption,
    )
