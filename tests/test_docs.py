"""The documentation speaks of things that exist."""

from __future__ import annotations

import re
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
