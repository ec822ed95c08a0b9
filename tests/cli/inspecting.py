"""Running `mikey inspect` in this process, on a clock that stands still."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mikey.cli.inspect import command
from mikey.policy import Clock
from tests.naive import vectors

NOW = 1_161_351_786_500_000_000  # the time in VEC-7, in nanoseconds since 1970
PAIR = (vectors.OFFER.hex(), vectors.ANSWER.hex())


@dataclass(frozen=True)
class Run:
    """What came of a command: its exit status and what it printed."""

    status: int
    text: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def object(self) -> dict[str, Any]:
        (one,) = self.objects
        return one


class Inspect:
    """Calls the command; errors come out as exceptions, `mikey.cli.main` turns them to lines."""

    def __init__(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        self._capsys = capsys
        self._tmp_path = tmp_path

    def __call__(self, *arguments: str | Path, now: int = NOW) -> Run:
        status = command.main(
            [str(argument) for argument in arguments],
            obj=Clock(lambda: now),
            standalone_mode=False,
        )
        return Run(status, self._capsys.readouterr().out)

    def json(self, *arguments: str | Path, now: int = NOW) -> Run:
        return self("--json", *arguments, now=now)

    def file(self, content: str | bytes, name: str = "message") -> Path:
        path = self._tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def keys(self, text: str | None = None) -> Path:
        default = f"sip:bob@example.com {vectors.PSK.hex()}\n"
        path = self.file(default if text is None else text, "keys")
        path.chmod(0o600)
        return path
