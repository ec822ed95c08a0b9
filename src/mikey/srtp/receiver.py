"""The receiving side of one SRTP stream (RFC 3711 3.3 and 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from mikey._native import SrtpReceiver
from mikey.policy import SrtpPolicy
from mikey.srtp._limits import (
    SRTCP_LIFETIME,
    SRTP_LIFETIME,
    UINT32,
    check_lifetimes,
    check_range,
)
from mikey.srtp.master_key import MasterKey, native_keys, native_profile

_SMALLEST_WINDOW = 64  # RFC 3711 3.3.2
_LARGEST_WINDOW = 1 << 15  # half the sequence numbers: beyond, an index cannot be estimated


class Receiver(SrtpReceiver):
    """Checks and decrypts the SRTP and SRTCP packets of one SSRC.

    With `ssrc=None` the context binds to the SSRC of the first authentic packet. `roc` comes from
    key management (RFC 3711 3.3.1), and with it, maybe, `seq`, the sequence number at which it was
    told: a first packet that is behind half of all numbers has the next ROC. `window` is the
    replay list's size in packets, 64 to 32768. Indices, replay list and SSRC change only when a
    packet is authentic; `verified` and `rejected` count packets of both kinds.

    A packet names its master key by MKI; without MKIs its SRTP index selects it, and where that
    leaves several, the newest is tried first and its predecessor second. A master key is good for
    `lifetime` SRTP and `srtcp_lifetime` SRTCP packets from the first one received under it, a
    packet beyond is refused with PolicyError.

    Keys that came together are equals: a sender may change between them as it likes. Keys that
    `install` brings later replace those before. From the first authentic packet under a newer key
    on, an older one takes only packets with a lower index, which were overtaken on their way (for
    SRTP and for SRTCP each, counted by this context); and when one of the two replay windows has
    gone past that index it is erased, and not taken again (RFC 3711 8.1, 9.2). A key whose range
    goes on after that of the newer one does not end: it is in charge again there (8.1.1).

    A context belongs to one thread at a time; concurrent use raises LocalError, as does a master
    key or salt of another length than the policy's. Packets raise PeerError alone.
    """

    __slots__ = ("policy",)

    policy: SrtpPolicy

    def __new__(
        cls,
        policy: SrtpPolicy,
        masters: Sequence[MasterKey],
        *,
        ssrc: int | None,
        roc: int = 0,
        seq: int = 0,
        window: int = 128,
        lifetime: int = SRTP_LIFETIME,
        srtcp_lifetime: int = SRTCP_LIFETIME,
    ) -> Self:
        """Wait for the stream; see the class."""
        self = super().__new__(
            cls,
            native_profile(policy),
            native_keys(policy, masters),
            None if ssrc is None else check_range("ssrc", ssrc, 0, UINT32),
            (check_range("roc", roc, 0, UINT32), check_range("seq", seq, 0, 0xFFFF)),
            check_range("window", window, _SMALLEST_WINDOW, _LARGEST_WINDOW),
            check_lifetimes(lifetime, srtcp_lifetime),
        )
        self.policy = policy
        return self

    def install(self, masters: Sequence[MasterKey]) -> None:
        """Accept packets under new master keys (rekeying).

        ROC, indices and replay lists go on (RFC 3711 3.3.1). Keys that are here already stay as
        they are, so `Bundle.masters` after an update may be given whole. Older keys with an MKI,
        16 keys in all, or without MKIs the last one, stay for the packets that were sent before
        the first one under a new key; see the class. LocalError if a key is in use under another
        MKI, its MKI has another length, or it was replaced and erased.
        """
        self._install(native_keys(self.policy, masters))

    def __repr__(self) -> str:
        ssrc = "any SSRC" if self.ssrc is None else f"SSRC {self.ssrc:#010x}"
        return f"<Receiver of {ssrc}, {self.policy.name}, ROC {self.roc}>"
