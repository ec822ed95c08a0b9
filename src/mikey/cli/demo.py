"""`mikey demo`: a whole keyed call between two processes on this machine, and its proof."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import click

from mikey.aio import Recording, read_wav
from mikey.cli.calls.caller import Caller, Plan
from mikey.cli.calls.comparison import compare
from mikey.cli.calls.credentials import METHODS
from mikey.cli.calls.props import ALICE, HOST, Props
from mikey.cli.calls.report import CallReport, show
from mikey.cli.calls.runner import note, playing, run, tracing
from mikey.cli.calls.speech import recording
from mikey.cli.output import page
from mikey.credentials.sakke_file import SCHEMES
from mikey.errors import LibraryError, LocalError
from mikey.policy import SrtpPolicy
from mikey.session import Method
from mikey.sip import CallError, UserAgent

_ALL = "all"
_LIMIT = 19.0  # seconds for a call
_SHORT = 1.5  # seconds of audio in each of several calls
_LONGEST = 12.0  # seconds of audio


@click.command(
    epilog="""\b
Examples:
  mikey demo                                    a call keyed by a pre-shared key
  mikey demo --method dh-sign --trace           by certificates, and what SIP says
  mikey demo --method sakke --id-scheme 3gpp    by the keys of a KMS
  mikey demo --method all                       by each method, and a comparison"""
)
@click.option(
    "--method",
    "name",
    type=click.Choice([*(method.value for method in METHODS), _ALL], case_sensitive=False),
    default=Method.PSK.value,
    show_default=True,
    help="How keys are agreed; 'all' tries each and compares them.",
)
@click.option(
    "--audio",
    metavar="FILE.wav",
    help=f"What to send in place of the shipped speech; {_LONGEST:g} s at most.",
)
@click.option(
    "--id-scheme",
    type=click.Choice(list(SCHEMES)),
    help="SAKKE: identities are telephone numbers (tel) or SIP URIs (3gpp, raw).  [default: tel]",
)
@click.option("--trace", is_flag=True, help="Show the SIP messages, keys redacted.")
@click.option(
    "--json", "as_json", is_flag=True, help="The report as one JSON object, a line for each method."
)
def command(name: str, audio: str | None, id_scheme: str | None, trace: bool, as_json: bool) -> int:
    """Make a whole call between two processes on this machine, and check it.

    A second process answers. Offer and answer carry MIKEY (in SAKKE the offer alone does) with
    keys or certificates made for this call; speech goes through RTP/SAVP as SRTP, and what the
    other side wrote is compared with what was sent. The exit status is 0 only if it is the same,
    bit for bit, and no packet was rejected.
    """
    speech = _speech(audio)
    methods = METHODS if name == _ALL else (Method(name),)
    if id_scheme is not None and Method.SAKKE not in methods:
        raise click.UsageError(f"--id-scheme belongs to SAKKE, not to {name} (--method sakke)")
    if len(methods) > 1:
        speech = _cut(speech, _SHORT)
    reports = []
    with tracing(trace):
        for method in methods:
            with tempfile.TemporaryDirectory(prefix="mikey-demo-") as folder:
                props = Props(Path(folder), method, id_scheme or "tel")
                reports.append(run(_demo(speech, props, quiet=as_json)))
            if as_json:
                click.echo(reports[-1].as_json())
    if not as_json:
        with page() as console:
            if len(reports) > 1:
                compare(reports, console)
            else:
                show(reports[0], console)
    return 0 if all(map(_is_whole, reports)) else 1


def _is_whole(report: CallReport) -> bool:
    rejected = sum((s.rejected or 0) + (s.srtcp_rejected or 0) for s in report.sessions)
    return bool(report.bit_for_bit) and not rejected


def _cut(speech: Recording, seconds: float) -> Recording:
    """Return the beginning of a recording: five of them are to be over soon."""
    audio = speech.audio
    octets = audio.frame_size * int(audio.rate * seconds)
    return Recording(audio, speech.samples[:octets])


def _speech(audio: str | None) -> Recording:
    chosen = recording(audio)
    if chosen.seconds > _LONGEST:
        raise LocalError(
            f"{audio}: lasts {chosen.seconds:.0f} s; the demo sends {_LONGEST:g} s at most"
        )
    return chosen


async def _demo(speech: Recording, props: Props, *, quiet: bool) -> CallReport:
    try:
        async with asyncio.timeout(_LIMIT), _callee(props) as callee:
            host, port = await callee.listening()
            note(
                f"{ALICE} calls {props.uri}, another process, by MIKEY-{props.method.value}",
                quiet=quiet,
            )
            if (host, port) != (HOST, props.port):
                raise LibraryError("the other process listens elsewhere")
            mine = await _call(props, speech, quiet=quiet)
            theirs = await callee.report()
    except TimeoutError:
        raise CallError(f"the demo did not end within {_LIMIT:g} s", status=408) from None
    written = read_wav(props.heard)
    return dataclasses.replace(
        mine.merged_with(theirs),
        bit_for_bit=written == speech,
        seconds=written.seconds,
    )


async def _call(props: Props, speech: Recording, *, quiet: bool) -> CallReport:
    plan = Plan(
        uri=props.uri,
        credential=props.caller(),
        from_uri=ALICE,
        method=props.method,
        recording=speech,
        policies=(SrtpPolicy(),),
        timeout=10.0,
        transport="udp",
    )
    async with UserAgent(HOST) as agent:
        with playing(speech.frames, "speaking", quiet=quiet) as progress:
            return await Caller(plan, agent, progress=progress).run()


class _Callee:
    """`mikey answer` in a process of its own, which tells what happens as JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def listening(self) -> tuple[str, int]:
        """Where it listens."""
        event = await self._event("listening")
        return event["host"], event["port"]

    async def report(self) -> CallReport:
        """What it tells at the end."""
        return CallReport.from_json(await self._event("ended"))

    async def _event(self, name: str) -> dict[str, Any]:
        stdout, stderr = self._process.stdout, self._process.stderr
        if stdout is None or stderr is None:
            raise LibraryError("the other process has no pipes")
        while line := await stdout.readline():
            event = json.loads(line)
            if isinstance(event, dict) and event.get("event") == name:
                return event
        reason = (await stderr.read()).decode(errors="replace").strip().removeprefix("mikey: ")
        raise CallError(f"the other process: {reason or 'it ended too early'}", status=480)


@contextlib.asynccontextmanager
async def _callee(props: Props) -> AsyncIterator[_Callee]:
    """Start the other process; it does not outlive the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mikey", "answer", "--json"),
        *("--listen", f"{HOST}:{props.port}", "--record", str(props.heard)),
        *props.callee_options(),
        *("--timeout", f"{_LIMIT:g}"),  # should nobody be left to end it
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield _Callee(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        # reads what is left, so that nothing stays open
        await process.communicate()
