"""Damaged messages: all before the damage, then where and why, and exit status 1."""

from __future__ import annotations

import base64

import pytest

from mikey.errors import PeerError
from mikey.wire import Message
from tests.cli.inspecting import Inspect
from tests.naive import vectors
from tests.unit.carriage.sdp_texts import AUDIO, with_lines

OFFER = vectors.OFFER
STARTS = [28, 38, 56, 81, 104, 139, 148, 193]  # where T, RAND, ... begin and the message ends


def damage(octets: bytes) -> dict[str, object] | None:
    """What the strict parser finds wrong."""
    try:
        Message.parse(octets)
    except PeerError as error:
        return {"offset": error.offset, "reason": error.reason}
    return None


@pytest.mark.parametrize("length", range(1, len(OFFER)))
def test_all_before_the_damage_is_shown(inspect: Inspect, length: int) -> None:
    run = inspect.json(inspect.file(OFFER[:length]))
    assert run.status == 1
    described = run.object
    assert (described["header"] is not None) is (length >= 28)
    ends = [p["offset"] + p["length"] for p in described["payloads"]]
    assert ends == [start for start in STARTS[1:] if start <= length]
    assert described["error"]["offset"] <= length
    assert described["error"]["reason"]
    assert described["verified"] is None


def test_the_strict_parser_says_the_same(inspect: Inspect) -> None:
    """There is one walk: what inspect reports is what Message.parse raises."""
    for position in range(len(OFFER)):
        octets = bytearray(OFFER)
        octets[position] ^= 0x40
        described = inspect.json(inspect.file(bytes(octets))).object
        assert described["error"] == damage(bytes(octets))


def test_text_names_place_and_reason(inspect: Inspect) -> None:
    run = inspect(inspect.file(OFFER[:100]))
    assert run.status == 1
    assert (
        "DAMAGED at octet 85 in ID: 19 octets are due and 15 are left (19 octets from 81 on: "
        "--show-keys)" in run.text
    )
    assert "sip:alice@example.com" in run.text
    assert "bob" not in run.text
    assert "bob" in inspect("--show-keys", inspect.file(OFFER[:100])).text


def test_trailing_octets(inspect: Inspect) -> None:
    described = inspect.json(inspect.file(OFFER + b"\0\0")).object
    assert described["error"] == {"offset": 193, "reason": "2 octets are left behind the end"}
    assert len(described["payloads"]) == 7


def test_sound_payloads_that_are_no_message_together(inspect: Inspect) -> None:
    twice = OFFER[:38] + b"\x05" + OFFER[39:56] + OFFER[28:38] + OFFER[56:]
    octets = twice.replace(b"\x0b\x00\xc8\xe3", b"\x06\x00\xc8\xe3")
    octets = octets[:28] + b"\x0b" + octets[29:]
    described = inspect.json(inspect.file(octets)).object
    assert [p["type"] for p in described["payloads"]].count("T") == 2
    assert described["error"] is not None


@pytest.mark.parametrize(
    ("damage", "reason"),
    [("*", "character that is none of its alphabet"), ("", "cut")],
)
def test_damaged_base64(inspect: Inspect, damage: str, reason: str) -> None:
    data = base64.b64encode(OFFER).decode()[:120] + "A" + damage
    text = with_lines(AUDIO, f"a=key-mgmt:mikey {data}")
    run = inspect.json(inspect.file(text))
    assert run.status == 1
    assert run.object["error"]["offset"] == 90
    assert reason in run.object["error"]["reason"]
    assert [p["type"] for p in run.object["payloads"]] == ["T", "RAND", "ID"]


def test_damaged_hexadecimal(inspect: Inspect) -> None:
    run = inspect.json(inspect.file(OFFER.hex()[:-1]))
    assert run.status == 1
    assert run.object["error"]["reason"] == "the hexadecimal ends in half an octet"


def test_a_sound_message_beside_a_damaged_one(inspect: Inspect) -> None:
    run = inspect.json(OFFER.hex(), OFFER[:90].hex())
    assert run.status == 1
    assert [described["error"] is None for described in run.objects] == [True, False]
