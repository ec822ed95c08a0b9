"""RTSP text and MIKEY messages as products send them."""

from __future__ import annotations

import base64

from mikey.policy.clock import ntp_from_ns
from mikey.registry import DataType, EncrAlg, KeyType, MacAlg, ProtType, TsType
from mikey.secret import Secret
from mikey.wire import (
    Hdr,
    Kemac,
    KeyData,
    KvSpi,
    Payload,
    Rand,
    Sp,
    SpParam,
    SrtpId,
    SrtpIdMap,
    encode,
    encode_key_data,
)
from mikey.wire import T as Timestamp

NOW = 1_782_000_000_000_000_000

# gst-rtsp-server 1.22 and rtspsrc 1.22 on the wire
DESCRIBE = base64.b64decode(
    "AQAFAG3TTTsBAAA6Zl3FAAAAAAsA7q5huArg0j0KEPzYe1XmTpEd6KQ58OFrQasBAAAAFQABAQEBEAIBAQMBCgcBAQgB"
    "AQoBAQAAACIAIAAeRSq57LIst9eMSMGiwenQR0yQf2MMc8q27olGKlxnAA=="
)
SETUP = base64.b64decode(
    "AQAFANDwv84BAAAm/kOaAAAAAAsA7q5huAtVFQUKECSDlpOhhBJYS/hSVXPUhVoBAAAAFQABAQEBEAIBAQMBCgcBAQgB"
    "AQoBAQAAACIAIAAeJUol6bCV1y+VMhjtBaMVYoVFJrl4eWttZ+usk50XAA=="
)

KEY = bytes(range(1, 17))
SALT = bytes(range(0x41, 0x4F))

FILETIME = bytes.fromhex("01d38e19cef95c3d")
"""2018-01-15 15:59:22 UTC, in the T of ONVIF's and a vendor's samples."""

CM_RFC = {0: 1, 1: 16, 2: 1, 3: 20, 4: 14, 5: 0, 7: 1, 8: 1, 10: 1, 11: 10}
CM_LIVE555 = {0: 1, 1: 16, 2: 1, 3: 20, 4: 14, 7: 1, 8: 1, 10: 1, 11: 10}
CM_GST = {0: 1, 1: 16, 2: 1, 3: 10, 7: 1, 8: 1, 10: 1}
CM_NX = {0: 1, 1: 16, 2: 1, 3: 20, 7: 1, 8: 1, 10: 1, 11: 10}
GCM_ONVIF = {0: 6, 1: 16, 2: 0, 4: 12, 5: 0, 7: 1, 8: 1, 20: 16}
GCM_GST = {0: 6, 1: 16, 2: 0, 3: 0, 7: 1, 8: 1, 10: 1}
GCM_NX = {0: 6, 1: 16, 2: 0, 7: 1, 8: 1, 10: 1, 20: 16}


def message(
    params: dict[int, int] | None,
    *,
    key: bytes = KEY + SALT,
    salt: bytes | None = None,
    spi: bytes = b"",
    t: bytes | None = ntp_from_ns(NOW).to_bytes(8),
    rand: bytes | None = bytes(range(16)),
    csb_id: int = 0x6AD5A258,
    sessions: tuple[SrtpId, ...] = (SrtpId(0, 0xC20F551C),),
    key_type: KeyType | None = None,
) -> bytes:
    """Return a MIKEY-NULL message as cameras and players build it; None leaves a payload out."""
    payloads: list[Payload] = []
    if t is not None:
        payloads.append(Timestamp(TsType.NTP_UTC, t))
    if rand is not None:
        payloads.append(Rand(rand))
    if params is not None:
        values = tuple(SpParam(n, bytes([value])) for n, value in params.items())
        payloads.append(Sp(0, ProtType.SRTP, values))
    kind = KeyType.TEK if salt is None else KeyType.TEK_SALT
    if key_type is not None:
        kind = key_type
    data = KeyData(kind, Secret(key), None if salt is None else Secret(salt))
    if spi:
        data = KeyData(data.key_type, data.key, data.salt, KvSpi(spi))
    payloads.append(Kemac(EncrAlg.NULL, encode_key_data((data,)), MacAlg.NULL, b""))
    return encode(Hdr(DataType.PSK_INIT, csb_id, SrtpIdMap(sessions)), payloads)


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def sdp(*messages: bytes | None, session: bytes | None = None, control: str = "*") -> str:
    """Return a description with a secure video line for each of `messages`."""
    lines = ["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=Session", "t=0 0"]
    if control:
        lines.append(f"a=control:{control}")
    if session is not None:
        lines.append(f"a=key-mgmt:mikey {b64(session)}")
    for number, octets in enumerate(messages):
        lines += ["m=video 0 RTP/SAVP 26", f"a=control:stream={number}"]
        if octets is not None:
            lines.append(f"a=key-mgmt:mikey {b64(octets)}")
        lines.append(f"a=ssrc:{1000 + number} cname:camera")
    return "\r\n".join(lines) + "\r\n"
