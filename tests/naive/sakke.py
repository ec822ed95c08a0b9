"""SAKKE (RFC 6508) a second time: slow, in the words of the RFC, with nothing of the package.

The parameters are set 1 of RFC 6509, Appendix A; p and q are built from each other.
"""

from __future__ import annotations

import functools
from hashlib import sha256

from tests.naive.curve import Curve, Point

L = 128  # octets of an element of F_p
Q = int(
    "265EAEC7C2958FF69971846636B4195E905B0338672D20986FA6B8D62CF8068B"
    "BD02AAC9F8BF03C6C8A1CC354C69672C39E46CE7FDF222864D5B49FD2999A9B4"
    "389B1921CC9AD335144AB173595A07386DABFD2A0C614AA0A9F3CF14870F026A"
    "A7E535ABD5A5C7C7FF38FA08E2615F6C203177C42B1EB3A1D99B601EBFAA17FB",
    16,
)
E = Curve(p=4 * Q - 1, b=0)
P = Point(
    int(
        "53FC09EE332C29AD0A7990053ED9B52A2B1A2FD60AEC69C698B2F204B6FF7CBF"
        "B5EDB6C0F6CE2308AB10DB9030B09E1043D5F22CDB9DFA55718BD9E7406CE890"
        "9760AF765DD5BCCB337C86548B72F2E1A702C3397A60DE74A7C1514DBA66910D"
        "D5CFB4CC80728D87EE9163A5B63F73EC80EC46C4967E0979880DC8ABEAE63895",
        16,
    ),
    int(
        "0A8249063F6009F1F9F1F0533634A135D3E82016029906963D778D821E141178"
        "F5EA69F4654EC2B9E7F7F5E5F0DE55F66B598CCF9A140B2E416CFF0CA9E032B9"
        "70DAE117AD547C6CCAD696B5B7652FE0AC6F1E80164AA989492D979FC5A4D5F2"
        "13515AD7E9CB99A980BDAD5AD5BB4636ADB9B5706A67DCDE75573FD71BEF16D7",
        16,
    ),
)

Pair = tuple[int, int]  # a + ib of F_p^2


def multiply(one: Pair, other: Pair) -> Pair:
    """Return a product in F_p^2, where i^2 is -1 (2.1)."""
    (a, b), (c, d) = one, other
    return (a * c - b * d) % E.p, (a * d + b * c) % E.p


def representative(value: Pair) -> int:
    """Return b/a, which stands for all multiples of a + ib by F_p (2.1)."""
    a, b = value
    return b * pow(a, -1, E.p) % E.p


def pairing(r: Point, q: Point) -> int:
    """Return <R, Q> by the Miller loop over q - 1 (3.2)."""
    v: Pair = (1, 0)
    c = r
    for bit in f"{Q - 1:b}"[1:]:
        v = multiply(v, v)
        v, c = step(v, c, c, q)
        if bit == "1":
            v, c = step(v, c, r, q)
    power: Pair = (1, 0)
    for _ in range((E.p + 1) // Q):
        power = multiply(power, v)
    return representative(power)


def step(v: Pair, c: Point, other: Point, q: Point) -> tuple[Pair, Point]:
    """Return v times the line through two points at the distorted Q, and their sum."""
    slope = E.slope(c, other)
    total = E.add(c, other)
    if slope is None or total is None:
        raise ValueError("a point of small order")
    return multiply(v, ((slope * (q.x + c.x) - c.y) % E.p, q.y)), total


@functools.cache
def g() -> int:
    """Return <P, P>, which RFC 6509 prints."""
    return pairing(P, P)


def power_of_g(exponent: int) -> int:
    """Return g^r in PF_p: the representative of (1 + ig)^r."""
    base: Pair = (1, g())
    result: Pair = (1, 0)
    for bit in f"{exponent:b}":
        result = multiply(result, result)
        if bit == "1":
            result = multiply(result, base)
    return representative(result)


def hash_to_range(octets: bytes, n: int, hashes: int) -> int:
    """Return HashToIntegerRange (5.1); `hashes` is ceil(lg n / 256)."""
    a = sha256(octets).digest()
    h = bytes(32)
    joined = b""
    for _ in range(hashes):
        h = sha256(h).digest()
        joined += sha256(h + a).digest()
    return int.from_bytes(joined) % n


def public_key(z: int) -> bytes:
    """Return Z (6.1)."""
    return E.encode(E.multiply(z, P))


def receiver_key(z: int, identifier: bytes) -> bytes:
    """Return the RSK (6.1.1)."""
    return E.encode(E.multiply(pow(int.from_bytes(identifier) + z, -1, Q), P))


def point_of(public: bytes, identifier: bytes) -> Point:
    """Return [b]P + Z."""
    point = E.add(E.multiply(int.from_bytes(identifier), P), E.decode(public))
    if point is None:
        raise ValueError("this identifier has no key")
    return point


def fits(public: bytes, identifier: bytes, rsk: bytes) -> bool:
    """Tell whether an RSK may be used (6.1.2)."""
    return pairing(point_of(public, identifier), E.decode(rsk)) == g()


def encapsulate(public: bytes, identifier: bytes, ssv: bytes, mask_hashes: int = 1) -> bytes:
    """Return the Encapsulated Data (6.2.1); SSVs of 16 and of 32 octets."""
    r = hash_to_range(ssv + identifier, Q, 4)
    point = E.encode(E.multiply(r, point_of(public, identifier)))
    return point + masked(ssv, power_of_g(r), mask_hashes)


def decapsulate(
    public: bytes, identifier: bytes, rsk: bytes, data: bytes, mask_hashes: int = 1
) -> bytes:
    """Return the SSV (6.2.2); ValueError if it must not be used."""
    point, h = E.decode(data[: 2 * L + 1]), data[2 * L + 1 :]
    ssv = masked(h, pairing(point, E.decode(rsk)), mask_hashes)
    r = hash_to_range(ssv + identifier, Q, 4)
    if E.multiply(r, point_of(public, identifier)) != point:
        raise ValueError("not for this identifier")
    return ssv


def masked(octets: bytes, w: int, hashes: int) -> bytes:
    """Return octets with the hash of w over them."""
    mask = hash_to_range(w.to_bytes(L), 1 << 8 * len(octets), hashes)
    return (int.from_bytes(octets) ^ mask).to_bytes(len(octets))
