"""`mikey answer` in a process of its own, `mikey call` in this one."""

from __future__ import annotations

import contextlib
import json
import queue
import random
import signal
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mikey.cli.main import main

KEY = "6f1ed002ab5595859014ebf0951522d9"
LIMIT = 20.0


def key_file(path: Path, *lines: str) -> Path:
    path.touch(mode=0o600)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def wav_file(path: Path, *, rate: int = 8000, channels: int = 1, seconds: float = 0.3) -> Path:
    """Noise, so that every octet counts."""
    with wave.open(str(path), "wb") as file:
        file.setsampwidth(2)
        file.setframerate(rate)
        file.setnchannels(channels)
        file.writeframes(random.Random(5).randbytes(2 * channels * int(rate * seconds)))
    return path


def content(path: Path) -> tuple[Any, bytes]:
    with wave.open(str(path), "rb") as file:
        return file.getparams(), file.readframes(file.getnframes())


class Answering:
    """A running `mikey answer --json`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._errors: list[str] = []
        self._more = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read_events),
            threading.Thread(target=self._read_errors),
        ]
        for reader in self._readers:
            reader.start()
        self.port = int(self.event("listening")["port"])
        self.uri = f"sip:bob@127.0.0.1:{self.port}"

    def _read_events(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._more:
                self._errors.append(line)
                self._more.notify_all()

    def event(self, name: str) -> dict[str, Any]:
        """The next event of this name."""
        while True:
            line = self._lines.get(timeout=LIMIT)
            assert line is not None, f"no event {name!r}: {self.errors}"
            event: dict[str, Any] = json.loads(line)
            if event["event"] == name:
                return event

    @property
    def errors(self) -> str:
        return "".join(self._errors)

    def wait_told(self, text: str) -> None:
        """Wait until stderr holds this text."""
        with self._more:
            assert self._more.wait_for(lambda: text in self.errors, LIMIT), self.errors

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        status = self._process.wait(LIMIT)
        for reader in self._readers:
            reader.join(LIMIT)
        return status

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


def answering(keys: Path, *options: str) -> contextlib.AbstractContextManager[Answering]:
    """Start `mikey answer` with pre-shared keys on a free port, and end it at the end."""
    return answering_with("--listen", "127.0.0.1:0", "--psk-file", str(keys), *options)


@contextlib.contextmanager
def answering_with(*options: str) -> Iterator[Answering]:
    """Start `mikey answer`, and end it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mikey", "answer", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running: Answering | None = None
    try:
        running = Answering(process)
        yield running
    finally:
        if running is None:
            process.kill()
            process.communicate()
        else:
            running.stop()


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Run `mikey call`; return its exit status, stdout and stderr."""
    capsys.readouterr()
    status = main(["call", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err
