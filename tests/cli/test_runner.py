"""How a command that waits comes to its end."""

from __future__ import annotations

import asyncio
import signal

import click
import pytest

from mikey.cli.calls.runner import ending_signals, run, until_first
from mikey.errors import LibraryError, PeerError
from tests.asynchronous import asynchronous


async def wait(what: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        what.append("cleaned up")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_work_and_says_so(
    capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    done: list[str] = []

    async def terminated() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, number)
        await wait(done)

    with pytest.raises(click.exceptions.Exit) as caught:
        run(terminated())
    assert caught.value.exit_code == 128 + number
    assert capsys.readouterr().err == "mikey: terminated by a signal\n"
    assert done == ["cleaned up"]
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_hangup_that_nohup_has_ignored_stays_so() -> None:
    assert ending_signals() == (signal.SIGTERM, signal.SIGHUP)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert ending_signals() == (signal.SIGTERM,)
    finally:
        signal.signal(signal.SIGHUP, before)


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


@asynchronous
async def test_the_first_of_several_ends_the_others() -> None:
    ended: list[str] = []

    async def lasts(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def fails() -> None:
        await asyncio.sleep(0)
        raise PeerError("gone")

    await until_first([lasts("a"), asyncio.sleep(0), lasts("b")])
    assert sorted(ended) == ["a", "b"]
    with pytest.raises(PeerError, match="gone"):
        await until_first([lasts("c"), fails()])
    await until_first([lasts("d")], timeout=0)
    assert ended[2:] == ["c", "d"]
