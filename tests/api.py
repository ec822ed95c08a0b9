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
    "mikey.credentials.files",
    "mikey.tokens",
    "mikey.policy",
    "mikey.carriage",
    "mikey.carriage.sdp",
    "mikey.srtp",
    "mikey.sip",
    "mikey.rtsp",
    "mikey.aio",
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
        yield f"class {name}{_bases(value)}: enum"
    elif isinstance(value, type):
        yield f"class {name}{_bases(value)}{_init(value)}"
        yield from _members(value)
    elif callable(value):
        yield f"{name}{_signature(value)}"
    else:
        yield f"{name}: {type(value).__name__}"


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
            yield f"    {name}: {type(value).__name__}"


def _bases(cls: type) -> str:
    names = [base.__name__ for base in cls.__bases__ if base is not object]
    return f"[{', '.join(names)}]" if names else ""


def _init(cls: type) -> str:
    own_init = any(
        {"__init__", "__new__"} & vars(base).keys() for base in cls.__mro__ if _is_ours(base)
    )
    return _signature(cls) if own_init and not getattr(cls, "_is_protocol", False) else ""


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "mikey"


def _signature(value: Any) -> str:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)"
    if any(name.startswith("_") for name in signature.parameters):
        return "(...)"  # made by the package alone
    parameters = [
        parameter.replace(default=_Text(_default(parameter.default)))
        if parameter.default is not parameter.empty
        else parameter
        for parameter in signature.parameters.values()
    ]
    # Annotations are strings in our modules; without their quotes they read as written.
    text = str(signature.replace(parameters=parameters)).replace("'", "").replace(" -> None", "")
    return re.sub(r"ForwardRef\(([^()]*)\)", r"\1", text)  # of a NamedTuple's fields


class _Text(str):
    """A default as the source would say it: its repr is the text itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _default(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if callable(value):
        return str(getattr(value, "__qualname__", type(value).__name__))
    if isinstance(value, str):
        return f'"{value}"'
    if value == b"":
        return 'b""'
    if value is None or isinstance(value, bool | int | float) or value == ():
        return repr(value)
    return "..."


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        FILE.write_text(render(), encoding="utf-8")
    else:
        sys.exit(__doc__)
