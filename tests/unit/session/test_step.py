"""Questions to the outside as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mikey import LocalError, PolicyError, Step, drive


@dataclass(frozen=True)
class Fetch:
    url: str


@dataclass(frozen=True)
class Ask:
    name: str


def fetching(resume: Callable[[Any], int]) -> int | Step[int]:
    return Step(Fetch("u"), resume)


def test_a_result_needs_no_driving() -> None:
    assert drive(5) == 5


def test_steps_are_answered_until_the_result_is_there() -> None:
    def first() -> str | Step[str]:
        return Step(Fetch("https://example.org/a"), second)

    def second(octets: bytes) -> Step[str]:
        return Step(Ask("x"), lambda yes: f"{octets!r} {yes}")

    result = drive(first(), {Fetch: lambda r: r.url.encode()[:5], Ask: lambda r: r.name == "x"})
    assert result == "b'https' True"


def test_a_request_without_a_handler_says_which() -> None:
    step = fetching(int)
    with pytest.raises(LocalError, match="no handler answers Fetch"):
        drive(step)
    with pytest.raises(LocalError, match="no handler answers Fetch"):
        drive(step, {Ask: str})
    assert repr(step) == "<Step Fetch>"


def test_a_step_goes_on_once() -> None:
    step: Step[int] = Step(Fetch("u"), int)
    assert step.resume("7") == 7
    with pytest.raises(LocalError, match="once"):
        step.resume("8")


def test_a_step_that_can_do_without() -> None:
    def without() -> int | Step[int]:
        return Step(Ask("x"), int)

    def step() -> int | Step[int]:
        return Step(Fetch("u"), int, without=without)

    assert drive(step(), {Ask: lambda _: "9"}) == 9
    with pytest.raises(LocalError, match="no handler answers Ask"):
        drive(step())
    declined: Step[int] = Step(Fetch("u"), int, without=without)
    declined.decline()
    for again in (declined.decline, lambda: declined.resume("1")):
        with pytest.raises(LocalError, match="once"):
            again()


def test_what_goes_wrong_on_the_way_comes_out() -> None:
    def refuse(answer: object) -> int:
        raise PolicyError("no")

    with pytest.raises(PolicyError, match="no"):
        drive(fetching(refuse), {Fetch: lambda _: None})
