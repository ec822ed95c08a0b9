"""Timers of a transaction that can be stretched, shortened and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sipua.transaction import Transaction, TransactionState

__all__ = ["TimedTransaction"]


class TimedTransaction(Transaction):
    """Mixed into sipua's transactions: their timers follow `Timers` and end with them.

    sipua starts a timer by name ("A" calls `_timer_a_expired`) and never stops one.
    """

    _scale = 1.0

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

    def _set_state(self, state: TransactionState) -> None:
        if state is TransactionState.Terminated:
            self.stop()
        super()._set_state(state)

    def stop(self) -> None:
        """Let no timer of this transaction run any more."""
        for name in list(getattr(self, "_timers", {})):
            self._stop_timer(name)
