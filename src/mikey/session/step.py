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
    """A question to the outside, `request`; `resume(answer)` goes on, once.

    `without` goes on where nobody answers, for what a peer can make us ask: then it is the peer
    that fails, and not the program that has no answer.
    """

    __slots__ = ("_resume", "_without", "request")

    def __init__(
        self,
        request: object,
        resume: Callable[[Any], R | Step[R]],
        without: Callable[[], R | Step[R]] | None = None,
    ) -> None:
        self.request = request
        self._resume: Callable[[Any], R | Step[R]] | None = resume
        self._without = without

    def __repr__(self) -> str:
        return f"<Step {type(self.request).__name__}>"

    def resume(self, answer: object) -> R | Step[R]:
        """Continue the exchange with `answer`.

        Raises LocalError on the second call, PeerError as the call that returned the Step.
        """
        return self._proceed()(answer)

    def decline(self) -> R | Step[R]:
        """Continue without an answer: a certificate that is not fetched is not there.

        Raises LocalError on the second call and where there is no going on, PeerError as the
        call that returned the Step.
        """
        if self._without is None:
            raise LocalError(f"no handler answers {type(self.request).__name__}")
        self._proceed()
        return self._without()

    def _proceed(self) -> Callable[[Any], R | Step[R]]:
        if self._resume is None:
            raise LocalError("a Step is resumed once")
        resume, self._resume = self._resume, None
        return resume


def drive(result: R | Step[R], handlers: Mapping[type, Callable[[Any], object]] | None = None) -> R:
    """Answer Steps until the result is there.

    `handlers` maps the type of a request to a function that answers it. A request without one
    is declined: a certificate by URL is then refused (PeerError, error 8), anything else raises
    LocalError.
    """
    while isinstance(result, Step):
        handler = (handlers or {}).get(type(result.request))
        result = result.decline() if handler is None else result.resume(handler(result.request))
    return result
