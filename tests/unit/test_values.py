"""Values with a quick `__init__` are as frozen as others, and take what others take."""

from __future__ import annotations

import inspect
from dataclasses import (
    FrozenInstanceError,
    InitVar,
    dataclass,
    field,
    fields,
    is_dataclass,
    replace,
)

import pytest

from mikey.values import quick_init
from mikey.wire import Hdr, Kemac, T


@quick_init
@dataclass(frozen=True, slots=True)
class Value:
    first: int
    second: bytes = b"2"
    third: str = field(default="3", kw_only=True, repr=False)


def test_fields_are_stored_as_they_are_given_or_by_default() -> None:
    value = Value(1)
    assert (value.first, value.second, value.third) == (1, b"2", "3")
    assert Value(1, b"x", third="y") == replace(value, second=b"x", third="y")


def test_a_value_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Value(1).first = 2  # type: ignore[misc]


@pytest.mark.parametrize("arguments", [(), (1, b"", "third"), (1, b"", b"")])
def test_other_arguments_are_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        Value(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Value, Hdr, Kemac, T])
def test_parameters_are_the_fields_in_order(kind: type) -> None:
    assert is_dataclass(kind)
    names = [one.name for one in fields(kind)]
    assert list(inspect.signature(kind).parameters) == names


@quick_init
@dataclass(frozen=True, slots=True)
class Made:
    """Has fields of every other kind, and a check."""

    item: int
    items: list[int] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list, init=False)
    fixed: str = field(default="fixed", init=False)

    def __post_init__(self) -> None:
        self.hidden.append(self.item)
        if self.item < 0:
            raise ValueError(self.item)


def test_fields_are_made_for_each_value_by_itself() -> None:
    first, second = Made(1), Made(2)
    first.items.append(7)
    assert (first.items, second.items, second.fixed) == ([7], [], "fixed")
    assert Made(3, first.items).items is first.items
    assert Made(3, items=[]).items is not Made(3).items


def test_a_value_is_checked_when_it_is_made() -> None:
    assert (Made(1).hidden, replace(Made(1), item=2).hidden) == ([1], [2])
    with pytest.raises(ValueError, match="-1"):
        Made(-1)


def test_only_arguments_that_are_fields_are_taken() -> None:
    with pytest.raises(TypeError):
        Made(1, hidden=[])  # type: ignore[call-arg]


def test_a_field_without_a_value_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Late:
        item: int = field(init=False)

    @dataclass(frozen=True, slots=True)
    class Extra:
        item: int
        other: InitVar[int]

    for kind in (Late, Extra):
        with pytest.raises(TypeError, match=kind.__name__):
            quick_init(kind)
