"""The sending side of one SRTP stream (RFC 3711 3.3 and 3.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

from mikey._native import SrtpSender
from mikey.policy import SrtpPolicy
from mikey.srtp._limits import (
    SRTCP_LIFETIME,
    SRTP_LIFETIME,
    UINT32,
    check_lifetimes,
    check_range,
)
from mikey.srtp.master_key import MasterKey, native_keys, native_profile


class Sender(SrtpSender):
    """Protects the RTP and RTCP packets of one SSRC.

    `masters` are tried in their order; the first whose range holds the packet and that is not
    used up protects it, and its MKI says so to the peer. `roc` is where a resumed stream stands
    (RFC 3711 3.3.1), `srtcp_index` its next SRTCP index. A master key lasts for `lifetime` SRTP
    packets from its first one on, counted by their index, and `srtcp_lifetime` SRTCP packets.

    When fewer than `rekey_margin` of either remain, `on_rekey_needed` is called, once until
    `install` brings new keys. It runs before the packet at hand is protected; what it raises
    comes out of `protect`, and calling `install` in it is in order.

    A context belongs to one thread at a time; concurrent use raises LocalError, as does a master
    key or salt of another length than the policy's.
    """

    __slots__ = ("_on_rekey_needed", "policy")

    policy: SrtpPolicy
    _on_rekey_needed: Callable[[], None] | None

    def __new__(
        cls,
        policy: SrtpPolicy,
        masters: Sequence[MasterKey],
        *,
        ssrc: int,
        roc: int = 0,
        srtcp_index: int = 0,
        lifetime: int = SRTP_LIFETIME,
        srtcp_lifetime: int = SRTCP_LIFETIME,
        rekey_margin: int = 1 << 16,
        on_rekey_needed: Callable[[], None] | None = None,
    ) -> Self:
        """Start the stream; see the class."""
        self = super().__new__(
            cls,
            native_profile(policy),
            native_keys(policy, masters),
            check_range("ssrc", ssrc, 0, UINT32),
            (
                check_range("roc", roc, 0, UINT32),
                check_range("srtcp_index", srtcp_index, 0, SRTCP_LIFETIME - 1),
            ),
            check_lifetimes(lifetime, srtcp_lifetime),
            check_range("rekey_margin", rekey_margin, 0, SRTP_LIFETIME),
        )
        self.policy = policy
        self._on_rekey_needed = on_rekey_needed
        return self

    def install(self, masters: Sequence[MasterKey]) -> None:
        """Protect under new master keys from the next packet on (rekeying).

        ROC and indices go on (RFC 3711 3.3.1). Keys that are here already stay as they are, so
        `Bundle.masters` after an update may be given whole; older ones stay only for the part of
        their range that no new key covers, and are never taken again (9.2). LocalError if a key is
        in use under another MKI, its MKI has another length than theirs (3.2.1), or it was
        replaced before.
        """
        self._install(native_keys(self.policy, masters))

    def __repr__(self) -> str:
        return f"<Sender of SSRC {self.ssrc:#010x}, {self.policy.name}, ROC {self.roc}>"

    def _rekey_needed(self) -> None:
        if self._on_rekey_needed is not None:
            self._on_rekey_needed()
