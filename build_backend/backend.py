"""maturin's build hooks, preceded by one readable line when there is no Rust compiler.

Without cargo on the PATH maturin would try to download a toolchain of its own.
"""

from __future__ import annotations

import shutil
from typing import Any

from maturin import (
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)
from maturin import get_requires_for_build_wheel as _requires_for_wheel

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """Say what to install when the Rust compiler is missing (PEP 517 hook)."""
    if shutil.which("cargo") is None:
        raise SystemExit(
            "mikey: building needs Rust 1.89 or later and a C compiler; "
            "install cargo and rustc (Debian: apt install cargo rustc gcc) and try again"
        )
    return _requires_for_wheel(config_settings)
