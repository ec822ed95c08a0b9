"""AES-CM, AES key wrap and the MACs: published numbers, and the naive ones on random input."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.crypto import aes_cm, aes_cm_iv, aes_kw_unwrap, aes_kw_wrap, check_mac, mac, prf
from mikey.crypto.labels import (
    MESSAGE_AUTHENTICATION,
    MESSAGE_ENCRYPTION,
    MESSAGE_SALT,
    message_label,
)
from mikey.errors import AuthenticationError, LibraryError
from mikey.registry import MacAlg, PrfFunc
from mikey.secret import Secret
from tests.naive import crypto as naive
from tests.vectors import load

BLOCKS = st.integers(2, 20).flatmap(lambda n: st.binary(min_size=8 * n, max_size=8 * n))


def octets(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.rule("R3830-4.1.4-1", "R3830-4.2.3-1")
@pytest.mark.parametrize("vector", load("mikey-derivation", "message-keys"))
def test_message_keys_and_iv(vector: dict[str, Any]) -> None:
    csb_id = int(vector["csb_id"], 16)
    for constant, name in (
        (MESSAGE_ENCRYPTION, "encr_key"),
        (MESSAGE_AUTHENTICATION, "auth_key"),
        (MESSAGE_SALT, "salt"),
    ):
        label = message_label(constant, csb_id, octets(vector["rand"]))
        wanted = vector[name]
        key = prf(PrfFunc.MIKEY_1, Secret(octets(vector["key"])), label, len(wanted) // 2)
        assert key.expose().hex() == wanted
    if "iv" in vector:
        iv = aes_cm_iv(Secret(octets(vector["salt"])), csb_id, int(vector["t"], 16))
        assert iv.hex() == vector["iv"]


@pytest.mark.rule("R3830-4.2.3-1")
@pytest.mark.parametrize("vector", load("mikey-derivation", "aes-cm"))
def test_aes_cm(vector: dict[str, Any]) -> None:
    key, iv = Secret(octets(vector["key"])), octets(vector["iv"])
    plaintext, ciphertext = octets(vector["plaintext"]), octets(vector["ciphertext"])
    assert aes_cm(key, iv, plaintext) == ciphertext
    assert aes_cm(key, iv, ciphertext) == plaintext
    assert aes_cm(key, iv, plaintext[:21]) == ciphertext[:21]
    assert aes_cm(key, iv, b"") == b""


@given(
    st.sampled_from([16, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
    st.binary(min_size=14, max_size=14),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.binary(max_size=100),
)
def test_aes_cm_agrees_with_the_naive_one(
    key: bytes, salt: bytes, csb_id: int, t: int, data: bytes
) -> None:
    iv = aes_cm_iv(Secret(salt), csb_id, t)
    assert iv == naive.iv(salt, csb_id, 0, t.to_bytes(8))
    assert aes_cm(Secret(key), iv, data) == naive.aes_cm(key, iv, data)


@pytest.mark.parametrize("vector", load("mikey-derivation", "key-wrap"))
def test_key_wrap(vector: dict[str, Any]) -> None:
    kek, iv = Secret(octets(vector["kek"])), Secret(octets(vector["iv"]))
    wrapped = octets(vector["wrapped"])
    if vector["result"] == "invalid":
        with pytest.raises(AuthenticationError):
            aes_kw_unwrap(kek, iv, wrapped)
    else:
        plaintext = octets(vector["plaintext"])
        assert aes_kw_wrap(kek, iv, plaintext) == wrapped
        assert aes_kw_unwrap(kek, iv, wrapped) == plaintext


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8), BLOCKS)
def test_key_wrap_agrees_with_the_naive_one(kek: bytes, iv: bytes, plaintext: bytes) -> None:
    wrapped = aes_kw_wrap(Secret(kek), Secret(iv), plaintext)
    assert wrapped == naive.kw_wrap(kek, iv, plaintext)
    assert aes_kw_unwrap(Secret(kek), Secret(iv), wrapped) == plaintext


@given(BLOCKS, st.data())
def test_a_changed_wrap_does_not_open(plaintext: bytes, data: st.DataObject) -> None:
    kek, iv = Secret(bytes(16)), Secret(bytes(8))
    wrapped = bytearray(aes_kw_wrap(kek, iv, plaintext))
    wrapped[data.draw(st.integers(0, len(wrapped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(AuthenticationError):
        aes_kw_unwrap(kek, iv, bytes(wrapped))


@pytest.mark.parametrize("length", [0, 8, 16, 23, 25, 31])
def test_octets_that_no_wrap_has_do_not_open(length: int) -> None:
    with pytest.raises(AuthenticationError):
        aes_kw_unwrap(Secret(bytes(16)), Secret(bytes(8)), bytes(length))


@pytest.mark.parametrize(("length", "iv"), [(0, 8), (8, 8), (17, 8), (16, 7), (16, 14)])
def test_what_cannot_be_wrapped_is_a_defect_of_ours(length: int, iv: int) -> None:
    with pytest.raises(LibraryError, match="multiple of 8"):
        aes_kw_wrap(Secret(bytes(16)), Secret(bytes(iv)), bytes(length))


@given(st.sampled_from(list(MacAlg)), st.binary(max_size=80), st.binary(max_size=200))
def test_macs_agree_with_the_naive_ones(alg: MacAlg, key: bytes, data: bytes) -> None:
    value = mac(alg, Secret(key), data)
    assert value == naive.mac(int(alg), key, data)
    check_mac(alg, Secret(key), data, value)


@pytest.mark.parametrize("alg", [MacAlg.HMAC_SHA_1_160, MacAlg.HMAC_SHA_256_256])
def test_a_wrong_mac_is_refused(alg: MacAlg) -> None:
    key = Secret(b"key")
    right = mac(alg, key, b"data")
    for wrong in (b"", right[:-1], right + b"\0", bytes(len(right)), right[::-1]):
        with pytest.raises(AuthenticationError, match=r"^authentication failed$"):
            check_mac(alg, key, b"data", wrong)
