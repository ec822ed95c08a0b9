"""What must hold for the source as a whole."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import api

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "mikey"
MODULES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = 500

# Imports one module in each forked child: no other module of ours is there before it, so a circle
# shows, yet other people's packages are loaded but once. Tokens alone may need their extra: for
# every other module it is as if it were not installed.
IMPORT_EACH = """
import importlib, os, sys, traceback
import asyncio, click, cryptography.hazmat.primitives.ciphers, rich.console, sipua
failed = 0
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        if not name.startswith("mikey.tokens"):
            sys.modules["pkcs11"] = None
        try:
            importlib.import_module(name)
        except BaseException:
            print(name, file=sys.stderr)
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    failed += os.waitpid(child, 0)[1] != 0
sys.exit(1 if failed else 0)
"""


def tracked() -> list[Path]:
    """The files of the project: what git tracks, or what is there if this is no clone."""
    listing = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("not a git clone: there is no list of the project's files")
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_files_stay_small() -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in tracked()
        if path.suffix in {".py", ".pyi", ".rs", ".go"}
    }
    assert lines
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


@pytest.mark.slow
def test_each_module_imports_alone() -> None:
    names = [module_name(path) for path in MODULES if path.stem != "__main__"]
    if importlib.util.find_spec("pkcs11") is None:
        names = [name for name in names if not name.startswith("mikey.tokens")]
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_EACH, *names],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_library_imports_nothing_of_its_extras() -> None:
    code = "import json, sys, mikey, mikey.carriage; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in json.loads(run.stdout)}
    assert "mikey" in packages
    assert packages & {"click", "rich", "sipua", "sipmessage", "pkcs11", "av", "asyncio"} == set()


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_the_source_keeps_the_house_rules(path: Path) -> None:
    """No assert (it vanishes under -O), no bare except, no random numbers that are not random."""
    faults = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Assert):
            faults.append(f"line {line}: assert")
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            faults.append(f"line {line}: bare except")
        if isinstance(node, ast.Import) and any(name.name == "random" for name in node.names):
            faults.append(f"line {line}: random")
        if isinstance(node, ast.ImportFrom) and node.module == "random" and not node.level:
            faults.append(f"line {line}: random")
    assert faults == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        module_name(path)
        for path in MODULES
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    # Put together from parts, so that this file passes its own test.
    places = ("/" + "work/", "/" + "tmp/", "/" + "home/", "/" + "root/")
    hosts = ("pypi" + ".org", "python" + "hosted", "crates" + ".io", "proxy.golang" + ".org")
    pattern = re.compile(
        r"(?<![\w$}.])(?:"
        + "|".join(map(re.escape, places))
        + ")|"
        + "|".join(map(re.escape, hosts))
    )
    faults = []
    for path in tracked():
        if path.name == "Cargo.lock":  # names its index by format
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        faults += [
            f"{path.relative_to(ROOT)}:{number}"
            for number, line in enumerate(text.splitlines(), 1)
            if pattern.search(line)
        ]
    assert faults == []


def test_the_public_face_is_the_one_written_down() -> None:
    """A change of api.txt is a change that users will see: say it in CHANGELOG.md."""
    written = api.FILE.read_text(encoding="utf-8")
    assert written == api.render(), "if the change is meant: python tests/api.py --write"
