"""Run an exchange beside an event loop: Steps answered by coroutines, slow keys in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from mikey.session import Step

__all__ = ["Party", "drive", "run"]

R = TypeVar("R")

Handlers = Mapping[type, Callable[[Any], Awaitable[object]]]


class Party(Protocol):
    """An `Initiator`, a `Responder` or an `Offer`."""

    @property
    def blocking(self) -> bool:
        """Whether a key of it may take long: it lies in a token, or behind a network."""


async def drive(result: R | Step[R], handlers: Handlers | None = None) -> R:
    """Answer Steps until the result is there: `mikey.drive` for handlers that are awaited.

    `handlers` maps the type of a request to a coroutine function that answers it; a request
    without one is declined, as there. Raises what that, the handlers and the exchange raise.
    """
    while isinstance(result, Step):
        result = (await _answered(result, handlers))()
    return result


async def run(party: Party, work: Callable[[], R | Step[R]], handlers: Handlers | None = None) -> R:
    """Do a part of an exchange of `party`, and answer its Steps as `drive` does.

    `work` calls `party`: `lambda: responder.receive(octets)`. If that is `blocking`, a worker
    thread calls, and the event loop goes on. A thread cannot be stopped: one whose task was
    cancelled ends its call first, and an Initiator is not to be used before. Raises what `work`
    raises besides.
    """
    if not party.blocking:
        return await drive(work(), handlers)
    result = await asyncio.to_thread(work)
    while isinstance(result, Step):
        result = await asyncio.to_thread(await _answered(result, handlers))
    return result


async def _answered(step: Step[R], handlers: Handlers | None) -> Callable[[], R | Step[R]]:
    """Return how a Step goes on: with the answer, or without where no handler is there."""
    handler = (handlers or {}).get(type(step.request))
    if handler is None:
        return step.decline
    return partial(step.resume, await handler(step.request))
