"""`mikey rtsp play`: what it shows, writes, and says of servers that are not as they should be."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mikey.cli.rtsp.dump import Dump
from mikey.errors import LocalError
from tests.cli.calling import KEY, key_file
from tests.cli.rtsping import (
    AVP,
    LIMIT,
    PASSWORD,
    Rtsp,
    Served,
    answer,
    packets_of,
    scripted,
    serving,
)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A server like an ONVIF camera."""
    with serving() as one:
        yield one


@pytest.mark.realtime
def test_the_table_tells_how_it_is_keyed(served: Served, rtsp: Rtsp) -> None:
    said = rtsp("play", *served.trusted, "--info", "--for", "0.6")
    assert said.status == 0, said.err
    for word in (
        "client key: the client's key in SETUP protects both directions",
        "onvif-cm: the SDP has no MIKEY key",
        "AES_CM_128_HMAC_SHA1_80",
        "its certificate is pinned",
        "video JPEG",
        "audio L16",
    ):
        assert word in said.out
    assert said.out.rstrip().endswith("verified")


@pytest.mark.realtime
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_json_has_the_counts(served: Served, rtsp: Rtsp, transport: str) -> None:
    said = rtsp(
        "play", served.url, "--insecure", "--for", "0.6", "--json", "--transport", transport
    )
    report = said.told
    assert (said.status, report["ok"], report["checked"]) == (0, True, False)
    assert "INSECURE" in report["trust"]
    assert said.err == ""
    for stream in report["streams"]:
        assert stream["transport"] == transport
        assert stream["verified"] > 10
        assert (stream["rejected"], stream["lost"], stream["rtcp_rejected"]) == (0, 0, 0)
        assert len(stream["mki"]) == 8


@pytest.mark.realtime
def test_only_one_stream_is_dumped_as_it_is(served: Served, rtsp: Rtsp, tmp_path: Path) -> None:
    dump = tmp_path / "packets.rtp"
    options = ("--for", "0.6", "--only", "audio", "--dump", dump, "--json")
    said = rtsp("play", *served.trusted, *options)
    (stream,) = said.told["streams"]
    assert said.told["files"] == [str(dump)]
    packets = packets_of(dump)
    rtp = [packet for length, packet in packets if length]
    assert len(rtp) == stream["verified"]
    assert {int.from_bytes(packet[8:12]) for packet in rtp} == {stream["ssrc"]}
    assert {len(packet) for packet in rtp} == {12 + 320}  # 20 ms of L16 at 8 kHz
    assert len(packets) - len(rtp) == stream["rtcp_verified"]
    assert dump.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [dump]


def test_a_packet_too_long_for_the_dump_is_cut(tmp_path: Path) -> None:
    """Over TCP a packet can have more octets than rtpdump can count."""
    packet = bytes(range(256)) * 256
    target = tmp_path / "packets.rtp"
    with Dump(target) as dump:
        dump.rtp(packet[:65531])
        dump.rtcp(packet[:20])
        dump.close()
        dump.keep()
    assert packets_of(target) == [(65531, packet[:65527]), (0, packet[:20])]


def test_nothing_is_left_of_a_file_that_cannot_be_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Dump) -> None:
        raise LocalError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Dump, "close", full)
        with pytest.raises(LocalError, match="full"), Dump(tmp_path / "packets.rtp") as dump:
            pass
    dump.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.realtime
def test_a_recording_has_every_frame(served: Served, rtsp: Rtsp, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    film = tmp_path / "out.mkv"
    said = rtsp("play", *served.trusted, "--for", "1", "--record", film, "--json")
    assert said.status == 0, said.err
    video, audio = said.told["streams"]
    with av.open(str(film)) as container:
        names = [stream.codec_context.name for stream in container.streams]
        assert names == ["mjpeg", "pcm_s16be"]
        frames = list(container.decode(video=0))
    assert len(frames) == video["verified"] // 2  # a picture has two packets
    plane = frames[0].planes[0]
    luma = bytes(plane)[50 * plane.line_size :]
    assert luma[20] > 200  # the white bar
    assert luma[300] < 80  # the blue one
    assert audio["verified"] > 20
    assert list(tmp_path.iterdir()) == [film]


@pytest.mark.realtime
def test_new_keys_lose_no_packet(served: Served, rtsp: Rtsp) -> None:
    options = ("--for", "1.2", "--rekey-every", "0.2", "--ask-keys", "--json")
    report = rtsp("play", *served.trusted, *options).told
    assert report["rekeys"] >= 3
    assert report["ok"] is True
    for stream in report["streams"]:
        assert (stream["rejected"], stream["lost"]) == (0, 0)
        assert stream["mki"] != "00000001"


@pytest.mark.realtime
def test_the_form_of_the_rfc_takes_a_shared_key(rtsp: Rtsp, tmp_path: Path) -> None:
    keys = key_file(tmp_path / "keys", f"* {KEY}")
    with serving("--psk-file", keys) as server:
        said = rtsp("play", *server.trusted, "--psk-file", keys, "--for", "0.5", "--json")
        assert said.status == 0, said.err
        assert (said.told["profile"], said.told["flow"]) == ("rfc", "answer")
        other = key_file(tmp_path / "other", f"* {KEY[::-1]}")
        refused = rtsp("play", *server.trusted, "--psk-file", other, "--for", "0.5")
        assert refused.status == 1
        assert "mikey: " in refused.line


@pytest.mark.realtime
def test_the_wrong_flow_is_told(rtsp: Rtsp) -> None:
    with serving("--profile", "onvif-cm", "--flow", "two-keys") as server:
        said = rtsp("play", *server.trusted, "--info", "--for", "0.4")
        assert said.status == 1
        assert "do not verify under the keys agreed" in said.out
        right = rtsp("play", *server.trusted, "--info", "--for", "0.4", "--profile", "mediamtx")
        assert right.status == 0
        assert "two keys" in right.out


@pytest.mark.realtime
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_well(served: Served, tmp_path: Path, number: signal.Signals) -> None:
    dump = tmp_path / "packets.rtp"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mikey", "rtsp", "play"),
            *(*served.trusted, "--dump", str(dump), "--json"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with contextlib.closing(process.stdout) as out:  # type: ignore[type-var]
        while not any(path.stat().st_size > 4096 for path in tmp_path.iterdir()):
            assert process.poll() is None
        process.send_signal(number)
        assert process.wait(LIMIT) == 0
        assert out is not None
        report = json.loads(out.read())
    assert report["ok"] is True
    assert packets_of(dump)


@pytest.mark.realtime
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_what_came_before_a_server_was_killed_is_kept(
    rtsp: Rtsp, tmp_path: Path, transport: str
) -> None:
    dump = tmp_path / "packets.rtp"
    with serving() as server:

        def kill() -> None:
            while not any(path.stat().st_size > 4096 for path in tmp_path.iterdir()):
                assert server.process.poll() is None
            server.process.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        options = ("--transport", transport, "--dump", dump, "--json")
        said = rtsp("play", *server.trusted, *options)
        killer.join()
        assert said.status == 1
        assert (said.told["secure"], said.told["ok"]) == (True, False)
        assert "the connection" in said.told["problem"]  # closed, or reset
        assert packets_of(dump)


# who is trusted, and who may


def test_an_unknown_certificate_is_refused_with_the_ways_out(served: Served, rtsp: Rtsp) -> None:
    said = rtsp("play", served.url, "--info")
    assert (said.status, said.out) == (1, "")
    for option in ("--ca", "--pin", "--insecure"):
        assert option in said.line


def test_another_certificate_than_the_pinned_one(served: Served, rtsp: Rtsp) -> None:
    said = rtsp("play", served.url, "--info", "--pin", "00" * 32)
    assert said.status == 1
    assert "not the pinned one" in said.line


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--pin", "12"], "a pin is a SHA-256"),
        (["--insecure", "--pin", "00" * 32], "give one"),
        (["--insecure", "--only", "text"], "no stream 'text', but 0 video, 1 audio"),
        (["--insecure", "--only", ","], "no stream '', but 0 video, 1 audio"),
        (["--insecure", "--for", "nan"], "'nan' is no number of seconds"),
        (["--insecure", "--for", "inf"], "'inf' is no number of seconds"),
        (["--insecure", "--timeout", "1e999"], "'1e999' is no number of seconds"),
        (["--insecure", "--rekey-every", "nan"], "'nan' is no number of seconds"),
        (["--insecure", "--dump", "x.mkv", "--record", "x.mkv"], "name one file"),
        (["--insecure", "--policy", "ROT13"], "no SRTP policy is named"),
        (["--insecure", "--profile", "rfc"], "give it (psk)"),
        (["--insecure", "--info", "--dump", "x"], "--info only tells"),
        (["--insecure", "--record", "x.nothing"], "no container is known"),
        (["--insecure", "--dump", "/nowhere/x.rtp"], "No such file or directory"),
        (["--insecure", "--dump", "/"], "Is a directory"),
        (["--insecure", "--psk-file", "/nowhere/keys"], "No such file or directory"),
        (["--ca", "/nowhere/root.pem"], "No such file or directory"),
        (["--ca", "/dev/null"], "/dev/null: no certificate (PEM) in it"),
    ],
)
def test_what_is_asked_wrong_is_one_line(
    served: Served, rtsp: Rtsp, options: list[str], reason: str
) -> None:
    said = rtsp("play", served.url, *options)
    assert (said.status, said.out) == (2, "")
    assert reason in said.line


def test_a_recording_needs_the_extra(rtsp: Rtsp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    said = rtsp("play", "rtsps://127.0.0.1:1/test", "--record", "out.mkv")
    assert said.status == 2
    assert "pip install 'mikey[media]'" in said.line
    assert not Path("out.mkv").exists()


@pytest.mark.realtime
def test_passwords_come_from_three_places_and_go_nowhere(
    rtsp: Rtsp, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {**os.environ, "MIKEY_RTSP_PASSWORD": PASSWORD}
    with serving("--user", "admin", env=env) as server:
        pinned = ("--pin", server.pin, "--info", "--for", "0.3")
        quoted = PASSWORD.replace(" ", "%20")
        inside = server.url.replace("//", f"//admin:{quoted}@")
        asked = [rtsp("play", inside, *pinned)]
        wrong = [
            rtsp("play", server.url, *pinned),
            rtsp("play", inside.replace("secret", "wrong"), *pinned),
        ]
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        assert "MIKEY_RTSP_PASSWORD" in rtsp("play", server.url, *pinned, "--user", "admin").line
        monkeypatch.setenv("MIKEY_RTSP_PASSWORD", PASSWORD)
        asked.append(rtsp("play", server.url, *pinned, "--user", "admin"))
    assert [said.status for said in asked] == [0, 0]
    assert [said.status for said in wrong] == [1, 1]
    assert "it asks for a user and a password" in wrong[0].line
    assert "user or password is wrong" in wrong[1].line
    for said in (*asked, *wrong):
        for text in (said.out, said.err):
            assert "secret" not in text
            assert "wrong words" not in text


# servers without TLS, without SRTP, without sense


def test_keys_in_clear_are_refused_before_anything_is_sent(rtsp: Rtsp) -> None:
    said = rtsp("play", "rtsp://127.0.0.1:1/test", "--info")
    assert (said.status, said.out) == (2, "")
    assert "MIKEY-NULL" in said.line
    assert "--allow-null" in said.line


def test_nobody_listens(rtsp: Rtsp) -> None:
    said = rtsp("play", "rtsp://127.0.0.1:1/test", "--allow-null")
    assert said.status == 1
    assert said.line.endswith("cannot connect to 127.0.0.1:1: Connection refused")
    said = rtsp("play", "rtsp://[::1]:1/test", "--allow-null")
    assert "cannot connect to [::1]:1: " in said.line


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("camera/stream", "does not begin with rtsp:// or rtsps://"),
        ("http://camera/stream", "does not begin with rtsp:// or rtsps://"),
        ("rtsps://[::1/stream", "is not rtsp://host[:port]/path"),
        ("rtsps://camera:99999/stream", "the port of the URL is no number from 1 to 65535"),
        ("rtsps://camera:0/stream", "the port of the URL is no number from 1 to 65535"),
        ("rtsps://camera:secret/stream", "the port of the URL is no number from 1 to 65535"),
        ("rtsps://camera/a stream", "use %20"),
    ],
)
def test_urls_that_are_none(rtsp: Rtsp, url: str, reason: str) -> None:
    said = rtsp("play", url)
    assert (said.status, said.out) == (2, "")
    assert reason in said.line
    assert "secret" not in said.line


def test_tls_where_there_is_none_and_the_reverse(served: Served, rtsp: Rtsp) -> None:
    plain = served.url.replace("rtsps", "rtsp")
    said = rtsp("play", plain, "--allow-null")
    assert said.status == 1
    assert "rtsps://" in said.line
    with serving(tls=False) as server:
        said = rtsp("play", server.url.replace("rtsp", "rtsps"), "--insecure", "--json")
    assert said.status == 1
    assert "answers without TLS: its URL may be rtsp://" in said.line
    with scripted(lambda _method, _text: b"") as url:
        said = rtsp("play", url.replace("rtsp", "rtsps"), "--timeout", "0.2")
    assert "no TLS connection to 127.0.0.1:" in said.line
    with scripted(lambda _method, _text: bytes.fromhex("15030100020246")) as url:
        said = rtsp("play", url, "--allow-null", "--timeout", "2")
    assert "the peer speaks TLS: its URL is rtsps://" in said.line


def test_a_device_is_never_removed(served: Served, rtsp: Rtsp, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    said = rtsp("play", *served.trusted, "--record", pipe)
    os.close(reader)
    assert said.status == 2
    assert "no container is known by this name" in said.line
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ""),
        (b"\0\xff" * 4000, ""),
        (b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 20000, ""),
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 99999999999\r\n\r\n", ""),
        (b"", "no answer"),
    ],
)
def test_garbage_is_one_line(rtsp: Rtsp, octets: bytes, reason: str, tmp_path: Path) -> None:
    with scripted(lambda _method, _text: octets) as url:
        options = ("--allow-null", "--timeout", "0.5", "--dump", tmp_path / "x.rtp")
        said = rtsp("play", url, *options)
    assert (said.status, said.out) == (1, "")
    assert reason in said.line
    assert list(tmp_path.iterdir()) == []


def test_a_server_without_srtp(rtsp: Rtsp) -> None:
    def reply(method: str, text: str) -> bytes:
        return answer(text, body=AVP if method == "DESCRIBE" else "", Public="DESCRIBE, SETUP")

    with scripted(reply) as url:
        said = rtsp("play", url, "--allow-null", "--info")
    assert said.status == 1
    assert "plain RTP (RTP/AVP), not SRTP" in said.line


def test_what_a_server_says_cannot_steer_the_terminal(rtsp: Rtsp) -> None:
    with scripted(lambda _, text: answer(text, status="404 \x1b[31mGone\x07")) as url:
        said = rtsp("play", url, "--allow-null")
    assert said.status == 1
    assert "404" in said.line
    assert said.line.isprintable()
