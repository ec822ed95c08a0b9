"""Every example runs, by itself, without a warning."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", path], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout


def test_there_is_an_example_of_each_method_and_of_a_group() -> None:
    methods = {"psk", "pke", "dhsign", "dhhmac", "rsar", "sakke"}
    assert {path.stem for path in EXAMPLES} >= methods | {"group", "rtsp", "voicemail"}
