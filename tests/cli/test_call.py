"""`mikey call` and `mikey answer` between two processes."""

from __future__ import annotations

import json
import signal
import socket
import threading
from importlib import resources
from pathlib import Path

import pytest

from mikey.errors import LocalError
from mikey.sip import local_host_for
from tests.cli.calling import KEY, Answering, answering, call, content, key_file, wav_file

OTHER = "00112233445566778899aabbccddeeff"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return key_file(tmp_path / "keys", f"* {KEY}")


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return wav_file(tmp_path / "in.wav")


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("rate", "channels", "transport"), [(8000, 1, "udp"), (48000, 2, "tcp"), (22050, 1, "udp")]
)
def test_a_recording_arrives_bit_for_bit(
    rate: int,
    channels: int,
    transport: str,
    keys: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sent = wav_file(tmp_path / "in.wav", rate=rate, channels=channels)
    heard = tmp_path / "out.wav"
    with answering(keys, "--record", str(heard)) as bob:
        status, out, err = call(
            capsys, bob.uri, "--psk-file", keys, "--send", sent, "--transport", transport
        )
        assert (status, err) == (0, "")
        report = bob.event("ended")
        assert bob.wait() == 0
    assert content(heard) == content(sent)
    first, second = report["sessions"]
    assert first["verified"] > 10
    assert first["rejected"] == first["srtcp_rejected"] == report["lost"] == 0
    assert first["srtcp_verified"] >= 2
    for told in (
        "MIKEY-PSK",
        f"0x{report['csb_id']:08x}",
        "AES_CM_128_HMAC_SHA1_80",
        first["fingerprint"],
        second["fingerprint"],
        f"0x{first['ssrc']:08x}",
        *(f"{name}  {size} octets" for name, size in report["messages"]),
    ):
        assert told in out


@pytest.mark.realtime
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_callee_that_is_killed_in_the_middle_is_noticed(
    transport: str, keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = wav_file(tmp_path / "in.wav", seconds=1.5)
    with answering(keys) as bob:

        def kill() -> None:
            bob.event("accepted")
            bob.send_signal(signal.SIGKILL)

        killing = threading.Thread(target=kill)
        killing.start()
        status, out, err = call(
            capsys, bob.uri, "--psk-file", keys, "--send", sent, "--transport", transport
        )
        killing.join()
        assert bob.wait() == -signal.SIGKILL
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "the peer left before the end" in err


@pytest.mark.rule("R4567-4.1.2-8")
@pytest.mark.realtime
def test_keys_change_and_the_audio_does_not_notice(
    keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = wav_file(tmp_path / "in.wav", rate=16000, seconds=1.2)
    heard = tmp_path / "out.wav"
    with answering(keys, "--record", str(heard)) as bob:
        status, out, _ = call(
            capsys,
            *(bob.uri, "--psk-file", keys, "--send", sent, "--json"),
            *("--rekey-every", "0.2", "--policy", "AEAD_AES_256_GCM"),
        )
        assert status == 0
        theirs = bob.event("ended")
        assert bob.wait() == 0
    mine = json.loads(out)
    assert content(heard) == content(sent)
    assert mine["updates"] == theirs["updates"] >= 3
    assert theirs["sessions"][0]["rejected"] == theirs["lost"] == 0
    prints = [session["fingerprint"] for session in mine["sessions"]]
    assert prints == [session["fingerprint"] for session in theirs["sessions"]]
    assert theirs["sessions"][0]["policy"] == "AEAD_AES_256_GCM"


@pytest.mark.realtime
def test_the_next_policy_is_tried_where_the_peer_offers_it(
    keys: Path, speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["AEAD_AES_128_GCM", "AES_256_CM_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"]
    options = [word for name in names for word in ("--policy", name)]
    with answering(keys, "--policy", names[2], "--policy", "AES_192_CM_HMAC_SHA1_80") as bob:
        status, out, err = call(capsys, bob.uri, "--psk-file", keys, "--send", speech, *options)
        assert status == 0
        assert err == f"the peer does not take {names[0]}, now {names[2]}\n"
        assert names[2] in out
        assert "not acceptable" in bob.event("refused")["reason"]
        assert bob.wait() == 0


def only_line(text: str) -> str:
    assert text.startswith("mikey: ")
    assert text.count("\n") == 1
    return text.strip()


def still_waits(bob: Answering) -> None:
    """A refused caller does not end `answer`."""
    bob.send_signal(signal.SIGTERM)
    assert (bob.wait(), bob.errors) == (143, "mikey: terminated by a signal\n")


def test_a_wrong_key(
    keys: Path, speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = tmp_path / "out.wav"
    other = key_file(tmp_path / "other", f"* {OTHER}")
    with answering(keys, "--record", str(heard)) as bob:
        status, out, err = call(capsys, bob.uri, "--psk-file", other, "--send", speech)
        assert status == 1
        assert "488" in only_line(err)
        assert "authentication failed" in err
        assert out == ""
        assert bob.event("refused")["reason"] == "authentication failed"
        still_waits(bob)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.wav", "keys", "other"]


def test_a_policy_that_nobody_shares(
    keys: Path, speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(keys, "--policy", "AEAD_AES_256_GCM") as bob:
        options = ("--policy", "AES_CM_128_HMAC_SHA1_80", "--policy", "NULL_HMAC_SHA1_80")
        status, _, err = call(capsys, bob.uri, "--psk-file", keys, "--send", speech, *options)
        assert status == 1
        assert "AES_CM_128_HMAC_SHA1_80 is not acceptable" in only_line(err)
        still_waits(bob)


def test_a_message_for_somebody_else(
    keys: Path, speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(keys, "--identity", "sip:bob@example.com") as bob:
        status, _, err = call(capsys, bob.uri, "--psk-file", keys, "--send", speech)
        assert status == 1
        assert "for another identity" in only_line(err)
        still_waits(bob)


def test_no_answer(keys: Path, speech: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        uri = f"sip:bob@127.0.0.1:{silent.getsockname()[1]}"
        status, _, err = call(capsys, uri, "--psk-file", keys, "--send", speech, "--timeout", "0.3")
        assert status == 1
        assert only_line(err) == "mikey: no answer within 0.3 s"
        status, _, err = call(
            capsys, uri, "--psk-file", keys, "--send", speech, "--transport", "tcp"
        )
        assert status == 1
        assert "cannot reach 127.0.0.1" in only_line(err)


def test_what_the_user_gets_wrong(
    keys: Path, speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = "sip:bob@127.0.0.1:9"
    text = tmp_path / "text"
    text.write_text("hello")
    open_keys = tmp_path / "open"
    open_keys.write_text(f"* {KEY}\n")
    open_keys.chmod(0o644)
    named = key_file(tmp_path / "named", f"sip:carol@example.com {KEY}")
    for arguments, reason in [
        ((uri, "--psk-file", keys, "--send", text), "no WAV file"),
        ((uri, "--psk-file", keys, "--send", tmp_path / "none"), "No such file"),
        ((uri, "--psk-file", open_keys, "--send", speech), "chmod 600"),
        ((uri, "--psk-file", named, "--send", speech), f"no key for {uri}"),
        (("bob", "--psk-file", keys, "--send", speech), "no SIP URI"),
        (("tel:+123", "--psk-file", keys, "--send", speech), "no SIP URI"),
        (("sip:bob@127.0.0.1:99999", "--psk-file", keys, "--send", speech), "no SIP URI"),
        ((uri, "--psk-file", keys, "--send", speech, "--identity", "alice"), "no SIP URI"),
        ((uri, "--psk-file", keys, "--send", speech, "--policy", "X"), "no SRTP policy"),
        ((uri, "--psk-file", keys, "--send", speech, "--timeout", "0"), "timeout"),
    ]:
        status, out, err = call(capsys, *arguments)
        assert (status, out) == (2, "")
        assert reason in only_line(err)
    with pytest.raises(LocalError):
        local_host_for("bob")


@pytest.mark.realtime
def test_a_trace_shows_the_signalling_and_no_key(
    keys: Path, speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(keys, "--trace") as bob:
        status, _, err = call(capsys, bob.uri, "--psk-file", keys, "--send", speech, "--trace")
        assert status == 0
        assert bob.wait() == 0
        for trace in (err, bob.errors):
            assert f"INVITE {bob.uri} SIP/2.0" in trace
            assert trace.count("a=key-mgmt:mikey <redacted>") >= 2
            assert "mikey AQ" not in trace
            assert "BYE sip:" in trace


@pytest.mark.realtime
def test_identities(tmp_path: Path, speech: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = key_file(tmp_path / "keys", f"sip:alice@example.com {KEY}", f"* {OTHER}")
    hers = key_file(tmp_path / "hers", f"* {KEY}")
    with answering(keys, "--any-identity") as bob:
        status, _, _ = call(
            capsys,
            *(bob.uri, "--psk-file", hers, "--send", speech),
            *("--identity", "sip:alice@example.com", "--any-identity"),
        )
        assert status == 0
        report = bob.event("ended")
        assert bob.wait() == 0
    assert (report["initiator"], report["responder"]) == ("sip:alice@example.com", bob.uri)


@pytest.mark.realtime
def test_without_a_recording_the_speech_of_the_demo_is_sent(
    keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = tmp_path / "out.wav"
    with answering(keys, "--record", str(heard)) as bob:
        status, _, err = call(capsys, bob.uri, "--psk-file", keys)
        assert (status, err) == (0, "")
        assert bob.wait() == 0
    with resources.as_file(resources.files("mikey.cli") / "data" / "speech.wav") as speech:
        assert content(heard) == content(speech)
