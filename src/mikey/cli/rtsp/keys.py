"""`mikey rtsp keys`: the keys of a session, for GStreamer, ffmpeg, libsrtp and `decrypt`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from mikey import rtsp
from mikey.cli.calls.runner import note, run
from mikey.cli.private_files import write_all
from mikey.cli.rtsp.keyfile import Key, keys_of, text_of
from mikey.cli.rtsp.options import Target, client_options
from mikey.cli.rtsp.play import interruptible
from mikey.cli.seconds import Seconds

_FIRST_PACKETS = 2.0  # seconds to wait for an SSRC that SETUP did not tell


@click.command(
    epilog="""\b
Examples:
  mikey rtsp keys rtsps://camera/stream --pin 5f0c... --show-keys
  mikey rtsp keys rtsps://camera/stream --pin 5f0c... --show-keys --out keys --for 10
  mikey rtsp decrypt capture.pcap --keys keys --out plain.pcap""",
)
@client_options
@click.option("--show-keys", is_flag=True, help="Yes, show them. Mind who is watching.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write them to a file that only its owner can read, in place of stdout.",
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@click.option(
    "--for",
    "seconds",
    type=Seconds(min=0),
    metavar="SECONDS",
    default=0.0,
    show_default=True,
    help="Go on playing after they are told, so that a capture beside has packets under them.",
)
@click.option(
    "--only", metavar="KIND,...", help="Streams wanted, by kind or number.  [default: all]"
)
def command(
    *,
    show_keys: bool,
    out: Path | None,
    force: bool,
    seconds: float,
    only: str | None,
    **server: Any,
) -> int:
    """Agree on keys with a server, and print them.

    For each direction of each stream: a line that 'mikey rtsp decrypt' reads, the caps for
    GStreamer's srtpdec, and an a=crypto line as ffmpeg and libsrtp's tools take it, with its MKI.
    They are the keys of this session, which where the server makes them are those of all its
    clients.
    """
    if not show_keys:
        raise click.UsageError("this prints keys in clear: say --show-keys")
    target = Target.of(only=only, **server)
    run(_keys(target, out, seconds, force=force))
    return 0


async def _keys(target: Target, out: Path | None, seconds: float, *, force: bool) -> None:
    async with await target.connect() as client:
        session = await rtsp.setup(client, options=target.options)
        async with session, interruptible() as stopped:
            await session.play()
            await _heard(session)
            keys = [key for stream in session.streams for key in keys_of(stream)]
            _write(keys, f"{target.url.uri} ({target.trust})", out, force=force)
            if seconds:
                waits = asyncio.ensure_future(session.wait())
                stops = asyncio.ensure_future(stopped.wait())
                await asyncio.wait({waits, stops}, timeout=seconds, return_when="FIRST_COMPLETED")
                for task in (waits, stops):
                    task.cancel()
                await asyncio.gather(waits, stops, return_exceptions=True)
                later = [key for stream in session.streams for key in keys_of(stream)]
                if [key.master for key in later] != [key.master for key in keys]:
                    note("the keys were renewed meanwhile: those told are the first", quiet=False)


async def _heard(session: rtsp.Session) -> None:
    """Wait a little for the SSRCs that nobody told."""
    for _ in range(round(_FIRST_PACKETS / 0.05)):
        if all(stream.ssrc is not None for stream in session.streams):
            return
        await asyncio.sleep(0.05)


def _write(keys: list[Key], about: str, out: Path | None, *, force: bool) -> None:
    text = text_of(keys, about)
    if out is None:
        click.echo(text, nl=False)
        sys.stdout.flush()
    else:
        write_all({out: text.encode()}, force=force)
        note(f"{out}: {len(keys)} keys", quiet=False)
