"""Find `@pytest.mark.rule(...)` in the source of the tests.

The scan reads syntax, not a pytest run, so it gives the same answer whatever part of the suite
runs. It knows a marker on a test function, on a test class, in a module's `pytestmark`, and in
the `marks=` of a `pytest.param`; `tests/conftest.py` compares it with what pytest collected.
Arguments must be literal strings: an identifier that is computed is one that nobody can grep.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.conformance.requirements import ROOT, ConformanceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TESTS = ROOT / "tests"


@dataclass(frozen=True, slots=True)
class Mark:
    """One identifier on one test; `test` is written as pytest writes it."""

    rule: str
    test: str


def scan(tests: Path = TESTS) -> tuple[Mark, ...]:
    """Return every mark below `tests`, sorted by rule and test."""
    marks: set[Mark] = set()
    for path in sorted(tests.rglob("test_*.py")):
        where = path.relative_to(tests.parent).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        marks.update(_module(tree, where))
    return tuple(sorted(marks, key=lambda mark: (mark.rule, mark.test)))


def by_rule(marks: tuple[Mark, ...]) -> dict[str, list[str]]:
    """Return the tests of each rule."""
    table: dict[str, list[str]] = {}
    for mark in marks:
        table.setdefault(mark.rule, []).append(mark.test)
    return table


def _module(tree: ast.Module, where: str) -> Iterator[Mark]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _function(node, where, "")
        elif isinstance(node, ast.ClassDef):
            yield from _class(node, where)
        else:
            # `pytestmark = ...`, or a table of pytest.param that a parametrize below uses.
            yield from (Mark(rule, where) for rule in _rules(node, where))


def _class(node: ast.ClassDef, where: str) -> Iterator[Mark]:
    rules = [rule for part in node.decorator_list for rule in _rules(part, where)]
    if rules and not node.name.startswith("Test"):
        raise ConformanceError(f"{where}:{node.lineno}: pytest does not collect {node.name}")
    yield from (Mark(rule, f"{where}::{node.name}") for rule in rules)
    for part in node.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _function(part, where, f"{node.name}::")
        elif not isinstance(part, ast.ClassDef):
            yield from (Mark(rule, f"{where}::{node.name}") for rule in _rules(part, where))


def _function(
    node: ast.FunctionDef | ast.AsyncFunctionDef, where: str, prefix: str
) -> Iterator[Mark]:
    # Decorators only: what a body says of markers is a test of the markers, not a mark.
    rules = [rule for part in node.decorator_list for rule in _rules(part, where)]
    if rules and not node.name.startswith("test"):
        raise ConformanceError(f"{where}:{node.lineno}: pytest does not collect {node.name}")
    yield from (Mark(rule, f"{where}::{prefix}{node.name}") for rule in rules)


def _rules(tree: ast.AST, where: str) -> Iterator[str]:
    """Yield the identifiers of every `pytest.mark.rule(...)` below a node."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not _is_rule(node.func):
            continue
        if not node.args or node.keywords:
            raise ConformanceError(f"{where}:{node.lineno}: a rule mark takes identifiers")
        for argument in node.args:
            if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                raise ConformanceError(
                    f"{where}:{node.lineno}: write the identifier as a literal string"
                )
            yield argument.value


def _is_rule(func: ast.expr) -> bool:
    return (
        isinstance(func, ast.Attribute)
        and func.attr == "rule"
        and isinstance(func.value, ast.Attribute)
        and func.value.attr == "mark"
    )
