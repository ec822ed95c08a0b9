"""PKCS #11 modules: loaded once, called by one thread at a time.

`python-pkcs11` starts a module with C_Initialize(NULL), by which a program promises that no two
threads are inside the module at once (PKCS #11 v2.40, 5.4); SoftHSM then runs without any lock
of its own. So there is one lock for each module, and every call stands under it. (The lock of a
session in `python-pkcs11` covers that session's operations alone.)
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pkcs11

from mikey.errors import LocalError
from mikey.tokens._errors import told

if TYPE_CHECKING:
    from pkcs11._pkcs11 import lib

    from mikey.tokens._session import Session


@dataclass(slots=True)
class Module:
    """A loaded module, its lock, and the sessions that this process holds with its tokens."""

    path: str
    library: lib
    lock: threading.RLock
    sessions: dict[str, Session] = field(default_factory=dict)

    def find(self, label: str) -> pkcs11.Token:
        """Return the token of that label. Raises LocalError for none, or several."""
        tokens = []
        try:
            slots = self.library.get_slots(token_present=True)
        except pkcs11.PKCS11Error as error:
            raise told(self.path, error) from None
        for slot in slots:
            try:
                tokens.append(slot.get_token())
            except pkcs11.PKCS11Error:
                continue  # pulled out since, or blank: it has no label
        found = [token for token in tokens if token.label == label]
        if len(found) > 1:
            raise LocalError(f"{self.path}: {len(found)} tokens are labelled {label!r}")
        if not found:
            there = ", ".join(sorted(repr(token.label) for token in tokens if token.label))
            raise LocalError(
                f"{self.path}: no token is labelled {label!r} (there are: {there or 'none'})"
            )
        return found[0]


_modules: dict[str, Module] = {}
_loading = threading.Lock()


def load(path: str | os.PathLike[str]) -> Module:
    """Return the module at `path`, the same for each call. Raises LocalError."""
    # As it was given: the linker looks for a bare name, and a proxy may stand behind a link.
    name = os.fspath(path)
    with _loading:
        module = _modules.get(name)
        if module is None:
            module = _modules[name] = Module(name, _start(name), threading.RLock())
        return module


def _start(name: str) -> lib:
    try:
        return pkcs11.lib(name)
    except pkcs11.ArgumentsBad:
        raise LocalError(
            f"{name}: the module does not start without parameters; NSS's softoken does "
            "through p11-kit's proxy module (x-init-reserved)"
        ) from None
    except pkcs11.PKCS11Error as error:
        if type(error) is not pkcs11.PKCS11Error:
            raise told(name, error) from None
        reason = str(error).removeprefix(f"OS exception while loading {name}: ")
        raise LocalError(f"not a PKCS #11 module that can be loaded: {reason}") from None
    except (ValueError, OSError, UnicodeError):
        raise LocalError(f"not a PKCS #11 module that can be loaded: {name!r}") from None
