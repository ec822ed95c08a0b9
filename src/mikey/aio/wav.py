"""WAV files of 16-bit PCM, read whole and written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from mikey.aio.l16 import SAMPLE_WIDTH, AudioFormat
from mikey.errors import LocalError

__all__ = ["Recording", "WavWriter", "read_wav"]

_HINT = "; 'sox IN -b 16 OUT.wav' makes one"


@dataclass(frozen=True, slots=True)
class Recording:
    """The little-endian samples of a WAV file."""

    audio: AudioFormat
    samples: bytes = field(repr=False)

    @property
    def frames(self) -> int:
        """Sampling instants."""
        return len(self.samples) // self.audio.frame_size

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.frames / self.audio.rate


def read_wav(path: str | os.PathLike[str]) -> Recording:
    """Read a WAV file of 16-bit PCM, 8 to 48 kHz, one or two channels.

    Raises LocalError, with the name of the file, for anything else.
    """
    try:
        with wave.open(os.fspath(path), "rb") as file:
            width, rate, channels = file.getsampwidth(), file.getframerate(), file.getnchannels()
            samples = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        reason = f" ({error})" if str(error) else ""
        raise LocalError(f"{path}: no WAV file of 16-bit PCM{reason}{_HINT}") from error
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror or error}") from error
    if width != SAMPLE_WIDTH:
        raise LocalError(f"{path}: samples of {8 * width} bits; no WAV file of 16-bit PCM{_HINT}")
    try:
        audio = AudioFormat(rate, channels)
    except LocalError as error:
        raise LocalError(f"{path}: {error}") from None
    samples = samples[: len(samples) // audio.frame_size * audio.frame_size]
    if not samples:
        raise LocalError(f"{path}: the WAV file holds no audio")
    return Recording(audio, samples)


class WavWriter:
    """Writes beside `path` and puts the file in its place with `commit`; else nothing stays.

    A context manager: leaving without `commit` removes what was written. The file can be read by
    its owner alone, as the content of a call should be. Raises LocalError if the folder cannot
    be written, at once.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._wave: wave.Wave_write | None = None
        if self.path.is_dir():
            raise LocalError(f"{path}: is a directory")
        if self.path.exists() and not self.path.is_file():  # a device must not be replaced
            raise LocalError(f"{path}: is no regular file")
        try:
            handle, name = tempfile.mkstemp(
                dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".part"
            )
        except OSError as error:
            raise LocalError(f"{path}: cannot write there: {error.strerror or error}") from error
        self._part = Path(name)
        self._file = os.fdopen(handle, "wb")

    def open(self, audio: AudioFormat) -> None:
        """Begin, when it is known what comes; LocalError for the second time."""
        if self._wave is not None:
            raise LocalError(f"{self.path}: is being written already")
        self._wave = wave.open(self._file, "wb")  # noqa: SIM115 - closed by commit and discard
        self._wave.setnchannels(audio.channels)
        self._wave.setsampwidth(SAMPLE_WIDTH)
        self._wave.setframerate(audio.rate)

    def write(self, samples: bytes) -> None:
        """Append little-endian samples; LocalError before `open`, and if they cannot be written."""
        if self._wave is None:
            raise LocalError(f"{self.path}: was not opened")
        try:
            self._wave.writeframesraw(samples)
        except OSError as error:
            raise LocalError(f"{self.path}: {error.strerror or error}") from error

    def commit(self) -> None:
        """Finish the file and give it its name. LocalError if that fails; then nothing stays."""
        try:
            if self._wave is not None:
                self._wave.close()
                self._wave = None
            self._file.close()
            self._part.replace(self.path)
        except OSError as error:
            self.discard()
            raise LocalError(f"{self.path}: {error.strerror or error}") from error

    def discard(self) -> None:
        """Remove what was written so far."""
        with contextlib.suppress(OSError):
            if self._wave is not None:
                self._wave.close()
        self._wave = None
        with contextlib.suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.discard()
