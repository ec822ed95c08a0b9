"""maturin's build hooks (PEP 517), preceded by one readable line when there is no Rust compiler.

Without cargo on the PATH maturin would try to download a toolchain of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

import maturin
from maturin import build_editable as build_editable
from maturin import build_sdist as build_sdist
from maturin import build_wheel as build_wheel
from maturin import prepare_metadata_for_build_editable as prepare_metadata_for_build_editable
from maturin import prepare_metadata_for_build_wheel as prepare_metadata_for_build_wheel

Settings = Mapping[str, Any] | None


def _need_cargo() -> None:
    if shutil.which("cargo") is None:
        raise SystemExit(
            "mikey: building needs Rust 1.89 or later and a C compiler; "
            "install cargo, rustc and gcc (rustup.rs, or your system's packages) and try again"
        )


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Return what a wheel needs besides maturin, once cargo is there."""
    _need_cargo()
    return list(maturin.get_requires_for_build_wheel(config_settings))


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """Return what an editable install needs besides maturin, once cargo is there."""
    _need_cargo()
    return list(maturin.get_requires_for_build_editable(config_settings))


def get_requires_for_build_sdist(config_settings: Settings = None) -> list[str]:
    """Return what an sdist needs besides maturin, once cargo is there."""
    _need_cargo()
    return list(maturin.get_requires_for_build_sdist(config_settings))
