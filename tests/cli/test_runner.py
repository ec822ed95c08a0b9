"""How a command that waits comes to its end."""

from __future__ import annotations

import asyncio
import signal

import click
import pytest

from mikey.cli.calls.runner import TERMINATED, run
from mikey.errors import LibraryError


async def wait(what: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        what.append("cleaned up")


def test_sigterm_ends_the_work_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []

    async def terminated() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGTERM)
        await wait(done)

    with pytest.raises(click.exceptions.Exit) as caught:
        run(terminated())
    assert caught.value.exit_code == TERMINATED == 128 + signal.SIGTERM
    assert capsys.readouterr().err == "mikey: terminated by a signal\n"
    assert done == ["cleaned up"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_an_interrupt_ends_the_work() -> None:
    done: list[str] = []

    async def interrupted() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
        await wait(done)

    with pytest.raises(KeyboardInterrupt):
        run(interrupted())
    assert done == ["cleaned up"]


def test_work_that_is_cancelled_by_nobody_is_a_defect() -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(LibraryError, match="nobody"):
        run(cancelled())
