"""Keys are covered wherever they stand, unless they are asked for."""

from __future__ import annotations

import pytest

from mikey.credentials import NoKey
from mikey.policy import Clock, Policy
from mikey.registry import KeyType
from mikey.secret import Secret
from mikey.session import Initiator, Stream
from mikey.wire import KeyData, KvInterval, KvSpi
from tests.cli.inspecting import NOW, PAIR, Inspect
from tests.naive import vectors

KEY = b"KeyKeyKeyKeyKey!"
SALT = b"SaltSaltSalt-+"
FORBIDDEN = (
    KEY.decode(),
    KEY.hex(),
    KEY.hex(" "),
    SALT.decode(),
    SALT.hex(),
    "4b 65 79",
    "53 61 6c",
)
TGK = vectors.TGK
VEC_9 = (
    "a27504f32768f45cbba61a1f18f3f22f",
    "fe77a4daef7f126c627c4b3432b9",
    "010ef40a620614cda44fc2d3d6e6a219",
    "7e93a0e05d8ad310b2243a56f8d6",
)


def in_clear() -> bytes:
    sender = Initiator(
        NoKey("sip:alice@example.com", "sip:bob@example.com"),
        policy=Policy(allow_null=True),
        clock=Clock(lambda: NOW),
    )
    keys = (
        KeyData(KeyType.TEK_SALT, Secret(KEY), Secret(SALT), KvSpi(b"\x07\x01")),
        KeyData(KeyType.TEK_SALT, Secret(KEY[::-1]), Secret(SALT), KvSpi(b"\x07\x02")),
    )
    return sender.start([Stream(ssrc=1)], keys=keys)


MESSAGE = in_clear()


def check_covered(text: str) -> None:
    lines = text.replace("  ", " ")
    for form in FORBIDDEN:
        assert form not in lines


@pytest.mark.parametrize("options", [[], ["--explain"], ["--json"], ["--json", "--explain"]])
def test_keys_in_clear_are_covered(inspect: Inspect, options: list[str]) -> None:
    run = inspect(*options, MESSAGE.hex())
    assert run.status == 0
    check_covered(run.text)
    assert "0701" in run.text  # what names a key is none


def test_they_are_shown_on_request(inspect: Inspect) -> None:
    for options in ([], ["--json"]):
        text = inspect("--show-keys", *options, MESSAGE.hex()).text
        assert KEY.hex() in text
        assert SALT.hex() in text
    assert "4b 65 79" in inspect("--show-keys", MESSAGE.hex()).text


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_truncation_uncovers_nothing(inspect: Inspect, options: list[str]) -> None:
    for length in range(MESSAGE.index(KEY) - 8, len(MESSAGE)):
        check_covered(inspect(*options, inspect.file(MESSAGE[:length])).text)


@pytest.mark.parametrize("value", [0x00, 0x01, 0x10, 0x7F, 0xFF])
def test_damage_in_kemac_uncovers_nothing(inspect: Inspect, value: int) -> None:
    start = MESSAGE.index(KEY) - 8
    for position in range(start + 2, len(MESSAGE)):  # a flipped Encr alg would say: encrypted
        octets = bytearray(MESSAGE)
        octets[position] = value
        check_covered(inspect.json(inspect.file(bytes(octets))).text)
        if value in (0x00, 0xFF):  # tables take their time
            check_covered(inspect(inspect.file(bytes(octets))).text)


def test_an_unknown_cipher_covers_everything(inspect: Inspect) -> None:
    octets = bytearray(MESSAGE)
    octets[MESSAGE.index(KEY) - 7] = 0x77
    check_covered(inspect(octets.hex()).text)
    check_covered(inspect.json(octets.hex()).text)


def test_an_opened_kemac_is_covered(inspect: Inspect) -> None:
    keys = inspect.keys()
    for options in ([], ["--json"]):
        text = inspect(*options, PAIR[0], "--psk-file", keys).text
        for secret in (TGK.hex(), vectors.PSK.hex(), *VEC_9):
            assert secret not in text
    kemac = inspect.json(PAIR[0], "--psk-file", keys).object["payloads"][-1]
    ((key_data),) = kemac["plaintext"]
    assert key_data["name"] == "Key data 1"
    assert key_data["fields"][-1] == {
        "name": "Key data",
        "offset": 4,
        "length": 16,
        "value": None,
        "masked": True,
    }


def test_derived_keys_are_those_of_the_vectors(inspect: Inspect) -> None:
    shown = inspect("--show-keys", *PAIR, "--psk-file", inspect.keys()).text
    for secret in (TGK.hex(), *VEC_9):
        assert secret in shown
    assert vectors.PSK.hex() not in shown
    first, second = inspect.json("--show-keys", *PAIR, "--psk-file", inspect.keys()).objects
    assert first["keys"] == {
        "key_data": [{"type": "TGK", "key": TGK.hex(), "salt": None}],
        "crypto_sessions": [
            {
                "cs_id": cs_id,
                "ssrc": ssrc,
                "policy": "AES_CM_128_HMAC_SHA1_80",
                "masters": [{"key": VEC_9[at], "salt": VEC_9[at + 1], "mki": ""}],
            }
            for cs_id, ssrc, at in ((1, "deadbeef", 0), (2, "00000000", 2))
        ],
    }
    assert second["keys"]["crypto_sessions"][1]["ssrc"] == "cafebabe"


def test_keys_are_absent_unless_asked_for(inspect: Inspect) -> None:
    assert "keys" not in inspect.json(PAIR[0], "--psk-file", inspect.keys()).object
    assert inspect.json(PAIR[0], "--show-keys").object["keys"] is None


def test_an_interval_of_validity(inspect: Inspect) -> None:
    sender = Initiator(
        NoKey("sip:a@example.com", "sip:b@example.com"), policy=Policy(allow_null=True)
    )
    interval = KvInterval(bytes(6), b"\0\0\0\0\xff\xff")
    octets = sender.start(
        [Stream(ssrc=1)], keys=[KeyData(KeyType.TGK, Secret(KEY), None, interval)]
    )
    (key,) = inspect.json("--show-keys", octets.hex()).object["keys"]["key_data"]
    assert (key["valid_from"], key["valid_to"]) == ("000000000000", "00000000ffff")
