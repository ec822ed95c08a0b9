"""The documentation speaks of things that exist, and its examples do what it says.

Python blocks run. In `console` blocks the lines behind `$ ` (and `> `) run in a shell, and what
they print is compared with the lines below; `...` stands for anything. `py` blocks show a part, or
need what is not everywhere: they only have to be Python.
"""

from __future__ import annotations

import ast
import doctest
import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance import requirements

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
RULE = re.compile(r"\bR\d{4}-[\w.]+-\d+x?\b")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if ":" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_requirements_are_in_the_checklists(page: Path) -> None:
    known = requirements.load()
    named = RULE.findall(page.read_text(encoding="utf-8"))
    assert [rule for rule in named if rule not in known] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_tests_that_a_page_names_exist(page: Path) -> None:
    missing = []
    for name, function in TEST.findall(page.read_text(encoding="utf-8")):
        path = ROOT / name
        if not path.exists() or (function and f"def {function}(" not in path.read_text()):
            missing.append(f"{name}::{function}")
    assert missing == []


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert {name for name in pages if f"({name})" not in index} == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_errors_that_a_page_explains_are_printed(page: Path) -> None:
    """Of a table of errors each phrase stands in the code; `...` is what differs."""
    section = re.search(
        r"^## When it does not work\n(.*?)(?=^## |\Z)",
        page.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    rows = [] if section is None else re.findall(r"^\| (.*?) \|", section[1], re.MULTILINE)
    pieces = [
        piece.strip()
        for row in rows
        for phrase in re.findall(r"`([^`]+)`", row)
        for piece in phrase.split("...")
    ]
    assert [piece for piece in pieces if not any(piece in text for text in texts())] == []


@functools.cache
def texts() -> frozenset[str]:
    """Return every text in the code of the package."""
    return frozenset(
        node.value
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def written(*languages: str) -> list[tuple[str, str, str]]:
    """Return the blocks of all pages in their order: name, language and text of each."""
    return [
        (f"{page_id(page)}-{number}", language, block)
        for page in PAGES
        if page.parent.name == "docs"
        for number, (language, block) in enumerate(
            re.findall(
                rf"^```({'|'.join(languages)})\n(.*?)^```$",
                page.read_text(encoding="utf-8"),
                re.MULTILINE | re.DOTALL,
            )
        )
    ]


def blocks(*languages: str) -> list[object]:
    """Return the blocks of all pages, with their languages, as parameters of a test."""
    return [pytest.param(language, block, id=name) for name, language, block in written(*languages)]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for all blocks: a page may use what an earlier block made."""
    place = tmp_path_factory.mktemp("docs")
    (place / "examples").symlink_to(ROOT / "examples")
    return place


@pytest.mark.parametrize(("language", "block"), blocks("python", "console"))
def test_an_example_does_what_it_shows(language: str, block: str, workplace: Path) -> None:
    if language == "console":
        prints_what_it_shows(block, workplace)
        return
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        capture_output=True,
        text=True,
        check=False,
        cwd=workplace,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.slow
def test_the_examples_have_types(tmp_path: Path) -> None:
    """Who copies one into a program that is checked strictly has nothing to add."""
    found = written("python")
    for number, (_, _, block) in enumerate(found):
        (tmp_path / f"block{number}.py").write_text(block, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert run.stdout == ""
    assert len(found) > 10


@pytest.mark.parametrize(("language", "block"), blocks("py"))
def test_a_fragment_is_python(language: str, block: str) -> None:
    compile(block, language, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def prints_what_it_shows(block: str, workplace: Path) -> None:
    binaries = Path(sys.executable).parent
    path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    commands, expected = [], []
    for line in block.splitlines():
        if line.startswith(("$ ", "> ")):
            commands.append(line[2:])
        else:
            expected.append(line)
    run = subprocess.run(
        ["bash", "-c", "\n".join(commands)],
        capture_output=True,
        text=True,
        check=False,
        cwd=workplace,
        env={**os.environ, "PATH": path, "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
    )
    wanted = "".join(f"{line}\n" for line in expected)
    same = doctest.OutputChecker().check_output(
        wanted, run.stdout, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert same, f"{run.stderr}\nprinted:\n{run.stdout}"
