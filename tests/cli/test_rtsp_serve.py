"""`mikey rtsp serve`: what it tells, whom it lets in, which files it plays."""

from __future__ import annotations

import hashlib
import ssl
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from mikey.cli.rtsp.playfile import _hevc_sets, _parameter_sets
from tests import tls
from tests.cli.calling import wav_file
from tests.cli.rtsping import LIMIT, LISTEN, Rtsp, serving


def certificate_of(url: str) -> bytes:
    """Return the certificate that a server shows, by Python's own TLS."""
    host, _, port = url.partition("://")[2].partition("/")[0].rpartition(":")
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port))))


def test_the_pin_is_that_of_the_certificate() -> None:
    with serving() as server:
        assert server.url.startswith("rtsps://127.0.0.1:")
        assert hashlib.sha256(certificate_of(server.url)).hexdigest() == server.pin


def test_parameter_sets_of_h264_are_read_whole_or_not() -> None:
    """ISO/IEC 14496-15 5.3.3: version, profile, ..., one SPS of 3 octets, one PPS of 2."""
    avcc = bytes.fromhex("01 42c01e ff e1 0003 67aabb 01 0002 68cc")
    assert _parameter_sets(avcc) == [b"\x67\xaa\xbb", b"\x68\xcc"]
    for end in range(len(avcc)):
        assert _parameter_sets(avcc[:end]) == ()
    assert _parameter_sets(b"\0\0\0\1" + avcc) == ()  # Annex B, with start codes


def test_parameter_sets_of_h265_are_read_whole_or_not() -> None:
    """ISO/IEC 14496-15 8.3.3.1: 22 octets, then arrays: of VPS with two, of SPS with one."""
    hvcc = b"\1" + bytes(21) + bytes.fromhex("02 a0 0002 0002 4001 0001 40 21 0001 0002 4201")
    assert _hevc_sets(hvcc) == {32: [b"\x40\x01", b"\x40"], 33: [b"\x42\x01"]}
    for end in range(23, len(hvcc)):
        assert _hevc_sets(hvcc[:end]) == {}
    assert _hevc_sets(b"\0\0\0\1" + hvcc) == {}


@pytest.mark.realtime
def test_a_given_certificate_and_what_is_told(tmp_path: Path, rtsp: Rtsp) -> None:
    files = tls.make(tmp_path)
    with serving("--cert", files.certificate, "--key", files.key) as server:
        assert server.pin == files.pin
        said = rtsp("play", server.url, "--ca", files.certificate, "--for", "0.6", "--json")
        assert said.told["checked"] is True
        told = server.events()
    assert [event["event"] for event in told] == ["plays", "left"]
    assert all(stream["sent"] > 10 for stream in told[1]["streams"])
    assert all(stream["rtcp_rejected"] == 0 for stream in told[1]["streams"])


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("profile", "flow", "policy"),
    [
        ("onvif-cm", "client key", "AES_CM_128_HMAC_SHA1_80"),
        ("gst-legacy", "two keys", "AES_256_CM_HMAC_SHA1_80"),
        ("gst-sha1-32", "two keys", "AES_CM_128_HMAC_SHA1_32"),
        ("gst-gcm", "two keys", "AEAD_AES_256_GCM"),
        ("live555", "server key", "AES_CM_128_HMAC_SHA1_80"),
        ("mediamtx", "two keys", "AES_CM_128_HMAC_SHA1_80"),
    ],
)
def test_each_profile_is_served(profile: str, flow: str, policy: str, rtsp: Rtsp) -> None:
    with serving("--profile", profile, "--policy", policy, "--savpf") as server:
        said = rtsp("play", *server.trusted, "--profile", profile, "--for", "0.4", "--json")
    assert (said.status, said.told["flow"]) == (0, flow)
    assert {stream["policy"] for stream in said.told["streams"]} == {policy}


@pytest.mark.realtime
def test_the_server_renews_its_keys(rtsp: Rtsp) -> None:
    with serving("--profile", "gst-legacy", "--rekey-every", "0.2") as server:
        report = rtsp("play", *server.trusted, "--for", "1", "--json").told
    assert report["rekeys"] >= 2
    assert [(s["rejected"], s["lost"]) for s in report["streams"]] == [(0, 0), (0, 0)]


@pytest.mark.realtime
def test_a_wav_file_is_played_over_and_over(tmp_path: Path, rtsp: Rtsp) -> None:
    wav = wav_file(tmp_path / "a.wav", seconds=0.1)
    with serving("--file", wav, tls=False) as server:
        said = rtsp("play", *server.trusted, "--for", "0.6", "--json")
    (stream,) = said.told["streams"]
    assert (stream["kind"], stream["encoding"]) == ("audio", "L16")
    assert stream["verified"] > 15  # more than one turn


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("profile", "policy"),
    [
        ("onvif-cm", "AES_CM_128_HMAC_SHA1_80"),
        ("onvif-gcm", "AEAD_AES_128_GCM"),
        ("gst-gcm", "AEAD_AES_128_GCM"),
        ("gst-sha1-32", "AES_CM_128_HMAC_SHA1_32"),
    ],
)
def test_the_name_of_a_profile_says_its_policy(profile: str, policy: str, rtsp: Rtsp) -> None:
    """A camera that is set to AES-GCM takes nothing else, and `doctor` tries profiles by name."""
    with serving("--profile", profile) as server:
        said = rtsp("play", *server.trusted, "--profile", profile, "--for", "0.4", "--json")
    assert said.status == 0
    assert {stream["policy"] for stream in said.told["streams"]} == {policy}


@pytest.mark.realtime
def test_a_film_is_played_as_it_is(tmp_path: Path, rtsp: Rtsp) -> None:
    av = pytest.importorskip("av")
    film, copy = tmp_path / "film.mkv", tmp_path / "copy.mkv"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 128, "yuvj420p"
        for number in range(10):
            frame = av.VideoFrame(160, 128, "yuvj420p")
            for plane in frame.planes:
                plane.update(bytes([20 * number]) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with serving("--file", film) as server:
        said = rtsp("play", *server.trusted, "--for", "0.8", "--record", copy, "--json")
        assert said.status == 0, said.err
    with av.open(str(film)) as one, av.open(str(copy)) as other:
        sent = [bytes(frame.planes[0])[:1] for frame in one.decode(video=0)]
        came = [bytes(frame.planes[0])[:1] for frame in other.decode(video=0)]
    assert came[:10] == sent
    assert len(came) > 10


@pytest.mark.realtime
def test_a_film_with_frames_out_of_order_is_recorded(tmp_path: Path, rtsp: Rtsp) -> None:
    av = pytest.importorskip("av")
    film, copy = tmp_path / "film.mkv", tmp_path / "copy.mkv"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "3"})
        # reports align the streams where there are several
        speech = container.add_stream("aac", rate=8000, layout="mono")
        stream.width, stream.height, stream.pix_fmt = 160, 128, "yuv420p"
        for number in range(25):
            frame = av.VideoFrame(160, 128, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([8 * number]) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        silence = av.AudioFrame(format="fltp", layout="mono", samples=8000)
        silence.sample_rate, silence.pts = 8000, 0
        silence.planes[0].update(bytes(32000))
        container.mux(speech.encode(silence))
        container.mux(speech.encode(None))
    with av.open(str(film)) as container:
        shown = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert shown != sorted(shown)
    with serving("--file", film) as server:
        said = rtsp("play", *server.trusted, "--for", "1.2", "--record", copy, "--json")
        assert said.status == 0, said.err
    with av.open(str(copy)) as container:
        frames = list(container.decode(video=0))
    steps = [round((b.time - a.time) * 25) for a, b in pairwise(frames)]
    assert steps[:24] == [1] * 24
    brightness = [bytes(frame.planes[0])[0] for frame in frames[:25]]
    assert brightness == sorted(brightness)
    assert brightness[-1] > 150


def test_what_is_asked_wrong_is_one_line(rtsp: Rtsp, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("nothing")
    for options, reason in (
        ([], "give --test-pattern or --file"),
        (["--test-pattern", "--file", "x"], "give --test-pattern or --file"),
        (["--test-pattern"], "without --tls the keys travel in clear"),
        (["--test-pattern", "--tls", "--cert", "x"], "--cert and --key go together"),
        (["--test-pattern", "--tls", "--profile", "rfc"], "takes --psk-file"),
        (["--test-pattern", "--tls", "--rekey-every", "1"], "the client makes the keys"),
        (["--test-pattern", "--tls", "--cert", "/no/c", "--key", "/no/k"], "No such file"),
        (["--file", "/no/film.mkv", "--tls"], "No such file"),
        (["--file", "/no/speech.wav", "--tls"], "No such file"),
        (["--file", text, "--tls"], f"{text}: "),
        (["--test-pattern", "--tls", "--listen", "192.0.2.1:0"], "cannot listen"),
    ):
        address = () if "--listen" in options else LISTEN
        said = rtsp("serve", *address, *options)
        assert (said.status, said.out) == (2, ""), options
        assert reason in said.line


@pytest.mark.realtime
def test_it_ends_when_its_time_is_over(rtsp: Rtsp) -> None:
    said = rtsp("serve", "--test-pattern", "--tls", *LISTEN, "--for", "0.1")
    assert said.status == 0
    assert said.out.startswith("serving rtsps://127.0.0.1:")
    assert " --pin " in said.out


@pytest.mark.realtime
def test_it_ends_quietly_when_its_reader_went_away(rtsp: Rtsp) -> None:
    with serving() as server:
        process = server.process
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        rtsp("play", *server.trusted, "--for", "0.5")
        assert process.wait(LIMIT) == 141  # as the shell tells of SIGPIPE
        assert process.stderr.read() == ""
        process.stdout = None
