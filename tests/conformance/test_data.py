"""The checklists and the two lists beside them are readable, and say what they should."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.conformance import requirements
from tests.conformance.requirements import ConformanceError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_checklists_hold_all_requirements() -> None:
    levels = Counter(item.level for item in requirements.load().values())
    assert levels == {"MUST": 446, "FACT": 298, "SHOULD": 71, "MAY": 24}


def test_a_requirement_is_read_as_it_stands() -> None:
    item = requirements.load()["R3830-6.1-13"]
    assert (item.level, item.area, item.source) == ("MUST", "error", "base.md")
    assert item.text == "Unknown PRF func: do not process; error 2."


def test_no_line_that_looks_like_a_requirement_is_passed_over() -> None:
    lines = [
        line
        for path in requirements.DOCS.glob("*.md")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("- ") and line.count(" | ") >= 3
    ]
    assert len(lines) == len(requirements.load())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- R1-1 | MUST | wire | One.\n- R1-1 | MAY | wire | Again.\n", "twice"),
        ("- R1-1 | OUGHT | wire | No level of ours.\n", "OUGHT"),
    ],
)
def test_a_faulty_checklist_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "some.md").write_text(text)
    with pytest.raises(ConformanceError, match=complaint):
        requirements.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("R1-1\n", "no reason"), ("R1-1  a feature\nR1-1  another\n", "twice")],
)
def test_a_faulty_list_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "pending.txt"
    path.write_text("# A comment\n\n" + text)
    with pytest.raises(ConformanceError, match=complaint):
        requirements.read_list(path)
