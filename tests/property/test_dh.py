"""The native exponentiation against Python's `pow`, with numbers that make long carries."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mikey import _native
from mikey.crypto import dh
from mikey.errors import DecodeError
from mikey.registry import DhGroup
from mikey.secret import Secret

GROUPS = st.sampled_from(list(DhGroup))
LIMBS = st.sampled_from([0, 1, 2, 1 << 63, (1 << 64) - 2, (1 << 64) - 1]) | st.integers(
    0, (1 << 64) - 1
)


def octets_of(limbs: int) -> st.SearchStrategy[bytes]:
    """Return numbers of so many limbs, many of them all zeros or all ones."""
    return st.lists(LIMBS, min_size=limbs, max_size=limbs).map(
        lambda numbers: b"".join(number.to_bytes(8) for number in numbers)
    )


@settings(deadline=None)
@given(GROUPS, st.data(), st.binary(max_size=40) | octets_of(4))
def test_powers(group: DhGroup, data: st.DataObject, exponent: bytes) -> None:
    modulus, octets = dh.GROUPS[group]
    base = data.draw(octets_of(octets // 8))
    expected = pow(int.from_bytes(base), int.from_bytes(exponent), modulus)
    assert _native.modp_power(group, base, exponent) == expected.to_bytes(octets)


@settings(deadline=None)
@given(GROUPS, octets_of(4))
def test_powers_of_the_generator(group: DhGroup, exponent: bytes) -> None:
    modulus, octets = dh.GROUPS[group]
    expected = pow(dh.GENERATOR, int.from_bytes(exponent), modulus)
    assert _native.modp_generate(group, exponent) == expected.to_bytes(octets)


@settings(deadline=None)
@given(GROUPS, st.binary(max_size=400) | st.sampled_from([96, 128, 192]).flatmap(
    lambda octets: octets_of(octets // 8)
))  # fmt: skip
def test_any_octets_as_a_peers_value(group: DhGroup, peer: bytes) -> None:
    modulus, octets = dh.GROUPS[group]
    value, exponent = int.from_bytes(peer), 1 << 255 | 1
    try:
        secret = dh.shared(group, Secret(exponent.to_bytes(32)), peer)
    except DecodeError:
        assert len(peer) != octets or value < 2 or value > modulus - 2
    else:
        assert len(peer) == octets
        assert secret.expose() == pow(value, exponent, modulus).to_bytes(octets)
