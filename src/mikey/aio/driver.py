"""Answer the Steps of an exchange with coroutines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from mikey.session import Step

__all__ = ["drive"]

R = TypeVar("R")


async def drive(
    result: R | Step[R], handlers: Mapping[type, Callable[[Any], Awaitable[object]]] | None = None
) -> R:
    """Answer Steps until the result is there: `mikey.drive` for handlers that are awaited.

    `handlers` maps the type of a request to a coroutine function that answers it; a request
    without one is declined, as there. Raises what that, the handlers and the exchange raise.
    """
    while isinstance(result, Step):
        handler = (handlers or {}).get(type(result.request))
        if handler is None:
            result = result.decline()
        else:
            result = result.resume(await handler(result.request))
    return result
