"""Run an exchange beside an event loop: Steps answered by coroutines, slow keys in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from mikey.errors import LocalError
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

    `handlers` maps the type of a request to a coroutine function that answers it. Raises
    LocalError for a request without a handler, and what the handlers and the exchange raise.
    """
    while isinstance(result, Step):
        result = result.resume(await _answer(result, handlers))
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
        result = await asyncio.to_thread(result.resume, await _answer(result, handlers))
    return result


async def _answer(step: Step[Any], handlers: Handlers | None) -> object:
    handler = (handlers or {}).get(type(step.request))
    if handler is None:
        raise LocalError(f"no handler answers {type(step.request).__name__}")
    return await handler(step.request)
