"""The package as users get it: built from its sdist, installed where nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow


def run(*command: str | Path, env: Mapping[str, str] | None = None, ok: bool = True) -> str:
    """Run a program; return what it printed, or what it complained of where that is expected."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
    )
    if ok:
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    assert done.returncode != 0
    return done.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sdist, and the wheel that pip's isolated build makes of it."""
    out = tmp_path_factory.mktemp("dist")
    # The compiled dependencies of an earlier build serve again; the project's own crates do not.
    env = {"CARGO_TARGET_DIR": str(ROOT / "target")}
    run(sys.executable, "-m", "build", "--outdir", out, ROOT, env=env)
    return out


@pytest.fixture(scope="module")
def sdist(dist: Path) -> Path:
    (path,) = dist.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (path,) = dist.glob("*.whl")
    return path


def test_the_sdist_holds_what_a_build_needs(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "Cargo.toml",
        "Cargo.lock",
        "build_backend/backend.py",
        "rust/core/src/lib.rs",
        "rust/python/src/lib.rs",
        "src/mikey/__init__.py",
        "src/mikey/py.typed",
    } <= names


def test_the_wheel_is_typed_licensed_and_for_every_later_python(wheel: Path) -> None:
    assert "-cp311-abi3-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"mikey/py.typed", "mikey/_native.pyi", "mikey/cli/data/speech.wav"} <= names
    assert any(name.startswith("mikey/_native.") and "abi3" in name for name in names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert all(name.startswith("mikey") for name in names)


def test_the_wheel_works_alone_and_names_the_extra_it_lacks(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path)
    binaries = tmp_path / ("Scripts" if os.name == "nt" else "bin")
    run(binaries / "python", "-m", "pip", "install", "--quiet", wheel)
    shown = run(binaries / "python", "-c", "import mikey, mikey._native; print(mikey.__name__)")
    assert shown == "mikey\n"
    done = subprocess.run([binaries / "mikey"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "mikey: the command line needs its extra: pip install 'mikey[cli]'"
    ]


def test_a_build_without_cargo_says_what_to_install(tmp_path: Path) -> None:
    complaint = run(
        sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT,
        env={"PATH": ""}, ok=False,
    )  # fmt: skip
    lines = [line.strip() for line in complaint.splitlines() if "mikey: building needs" in line]
    assert len(lines) == 1
    assert "cargo" in lines[0]
    assert "Rust 1.89" in lines[0]
    assert list(tmp_path.iterdir()) == []
