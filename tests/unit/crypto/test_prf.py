"""The PRFs against published numbers, and against the naive ones on random input."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.crypto import blocks_cancel, check_prf, prf
from mikey.crypto.labels import TEK, TGK_SALT, message_label, tgk_label
from mikey.errors import LibraryError, UnsupportedError
from mikey.registry import ErrorNumber, PrfFunc
from mikey.secret import Secret
from tests.naive import crypto as naive
from tests.vectors import load

LABEL = tgk_label(TEK, 1, 0x12345678, bytes(range(16)))


def naive_p(func: int, s: bytes, length: int) -> bytes:
    return naive.prf(func, s, LABEL, length)


@pytest.mark.rule("R3830-4.1.2-1", "R3830-4.1.2-2", "R3830-4.1.2-3", "R3830-4.1.3-1")
@pytest.mark.rule("R6043-6.1-1x", "R6043-6.1-5")
@pytest.mark.parametrize("vector", load("mikey-derivation", "prf"))
def test_vectors(vector: dict[str, Any]) -> None:
    label = tgk_label(
        int(vector["constant"], 16),
        vector["cs_id"],
        int(vector["csb_id"], 16),
        bytes.fromhex(vector["rand"]),
    )
    inkey = Secret(bytes.fromhex(vector["inkey"]))
    wanted = vector["output"]
    whole = prf(PrfFunc(vector["func"]), inkey, label, len(wanted) // 2).expose()
    assert whole.hex() == wanted
    shorter = prf(PrfFunc(vector["func"]), inkey, label, 7).expose()
    assert shorter == whole[:7]


@pytest.mark.rule("R3830-4.1.2-2", "R3830-4.1.2-3", "R3830-4.1.2-4", "R6043-6.1-5")
@pytest.mark.parametrize("func", [0, 1])
@pytest.mark.parametrize("octets", [1, 16, 31, 32, 33, 63, 64, 65, 96, 192])
@pytest.mark.parametrize("length", [1, 14, 16, 20, 21, 32, 33, 46, 64])
def test_every_key_length_agrees_with_the_naive_prf(func: int, octets: int, length: int) -> None:
    inkey = bytes((7 * at + 1) % 251 for at in range(octets))
    ours = prf(PrfFunc(func), Secret(inkey), LABEL, length).expose()
    assert ours == naive.prf(func, inkey, LABEL, length)
    assert len(ours) == length


@given(
    st.sampled_from(list(PrfFunc)[:2]),
    st.binary(min_size=1, max_size=300),
    st.binary(max_size=270),
    st.integers(0, 300),
)
def test_random_input_agrees_with_the_naive_prf(
    func: PrfFunc, inkey: bytes, label: bytes, length: int
) -> None:
    ours = prf(func, Secret(inkey), label, length).expose()
    assert ours == naive.prf(int(func), inkey, label, length)


@pytest.mark.rule("R3830-4.1.2-3")
@pytest.mark.parametrize("octets", [32, 64, 192])
def test_an_exact_multiple_of_32_has_no_empty_last_block(octets: int) -> None:
    """With an empty last block a 32-octet key has no influence at all."""
    one, other = bytes(range(octets)), bytes(range(1, octets + 1))
    assert prf(PrfFunc.MIKEY_1, Secret(one), LABEL, 20) != prf(
        PrfFunc.MIKEY_1, Secret(other), LABEL, 20
    )


@pytest.mark.rule("R3830-4.1.2-4")
def test_blocks_are_not_padded_and_a_key_is_not_empty() -> None:
    key = bytes(range(1, 34))  # blocks of 32 and 1
    whole = prf(PrfFunc.MIKEY_1, Secret(key), LABEL, 20).expose()
    parts = [naive_p(0, key[:32], 20), naive_p(0, key[32:], 20)]
    assert whole == bytes(a ^ b for a, b in zip(*parts, strict=True))
    with pytest.raises(LibraryError, match="empty key"):
        prf(PrfFunc.MIKEY_1, Secret(b""), LABEL, 16)


@pytest.mark.rule("R3830-4.1.2-5")
def test_equal_blocks_cancel_and_are_found() -> None:
    half = bytes(range(32))
    assert prf(PrfFunc.MIKEY_1, Secret(half * 2), LABEL, 40).expose() == bytes(40)
    assert blocks_cancel(half * 2)
    assert blocks_cancel(half + bytes(range(1, 33)) + half)
    for key in (half, half[:31] * 2, half + half[:31], bytes(range(64)), half + b"\0"):
        assert not blocks_cancel(key)


@pytest.mark.rule("R3830-4.1.2-5")
def test_a_short_block_may_cancel_a_full_one() -> None:
    """HMAC fills its key with zeros, so 30 octets and the same with two zeros are one key."""
    short = bytes(range(1, 31))
    inkey = short + b"\0\0" + short
    assert prf(PrfFunc.PRF_HMAC_SHA_256, Secret(inkey), LABEL, 32).expose() == bytes(32)
    assert blocks_cancel(inkey)


@given(st.binary(min_size=1, max_size=130))
def test_what_cancels_is_always_found(inkey: bytes) -> None:
    if not any(naive.prf(0, inkey, LABEL, 20)):
        assert blocks_cancel(inkey)


def test_an_unknown_function_is_refused_with_its_number() -> None:
    for call in (
        lambda: check_prf(PrfFunc(5)),
        lambda: prf(PrfFunc(5), Secret(b"k"), LABEL, 16),
    ):
        with pytest.raises(UnsupportedError, match="PRF 5") as caught:
            call()
        assert caught.value.number is ErrorNumber.INVALID_PRF


@pytest.mark.rule("R3830-4.1.3-1", "R3830-4.1.4-1")
def test_labels_octet_for_octet() -> None:
    rand = bytes.fromhex("a0a1a2")
    assert tgk_label(TGK_SALT, 0xFE, 0x01020304, rand).hex() == "39a2c14bfe01020304a0a1a2"
    assert message_label(0x150533E1, 0x01020304, rand).hex() == "150533e1ff01020304a0a1a2"
