"""The tests' own second implementation reproduces the vectors of docs/conformance/base.md 40."""

from __future__ import annotations

import pytest

from tests.naive import crypto, encode
from tests.naive.decode import GENERAL_EXT, HDR, ID, KEMAC, KEY_DATA, RAND, SP, T, V, decode, one
from tests.naive.vectors import (
    ANSWER,
    CSB_ID,
    ENVELOPE_KEMAC,
    IDI,
    IDR,
    KW_PLAIN,
    KW_WRAPPED,
    OFFER,
    PSK,
    RAND_VALUE,
    TGK,
    TS,
    decode_error,
)  # fmt: skip

TEK_LABEL = crypto.label(crypto.TEK, 1, CSB_ID, RAND_VALUE)
ENVELOPE_KEY = bytes(range(0x30, 0x40))


@pytest.mark.parametrize(
    ("func", "inkey_length", "expected"),
    [
        (0, 16, "838f7dea3e6c733fb7755a665bfab7635d47c10c1e251fb218d3c809e791782402acd8eb6fe3e7c6"
                "27629b2f981c"),
        (0, 32, "6e3f1e8cddce99442d29fa89a1fd7084"),
        (0, 33, "4f2194da87f8c939d970d1a167989c6b"),
        (0, 192, "561a98c18aa00ca25a1a7f78b2c3717e"),
        (1, 16, "79fd124ed776e92942191513db132ac054822cceeb5d2372efb20a816c725d30a4f93dd4b2050f2f"
                "fd00f31fe681"),
        (1, 33, "424dd1a3706c10dfe4920f8b2ea85061d82d251e0df6844db29e03f89bfe1489112ef0c15056086b"
                "4bdf06baa593"),
    ],
)  # fmt: skip
def test_prf(func: int, inkey_length: int, expected: str) -> None:
    length = len(expected) // 2
    assert crypto.prf(func, bytes(range(inkey_length)), TEK_LABEL, length).hex() == expected


def test_a_shorter_prf_output_is_a_prefix() -> None:
    long = crypto.prf(0, PSK, TEK_LABEL, 46)
    assert all(crypto.prf(0, PSK, TEK_LABEL, n) == long[:n] for n in range(1, 46))


def test_message_keys_and_iv() -> None:
    encr_key, auth_key, salt = crypto.message_keys(PSK, CSB_ID, RAND_VALUE)
    assert encr_key.hex() == "0697b39199cbd53c48367cfe440f6bb7"
    assert auth_key.hex() == "6538a34bbd327059cc3372f26c5f476b5f182ccc"
    assert salt.hex() == "507ce0a043d2435185e5b2d41100"
    assert crypto.iv(salt, CSB_ID, 0, TS).hex() == "507cf29415aa8bb2d50f32d411000000"


def test_t_in_64_bits() -> None:
    assert crypto.wide_t(2, b"\1\2\3\4") == b"\0\0\0\0\1\2\3\4"
    assert crypto.wide_t(3, b"\1\2\3\4") == b"\1\2\3\4\0\0\0\0"


def test_decode_the_offer() -> None:
    parts = decode(OFFER)
    assert [part.type for part in parts] == [HDR, T, RAND, ID, ID, SP, GENERAL_EXT, KEMAC]
    assert [(part.offset, part.length) for part in parts] == [
        (0, 28), (28, 10), (38, 18), (56, 25), (81, 23), (104, 35), (139, 9), (148, 45),
    ]  # fmt: skip
    assert parts[0].fields == {
        "version": 1, "data_type": 0, "next_payload": 5, "v": 1, "prf_func": 0,
        "csb_id": CSB_ID, "cs_count": 2, "cs_id_map_type": 0,
        "cs_map": [{"policy_no": 0, "ssrc": 0xDEADBEEF, "roc": 0},
                   {"policy_no": 0, "ssrc": 0, "roc": 0}],
    }  # fmt: skip
    assert [part.fields["data"] for part in parts if part.type == ID] == [IDI, IDR]
    assert one(parts, SP).fields["params"] == list(encode.AES_CM_128_HMAC_SHA1_80)


def test_build_the_offer() -> None:
    assert encode.psk_offer(
        PSK, [encode.key_data(TGK)], csb_id=CSB_ID, ts=(0, TS), rand_value=RAND_VALUE,
        idi=IDI, idr=IDR, cs=[(0, 0xDEADBEEF, 0), (0, 0, 0)],
    ) == OFFER  # fmt: skip


def test_build_the_answer() -> None:
    assert encode.psk_answer(PSK, OFFER, {2: 0xCAFEBABE}, idr=IDR) == ANSWER


def test_verify_the_answer() -> None:
    assert [part.type for part in encode.verify_answer(PSK, OFFER, ANSWER)] == [HDR, T, ID, V]
    # Octets 18 to 21 are the second SSRC, the last one is of the V.
    for at in (4, 22, len(ANSWER) - 1):
        wrong = bytearray(ANSWER)
        wrong[at] ^= 1
        with pytest.raises(ValueError, match=r"V of the answer|header of the answer"):
            encode.verify_answer(PSK, OFFER, bytes(wrong))


def test_keys_of_the_exchange() -> None:
    (key,) = crypto.kemac_parts(OFFER, PSK)
    assert key.type == KEY_DATA
    assert key.fields == {"key_type": 0, "key": TGK, "salt": None, "kv": 0}
    keys = [crypto.session_keys(key.fields, cs_id, CSB_ID, RAND_VALUE) for cs_id in (1, 2)]
    assert [(tek.hex(), salt.hex()) for tek, salt in keys] == [
        ("a27504f32768f45cbba61a1f18f3f22f", "fe77a4daef7f126c627c4b3432b9"),
        ("010ef40a620614cda44fc2d3d6e6a219", "7e93a0e05d8ad310b2243a56f8d6"),
    ]


@pytest.mark.parametrize("at", [0, 30, 60, 150, 170, 192])
def test_a_changed_offer_fails_its_mac(at: int) -> None:
    changed = bytearray(OFFER)
    changed[at] ^= 1
    with pytest.raises(ValueError):  # noqa: PT011 - the MAC, or the structure before it
        crypto.kemac_parts(bytes(changed), PSK)


@pytest.mark.parametrize(("encr_alg", "mac_alg", "func"), [(1, 1, 0), (2, 1, 0), (3, 2, 1)])
def test_keys_come_back(encr_alg: int, mac_alg: int, func: int) -> None:
    offer = encode.psk_offer(
        PSK,
        [
            encode.key_data(TGK, 1, salt=bytes(14), spi=b"\1"),
            encode.key_data(TGK, 3, salt=bytes(14), interval=(bytes(6), b"\xff" * 6)),
        ],
        csb_id=1, ts=(2, b"\0\0\0\7"), rand_value=RAND_VALUE, prf=func,
        encr_alg=encr_alg, mac_alg=mac_alg,
    )  # fmt: skip
    first, second = (part.fields for part in crypto.kemac_parts(offer, PSK))
    assert first == {"key_type": 1, "key": TGK, "salt": bytes(14), "kv": 1, "spi": b"\1"}
    assert second["valid_to"] == b"\xff" * 6
    answer = encode.psk_answer(PSK, offer, {})
    encode.verify_answer(PSK, offer, answer)


def test_envelope_kemac() -> None:
    encr_key, auth_key, salt = crypto.message_keys(ENVELOPE_KEY, CSB_ID, RAND_VALUE)
    assert encr_key.hex() == "6a8bc304da606270701f430cee92209c"
    assert auth_key.hex() == "f6d7e732daecbdf08333297d702d0a1dd770738a"
    assert salt.hex() == "0b4ceca73932ee5d92b28566d4b4"
    pke = encode.build(
        2, [encode.t(0, TS), encode.rand(RAND_VALUE), (KEMAC, ENVELOPE_KEMAC[1:]), (2, b"\0\0")],
        csb_id=CSB_ID,
    )  # fmt: skip
    assert ENVELOPE_KEMAC in pke
    name, key = crypto.kemac_parts(pke, ENVELOPE_KEY, envelope=True)
    assert (name.type, name.next_payload, name.fields["data"]) == (ID, KEY_DATA, IDI)
    assert (key.type, key.fields["key"]) == (KEY_DATA, TGK)


def test_key_wrap() -> None:
    encr_key, _, salt = crypto.message_keys(ENVELOPE_KEY, CSB_ID, RAND_VALUE, encr_alg=2)
    assert salt.hex() == "0b4ceca73932ee5d"
    assert encode.chain([encode.key_data(TGK, spi=b"\1\2\3")]) == KW_PLAIN
    assert crypto.kw_wrap(encr_key, salt, KW_PLAIN) == KW_WRAPPED
    assert crypto.kw_unwrap(encr_key, salt, KW_WRAPPED) == KW_PLAIN
    with pytest.raises(ValueError, match="initial value"):
        crypto.kw_unwrap(encr_key, bytes(8), KW_WRAPPED)


def test_key_wrap_of_rfc_3394() -> None:
    """RFC 3394 4.1, with the initial value that MIKEY does not use."""
    kek, key = bytes(range(16)), bytes.fromhex("00112233445566778899aabbccddeeff")
    wrapped = crypto.kw_wrap(kek, b"\xa6" * 8, key)
    assert wrapped.hex() == "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"


@pytest.mark.parametrize("length", range(len(OFFER)))
def test_no_truncation_decodes(length: int) -> None:
    with pytest.raises(ValueError, match="message ends"):
        decode(OFFER[:length])


def test_what_has_no_known_length_stops() -> None:
    assert "after the last payload" in decode_error(OFFER + b"\0")
    assert "payload type 27" in decode_error(encode.build(0, [(27, b"")], csb_id=1))
    assert "TS type 9" in decode_error(encode.build(0, [(T, b"\x09" + TS)], csb_id=1))
    assert "map type 3" in decode_error(encode.build(0, [], csb_id=1, cs_map=(3, 0, b"")))
    assert "KV 3" in decode_error(encode.build(0, [(KEY_DATA, b"\x03\0\0")], csb_id=1))


def test_sipp_csv_refuses_what_would_split_a_row() -> None:
    assert encode.sipp_csv(("a", "b"), ("c", "d")) == "SEQUENTIAL\na;b;\nc;d;\n"
    with pytest.raises(ValueError, match="semicolon"):
        encode.sipp_csv(("a;b",))
