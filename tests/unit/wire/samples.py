"""Messages and values that several tests of the wire layer start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from mikey.registry import DataType, EncrAlg, IdType, MacAlg, ProtType, TsType
from mikey.wire import EmptyMap, Hdr, Id, Kemac, Message, Rand, Sp, SrtpId, SrtpIdMap, T, V

_FILE = Path(__file__).resolve().parents[3] / "vectors" / "mikey-messages.json"

VECTORS: Final[list[dict[str, Any]]] = json.loads(_FILE.read_text())["messages"]

STAMP: Final = T(TsType.NTP_UTC, bytes(range(8)))
RAND: Final = Rand(bytes(16))
ALICE: Final = Id(IdType.URI, b"sip:alice@example.com")
BOB: Final = Id(IdType.URI, b"sip:bob@example.com")
POLICY: Final = Sp(0, ProtType.SRTP)
KEYS: Final = Kemac(EncrAlg.AES_CM_128, bytes(20), MacAlg.HMAC_SHA_1_160, bytes(20))
CHECK: Final = V(MacAlg.HMAC_SHA_1_160, bytes(20))


def header(data_type: DataType = DataType.PSK_INIT) -> Hdr:
    """A header with one crypto session (19 octets)."""
    return Hdr(data_type, 0x01020304, SrtpIdMap((SrtpId(0, 1, 0),)))


def bare(data_type: DataType) -> Hdr:
    """A header of 10 octets."""
    return Hdr(data_type, 0x01020304, EmptyMap())


def offer() -> Message:
    """A PSK message with each payload that it may have."""
    return Message.build(header(), [STAMP, RAND, ALICE, BOB, POLICY, KEYS])


def vector(name: str) -> bytes:
    """The octets of a vector."""
    (found,) = [case for case in VECTORS if case["name"] == name]
    return bytes.fromhex(found["octets"])
