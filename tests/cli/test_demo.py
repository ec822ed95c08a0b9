"""`mikey demo`: the whole, from one command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mikey.aio import read_wav
from mikey.cli import demo
from mikey.cli.calls.credentials import METHODS
from mikey.cli.calls.props import Props
from mikey.cli.calls.report import CallReport
from mikey.cli.main import main
from mikey.credentials import Sakke
from mikey.errors import PeerError
from mikey.session import Method
from tests.cli.calling import wav_file


@pytest.mark.realtime
def test_the_demo_proves_itself(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-m", "mikey", "demo"],
        capture_output=True,
        text=True,
        timeout=20,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for told in (
        "MIKEY-PSK",
        "I_MESSAGE",
        "R_MESSAGE",
        "octets",
        "CSB ID",
        "arrived bit for bit",
        "key fingerprint",
        "AES_CM_128_HMAC_SHA1_80",
        "verified",
        "rejected",
    ):
        assert told in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert list(tmp_path.iterdir()) == []  # no key and no recording stays


def test_identifier_schemes_are_of_sakke_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--method", "psk", "--id-scheme", "3gpp"]) == 2
    assert "--id-scheme belongs to SAKKE, not to PSK" in capsys.readouterr().err


@pytest.mark.realtime
def test_another_recording_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    speech = wav_file(tmp_path / "a.wav", rate=44100, channels=2, seconds=0.4)
    assert main(["demo", "--json", "--audio", str(speech)]) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["bit_for_bit"] is True
    assert (report["rate"], report["channels"], report["lost"]) == (44100, 2, 0)
    first, second = report["sessions"]
    assert first["sent"] == first["verified"] > 30
    assert first["srtcp_sent"] == first["srtcp_verified"] >= 2
    assert second["srtcp_verified"] >= 1
    assert captured.err == ""


@pytest.mark.realtime
def test_all_methods_are_compared(tmp_path: Path) -> None:
    speech = wav_file(tmp_path / "a.wav", seconds=0.3)
    environment = {**os.environ, "TMPDIR": str(tmp_path / "secrets"), "COLUMNS": "80"}
    (tmp_path / "secrets").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "mikey", "demo", "--method", "all", "--audio", str(speech)],
        capture_output=True,
        text=True,
        timeout=40,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if " whole" in line}
    assert {name for name in rows if name != "whole:"} == {each.value for each in METHODS}
    assert "\u2026" not in done.stdout  # no title is cut
    secret = {name for name, row in rows.items() if " yes " in row}
    assert secret == {"DH-SIGN", "DHHMAC"}
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert list((tmp_path / "secrets").iterdir()) == []


@pytest.mark.realtime
def test_one_method_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    speech = wav_file(tmp_path / "a.wav", seconds=0.2)
    assert main(["demo", "--method", "rsa-r", "--json", "--audio", str(speech)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["method"] == "RSA-R"
    assert report["bit_for_bit"] is True
    assert report["initiator_ms"] > 0
    assert report["responder_ms"] > 0


def test_what_the_demo_does_not_send(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = wav_file(tmp_path / "long.wav", seconds=13)
    for path, reason in [(long, "lasts 13 s"), (tmp_path / "none.wav", "No such file")]:
        assert main(["demo", "--audio", str(path)]) == 2
        assert reason in capsys.readouterr().err


def test_the_other_process_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Props, "callee_options", lambda _: ("--listen", "192.0.2.1:0"))
    assert main(["demo"]) == 1
    assert "mikey: the other process: who are we?" in capsys.readouterr().err


def test_a_demo_on_the_last_second_of_a_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = int(datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC).timestamp())
    monkeypatch.setattr(time, "time_ns", lambda: last * 10**9)
    caller = Props(tmp_path, Method.SAKKE).caller()
    assert isinstance(caller, Sakke)
    assert [keys.identifier[:7] for keys in caller.keys] == [b"2026-12", b"2026-11"]


def test_the_shipped_speech_is_short() -> None:
    speech = read_wav(Path(demo.__file__).parent / "data" / "speech.wav")
    assert speech.seconds <= 3
    assert speech.audio.channels == 1


def test_two_sides_with_different_keys_do_not_merge() -> None:
    text = {
        "method": "PSK",
        "initiator": "a",
        "responder": "b",
        "csb_id": 1,
        "messages": [["I_MESSAGE", 1]],
        "updates": 0,
        "rate": 8000,
        "channels": 1,
        "seconds": 1.0,
        "sessions": [
            {"cs_id": 1, "sender": "a", "ssrc": 1, "policy": "p", "fingerprint": "f", "sent": 5}
        ],
    }
    mine = CallReport.from_json(text)
    assert mine.merged_with(mine).sessions[0].sent == 5
    other = json.loads(json.dumps(text))
    other["sessions"][0]["fingerprint"] = "g"
    with pytest.raises(PeerError, match="disagree"):
        mine.merged_with(CallReport.from_json(other))
