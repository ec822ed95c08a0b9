"""ECCSI (RFC 6507) a second time: slow, in the words of the RFC, with nothing of the package."""

from __future__ import annotations

from hashlib import sha256

from tests.naive.curve import Curve, Point

N = 32
E = Curve(
    p=2**256 - 2**224 + 2**192 + 2**96 - 1,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
)
Q = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = Point(
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def public_key(ksak: int) -> bytes:
    """Return KPAK (4.2)."""
    return E.encode(E.multiply(ksak, G))


def hash_of_identity(kpak: bytes, identifier: bytes, pvt: bytes) -> bytes:
    """Return HS (5.1.1, step 3)."""
    return sha256(E.encode(G) + kpak + identifier + pvt).digest()


def make_pair(ksak: int, identifier: bytes, v: int) -> tuple[int, bytes]:
    """Return SSK and PVT (5.1.1)."""
    pvt = E.encode(E.multiply(v, G))
    hs = hash_of_identity(public_key(ksak), identifier, pvt)
    return (ksak + int.from_bytes(hs) * v) % Q, pvt


def fits(kpak: bytes, identifier: bytes, ssk: int, pvt: bytes) -> bool:
    """Tell whether a pair may be used (5.1.2)."""
    hs = int.from_bytes(hash_of_identity(kpak, identifier, pvt))
    minus = E.multiply(-hs % Q, E.decode(pvt))
    return E.add(E.multiply(ssk, G), minus) == E.decode(kpak)


def sign(kpak: bytes, identifier: bytes, ssk: int, pvt: bytes, message: bytes, j: int) -> bytes:
    """Return a signature (5.2.1)."""
    point = E.multiply(j, G)
    if point is None:
        raise ValueError("j is a multiple of q")
    r = point.x.to_bytes(N)
    hs = hash_of_identity(kpak, identifier, pvt)
    he = int.from_bytes(sha256(hs + r + message).digest())
    s = pow(he + point.x * ssk, -1, Q) * j % Q
    return r + s.to_bytes(N) + pvt


def verify(kpak: bytes, identifier: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature holds (5.2.2)."""
    r, s, pvt = signature[:N], int.from_bytes(signature[N : 2 * N]), signature[2 * N :]
    try:
        token = E.decode(pvt)
    except ValueError:
        return False
    hs = hash_of_identity(kpak, identifier, pvt)
    he = int.from_bytes(sha256(hs + r + message).digest())
    y = E.add(E.multiply(int.from_bytes(hs), token), E.decode(kpak))
    inner = E.add(E.multiply(he, G), E.multiply(int.from_bytes(r), y))
    j = E.multiply(s, inner)
    return j is not None and j.x % E.p == int.from_bytes(r) % E.p and j.x % E.p != 0
