"""SRTP once more, slowly: RFC 3711, 6188 and 7714 as their text reads, on single packets.

It shares nothing with the package but the policy's fields; `test_reference.py` holds it against
the published numbers. Indices are given, not estimated.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mikey.registry import SrtpEncr

if TYPE_CHECKING:
    from mikey.policy import SrtpPolicy


@dataclass(frozen=True)
class Keys:
    """Session keys k_e, k_a, k_s."""

    encryption: bytes
    authentication: bytes
    salt: bytes


def block(key: bytes, data: bytes) -> bytes:
    """AES of one block."""
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(data)


def counter_mode(key: bytes, iv: int, data: bytes) -> bytes:
    """RFC 3711 4.1.1."""
    return Cipher(algorithms.AES(key), modes.CTR(iv.to_bytes(16))).encryptor().update(data)


def f8_mode(key: bytes, salt: bytes, iv: bytes, data: bytes) -> bytes:
    """RFC 3711 4.1.2.1."""
    mask = salt + b"\x55" * (len(key) - len(salt))
    masked_key = bytes(a ^ b for a, b in zip(key, mask, strict=True))
    start = int.from_bytes(block(masked_key, iv))
    stream, state = b"", 0
    for j in range((len(data) + 15) // 16):
        state = int.from_bytes(block(key, (start ^ j ^ state).to_bytes(16)))
        stream += state.to_bytes(16)
    return bytes(a ^ b for a, b in zip(data, stream, strict=False))


def derive(key: bytes, salt: bytes, label: int, r: int, length: int) -> bytes:
    """RFC 3711 4.3.1 and 4.3.3; a salt of 96 bits has zeros appended (R7714-11-1)."""
    x = int.from_bytes(salt.ljust(14, b"\0")) ^ (label << 48 | r)
    return counter_mode(key, x << 16, bytes(length))


def session_keys(policy: SrtpPolicy, key: bytes, salt: bytes, index: int, *, rtcp: bool) -> Keys:
    """The session keys of a packet."""
    rate = policy.key_derivation_rate
    r = index // rate if rate else 0
    first = 3 if rtcp else 0
    return Keys(
        derive(key, salt, first, r, policy.key_length),
        derive(key, salt, first + 1, r, policy.auth_key_length),
        derive(key, salt, first + 2, r, policy.salt_length),
    )


def header_length(rtp: bytes) -> int:
    """RFC 3550 5.1 and 5.3.1."""
    length = 12 + 4 * (rtp[0] & 15)
    if rtp[0] & 16:
        length += 4 + 4 * int.from_bytes(rtp[length + 2 : length + 4])
    return length


def protect(
    policy: SrtpPolicy, key: bytes, salt: bytes, index: int, rtp: bytes, mki: bytes = b""
) -> bytes:
    """The SRTP packet of an RTP packet whose index is ROC || SEQ."""
    keys = session_keys(policy, key, salt, index, rtcp=False)
    ssrc, roc = int.from_bytes(rtp[8:12]), (index >> 16).to_bytes(4)
    at = header_length(rtp)
    header, payload = rtp[:at], rtp[at:]
    if policy.encryption is SrtpEncr.AES_GCM:
        iv = int.from_bytes(keys.salt) ^ (ssrc << 48 | index)
        return header + AESGCM(keys.encryption).encrypt(iv.to_bytes(12), payload, header) + mki
    if policy.srtp_encryption:
        f8_iv = b"\0" + rtp[1:12] + roc
        payload = _encrypt(policy, keys, ssrc, index, f8_iv, payload)
    authenticated = header + payload
    tag = b""
    if policy.srtp_tag_length:
        tag = hmac.digest(keys.authentication, authenticated + roc, "sha1")
    return authenticated + mki + tag[: policy.srtp_tag_length]


def protect_rtcp(
    policy: SrtpPolicy, key: bytes, salt: bytes, index: int, rtcp: bytes, mki: bytes = b""
) -> bytes:
    """The SRTCP packet of a compound RTCP packet; `index` is the SRTCP index."""
    keys = session_keys(policy, key, salt, index, rtcp=True)
    encrypted = policy.srtcp_encryption and policy.encryption is not SrtpEncr.NULL
    ssrc, word = int.from_bytes(rtcp[4:8]), (encrypted << 31 | index).to_bytes(4)
    clear, body = (rtcp[:8], rtcp[8:]) if encrypted else (rtcp, b"")
    if policy.encryption is SrtpEncr.AES_GCM:
        iv = int.from_bytes(keys.salt) ^ (ssrc << 48 | index)
        sealed = AESGCM(keys.encryption).encrypt(iv.to_bytes(12), body, clear + word)
        return clear + sealed + word + mki
    if encrypted:
        body = _encrypt(policy, keys, ssrc, index, bytes(4) + word + rtcp[:8], body)
    authenticated = clear + body + word
    tag = hmac.digest(keys.authentication, authenticated, "sha1")
    return authenticated + mki + tag[: policy.srtcp_tag_length]


def _encrypt(
    policy: SrtpPolicy, keys: Keys, ssrc: int, index: int, f8_iv: bytes, data: bytes
) -> bytes:
    if policy.encryption is SrtpEncr.NULL:
        return data
    if policy.encryption is SrtpEncr.AES_F8:
        return f8_mode(keys.encryption, keys.salt, f8_iv, data)
    iv = int.from_bytes(keys.salt) << 16 ^ ssrc << 64 ^ index << 16
    return counter_mode(keys.encryption, iv, data)
