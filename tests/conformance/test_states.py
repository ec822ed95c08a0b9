"""Every MUST is in exactly one state, and the page says which.

The machinery is tried first on requirements and tests made up in a temporary directory: a check
that cannot fail shows nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance import marks, page, requirements
from tests.conformance.marks import Mark
from tests.conformance.requirements import ConformanceError

if TYPE_CHECKING:
    from pathlib import Path

CHECKLIST = """# Some rules
- R1-1 | MUST | wire | Tested.
- R1-2 | MUST | wire | Pending.
- R1-3 | MUST | wire | In no state.
- R1-4 | MUST | wire | In two states.
- R1-5 | FACT | wire | Needs no state.
- R1-6 | MUST | rtsp | Not for us.
"""

TESTS = """
import pytest

CASES = [pytest.param(1, marks=pytest.mark.rule("R1-4"))]

@pytest.mark.rule("R1-1", "R1-9")
def test_one(): ...

class TestTwo:
    pytestmark = pytest.mark.rule("R1-5")

    @pytest.mark.parametrize("n", [1, pytest.param(2, marks=[pytest.mark.rule("R1-1")])])
    def test_three(self, n): ...

def test_of_marks():
    assert pytest.mark.rule("R1-3")
"""


@pytest.fixture
def status(tmp_path: Path) -> page.Status:
    """A small project with one fault of each kind."""
    docs, tests = tmp_path / "docs", tmp_path / "tests"
    docs.mkdir()
    tests.mkdir()
    (docs / "some.md").write_text(CHECKLIST)
    (docs / "pending.txt").write_text("R1-2  PKE method\nR1-4  PKE method\nR1-7  nothing\n")
    (docs / "not-applicable.txt").write_text("R1-6  no proxy\n")
    (tests / "test_some.py").write_text(TESTS)
    return page.Status.read(docs, tests)


def test_each_fault_is_found(status: page.Status) -> None:
    assert status.missing() == ["R1-3"]
    assert status.double() == ["R1-4"]
    assert status.unknown() == ["R1-7", "R1-9"]


def test_marks_are_found_wherever_pytest_honours_them(status: page.Status) -> None:
    assert status.tested == {
        "R1-1": ["tests/test_some.py::TestTwo::test_three", "tests/test_some.py::test_one"],
        "R1-4": ["tests/test_some.py"],
        "R1-5": ["tests/test_some.py::TestTwo"],
        "R1-9": ["tests/test_some.py::test_one"],
    }


def test_the_page_shows_states_and_tests(status: page.Status) -> None:
    text = page.render(status)
    assert "5 requirements are a MUST: 2 tested, 1 pending, 1 not applicable." in text
    assert "| R1-2 | MUST | wire | pending | PKE method |" in text
    assert "| R1-3 | MUST | wire |  |  |" in text


@pytest.mark.parametrize(
    "source",
    [
        "@pytest.mark.rule('R1-1')\ndef helper(): ...",
        "@pytest.mark.rule('R1-1')\nclass Helper: ...",
        "@pytest.mark.rule(*RULES)\ndef test_some(): ...",
        "@pytest.mark.rule()\ndef test_some(): ...",
    ],
)
def test_a_mark_that_cannot_be_trusted_is_refused(tmp_path: Path, source: str) -> None:
    (tmp_path / "test_some.py").write_text(source)
    with pytest.raises(ConformanceError, match=r"test_some\.py:\d"):
        marks.scan(tmp_path)


def test_the_scan_sees_this_suite() -> None:
    found = marks.scan()
    assert found
    assert all(isinstance(mark, Mark) and mark.test.startswith("tests/") for mark in found)


def test_every_must_of_the_project_is_in_one_state() -> None:
    status = page.Status.read()
    assert status.unknown() == []
    assert status.double() == []
    assert status.missing() == []


def test_the_page_is_up_to_date() -> None:
    written = (requirements.DOCS / page.PAGE).read_text(encoding="utf-8")
    assert written == page.render(page.Status.read()), "python tests/conformance/page.py --write"
