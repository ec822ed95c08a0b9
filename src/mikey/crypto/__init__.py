"""Primitives over octets and integers; nothing here knows a message."""

from __future__ import annotations

from mikey.crypto.prf import blocks_cancel, check_prf, prf
from mikey.crypto.transforms import aes_cm, aes_cm_iv, aes_kw_unwrap, aes_kw_wrap, check_mac, mac

__all__ = [
    "aes_cm",
    "aes_cm_iv",
    "aes_kw_unwrap",
    "aes_kw_wrap",
    "blocks_cancel",
    "check_mac",
    "check_prf",
    "mac",
    "prf",
]
