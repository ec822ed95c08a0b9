"""The limits of SRTP, and the checks of what a caller gives against them."""

from __future__ import annotations

from mikey.errors import LocalError

SRTP_LIFETIME = 1 << 48
"""SRTP packets that one master key may protect (RFC 3711 9.2)."""

SRTCP_LIFETIME = 1 << 31
"""SRTCP packets that one master key may protect (RFC 3711 9.2)."""

UINT32 = (1 << 32) - 1


def check_range(name: str, value: int, lowest: int, highest: int) -> int:
    """Return `value`; LocalError unless it lies in `lowest`..`highest`."""
    if not lowest <= value <= highest:
        raise LocalError(f"{name} is {value}, not in {lowest}..{highest}")
    return value


def check_lifetimes(srtp: int, srtcp: int) -> tuple[int, int]:
    """Return the packets per master key; LocalError beyond what RFC 3711 9.2 allows."""
    return (
        check_range("lifetime", srtp, 1, SRTP_LIFETIME),
        check_range("srtcp_lifetime", srtcp, 1, SRTCP_LIFETIME),
    )
