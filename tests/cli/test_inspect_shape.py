"""The shapes of the outputs: programs and people rely on them (docs/inspect.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mikey.cli.inspect.explain import EXPLANATIONS
from mikey.registry import PayloadType
from mikey.wire import payload_name
from tests.cli.inspecting import PAIR, Inspect

DATA = Path(__file__).parent / "data"

ANSWER = {
    "where": "argument 2",
    "header": {
        "type": "HDR",
        "offset": 0,
        "length": 28,
        "fields": [
            {"name": "version", "offset": 0, "length": 1, "value": 1},
            {"name": "data type", "offset": 1, "length": 1, "value": 1, "meaning": "PSK-RESP"},
            {"name": "next payload", "offset": 2, "length": 1, "value": 5, "meaning": "T"},
            {
                "name": "V",
                "offset": 3,
                "length": 1,
                "mask": 128,
                "value": 0,
                "meaning": "ignored here",
            },
            {
                "name": "PRF func",
                "offset": 3,
                "length": 1,
                "mask": 127,
                "value": 0,
                "meaning": "MIKEY-1",
            },
            {"name": "CSB ID", "offset": 4, "length": 4, "value": "12345678"},
            {"name": "#CS", "offset": 8, "length": 1, "value": 2},
            {"name": "CS ID map type", "offset": 9, "length": 1, "value": 0, "meaning": "SRTP-ID"},
            {
                "name": "CS 1",
                "offset": 10,
                "length": 9,
                "fields": [
                    {"name": "Policy_no", "offset": 10, "length": 1, "value": 0},
                    {"name": "SSRC", "offset": 11, "length": 4, "value": "deadbeef"},
                    {"name": "ROC", "offset": 15, "length": 4, "value": 0},
                ],
            },
            {
                "name": "CS 2",
                "offset": 19,
                "length": 9,
                "fields": [
                    {"name": "Policy_no", "offset": 19, "length": 1, "value": 0},
                    {"name": "SSRC", "offset": 20, "length": 4, "value": "cafebabe"},
                    {"name": "ROC", "offset": 24, "length": 4, "value": 0},
                ],
            },
        ],
    },
    "payloads": [
        {
            "type": "T",
            "offset": 28,
            "length": 10,
            "fields": [
                {"name": "Next payload", "offset": 28, "length": 1, "value": 6, "meaning": "ID"},
                {"name": "TS type", "offset": 29, "length": 1, "value": 0, "meaning": "NTP-UTC"},
                {
                    "name": "TS value",
                    "offset": 30,
                    "length": 8,
                    "value": "c8e350ea80000000",
                    "meaning": "2006-10-20 13:43:06.500Z",
                },
            ],
        },
        {
            "type": "ID",
            "offset": 38,
            "length": 23,
            "fields": [
                {"name": "Next payload", "offset": 38, "length": 1, "value": 9, "meaning": "V"},
                {"name": "ID Type", "offset": 39, "length": 1, "value": 1, "meaning": "URI"},
                {"name": "ID len", "offset": 40, "length": 2, "value": 19},
                {
                    "name": "ID Data",
                    "offset": 42,
                    "length": 19,
                    "value": b"sip:bob@example.com".hex(),
                    "meaning": "sip:bob@example.com",
                },
            ],
        },
        {
            "type": "V",
            "offset": 61,
            "length": 22,
            "fields": [
                {"name": "Next payload", "offset": 61, "length": 1, "value": 0, "meaning": "LAST"},
                {
                    "name": "Auth alg",
                    "offset": 62,
                    "length": 1,
                    "value": 1,
                    "meaning": "HMAC-SHA-1-160",
                },
                {
                    "name": "Ver data",
                    "offset": 63,
                    "length": 20,
                    "value": "f93bb192cb1afdfff55f0a6c3838bd30ffc12fba",
                },
            ],
        },
    ],
    "error": None,
    "verified": True,
    "warnings": [],
}


def test_json(inspect: Inspect) -> None:
    run = inspect.json(*PAIR, "--psk-file", inspect.keys())
    assert run.objects[1] == ANSWER
    assert list(run.objects[1]) == list(ANSWER)


def test_json_of_a_damaged_message(inspect: Inspect) -> None:
    described = inspect.json("01000500").object
    assert described == {
        "where": "argument 1",
        "header": None,
        "payloads": [],
        "error": {"offset": 0, "reason": "10 octets are due and 4 are left"},
        "verified": None,
        "warnings": ["not verified: the message is damaged"],
    }


def test_json_is_ascii(inspect: Inspect) -> None:
    octets = bytes.fromhex(PAIR[0]).replace(b"sip:alice@", "sip:\u00e9\u00e9ce@".encode()[:10])
    assert inspect.json(octets.hex()).text.isascii()


@pytest.mark.parametrize(
    ("name", "options"), [("pair", []), ("explained", ["--explain"]), ("keys", ["--show-keys"])]
)
def test_text(inspect: Inspect, name: str, options: list[str]) -> None:
    """To write the file anew, see what differs and copy it: people will read it."""
    text = inspect(*options, *PAIR, "--psk-file", inspect.keys()).text
    assert text == (DATA / f"inspect_{name}.txt").read_text(encoding="utf-8")


def test_plain_text_has_no_escapes_and_no_trailing_blanks(inspect: Inspect) -> None:
    text = inspect(*PAIR).text
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_text_of_peers_does_not_reach_the_terminal_as_it_is(inspect: Inspect) -> None:
    octets = bytes.fromhex(PAIR[0]).replace(b"sip:alice@", b"\x1b[31mevil@")
    run = inspect(octets.hex())
    assert "\x1b" not in run.text
    assert "[31mevil" in run.text  # in the dump, where it is only octets


def names(payload: dict[str, Any]) -> list[str]:
    return [field["name"] for field in payload["fields"]]


def test_names_of_fields_are_those_of_the_rfc(inspect: Inspect) -> None:
    described = inspect.json(PAIR[0]).object
    fields = {payload["type"]: names(payload) for payload in described["payloads"]}
    assert fields["SP"][:4] == ["Next payload", "Policy no", "Prot type", "Policy param length"]
    assert fields["General Extension"] == ["Next payload", "Type", "Length", "Data"]
    assert fields["RAND"] == ["Next payload", "RAND len", "RAND"]
    assert fields["KEMAC"] == [
        "Next payload",
        "Encr alg",
        "Encr data len",
        "Encr data",
        "Mac alg",
        "MAC",
    ]


def test_explanations(inspect: Inspect) -> None:
    described = inspect.json("--explain", PAIR[0]).object
    explained = {
        payload["type"]: payload["explanation"]
        for payload in [described["header"], *described["payloads"]]
    }
    assert explained["KEMAC"]["section"] == "RFC 3830 6.2"
    assert explained["HDR"]["section"] == "RFC 3830 6.1"
    assert all(e["words"] and e["quote"] for e in explained.values())
    assert "explanation" not in inspect.json(PAIR[0]).object["header"]


def test_every_payload_that_can_be_shown_is_explained() -> None:
    unread = {
        PayloadType.LAST,
        PayloadType.KEY_DATA,
        PayloadType.IBAKE,
        PayloadType.ESK,
        PayloadType.SK,
        PayloadType.ECCPT,
    }
    assigned = {kind for kind in PayloadType if kind.assigned}
    assert {payload_name(kind) for kind in assigned - unread - set(EXPLANATIONS)} == set()
