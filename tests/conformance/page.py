"""Where the project stands on each requirement: the three states, and the page that shows them.

python tests/conformance/page.py --missing    MUSTs in no state
python tests/conformance/page.py --double     MUSTs in two states, and unknown identifiers
python tests/conformance/page.py --write      write docs/conformance/status.md anew
python tests/conformance/page.py --check      exit 1 if any of the above is not clean
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):  # started as a script: the project's root is not on the path
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.conformance import marks, requirements
from tests.conformance.requirements import ConformanceError, Requirement

if TYPE_CHECKING:
    from collections.abc import Container

PAGE = "status.md"


@dataclass(frozen=True, slots=True)
class Status:
    """The requirements, and what tests and lists say of them, keyed by identifier."""

    known: dict[str, Requirement]
    tested: dict[str, list[str]]
    pending: dict[str, str]
    not_applicable: dict[str, str]

    @classmethod
    def read(cls, docs: Path = requirements.DOCS, tests: Path = marks.TESTS) -> Status:
        """Read the data files and scan the tests."""
        return cls(
            requirements.load(docs),
            marks.by_rule(marks.scan(tests)),
            requirements.pending(docs),
            requirements.not_applicable(docs),
        )

    def states(self, identifier: str) -> list[str]:
        """Return the states of one requirement: exactly one for a MUST, when all is well."""
        named: dict[str, Container[str]] = {
            "tested": self.tested,
            "pending": self.pending,
            "not applicable": self.not_applicable,
        }
        return [name for name, table in named.items() if identifier in table]

    def missing(self) -> list[str]:
        """Return the MUSTs that are in no state."""
        return [
            identifier
            for identifier, requirement in self.known.items()
            if requirement.level == "MUST" and not self.states(identifier)
        ]

    def double(self) -> list[str]:
        """Return the requirements, of any level, that are in two states."""
        return [identifier for identifier in self.known if len(self.states(identifier)) > 1]

    def unknown(self) -> list[str]:
        """Return the identifiers that a mark or a list names and no checklist does."""
        named = {*self.tested, *self.pending, *self.not_applicable}
        return sorted(named - set(self.known))


def render(status: Status) -> str:
    """Return the page as Markdown."""
    musts = [item for item in status.known.values() if item.level == "MUST"]
    count = Counter((status.states(item.id) or ["in no state"])[0] for item in musts)
    others = sum(1 for item in status.known.values() if item.level != "MUST")
    shown = sum(
        1 for item in status.known.values() if item.level != "MUST" and item.id in status.tested
    )
    lines = [
        "# Conformance status",
        "",
        "Written by `python tests/conformance/page.py --write`; a test keeps it true. The text of",
        "each requirement stands in the file that heads its table.",
        "",
        f"{len(musts)} requirements are a MUST: {count['tested']} tested, "
        f"{count['pending']} pending, {count['not applicable']} not applicable. "
        f"Of the {others} others, tests name {shown}.",
    ]
    for source in dict.fromkeys(item.source for item in status.known.values()):
        lines += ["", f"## [{source}]({source})", ""]
        lines += ["| id | level | area | state | tests, or what it waits for |"]
        lines += ["|---|---|---|---|---|"]
        lines += [_row(status, item) for item in status.known.values() if item.source == source]
    return "\n".join(lines) + "\n"


def _row(status: Status, item: Requirement) -> str:
    state = ", ".join(status.states(item.id))
    notes = [f"`{test.removeprefix('tests/')}`" for test in status.tested.get(item.id, [])]
    notes += [
        table[item.id] for table in (status.pending, status.not_applicable) if item.id in table
    ]
    return f"| {item.id} | {item.level} | {item.area} | {state} | {'<br>'.join(notes)} |"


def main(arguments: list[str] | None = None) -> int:
    """Run the script; the exit status says whether what was asked for is clean."""
    parser = argparse.ArgumentParser(description="The state of the conformance requirements.")
    for name in ("missing", "double", "write", "check"):
        parser.add_argument(f"--{name}", action="store_true")
    options = parser.parse_args(arguments)
    if not any(vars(options).values()):
        parser.error("say what to do")
    try:
        status = Status.read()
    except ConformanceError as error:
        print(error, file=sys.stderr)
        return 1
    faults: list[str] = []
    if options.missing or options.check:
        faults += [f"{identifier}  in no state" for identifier in status.missing()]
    if options.double or options.check:
        faults += [
            f"{identifier}  {' and '.join(status.states(identifier))}"
            for identifier in status.double()
        ]
        faults += [f"{identifier}  in no checklist" for identifier in status.unknown()]
    page = requirements.DOCS / PAGE
    if options.write:
        page.write_text(render(status), encoding="utf-8")
    if options.check and page.read_text(encoding="utf-8") != render(status):
        faults.append(f"{PAGE}  out of date: run this script with --write")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
