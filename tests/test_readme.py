"""The README's program does what the README says, and its commands are those of CI."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_program_runs_and_prints_what_the_text_says() -> None:
    (program,) = blocks("python")
    (printed,) = re.findall(r"It prints `([^`]+)`", README)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == printed + "\n"


def test_the_program_is_short() -> None:
    (program,) = blocks("python")
    assert len([line for line in program.splitlines() if line.strip()]) <= 20


def test_ci_runs_the_commands() -> None:
    first, second = (block.strip() for block in blocks("sh"))
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert first.endswith("mikey demo")
    assert second.endswith("pytest")
    for part in second.split(" && "):
        assert re.search(rf"^{re.escape(part)}", script, re.MULTILINE), part
    assert re.search(r"^mikey demo$", script, re.MULTILINE)
