"""The forms in which messages come."""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path

import pytest

from mikey.errors import LocalError
from tests.cli.inspecting import PAIR, Inspect
from tests.naive import vectors
from tests.unit.carriage.sdp_texts import ANSWER_64, AUDIO, CALL, OFFER_64, with_lines

OFFER, ANSWER = vectors.OFFER, vectors.ANSWER

SDP = with_lines(AUDIO, f"a=key-mgmt:mikey {OFFER_64}")
TWO_LEVELS = with_lines(
    with_lines(CALL, f"a=key-mgmt:mikey {OFFER_64}"), f"a=key-mgmt:mikey {ANSWER_64}", before="m=vi"
)
SIP = f"INVITE sip:bob@example.com SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n{SDP}"
PRINTED = SDP.replace(OFFER_64, f"{OFFER_64[:60]}\r\n   {OFFER_64[60:200]}\r\n   {OFFER_64[200:]}")
RTSP = (
    "SETUP rtsp://example.com/a RTSP/1.0\r\nCSeq: 3\r\n"
    'keymgmt: prot=mikey; uri="rtsp://example.com/a,b";\r\n'
    f'   data="{OFFER_64}"\r\n\r\n'
)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (OFFER, [""]),
        (OFFER.hex(), [""]),
        (OFFER.hex().upper() + "\n", [""]),
        (OFFER.hex(":"), [""]),
        ("0x" + OFFER.hex(" ", 4), [""]),
        (", ".join(f"0x{octet:02x}" for octet in OFFER), [""]),
        (OFFER_64 + "\r\n", [""]),
        (OFFER_64.rstrip("="), [""]),
        ("\ufeff" + OFFER_64, [""]),
        (f"# a comment\n\n{OFFER_64[:76]}\n{OFFER_64[76:]}\n", [", line 3"]),
        (f"{OFFER_64}\n{ANSWER_64}\n", [", line 1", ", line 2"]),
        (f"{OFFER.hex()}\n\n# the answer\n{ANSWER.hex()}\n", [", line 1", ", line 4"]),
        (SDP, [", line 6, session level"]),
        (SDP.replace("\r\n", "\n"), [", line 6, session level"]),
        (SIP, [", line 9, session level"]),
        (PRINTED, [", line 6, session level"]),
        (TWO_LEVELS, [", line 9, session level", ", line 15, media 2 level"]),
        (SDP + SDP.replace(OFFER_64, ANSWER_64), [", line 6, session level", ", line 14, session"]),
        (f"a=key-mgmt:mikey {OFFER_64}", [", line 1, session level"]),
        (RTSP, [", line 3, KeyMgmt header, uri rtsp://example.com/a,b"]),
        (f"KeyMgmt: data={OFFER_64};prot=mikey;", [", line 1, KeyMgmt header"]),
        (
            f'KeyMgmt: prot=mikey;data="{OFFER_64}", prot=mikey;uri="u";data="{ANSWER_64}"',
            [", line 1, KeyMgmt header", ", line 1, KeyMgmt header, uri u"],
        ),
        (f'prot=mikey;uri="u";data="{OFFER_64}"', [", line 1, KeyMgmt header, uri u"]),
        (f"SET_PARAMETER u RTSP/1.0\r\n\r\nmikey: {OFFER_64}\r\n", [", line 3"]),
        (f"mikey {OFFER_64}", [", line 1"]),
        (SDP.encode("utf-16"), [", line 6, session level"]),
    ],
)
def test_files(inspect: Inspect, content: str | bytes, where: list[str]) -> None:
    path = inspect.file(content)
    run = inspect.json(path)
    assert run.status == 0
    for described, place in zip(run.objects, where, strict=True):
        assert described["where"].startswith(f"{path}{place}")
        assert described["error"] is None
    lengths = [described["payloads"][-1]["offset"] for described in run.objects]
    assert lengths[0] == 148


@pytest.mark.parametrize("text", [OFFER_64, OFFER.hex(), OFFER.hex(" ")])
def test_arguments(inspect: Inspect, text: str) -> None:
    assert inspect.json(text).object["where"] == "argument 1"


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_standard_input(
    inspect: Inspect, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(OFFER)))
    assert inspect.json(*arguments).object["where"] == "standard input"


def test_several_inputs_keep_their_order(inspect: Inspect) -> None:
    path = inspect.file(ANSWER)
    run = inspect.json(PAIR[0], path)
    assert [described["where"] for described in run.objects] == ["argument 1", str(path)]


def test_what_was_overlooked_is_remarked_on(inspect: Inspect) -> None:
    unpadded = base64.b64encode(OFFER + b"").decode().rstrip("=")
    text = with_lines(AUDIO, f"a=key-mgmt:mikey {unpadded}")
    assert any("padding" in w for w in inspect.json(inspect.file(text)).object["warnings"])
    warnings = inspect.json(inspect.file(PRINTED)).object["warnings"]
    assert any("broken by white space" in warning for warning in warnings)


def test_other_protocols_are_passed_over(inspect: Inspect) -> None:
    text = with_lines(SDP, "a=key-mgmt:keyp1 " + ANSWER_64)
    assert len(inspect.json(inspect.file(text)).objects) == 1
    header = f'KeyMgmt: prot=keyp1;data="{ANSWER_64}",prot=mikey;data="{OFFER_64}"'
    assert len(inspect.json(inspect.file(header)).objects) == 1


@pytest.mark.parametrize(
    "content", ["", " \n\n", "hello", "no message here\n", AUDIO, "c0ffee" * 8, "# only this\n"]
)
def test_files_without_a_message(inspect: Inspect, content: str) -> None:
    path = inspect.file(content)
    with pytest.raises(LocalError, match=str(path)):
        inspect(path)


def test_files_that_cannot_be_read(inspect: Inspect, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="does not exist"):
        inspect(tmp_path / "nowhere.sdp")
    with pytest.raises(LocalError, match="directory"):
        inspect(tmp_path)
    with pytest.raises(LocalError, match="longer than"):
        inspect(inspect.file(b"\1" * ((16 << 20) + 1)))


@pytest.mark.parametrize(
    "magic", ["a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "0a0d0d0a1c000000"]
)
def test_a_capture_is_no_damaged_message(inspect: Inspect, magic: str) -> None:
    with pytest.raises(LocalError, match=r"a capture of packets; .* tshark"):
        inspect(inspect.file(bytes.fromhex(magic) + bytes(20)))


def test_an_empty_argument(inspect: Inspect) -> None:
    with pytest.raises(LocalError, match="argument 2: empty"):
        inspect(PAIR[0], "")


def test_a_request_that_is_none_is_told_from_the_messages(inspect: Inspect) -> None:
    with pytest.raises(LocalError, match=r"^--request 1: no MIKEY message"):
        inspect(PAIR[1], "--request", "nowhere")
    with pytest.raises(LocalError, match=r"^--request 2: [0-9]+ octets are due"):
        inspect(PAIR[1], "--request", PAIR[0], "--request", OFFER[:40].hex())


def test_no_error_repeats_an_argument(inspect: Inspect) -> None:
    with pytest.raises(LocalError) as caught:
        inspect("secretsecretsecret")
    assert "secret" not in str(caught.value)


def test_the_terminal_is_not_waited_for(inspect: Inspect, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(LocalError, match="standard input is the terminal"):
        inspect()


def test_long_lines_cost_no_more_than_their_length(inspect: Inspect) -> None:
    """Nothing here is worse than linear; at worse than that these would take minutes."""
    blanks = " " * 200_000
    path = inspect.file(f"KeyMgmt: prot=mikey;data={blanks}x{blanks};y\n" * 3)
    assert inspect.json(path).status == 1
    path = inspect.file(f'KeyMgmt: prot=mikey;data=AQAF;{blanks}y{blanks}={blanks}"\n')
    assert inspect.json(path).status == 1
    path = inspect.file(f"KeyMgmt: prot=mikey;data=AQAF\nmikey{blanks}x\n")
    assert inspect.json(path).status == 1
    many = "a=key-mgmt:mikey AQAF\n" * 20_000
    assert len(inspect.json(inspect.file(many)).objects) == 20_000
