"""Diffie-Hellman over the groups of RFC 3830 6.4: moduli from their formulas, ``pow`` for the rest.

The numbers of MIKEY run against those of OAKLEY: 0 is OAKLEY 5, 1 is OAKLEY 1, 2 is OAKLEY 2.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

from tests.naive import encode as e
from tests.naive.decode import DH, DH_OCTETS, Fields, Part, decode
from tests.naive.encode import Payload

GENERATOR = 2

# Bits of the modulus, and the number that makes it a safe prime (R3830-6.4-3).
_FORMULAS = {0: (1536, 741804), 1: (768, 149686), 2: (1024, 129093)}


class Validity(NamedTuple):
    """KV and its octets as they stand in a DH payload."""

    kv: int = 0
    octets: bytes = b""


def spi(value: bytes) -> Validity:
    return Validity(1, e.lv(value, 1))


def interval(valid_from: bytes, valid_to: bytes) -> Validity:
    return Validity(2, e.lv(valid_from, 1) + e.lv(valid_to, 1))


@functools.cache
def pi_bits(bits: int) -> int:
    """Return floor(2^bits * pi) by Machin's formula, with 64 more bits than are kept."""
    one = 1 << (bits + 64)

    def arctan_inverse(x: int) -> int:
        total, power, n, sign = 0, one // x, 1, 1
        while power:
            total += sign * (power // n)
            power //= x * x
            n, sign = n + 2, -sign
        return total

    return 4 * (4 * arctan_inverse(5) - arctan_inverse(239)) >> 64


@functools.cache
def modulus(group: int) -> int:
    """Return 2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + k)."""
    n, k = _FORMULAS[group]
    return int(2**n - 2 ** (n - 64) - 1 + 2**64 * (pi_bits(n - 130) + k))


def public(group: int, exponent: int) -> bytes:
    """Return g^x mod p as long as the modulus."""
    return pow(GENERATOR, exponent, modulus(group)).to_bytes(DH_OCTETS[group], "big")


def shared(group: int, exponent: int, peer: bytes) -> bytes:
    """Return the TGK, as long as the modulus; ValueError for a value outside 2..p-2."""
    p, value = modulus(group), int.from_bytes(peer, "big")
    if len(peer) != DH_OCTETS[group] or not 2 <= value <= p - 2:
        raise ValueError("the peer's DH value is out of range")
    secret = pow(value, exponent, p)
    if secret == 1:
        raise ValueError("the shared secret is 1")
    return secret.to_bytes(DH_OCTETS[group], "big")


def payload(group: int, value: bytes, validity: Validity = Validity()) -> Payload:  # noqa: B008
    return DH, e.u(group, 1) + value + e.u(validity.kv, 1) + validity.octets


def opening(group: int | None, exponent: int, validity: Validity) -> list[Payload]:
    """Return DHi, or nothing for an update that keeps the TGK."""
    return [] if group is None else [payload(group, public(group, exponent), validity)]


def answering(offer: bytes, exponent: int) -> tuple[list[Payload], Fields | None]:
    """Return DHr and the echo of DHi, and the new key; neither if there is no DHi."""
    values = dh_parts(decode(offer))
    if not values:
        return [], None
    if len(values) > 1:
        raise ValueError("two DH payloads in an offer")
    (dhi,) = values
    group, validity = dhi.fields["group"], _validity(dhi.fields)
    tgk = shared(group, exponent, dhi.fields["value"])
    ours = payload(group, public(group, exponent), validity)
    return [ours, payload(group, dhi.fields["value"], validity)], _key(tgk, dhi.fields)


def finish(offer: bytes, answer: bytes, exponent: int) -> Fields | None:
    """Return the key of the Initiator from two verified messages; None if it stays as it was."""
    sent, got = dh_parts(decode(offer)), dh_parts(decode(answer))
    if not sent and not got:
        return None
    if len(sent) != 1 or len(got) != 2:
        raise ValueError("DH values in one of the messages only, or not two in the answer")
    dhi = sent[0].fields
    echoes = [part.fields for part in got if _same_value(part.fields, dhi)]
    others = [part.fields for part in got if not _same_value(part.fields, dhi)]
    if len(echoes) != 1 or others[0]["group"] != dhi["group"]:
        raise ValueError("DHi is not echoed, or DHr is of another group")
    (dhr,) = others
    if dhr["kv"] != 0 and _validity(dhr) != _validity(dhi):
        raise ValueError("the key validity of DHr is another than that of DHi")
    return _key(shared(dhi["group"], exponent, dhr["value"]), dhi)


def dh_parts(parts: Sequence[Part]) -> list[Part]:
    return [part for part in parts if part.type == DH]


def _same_value(one: Fields, other: Fields) -> bool:
    return bool(one["group"] == other["group"] and one["value"] == other["value"])


def _validity(fields: Fields) -> Validity:
    if fields["kv"] == 1:
        return spi(fields["spi"])
    if fields["kv"] == 2:
        return interval(fields["valid_from"], fields["valid_to"])
    return Validity()


def _key(tgk: bytes, dhi: Fields) -> Fields:
    """Return the TGK like a Key data; its validity is that of DHi (R3830-6.4-7)."""
    kept = ("kv", "spi", "valid_from", "valid_to")
    return {"key_type": 0, "key": tgk, "salt": None} | {n: dhi[n] for n in kept if n in dhi}
