"""Into asyncio and out again: signals, the SIP trace, progress."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from mikey.errors import LibraryError
from mikey.text import plain

__all__ = ["TERMINATED", "ending_signals", "note", "playing", "run", "tracing", "until_first"]

R = TypeVar("R")

_BY_SIGNAL = 128  # and the number of the signal, as shells report it
TERMINATED = _BY_SIGNAL + signal.SIGTERM


def ending_signals() -> tuple[int, ...]:
    """SIGTERM, and SIGHUP of a terminal that is closed unless `nohup` has it ignored."""
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is None or signal.getsignal(hangup) is signal.SIG_IGN:
        return (signal.SIGTERM,)
    return signal.SIGTERM, hangup


def run(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end; the ending signals end it early, and it cleans up as ever."""
    ended_by = 0

    async def with_signals() -> R:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()

        def terminate(number: int) -> None:
            nonlocal ended_by
            ended_by = number
            if task is not None:
                task.cancel()

        # not to be had on Windows and outside of the main thread
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            for number in ending_signals():
                loop.add_signal_handler(number, terminate, number)
        return await work

    try:
        return asyncio.run(with_signals())
    except asyncio.CancelledError as error:
        if not ended_by:
            raise LibraryError("the work was cancelled, and nobody asked for it") from error
        note("mikey: terminated by a signal", quiet=False)
        raise click.exceptions.Exit(_BY_SIGNAL + ended_by) from None


async def until_first(work: Iterable[Awaitable[object]], timeout: float | None = None) -> None:
    """Wait until the first of several is done, end the others, raise what it raised.

    After `timeout` seconds all are ended, and nothing is raised.
    """
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


@contextlib.contextmanager
def tracing(enabled: bool) -> Iterator[None]:
    """Show the log of the SIP layer on stderr; it holds no keys."""
    if not enabled:
        yield
        return
    logger = logging.getLogger("mikey.sip")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s\n"))
    level, propagates = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagates


def note(text: str, *, quiet: bool) -> None:
    """Say something on the way, on stderr; parts of it may come from a peer."""
    if not quiet:
        sys.stderr.write(f"{plain(text)}\n")
        sys.stderr.flush()


@contextlib.contextmanager
def playing(total: int, what: str, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr, if that is a terminal; yields a function of the frames done."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(what, total=total)
        yield lambda done: progress.update(bar, completed=done)
