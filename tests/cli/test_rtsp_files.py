"""`mikey rtsp serve --file`: what a file holds arrives as it is, whatever the codec."""

from __future__ import annotations

import asyncio
import base64
import itertools
import math
from array import array
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from mikey.cli.rtsp.playfile import sources_of
from mikey.errors import LocalError
from mikey.rtsp import Source, Unit
from tests.cli.calling import wav_file
from tests.cli.rtsping import Rtsp, serving

av = pytest.importorskip("av")

FRAMES = 20


def film(path: Path, video: str | None, audio: str | None) -> Path:
    """0.8 s of grey that grows lighter, and of a tone."""
    with av.open(str(path), "w") as container:
        streams = []
        if video is not None:
            stream = container.add_stream(video, rate=25)
            stream.width, stream.height = 160, 128
            stream.pix_fmt = "yuvj420p" if video == "mjpeg" else "yuv420p"
            stream.gop_size, stream.max_b_frames = 5, 0
            streams.append((stream, [_picture(number, stream.pix_fmt) for number in range(FRAMES)]))
        if audio is not None:
            stream = container.add_stream(audio, rate=48000, layout="mono")
            streams.append((stream, [_tone(number) for number in range(40)]))
        for stream, frames in streams:
            for frame in [*frames, None]:
                container.mux(stream.encode(frame))
    return path


def _picture(number: int, form: str) -> Any:
    frame = av.VideoFrame(160, 128, form)
    for plane in frame.planes:
        plane.update(bytes([60 + 5 * number]) * plane.buffer_size)
    frame.pts, frame.time_base = number, Fraction(1, 25)
    return frame


def _tone(number: int) -> Any:
    frame = av.AudioFrame("fltp", "mono", 960)
    first = 960 * number
    wave = (0.3 * math.sin(2 * math.pi * 440 * (first + at) / 48000) for at in range(960))
    samples = array("f", wave).tobytes()
    frame.planes[0].update(samples.ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate, frame.pts, frame.time_base = 48000, first, Fraction(1, 48000)
    return frame


def units(source: Source, count: int) -> list[Unit]:
    async def some() -> list[Unit]:
        found = []
        playing = source.play()
        assert isinstance(playing, AsyncIterator)
        async for unit in playing:
            found.append(unit)
            if len(found) == count:
                break
        return found

    return asyncio.run(some())


@pytest.mark.parametrize(
    ("name", "video", "audio", "forms"),
    [
        ("a.mp4", "libx264", "aac", ["H264/90000", "MPEG4-GENERIC/48000/1"]),
        ("a.mkv", "libx265", None, ["H265/90000"]),
        ("a.webm", "libvpx", "libopus", ["VP8/90000", "opus/48000/2"]),
        ("b.webm", "libvpx-vp9", None, ["VP9/90000"]),
        ("a.avi", "mjpeg", None, ["JPEG/90000"]),
    ],
)
@pytest.mark.realtime
def test_every_codec_arrives_as_it_is_in_the_file(
    name: str, video: str, audio: str | None, forms: list[str], tmp_path: Path, rtsp: Rtsp
) -> None:
    path, copy = film(tmp_path / name, video, audio), tmp_path / "copy.mkv"
    assert [source.rtpmap for source in sources_of(path)] == forms
    with serving("--file", path) as server:
        said = rtsp("play", *server.trusted, "--for", "1.2", "--record", copy, "--json")
    assert said.status == 0, said.err
    assert [(one["rejected"], one["lost"]) for one in said.told["streams"]] == [(0, 0)] * len(forms)
    for kind in ("video", "audio")[: len(forms)]:
        with av.open(str(path)) as one, av.open(str(copy)) as other:
            sent = [bytes(frame.planes[0])[:100] for frame in one.decode(**{kind: 0})]
            came = [bytes(frame.planes[0])[:100] for frame in other.decode(**{kind: 0})]
        # Of speech the decoder's first frames depend on what it heard before.
        assert set(came[5:FRAMES]) <= set(sent)
        assert len(came) >= FRAMES


def test_a_receiver_is_told_what_the_codec_needs(tmp_path: Path) -> None:
    """RFC 6184 8.1 and RFC 3640 4.1, against what the file's own headers hold."""
    path = film(tmp_path / "a.mp4", "libx264", "aac")
    video, audio = sources_of(path)
    with av.open(str(path)) as container:
        extras = [bytes(stream.codec_context.extradata) for stream in container.streams]
    (told,) = video.attributes
    number, _, parameters = told.removeprefix("fmtp:").partition(" ")
    assert int(number) == video.payload_type
    fields = dict(field.split("=", 1) for field in parameters.split(";"))
    assert fields["packetization-mode"] == "1"
    sets = [base64.b64decode(one) for one in fields["sprop-parameter-sets"].split(",")]
    assert [one[0] & 0x1F for one in sets] == [7, 8]  # SPS, PPS
    assert all(len(one).to_bytes(2) + one in extras[0] for one in sets)
    (told,) = audio.attributes
    assert told.endswith(f";config={extras[1].hex()}")
    assert audio.payload_type != video.payload_type


def test_a_turn_follows_the_other_without_a_gap(tmp_path: Path) -> None:
    """Timestamps and times go on, each frame's last packet has the marker."""
    (source,) = sources_of(film(tmp_path / "a.mkv", "libx264", None))
    found = units(source, 90)
    times = [at for at, _ in itertools.groupby(unit.at for unit in found)]
    assert times == pytest.approx([0.04 * number for number in range(len(times))], abs=0.002)
    assert len(times) > 2 * FRAMES
    stamps = [stamp for stamp, _ in itertools.groupby(unit.timestamp for unit in found)]
    assert stamps == [3600 * number for number in range(len(stamps))]
    for _, group in itertools.groupby(found[:-5], key=lambda unit: unit.timestamp):
        *others, last = group
        assert last.marker
        assert not any(unit.marker for unit in others)


def test_a_file_that_is_gone_when_it_is_played(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", "libx264", None)
    (source,) = sources_of(path)
    path.unlink()
    with pytest.raises(LocalError, match=r"a\.mkv: No such file"):
        units(source, 1)


def test_speech_is_cut_into_packets_and_goes_round(tmp_path: Path) -> None:
    (source,) = sources_of(wav_file(tmp_path / "a.wav", seconds=0.1))
    assert (source.kind, source.rtpmap) == ("audio", "L16/8000")
    found = units(source, 12)
    assert [unit.marker for unit in found] == [True] + [False] * 11
    assert [unit.timestamp for unit in found] == [160 * number for number in range(12)]
    assert found[5].payload == found[0].payload != found[1].payload


@pytest.mark.parametrize(
    ("name", "video", "audio"), [("a.aac", None, "aac"), ("a.mp2", None, "mp2")]
)
def test_a_file_without_a_stream_that_is_sent_as_it_is(
    name: str, video: str | None, audio: str, tmp_path: Path
) -> None:
    """AAC with ADTS headers has its configuration in each frame, and none for the description."""
    with pytest.raises(LocalError, match="no stream that is sent as it is"):
        sources_of(film(tmp_path / name, video, audio))


def test_pcm_of_other_containers(tmp_path: Path) -> None:
    (source,) = sources_of(film(tmp_path / "a.aiff", None, "pcm_s16be"))
    assert source.rtpmap == "L16/48000/1"
    assert units(source, 1)[0].payload[:4]
