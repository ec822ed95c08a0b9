"""The requirements of docs/conformance, and the state that the lists beside them give each.

A requirement is one line, `- id | level | area | text`, in one of the Markdown files. Two more
files give states that no test can show: `pending.txt` (`id  feature it waits for`) and
`not-applicable.txt` (`id  reason`). Everything here is read from the files each time it is
asked for; nothing is cached, so a test can point it at a directory of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "conformance"
LEVELS = frozenset({"MUST", "SHOULD", "MAY", "FACT"})

_LINE = re.compile(r"- ([A-Z][\w.+-]*) \| (\w+) \| ([\w-]+) \| (\S.*)")


class ConformanceError(Exception):
    """The data files contradict themselves, or a line of them cannot be read."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of the checklists."""

    id: str
    level: str
    area: str
    text: str
    source: str


def load(docs: Path = DOCS) -> dict[str, Requirement]:
    """Return every requirement by id, in the order of the files and their lines."""
    found: dict[str, Requirement] = {}
    for path in sorted(docs.glob("*.md")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = _LINE.fullmatch(line)
            if match is None:
                continue
            identifier, level, area, text = match.groups()
            requirement = Requirement(identifier, level, area, text, path.name)
            if requirement.level not in LEVELS:
                raise ConformanceError(f"{path.name}:{number}: level {requirement.level}?")
            if requirement.id in found:
                raise ConformanceError(f"{path.name}:{number}: {requirement.id} stands twice")
            found[requirement.id] = requirement
    return found


def read_list(path: Path) -> dict[str, str]:
    """Return `{id: reason}` of a list file; blank lines and `#` comments are skipped."""
    entries: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        identifier, _, reason = line.partition(" ")
        if not reason.strip():
            raise ConformanceError(f"{path.name}:{number}: {identifier} has no reason")
        if identifier in entries:
            raise ConformanceError(f"{path.name}:{number}: {identifier} stands twice")
        entries[identifier] = reason.strip()
    return entries


def pending(docs: Path = DOCS) -> dict[str, str]:
    """Return the requirements that wait for a feature, with its name."""
    return read_list(docs / "pending.txt")


def not_applicable(docs: Path = DOCS) -> dict[str, str]:
    """Return the requirements that concern nothing this project is, with the reason."""
    return read_list(docs / "not-applicable.txt")
