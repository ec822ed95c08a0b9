"""Timers of a transaction that can be stretched, shortened and stopped."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import sipmessage
from sipua.transaction import T1, Transaction, TransactionState

if TYPE_CHECKING:
    from mikey.sip._transactions import Transactions

__all__ = ["TimedTransaction"]


class TimedTransaction(Transaction):
    """Mixed into sipua's transactions: their timers follow `Timers` and end with them.

    sipua starts a timer by name ("A" calls `_timer_a_expired`), never stops one, and leaves it
    to nobody if a repetition cannot be sent.
    """

    _layer: Transactions
    _scale = 1.0
    _interval: float = T1

    @property
    def state(self) -> TransactionState:
        """The state of RFC 3261 17."""
        return self._state

    def _start_timer(self, name: str, delay: float) -> None:
        expired: Callable[[], None] = getattr(self, f"_timer_{name.lower()}_expired")
        loop = asyncio.get_running_loop()
        if not hasattr(self, "_timers"):
            self._timers: dict[str, asyncio.TimerHandle] = {}
        self._stop_timer(name)
        self._timers[name] = loop.call_later(delay * self._scale, expired)

    def _stop_timer(self, name: str) -> None:
        timer = getattr(self, "_timers", {}).pop(name, None)
        if timer is not None:
            timer.cancel()

    def _repeat(self, name: str, message: sipmessage.Message, longest: float = math.inf) -> None:
        """Send a message again, and once more after twice the time, `longest` at most."""
        self._layer.send_later(message)
        self._interval = min(2 * self._interval, longest)
        self._start_timer(name, self._interval)

    def _set_state(self, state: TransactionState) -> None:
        if state is TransactionState.Terminated:
            self.stop()
        super()._set_state(state)

    def stop(self) -> None:
        """Let no timer of this transaction run any more."""
        for name in list(getattr(self, "_timers", {})):
            self._stop_timer(name)
