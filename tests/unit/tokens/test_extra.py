"""Without its extra the layer says what to install; the rest is in tests/interop/test_tokens."""

from __future__ import annotations

import sys

import pytest


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("mikey.tokens")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(ImportError, match=r"pip install 'mikey\[pkcs11\]'"):
        import mikey.tokens  # noqa: F401
