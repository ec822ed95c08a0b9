"""`mikey rtsp doctor`: what works, what does not, and why."""

from __future__ import annotations

import base64
import os
import shlex

import pytest

from mikey.cli.rtsp.trials import profiles
from mikey.wire import Message
from tests.cli.rtsping import AVP, PASSWORD, Rtsp, answer, scripted, serving

# What gst-rtsp-server 1.22 had in its SDP
GSTREAMER = (
    "AQAFAG3TTTsBAAA6Zl3FAAAAAAsA7q5huArg0j0KEPzYe1XmTpEd6KQ58OFrQasBAAAAFQABAQEBEAIBAQMBCgcBAQgB"
    "AQoBAQAAACIAIAAeRSq57LIst9eMSMGiwenQR0yQf2MMc8q27olGKlxnAA=="
)
SAVP = AVP.replace("RTP/AVP", "RTP/SAVP")


@pytest.mark.realtime
def test_what_works_is_told_as_a_command(rtsp: Rtsp) -> None:
    with serving() as server:
        said = rtsp("doctor", server.url)
        assert said.status == 0
        assert f"--pin {server.pin}" in said.out
        assert "not trusted" in said.out
        assert "onvif-cm over udp: works" in said.out
        assert "new keys: works" in said.out
        advice = said.out.splitlines()[-1].removeprefix("works: mikey rtsp ").split()
        assert rtsp(*advice, "--for", "0.3").status == 0


@pytest.mark.realtime
def test_the_command_has_the_user_and_no_password(
    rtsp: Rtsp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIKEY_RTSP_PASSWORD", PASSWORD)
    with serving("--user", "ad min") as server:
        said = rtsp("doctor", server.url, "--user", "ad min", "--pin", server.pin)
        advice = shlex.split(said.out.splitlines()[-1].removeprefix("works: mikey rtsp "))
        assert advice[:4] == ["play", server.url, "--user", "ad min"]
        assert rtsp(*advice, "--for", "0.3").status == 0
    assert PASSWORD not in said.out + said.err


@pytest.mark.realtime
def test_it_finds_whose_key_it_is(rtsp: Rtsp) -> None:
    """The server is not what it says, so its first answer fits another product."""
    with serving("--profile", "onvif-cm", "--flow", "server-key") as server:
        said = rtsp("doctor", server.url, "--for", "0.5", "--json")
    first, second = said.told["trials"]
    assert (first["profile"], first["works"]) == ("onvif-cm", False)
    assert all(stream["rejected"] for stream in first["streams"])
    assert (second["profile"], second["works"]) == ("live555", True)
    assert said.told["advice"].endswith("--profile live555 --transport udp")


@pytest.mark.realtime
@pytest.mark.parametrize("profile", ["live555", "mediamtx"])
def test_a_server_is_believed_what_it_is(profile: str, rtsp: Rtsp) -> None:
    with serving("--profile", profile) as server:
        said = rtsp("doctor", server.url, "--for", "0.5", "--json")
    (trial,) = said.told["trials"]
    assert (trial["profile"], trial["works"]) == (profile, True)


@pytest.mark.realtime
def test_a_refused_message_is_shown_octet_by_octet(rtsp: Rtsp) -> None:
    sent: list[str] = []

    def reply(method: str, text: str) -> bytes:
        if method == "SETUP":
            sent.append(text.partition('data="')[2].partition('"')[0])
            return answer(text, status="463 Key management failure")
        return answer(text, body=SAVP if method == "DESCRIBE" else "", Public="DESCRIBE, SETUP")

    with scripted(reply) as url:
        said = rtsp("doctor", url, "--allow-null", "--transport", "udp")
    assert said.status == 1
    assert "the server refused SETUP: 463 Key management failure" in said.out
    assert "our message, refused (onvif-cm, udp)" in said.out
    message = base64.b64decode(sent[0])
    for payload in ("HDR", "T", "RAND", "SP", "KEMAC"):
        assert f"\n{payload}  octets " in said.out
    assert Message.parse(message).octets[:4].hex(" ") in said.out
    assert message[-31:-1].hex(" ")[:20] not in said.out  # the key itself is not shown
    assert said.out.rstrip().endswith("nothing works")


def test_a_server_whose_streams_are_not_srtp(rtsp: Rtsp) -> None:
    def reply(method: str, text: str) -> bytes:
        return answer(text, body=AVP if method == "DESCRIBE" else "")

    with scripted(reply) as url:
        said = rtsp("doctor", url, "--allow-null")
    assert said.status == 1
    assert "no SET_PARAMETER: nothing for new keys" in said.out
    assert "turn on SRTP" in said.out


@pytest.mark.parametrize("octets", [b"", b"220 ftp ready\r\n\r\n", b"\0" * 70000])
def test_no_rtsp_server(rtsp: Rtsp, octets: bytes) -> None:
    with scripted(lambda _method, _text: octets) as url:
        said = rtsp("doctor", url, "--allow-null", "--timeout", "0.4")
    assert said.status == 1
    assert "stopped: " in said.out


def test_nobody_there(rtsp: Rtsp) -> None:
    said = rtsp("doctor", "rtsps://127.0.0.1:1/test", "--json")
    assert said.status == 1
    assert said.told["ok"] is False


@pytest.mark.realtime
def test_a_password_is_not_sent_to_whom_nobody_trusts(
    rtsp: Rtsp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIKEY_RTSP_PASSWORD", PASSWORD)
    with serving("--user", "admin", env=dict(os.environ)) as server:
        said = rtsp("doctor", server.url, "--user", "admin")
        assert said.status == 1
        assert "the password is not sent" in said.out
        pinned = rtsp("doctor", server.url, "--user", "admin", "--pin", server.pin)
    assert pinned.status == 0
    assert "secret" not in said.out + said.err + pinned.out + pinned.err


def test_the_order_of_trials_follows_the_message() -> None:
    assert profiles(None) == [None, "onvif-cm", "onvif-gcm"]
    own = profiles(base64.b64decode(GSTREAMER))
    assert own == [None, "onvif-cm", "mediamtx", "live555", "gst-legacy"]
    assert profiles(b"garbage") == own
