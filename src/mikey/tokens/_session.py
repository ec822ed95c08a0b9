"""One session with a token, logged in once and shared by all its keys in this process.

A login belongs to the process and not to a session (PKCS #11 v2.40, 5.6): a second one is an
error, and a logout takes the token from every user of it. So the first key logs in, later keys
of the same token must bring the same PIN, and the last one that is closed logs out.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import pkcs11

from mikey.errors import LocalError
from mikey.secret import Secret
from mikey.tokens._errors import LOST_ERRORS, PIN_ERRORS, told

if TYPE_CHECKING:
    from mikey.tokens._module import Module

Answer = TypeVar("Answer")

Pin = Secret | Callable[[], Secret] | None


class Session:
    """A session that opens again when it is lost; `generation` counts how often it was opened.

    All methods take the module's lock.
    """

    def __init__(self, module: Module, label: str, pin: Secret | None) -> None:
        self.label = label
        self.generation = 0
        self._module = module
        self._pin = pin
        self._users = 0
        self._refused: LocalError | None = None
        self._open()

    @classmethod
    def acquire(cls, module: Module, label: str, pin: Pin) -> Session:
        """Return the session with the token of that label, for one more user of it.

        A `pin` that is callable is called without the lock, for it may ask a person.
        Raises LocalError: no such token, wrong PIN, another PIN than that of the open session.
        """
        secret = pin() if callable(pin) else pin
        with module.lock:
            session = module.sessions.get(label)
            if session is None:
                session = module.sessions[label] = cls(module, label, secret)
            elif session._pin != secret:
                raise LocalError(f"token {label!r}: the PIN is wrong")
            session._users += 1
            return session

    @property
    def lock(self) -> threading.RLock:
        """The lock of the module."""
        return self._module.lock

    def release(self) -> None:
        """Take one user away; the last one's leave logs out and closes."""
        with self.lock:
            self._users -= 1
            if not self._users:
                self._module.sessions.pop(self.label, None)
                self._close()
                self._pin = None

    def find(self, attributes: dict[pkcs11.Attribute, Any]) -> list[Any]:
        """Return the objects with these attributes. Raises PKCS11Error."""
        with self.lock:
            return list(self._session.get_objects(attributes))

    def pin_text(self) -> str | None:
        """Return the PIN as text, for keys that want it with each use."""
        return _text(self.label, self._pin)

    def run(self, operation: Callable[[], Answer]) -> Answer:
        """Return what `operation` returns, done once more if the session was lost before it.

        Raises LocalError if the token cannot be opened again; PKCS11Error as it comes.
        """
        with self.lock:
            if not self._users:
                raise LocalError(f"token {self.label!r}: the key was closed")
            if self._refused is not None:
                raise self._refused
            try:
                return operation()
            except LOST_ERRORS:
                self._close()
                self._open()
                return operation()

    def _open(self) -> None:
        where = f"token {self.label!r}"
        token = self._module.find(self.label)
        try:
            self._session = token.open(user_pin=_text(self.label, self._pin))
        except PIN_ERRORS as error:
            # Kept: the same PIN tried with each message would lock the token.
            self._refused = told(where, error)
            raise self._refused from None
        except pkcs11.PKCS11Error as error:
            raise told(where, error) from None
        self.generation += 1

    def _close(self) -> None:
        # A token that is gone has neither login nor session left.
        with contextlib.suppress(pkcs11.PKCS11Error):
            self._session.close()


def _text(label: str, pin: Secret | None) -> str | None:
    if pin is None:
        return None
    try:
        return pin.expose().decode("utf-8")
    except UnicodeDecodeError:
        raise LocalError(f"token {label!r}: the PIN is not UTF-8") from None
