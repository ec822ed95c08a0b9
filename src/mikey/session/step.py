"""What an exchange needs from outside, as values instead of hidden calls.

`receive` and `accept` return their result, or a `Step` that names what is missing: a
certificate to fetch, a ticket to resolve. The caller gets it as it likes and goes on with
`resume`. The pre-shared key method needs nothing and returns no Step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from mikey.errors import LocalError

R = TypeVar("R")


class Step(Generic[R]):
    """A question to the outside, `request`; `resume(answer)` goes on, once."""

    __slots__ = ("_resume", "request")

    def __init__(self, request: object, resume: Callable[[Any], R | Step[R]]) -> None:
        self.request = request
        self._resume: Callable[[Any], R | Step[R]] | None = resume

    def __repr__(self) -> str:
        return f"<Step {type(self.request).__name__}>"

    def resume(self, answer: object) -> R | Step[R]:
        """Continue the exchange with `answer`.

        Raises LocalError on the second call, PeerError as the call that returned the Step.
        """
        if self._resume is None:
            raise LocalError("a Step is resumed once")
        resume, self._resume = self._resume, None
        return resume(answer)


def drive(result: R | Step[R], handlers: Mapping[type, Callable[[Any], object]] | None = None) -> R:
    """Answer Steps until the result is there.

    `handlers` maps the type of a request to a function that answers it. Raises LocalError for a
    request without a handler.
    """
    while isinstance(result, Step):
        handler = (handlers or {}).get(type(result.request))
        if handler is None:
            raise LocalError(f"no handler answers {type(result.request).__name__}")
        result = result.resume(handler(result.request))
    return result
