"""VEC-2 and VEC-6 to VEC-11 of docs/conformance/base.md 40: one PSK exchange and its keys."""

from __future__ import annotations

from tests.naive.decode import decode

CSB_ID = 0x12345678
RAND_VALUE = bytes(range(0x10, 0x20))
PSK = bytes(range(16))
TGK = bytes(range(0x20, 0x30))
TS = bytes.fromhex("c8e350ea80000000")
IDI = b"sip:alice@example.com"
IDR = b"sip:bob@example.com"

OFFER = bytes.fromhex(
    "0100058012345678020000deadbeef000000000000000000000000000b00c8e350ea800000000610101112131415"
    "161718191a1b1c1d1e1f060100157369703a616c696365406578616d706c652e636f6d0a0100137369703a626f62"
    "406578616d706c652e636f6d150000001e00010101011002010103011404010e0501000701010801010a01010b01"
    "0a010100056d696b6579000100144fba7ec731e53dc4885db85509580819592a6a8d01bdec11dc77227cceee1675"
    "642c467c0376f25c6c"
)
ANSWER = bytes.fromhex(
    "0101050012345678020000deadbeef0000000000cafebabe000000000600c8e350ea80000000090100137369703a"
    "626f62406578616d706c652e636f6d0001f93bb192cb1afdfff55f0a6c3838bd30ffc12fba"
)
# With its Next payload octet (2, PKE).
ENVELOPE_KEMAC = bytes.fromhex(
    "0201002d12bbeca50883e53aa8ea2db94194f9accf557ca30b2071d0db5278cbf4286c4ae7b80886b56d0978fe58"
    "61a3620171a687eb48f846d5019fee93c02c618fd730e797"
)
KW_PLAIN = bytes.fromhex("00010010202122232425262728292a2b2c2d2e2f03010203")
KW_WRAPPED = bytes.fromhex("e5bc26c6af56bc7f022d40247083ee5aa1a318d6671f8c29774114dd97eb64dc")


def decode_error(octets: bytes) -> str:
    """Return why the naive decoder refuses the octets; empty if it does not."""
    try:
        decode(octets)
    except ValueError as error:
        return str(error)
    return ""
