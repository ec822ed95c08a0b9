"""`mikey rtsp play`: play a URL, tell how it is keyed, dump or record what comes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from mikey import rtsp
from mikey.cli.calls.runner import ending_signals, note, playing, run, until_first
from mikey.cli.output import page
from mikey.cli.rtsp.dump import Dump
from mikey.cli.rtsp.options import Target, client_options
from mikey.cli.rtsp.record import Recorder, need_media
from mikey.cli.rtsp.report import SessionReport, session_report, show
from mikey.cli.seconds import Seconds
from mikey.errors import PeerError

_INFO_SECONDS = 3.0
_TICK = 0.1  # seconds between two looks at the progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do with a session, besides receiving it."""

    seconds: float | None
    rekey_every: float | None
    ask_keys: bool
    dump: Path | None
    record: Path | None


@click.command(
    epilog="""\b
Examples:
  mikey rtsp play rtsps://camera/stream --info --pin 5f0c...
  mikey rtsp play rtsps://admin@camera/stream --ca root.pem --only video --for 60 --record out.mkv
  mikey rtsp play rtsp://127.0.0.1:8554/test --allow-null --transport tcp --dump packets.rtp

\b
Exit status: 0 what came verifies, 1 it does not, nothing came, or the server is at fault,
2 what was asked for is wrong.""",
)
@client_options
@click.option("--info", is_flag=True, help="Only tell: 3 seconds (or --for), then the table.")
@click.option(
    "--for",
    "seconds",
    type=Seconds(min=0, min_open=True),
    metavar="SECONDS",
    help="How long to play.  [default: until the server ends it, or Ctrl-C]",
)
@click.option(
    "--only",
    metavar="KIND,...",
    help="Streams wanted: video, audio, application, or their numbers from 0.  [default: all]",
)
@click.option(
    "--dump",
    type=click.Path(path_type=Path),
    metavar="FILE.rtp",
    help="Write the decrypted RTP and RTCP packets, in the format of rtpdump.",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    metavar="FILE.mkv",
    help="Write the streams as they are into a container that the name tells (extra 'media').",
)
@click.option(
    "--rekey-every",
    type=Seconds(min=0.1),
    metavar="SECONDS",
    help="Give the server new keys of ours that often (SET_PARAMETER).",
)
@click.option(
    "--ask-keys",
    is_flag=True,
    help="Ask for the current key and ROC after PLAY, as late joiners do (GET_PARAMETER).",
)
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
def command(
    *,
    info: bool,
    seconds: float | None,
    only: str | None,
    dump: Path | None,
    record: Path | None,
    rekey_every: float | None,
    ask_keys: bool,
    as_json: bool,
    **server: Any,
) -> int:
    """Play a URL: DESCRIBE, SETUP with keys, PLAY, and check every packet.

    The table says whose key protects what, which profile fits and why, and how many packets were
    verified, rejected and lost. --dump and --record are written whole, or not at all, and take the
    place of a file of that name; Ctrl-C ends them well.
    """
    if info and (dump or record):
        raise click.UsageError("--info only tells: leave out --dump and --record")
    if dump is not None and record is not None and dump.absolute() == record.absolute():
        raise click.UsageError("--dump and --record name one file")
    if record is not None:
        need_media()
    target = Target.of(only=only, **server)
    if info and seconds is None:
        seconds = _INFO_SECONDS
    plan = Plan(
        seconds=seconds, rekey_every=rekey_every, ask_keys=ask_keys, dump=dump, record=record
    )
    if target.tls.insecure:
        note("insecure: the server's certificate is not checked (--insecure)", quiet=as_json)
    report = run(play(target, plan, quiet=as_json))
    if as_json:
        click.echo(report.as_json())
    else:
        with page() as out:
            show(report, out)
    return 1 if report.failed else 0


async def play(target: Target, plan: Plan, *, quiet: bool) -> SessionReport:
    """Play as planned, over TCP where nothing comes over UDP and either will do.

    Raises LocalError, PeerError where no session comes about.
    """
    try:
        return await _play(target, plan, quiet=quiet)
    except _SilentError:
        note("no packet came over UDP: TCP is tried", quiet=quiet)
    tcp = replace(target, options=replace(target.options, transport="tcp"))
    return await _play(tcp, plan, quiet=quiet)


class _SilentError(Exception):
    """Nothing came over UDP."""


async def _play(target: Target, plan: Plan, *, quiet: bool) -> SessionReport:
    with contextlib.ExitStack() as files:
        dump = None if plan.dump is None else files.enter_context(Dump(plan.dump))
        recorder = None if plan.record is None else files.enter_context(Recorder(plan.record))
        async with await target.connect() as client:
            session = await rtsp.setup(
                client, options=target.options, handlers=_handlers(dump, recorder)
            )
            async with session, interruptible() as stopped:
                if recorder is not None:
                    recorder.start([stream.track for stream in session.streams])
                began = time.monotonic()
                problem = ""
                try:
                    await session.play()
                    if target.options.transport == "auto":
                        await _hear(session, target.settings.silence, stopped)
                    if plan.ask_keys:
                        await session.ask_keys()
                    await _until(session, plan, stopped, quiet=quiet)
                except PeerError as error:
                    problem = str(error)
                seconds = time.monotonic() - began
        written: list[str] = []
        if dump is not None:
            dump.close()
            written.append(dump.keep())
        if recorder is not None:
            try:
                await recorder.finish()
                written.append(recorder.keep())
            except PeerError as error:
                problem = problem or str(error)
        return session_report(
            session, target.trust, seconds=seconds, files=tuple(written), problem=problem
        )


async def _hear(session: rtsp.Session, seconds: float, stopped: asyncio.Event) -> None:
    """Wait for the first packet; raises _SilentError where none comes over UDP."""
    if all(stream.transport.lower != "UDP" for stream in session.streams):
        return
    hears = asyncio.ensure_future(session.hears(seconds))
    stops = asyncio.ensure_future(stopped.wait())
    await asyncio.wait({hears, stops}, return_when=asyncio.FIRST_COMPLETED)
    for task in (hears, stops):
        task.cancel()
    heard, _ = await asyncio.gather(hears, stops, return_exceptions=True)
    if heard is False:
        raise _SilentError


def _handlers(dump: Dump | None, recorder: Recorder | None) -> rtsp.Handlers:
    def rtp(stream: rtsp.MediaStream, packet: bytes) -> None:
        if dump is not None:
            dump.rtp(packet)
        if recorder is not None:
            recorder.rtp(stream.index, packet)

    def rtcp(stream: rtsp.MediaStream, packet: bytes) -> None:
        if dump is not None:
            dump.rtcp(packet)
        if recorder is not None:
            recorder.rtcp(stream.index, packet)

    return rtsp.Handlers(rtp, rtcp)


async def _until(session: rtsp.Session, plan: Plan, stopped: asyncio.Event, *, quiet: bool) -> None:
    """Wait for the end: the server's, the user's, or that of the time."""
    work: list[Awaitable[object]] = [session.wait(), stopped.wait()]
    if plan.seconds is not None:
        work.append(_count(plan.seconds, quiet=quiet))
    if plan.rekey_every is not None:
        work.append(_rekey(session, plan.rekey_every))
    await until_first(work)


async def _count(seconds: float, *, quiet: bool) -> None:
    steps = round(seconds / _TICK)
    with playing(steps, "playing", quiet=quiet) as progress:
        begin = time.monotonic()
        while (gone := time.monotonic() - begin) < seconds:
            progress(round(gone / _TICK))
            await asyncio.sleep(min(_TICK, seconds - gone))


async def _rekey(session: rtsp.Session, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        await session.rekey()


@contextlib.asynccontextmanager
async def interruptible() -> AsyncIterator[asyncio.Event]:
    """Take SIGINT and the ending signals as the wish to end well: what was received is kept."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    taken: list[int] = []
    for number in (signal.SIGINT, *ending_signals()):
        # not to be had on Windows and outside of the main thread
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stopped.set)
            taken.append(number)
    try:
        yield stopped
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
