"""`mikey answer` against callers that do not do what `mikey call` does."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest

from mikey.carriage.sdp import Description
from mikey.cli.main import main
from mikey.credentials import Psk
from mikey.policy import Context
from mikey.secret import Secret
from mikey.session import Initiator
from mikey.sip import CallRefusedError, UserAgent
from tests.asynchronous import asynchronous
from tests.cli.calling import KEY, Answering, answering, key_file

ALICE = "sip:alice@example.com"
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/SAVP 96\r\na=rtpmap:96 L16/8000\r\n"
)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return key_file(tmp_path / "keys", f"{ALICE} {KEY}")


def initiator(peer: str, identity: str = ALICE) -> Initiator:
    return Initiator(Psk(Secret(bytes.fromhex(KEY)), identity, peer))


def offer(peer: str, sdp: str = SDP) -> bytes:
    return Description(sdp).offer(initiator(peer), {0: 0x1234}).text.encode()


async def refusal(bob: Answering, body: bytes, from_uri: str = ALICE) -> CallRefusedError:
    async with UserAgent() as agent:
        with pytest.raises(CallRefusedError) as caught:
            await agent.invite(bob.uri, from_uri=from_uri, body=body)
    return caught.value


@pytest.mark.rule("R4567-4.1.2-6", "R4567-4.1.2-7", "R4567-8-2")
@asynchronous
async def test_what_is_refused(keys: Path) -> None:
    with answering(keys, "--timeout", "15") as bob:
        good = offer(bob.uri)
        for body, status, reason in [
            (b"hello", 400, "session description"),
            (b"", 400, "session description"),
            (SDP.encode(), 488, "no MIKEY key management"),
            (SDP.replace("SAVP", "AVP").encode(), 488, "no MIKEY"),
            (offer(bob.uri, SDP.replace("L16", "PCMU")), 488, "no L16 audio"),
            (offer(bob.uri, SDP.replace("8000", "96000")), 488, "no L16 audio"),
            (offer(bob.uri, SDP.replace("c=IN IP4 127.0.0.1\r\n", "")), 488, "c= line"),
            (offer("sip:carol@127.0.0.1"), 488, "sip:carol@127.0.0.1"),
            (good.replace(b"a=key-mgmt:mikey A", b"a=key-mgmt:mikey ?"), 400, "key-mgmt"),
        ]:
            error = await refusal(bob, body)
            assert error.status == status, error
            assert any(reason in text for _, text in error.warnings), error
            assert reason in bob.event("refused")["reason"]
        error = await refusal(bob, good, from_uri="sip:mallory@example.com")
        assert "sip:mallory@example.com" in bob.event("refused")["reason"]
        assert error.status == 488


@pytest.mark.rule("R3830-5.3-3")
@asynchronous
async def test_a_replayed_offer_is_refused_and_nothing_said(keys: Path) -> None:
    with answering(keys) as bob:
        sdp = SDP.replace("L16", "PCMU")  # verified, then refused for another reason
        first = await refusal(bob, offer(bob.uri, sdp))
        assert first.status == 488
        body = offer(bob.uri, sdp)
        await refusal(bob, body)
        replayed = await refusal(bob, body)
        assert replayed.status == 488
        assert [code for code, _ in replayed.warnings] == [306]
        assert replayed.body == b""


@asynchronous
async def test_a_call_without_audio_is_a_failure(keys: Path) -> None:
    with answering(keys) as bob:
        body = offer(bob.uri)
        async with UserAgent() as agent:
            call = await agent.invite(bob.uri, from_uri=ALICE, body=body)
            await call.bye()
        assert bob.wait() == 1  # it heard nothing
        assert "sent no audio" in bob.errors


@asynchronous
async def test_an_error_message_lists_our_policies(keys: Path) -> None:
    with answering(keys, "--policy", "AEAD_AES_128_GCM") as bob:
        alice = initiator(bob.uri)
        offered = Description(SDP, context=Context()).offer(alice, {0: 1})
        error = await refusal(bob, offered.text.encode())
        assert error.status == 488
        answer = Description(error.body.decode())
        assert answer.media[0].rejected
        assert answer.message()


def test_nobody_calls(keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--listen", "127.0.0.1:0", "--timeout", "0.1", "--record", str(tmp_path / "o.wav")]
    assert main(["answer", "--psk-file", str(keys), *options]) == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines()[0].startswith("listening on 127.0.0.1:")
    assert captured.err.splitlines()[1] == "mikey: no call within 0.1 s"
    assert captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_an_interrupted_wait_leaves_nothing(keys: Path, tmp_path: Path) -> None:
    with answering(keys, "--record", str(tmp_path / "out.wav")) as bob:
        assert len(list(tmp_path.iterdir())) == 2
        bob.send_signal(signal.SIGINT)
        assert bob.wait() == 130
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_what_the_user_gets_wrong(
    keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = f"127.0.0.1:{taken.getsockname()[1]}"
        for options, reason in [
            (["--listen", "127.0.0.1"], "HOST:PORT"),
            (["--listen", "127.0.0.1:99999"], "HOST:PORT"),
            (["--listen", "127.0.0.1:" + "9" * 5000], "HOST:PORT"),
            (["--listen", "127.0.0.1:\u0663"], "HOST:PORT"),
            (["--listen", "::1:5060"], "IPv6 address [::1]:PORT"),
            (["--listen", "[::1]"], "HOST:PORT"),
            (["--listen", "[fe80::1]:5060"], "cannot listen on [fe80::1]:5060"),
            (["--listen", busy], f"cannot listen on {busy}"),
            (["--listen", "127.0.0.1:0", "--record", str(tmp_path)], "is a directory"),
            (["--listen", "127.0.0.1:0", "--record", "/none/x.wav"], "cannot write there"),
            (["--listen", "127.0.0.1:0", "--identity", "bob"], "no SIP URI"),
        ]:
            assert main(["answer", "--psk-file", str(keys), *options]) == 2
            err = capsys.readouterr().err
            assert err.startswith("mikey: ")
            assert reason in err
            assert err.count("\n") == 1


def test_events_are_json_lines(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--json", "--listen", "127.0.0.1:0", "--timeout", "0.1"]
    assert main(["answer", "--psk-file", str(keys), *options]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["event"] == "listening"
    assert captured.err == "mikey: no call within 0.1 s\n"
