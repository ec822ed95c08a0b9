"""Samples to payloads and back, in order, and WAV files."""

from __future__ import annotations

import os
import random
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.aio.l16 import AudioFormat, Packetizer, from_l16, to_l16
from mikey.aio.playout import Playout
from mikey.aio.wav import WavWriter, read_wav
from mikey.errors import LocalError, PeerError

MONO = AudioFormat(8000, 1)


def test_l16_is_big_endian() -> None:
    assert to_l16(b"\x01\x02\x03\x04") == b"\x02\x01\x04\x03"
    assert from_l16(b"\x02\x01\x04\x03", AudioFormat(8000, 2)) == b"\x01\x02\x03\x04"
    with pytest.raises(PeerError, match="whole frames"):
        from_l16(b"\x02\x01", AudioFormat(8000, 2))


@pytest.mark.parametrize(
    ("rate", "channels", "frames", "rtpmap"),
    [
        (8000, 1, 160, "L16/8000"),
        (16000, 1, 320, "L16/16000"),
        (22050, 1, 441, "L16/22050"),
        (44100, 1, 560, "L16/44100"),
        (48000, 2, 280, "L16/48000/2"),
    ],
)
def test_packets_fit_the_mtu(rate: int, channels: int, frames: int, rtpmap: str) -> None:
    audio = AudioFormat(rate, channels)
    assert audio.frames_per_packet == frames
    assert audio.rtpmap == rtpmap
    samples = bytes(rate * audio.frame_size)
    payloads = list(Packetizer(audio).payloads(samples))
    assert max(len(payload) for _, payload in payloads) <= 1120
    assert sum(len(payload) for _, payload in payloads) == len(samples)
    assert [start for start, _ in payloads] == list(range(0, rate, frames))


@pytest.mark.parametrize(("rate", "channels"), [(7999, 1), (48001, 1), (8000, 0), (8000, 3)])
def test_formats_that_are_not_sent(rate: int, channels: int) -> None:
    with pytest.raises(LocalError):
        AudioFormat(rate, channels)


@given(st.integers(1, 200), st.randoms(use_true_random=False), st.integers(0, 2**32 - 1))
def test_any_order_within_the_depth_plays_bit_for_bit(
    count: int, shuffle: random.Random, start: int
) -> None:
    samples = shuffle.randbytes(2 * 16 * count)
    packets = [
        (5000 + index, (start + 16 * index) % 2**32, to_l16(samples[32 * index : 32 * (index + 1)]))
        for index in range(count)
    ]
    order = sorted(range(count), key=lambda index: index + shuffle.random() * 20)
    heard = bytearray()
    playout = Playout(MONO, heard.extend)
    for index in order:
        playout.add(*packets[index])
        if shuffle.random() < 0.1:
            playout.add(*packets[index])  # twice
    playout.finish()
    assert bytes(heard) == samples
    assert playout.lost == 0
    assert playout.frames == 16 * count


def test_what_is_missing_becomes_silence() -> None:
    heard = bytearray()
    playout = Playout(MONO, heard.extend, depth=2)
    for index in (0, 1, 4, 5, 6):
        playout.add(100 + index, 2 * index, b"\x01\x00" * 2)
    playout.add(102, 4, b"\x01\x00" * 2)  # too late
    playout.add(9000, 2**31, b"\x01\x00" * 2)  # a jump that no silence fills
    playout.finish()
    assert heard.hex() == "00010001" * 2 + "0000" * 4 + "00010001" * 4
    assert playout.late == 1
    assert playout.lost == 2 + 9000 - 107


def test_a_wav_file_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    samples = random.Random(1).randbytes(4 * 1000)
    with WavWriter(path) as writer:
        writer.open(AudioFormat(44100, 2))
        writer.write(samples[:800])
        assert not path.exists()
        writer.write(samples[800:])
        writer.commit()
    recording = read_wav(path)
    assert recording.audio == AudioFormat(44100, 2)
    assert recording.samples == samples
    assert recording.frames == 1000
    assert recording.seconds == pytest.approx(1000 / 44100)
    assert [child.name for child in tmp_path.iterdir()] == ["a.wav"]
    assert path.stat().st_mode & 0o077 == 0


def test_without_commit_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    with WavWriter(path) as writer:
        writer.open(MONO)
        writer.write(b"\0\0")
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_writer_is_opened_once_and_first(tmp_path: Path) -> None:
    with WavWriter(tmp_path / "a.wav") as writer:
        with pytest.raises(LocalError, match="not opened"):
            writer.write(b"\0\0")
        writer.open(MONO)
        with pytest.raises(LocalError, match="already"):
            writer.open(MONO)


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="directory"):
        WavWriter(tmp_path)
    with pytest.raises(LocalError, match="cannot write there: No such file"):
        WavWriter(tmp_path / "none" / "a.wav")
    with pytest.raises(LocalError, match="no regular file"):
        WavWriter(os.devnull)
    target = tmp_path / "a.wav"
    with WavWriter(target) as writer:
        target.mkdir()
        with pytest.raises(LocalError, match=r"a\.wav"):
            writer.commit()
    assert [child.name for child in tmp_path.iterdir()] == ["a.wav"]


def write_wav(path: Path, width: int, rate: int, channels: int, frames: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setsampwidth(width)
        file.setframerate(rate)
        file.setnchannels(channels)
        file.writeframes(bytes(width * channels * frames))
    return path


@pytest.mark.parametrize(
    ("width", "rate", "channels", "frames", "reason"),
    [
        (1, 8000, 1, 10, "8 bits"),
        (3, 8000, 1, 10, "24 bits"),
        (2, 96000, 1, 10, "96000 Hz"),
        (2, 4000, 1, 10, "4000 Hz"),
        (2, 8000, 3, 10, "3 channels"),
        (2, 8000, 1, 0, "holds no audio"),
    ],
)
def test_wav_files_that_are_not_sent(
    tmp_path: Path, width: int, rate: int, channels: int, frames: int, reason: str
) -> None:
    path = write_wav(tmp_path / "b.wav", width, rate, channels, frames)
    with pytest.raises(LocalError, match=reason) as caught:
        read_wav(path)
    assert str(caught.value).count(str(path)) == 1


def test_files_that_are_no_wav(tmp_path: Path) -> None:
    good = write_wav(tmp_path / "good.wav", 2, 8000, 1, 10).read_bytes()
    path = tmp_path / "c.wav"
    for octets in (
        b"",
        b"RIFF",
        b"OggS" * 20,
        good[:20],
        good[:36],
        good.replace(b"\1\0\1\0", b"\3\0\1\0", 1),
    ):
        path.write_bytes(octets)
        with pytest.raises(LocalError, match=r"c\.wav: "):
            read_wav(path)
    with pytest.raises(LocalError, match="No such file"):
        read_wav(tmp_path / "none.wav")
    with pytest.raises(LocalError, match=r"[Ii]s a directory"):
        read_wav(tmp_path)
