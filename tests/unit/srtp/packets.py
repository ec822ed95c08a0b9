"""Packets, keys and policies for the tests of SRTP."""

from __future__ import annotations

import json
import random
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

from mikey.policy import SrtpPolicy
from mikey.registry import SrtpAuth
from mikey.secret import Secret
from mikey.srtp import MasterKey

SSRC = 0xCAFEBABE
VECTORS = Path(__file__).parents[3] / "vectors"

CM = SrtpPolicy.AES_CM_128_HMAC_SHA1_80
GCM = SrtpPolicy.AEAD_AES_128_GCM

POLICIES: dict[str, SrtpPolicy] = {
    **SrtpPolicy.presets(),
    "tag of 20": replace(CM, tag_length=20),
    "tag of 7, SRTCP 12": replace(CM, tag_length=7, srtcp_tag=12),
    "SRTP in clear": replace(CM, srtp_encryption=False),
    "SRTCP in clear": replace(CM, srtcp_encryption=False),
    "f8, SRTCP in clear": replace(SrtpPolicy.F8_128_HMAC_SHA1_80, srtcp_encryption=False),
    "GCM, SRTCP in clear": replace(GCM, srtcp_encryption=False),
    "authentication off": replace(CM, srtp_authentication=False),
    "authentication NULL": replace(CM, authentication=SrtpAuth.NULL),
    "rate 1": replace(CM, key_derivation_rate=1),
    "rate 16": replace(CM, key_derivation_rate=16),
    "rate 2^24": replace(CM, key_derivation_rate=1 << 24),
    "GCM, rate 8": replace(GCM, key_derivation_rate=8),
}
AUTHENTICATED = {name: p for name, p in POLICIES.items() if p.srtp_tag_length}


def master(
    policy: SrtpPolicy = CM,
    seed: int = 1,
    mki: bytes = b"",
    valid_from: int | None = None,
    valid_to: int | None = None,
) -> MasterKey:
    """A master key of the lengths that the policy wants, another one for each seed."""
    draw = random.Random(seed)
    key = Secret(draw.randbytes(policy.key_length))
    salt = Secret(draw.randbytes(policy.master_salt_length))
    return MasterKey(key, salt, mki, valid_from, valid_to)


def rtp(
    seq: int,
    payload: bytes = b"payload",
    *,
    ssrc: int = SSRC,
    csrcs: tuple[int, ...] = (),
    extension: bytes | None = None,
    padding: int = 0,
    marker: bool = False,
) -> bytes:
    """An RTP packet (RFC 3550 5.1); `extension` has whole words, `padding` counts octets."""
    first = 0x80 | (padding > 0) << 5 | (extension is not None) << 4 | len(csrcs)
    packet = struct.pack(
        f"!BBHII{len(csrcs)}I",
        first,
        marker << 7 | 96,
        seq & 0xFFFF,
        160 * seq & 0xFFFFFFFF,
        ssrc,
        *csrcs,
    )
    if extension is not None:
        packet += struct.pack("!HH", 0x0042, len(extension) // 4) + extension
    packet += payload
    if padding:
        packet += bytes(padding - 1) + bytes([padding])
    return packet


def rtcp(body: bytes = b"", *, ssrc: int = SSRC) -> bytes:
    """A compound RTCP packet: an empty receiver report, then `body` (whole words)."""
    return struct.pack("!BBHI", 0x80, 201, 1, ssrc) + body


def vectors(name: str, kind: str) -> list[dict[str, Any]]:
    """The vectors of one kind in `vectors/<name>.json`."""
    content = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return [vector for vector in content["vectors"] if vector["kind"] == kind]


def stream(seed: str) -> list[bytes]:
    """RTP packets of all shapes across a rollover, the same for each run."""
    draw = random.Random(seed)
    seq, packets = 65_400, []
    for _ in range(300):
        seq += draw.choice([1, 1, 1, 2, 5])
        packets.append(
            rtp(
                seq,
                draw.randbytes(draw.randrange(1, 1200)),
                csrcs=tuple(draw.randbytes(draw.randrange(4))),
                extension=draw.choice([None, draw.randbytes(4 * draw.randrange(5))]),
                padding=draw.choice([0, 0, 4]),
                marker=draw.random() < 0.1,
            )
        )
    return packets


def reports(seed: str) -> list[bytes]:
    """Compound RTCP packets of many lengths, the same for each run."""
    draw = random.Random(seed)
    return [rtcp(draw.randbytes(4 * draw.randrange(1, 60))) for _ in range(100)]
