"""Key data sub-payloads and the chains of them inside KEMAC (RFC 3830 6.13)."""

from __future__ import annotations

import pytest

from mikey.errors import DecodeError, LocalError, PeerError, UnsupportedError
from mikey.registry import IdType, KeyType
from mikey.secret import Secret
from mikey.wire import (
    Id,
    KeyData,
    KvInterval,
    KvNull,
    KvSpi,
    encode_id_and_key_data,
    encode_key_data,
    parse_id_and_key_data,
    parse_key_data,
)

KEY = Secret(b"\xa1\xa2")
SALT = Secret(b"\xb1")
FIRST = KeyData(KeyType.TGK, KEY)
ALICE = Id(IdType.NAI, b"a@b")

LAYOUTS = [
    (FIRST, "00 00 0002 a1a2"),
    (KeyData(KeyType.TGK_SALT, KEY, SALT), "00 10 0002 a1a2 0001 b1"),
    (KeyData(KeyType.TEK, KEY, None, KvSpi(b"mki")), "00 21 0002 a1a2 03 6d6b69"),
    (KeyData(KeyType.TEK_SALT, KEY, SALT, KvSpi(b"")), "00 31 0002 a1a2 0001 b1 00"),
    (
        KeyData(KeyType.TEK_SALT, KEY, SALT, KvInterval(bytes(6), b"\xff" * 6)),
        "00 32 0002 a1a2 0001 b1 06 000000000000 06 ffffffffffff",
    ),
    (KeyData(KeyType.GTGK, KEY), "00 40 0002 a1a2"),
    (KeyData(KeyType.GTGK_SALT, KEY, SALT), "00 50 0002 a1a2 0001 b1"),
    (KeyData(KeyType.MPK, KEY), "00 60 0002 a1a2"),
    (KeyData(KeyType.K_PR, Secret(b"")), "00 70 0000"),
]


@pytest.mark.rule("R3830-6.13-2", "R3830-6.13-3", "R3830-6.14-1")
@pytest.mark.parametrize(("key", "octets"), LAYOUTS)
def test_layout(key: KeyData, octets: str) -> None:
    assert encode_key_data([key]) == bytes.fromhex(octets)
    assert parse_key_data(bytes.fromhex(octets)) == (key,)


@pytest.mark.parametrize(("key", "octets"), LAYOUTS)
def test_nothing_is_read_past_the_end(key: KeyData, octets: str) -> None:
    whole = bytes.fromhex(octets)
    for length in range(1, len(whole)):
        with pytest.raises(DecodeError) as caught:
            parse_key_data(whole[:length])
        assert caught.value.number == 12
    with pytest.raises(DecodeError, match="left behind the end"):
        parse_key_data(whole + b"\0")


@pytest.mark.rule("R3830-6.2-5", "R3830-6.2-7")
def test_keys_are_chained_and_the_first_type_is_implied() -> None:
    octets = bytes.fromhex("14 00 0002 a1a2  14 10 0002 a1a2 0001 b1  00 21 0002 a1a2 00")
    keys = (
        FIRST,
        KeyData(KeyType.TGK_SALT, KEY, SALT),
        KeyData(KeyType.TEK, KEY, None, KvSpi(b"")),
    )
    assert parse_key_data(octets) == keys
    assert encode_key_data(keys) == octets


@pytest.mark.rule("R3830-6.2-8")
def test_an_update_may_carry_no_keys() -> None:
    assert parse_key_data(b"") == ()
    assert encode_key_data(()) == b""
    assert parse_id_and_key_data(bytes.fromhex("00 00 0003 614062")) == (ALICE, ())


@pytest.mark.rule("R3830-6.2-6", "R3830-6.2-7")
def test_an_id_stands_before_the_keys_of_an_envelope() -> None:
    octets = bytes.fromhex("14 00 0003 614062  00 00 0002 a1a2")
    assert encode_id_and_key_data(ALICE, [FIRST]) == octets
    assert parse_id_and_key_data(octets) == (ALICE, (FIRST,))


@pytest.mark.parametrize("following", [1, 6, 19, 21, 255])
def test_only_key_data_follows(following: int) -> None:
    octets = bytes([following]) + bytes.fromhex("00 0002 a1a2") + bytes(40)
    with pytest.raises(DecodeError, match="Key data") as caught:
        parse_key_data(octets, origin=500)
    assert caught.value.offset == 506


@pytest.mark.rule("R3830-6.13-4")
@pytest.mark.parametrize("kv", range(3, 16))
def test_an_unknown_validity_is_malformed(kv: int) -> None:
    with pytest.raises(DecodeError, match="KV") as caught:
        parse_key_data(bytes([0, kv, 0, 0]))
    assert caught.value.number == 12


@pytest.mark.parametrize("kind", range(8, 16))
def test_an_unknown_key_type_hides_whether_a_salt_follows(kind: int) -> None:
    with pytest.raises(UnsupportedError) as caught:
        parse_key_data(bytes([0, kind << 4, 0, 0]))
    assert (caught.value.number, caught.value.offset) == (12, 1)


def test_errors_say_where_in_the_message() -> None:
    with pytest.raises(DecodeError) as caught:
        parse_key_data(bytes.fromhex("00 00 0100 a1a2"), origin=77)
    assert (caught.value.offset, caught.value.payload) == (81, "Key data")
    assert "a1" not in str(caught.value)


@pytest.mark.rule("R3830-4.2.3-4")
@pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 11, 12, 13, 16, 28])
def test_key_wrap_takes_exactly_its_fill(length: int) -> None:
    keys = (KeyData(KeyType.TGK, Secret(b"\xff" * length)),)
    plain = encode_key_data(keys)
    filled = encode_key_data(keys, key_wrap=True)
    assert len(filled) == max(16, (len(plain) + 7) // 8 * 8)
    assert filled == plain.ljust(len(filled), b"\0")
    assert parse_key_data(filled, key_wrap=True) == keys
    for wrong in (filled + bytes(8), filled + b"\0", filled[:-1]):
        with pytest.raises(DecodeError):
            parse_key_data(wrong, key_wrap=True)
    if filled != plain:
        with pytest.raises(DecodeError):
            parse_key_data(filled)
        with pytest.raises(DecodeError, match="not zero"):
            parse_key_data(filled[:-1] + b"\1", key_wrap=True)


@pytest.mark.rule("R3830-4.2.3-4")
def test_no_keys_are_not_wrapped() -> None:
    assert encode_key_data((), key_wrap=True) == b""
    assert parse_key_data(b"", key_wrap=True) == ()
    with pytest.raises(PeerError):
        parse_key_data(bytes(16), key_wrap=False)


@pytest.mark.parametrize(
    "key",
    [
        KeyData(KeyType.TGK, KEY, SALT),
        KeyData(KeyType.TEK_SALT, KEY),
        KeyData(KeyType(9), KEY),
        KeyData(KeyType.TGK, Secret(bytes(0x10000))),
        KeyData(KeyType.TGK, KEY, None, KvSpi(bytes(256))),
        KeyData(KeyType.TGK, KEY, None, KvInterval(bytes(256), b"")),
    ],
)
def test_a_key_without_encoding_is_not_sent(key: KeyData) -> None:
    with pytest.raises(LocalError, match=r"^Key data: "):
        encode_key_data([key])


def test_keys_do_not_print_themselves() -> None:
    text = repr(KeyData(KeyType.TEK_SALT, Secret(b"tell-tale"), Secret(b"tell-tale"), KvNull()))
    assert "tell" not in text
