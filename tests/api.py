"""The public face as text: every public name with its signature, module by module.

    python tests/api.py --write    write tests/api.txt anew

`tests/test_meta.py` compares the two, so that no public name changes by accident.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path(__file__).resolve().parent / "api.txt"
MODULES = (
    "mikey",
    "mikey.session",
    "mikey.credentials",
    "mikey.policy",
    "mikey.carriage",
    "mikey.carriage.sdp",
    "mikey.srtp",
    "mikey.wire",
    "mikey.errors",
    "mikey.secret",
    "mikey.registry",
)


def render() -> str:
    """Return the public names of MODULES; a name is described where it is seen first."""
    lines: list[str] = []
    described: dict[int, str] = {}
    for name in MODULES:
        module = importlib.import_module(name)
        lines += ["", f"[{name}]"] if lines else [f"[{name}]"]
        for public in sorted(_public(module)):
            value = getattr(module, public)
            if id(value) in described and not isinstance(value, int | str | bytes | tuple):
                lines.append(f"{public}: see [{described[id(value)]}]")
                continue
            described[id(value)] = name
            lines += _describe(public, value)
    return "\n".join(lines) + "\n"


def _public(module: Any) -> list[str]:
    names = getattr(module, "__all__", None)
    if names is not None:
        return list(names)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def _describe(name: str, value: Any) -> Iterator[str]:
    if inspect.ismodule(value):
        yield f"{name}: module"
    elif isinstance(value, type) and issubclass(value, enum.Enum):
        # The members are the registry's; tests/unit/registry holds them.
        yield f"class {name}({', '.join(base.__name__ for base in value.__bases__)}): enum"
    elif isinstance(value, type):
        yield f"class {name}({', '.join(base.__name__ for base in value.__bases__)}){_init(value)}"
        yield from _members(value)
    elif callable(value):
        yield f"{name}{_signature(value)}"
    else:
        yield f"{name}: {_type(value)}"


def _members(cls: type) -> Iterator[str]:
    for name in sorted(vars(cls)):
        if name.startswith("_") or name in getattr(cls, "__dataclass_fields__", {}):
            continue
        value = inspect.getattr_static(cls, name)
        if isinstance(value, property):
            yield f"    {name}: property"
        elif isinstance(value, staticmethod | classmethod):
            yield f"    {type(value).__name__} {name}{_signature(value.__func__)}"
        elif callable(value):
            yield f"    {name}{_signature(value)}"
        elif not inspect.ismemberdescriptor(value):
            yield f"    {name}: {_type(value)}"


def _type(value: Any) -> str:
    return type(value).__name__


def _init(cls: type) -> str:
    if issubclass(cls, BaseException) and "__init__" not in vars(cls):
        return ""
    return _signature(cls)


def _signature(value: Any) -> str:
    try:
        text = str(inspect.signature(value))
    except (TypeError, ValueError):
        return "(...)"
    # A default that is a function or an object prints its address; its name is what matters.
    return re.sub(r" at 0x[0-9a-f]+", "", text)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        FILE.write_text(render(), encoding="utf-8")
    else:
        sys.exit(__doc__)
