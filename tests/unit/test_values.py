"""Values with a quick `__init__` are as frozen as others, and take what others take."""

from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace

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


def test_a_field_that_a_class_makes_itself_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Made:
        items: list[int] = field(default_factory=list)

    @dataclass(frozen=True, slots=True)
    class Checked:
        item: int

        def __post_init__(self) -> None:
            raise AssertionError

    for kind in (Made, Checked):
        with pytest.raises(TypeError, match=kind.__name__):
            quick_init(kind)
