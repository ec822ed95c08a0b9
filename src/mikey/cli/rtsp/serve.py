"""`mikey rtsp serve`: a small server for testing clients."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from mikey import rtsp
from mikey.carriage.rtsp import suite_of
from mikey.cli.calls.options import HostPort, host_port
from mikey.cli.calls.runner import note, run, until_first
from mikey.cli.rtsp.certificate import trial_certificate
from mikey.cli.rtsp.options import (
    CLIENT,
    FLOWS,
    PASSWORD,
    RTSP_PROFILES,
    SERVER,
    password_of,
    shared_key,
)
from mikey.cli.rtsp.play import interruptible
from mikey.cli.rtsp.playfile import sources_of
from mikey.cli.seconds import Seconds
from mikey.errors import LocalError, PeerError
from mikey.policy import KeyFlow, Policy, SrtpPolicy

_LOOK_EVERY = 0.2  # seconds between two looks at who came and went


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to serve, and how."""

    sources: Sequence[rtsp.Source]
    listen: HostPort
    path: str
    options: rtsp.ServerOptions
    seconds: float | None
    rekey_every: float | None


@click.command(
    epilog="""\b
Examples:
  mikey rtsp serve --test-pattern --tls                      an ONVIF camera, nearly
  mikey rtsp serve --test-pattern --tls --profile gst-legacy --flow two-keys
  mikey rtsp serve --file speech.wav --allow-null --listen 0.0.0.0:8554
  MIKEY_RTSP_PASSWORD=... mikey rtsp serve --file film.mkv --tls --user admin

\b
Exit status: 0 after --for or Ctrl-C, 2 what was asked for is wrong.""",
)
@click.option("--test-pattern", is_flag=True, help="Colour bars (JPEG) and a tone (L16).")
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A WAV file as L16, or what PyAV can read (extra 'media'), over and over.",
)
@click.option(
    "--listen",
    type=host_port,
    metavar="HOST:PORT",
    default="127.0.0.1:8554",
    show_default=True,
    help="Port 0 is any that is free.",
)
@click.option("--path", default="/test", show_default=True, help="Path of the URL.")
@click.option(
    "--tls", is_flag=True, help="rtsps://, with a certificate for trials if none is given."
)
@click.option("--cert", type=click.Path(path_type=Path), metavar="FILE", help="Our certificate.")
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="Its private key.")
@click.option(
    "--profile",
    type=click.Choice(RTSP_PROFILES),
    default="onvif-cm",
    show_default=True,
    help="Which products to be like; 'rfc' takes --psk-file.",
)
@click.option(
    "--flow", type=click.Choice(list(FLOWS)), help="Whose key protects what, if not the profile's."
)
@click.option(
    "--policy",
    "policy_name",
    metavar="NAME",
    help="SRTP policy of our keys.  [default: the profile's: AEAD_AES_128_GCM, tags of 32 bits, or "
    "AES_CM_128_HMAC_SHA1_80]",
)
@click.option("--savpf", is_flag=True, help="RTP/SAVPF in place of RTP/SAVP.")
@click.option(
    "--transport",
    type=click.Choice(["both", "udp", "tcp"]),
    default="both",
    show_default=True,
    help="What SETUP may ask for.",
)
@click.option(
    "--user", metavar="NAME", help=f"Let only this user in; the password is in {PASSWORD}."
)
@click.option(
    "--psk-file",
    "psk_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"The key shared with clients ({CLIENT} or *), for the form of RFC 4567.",
)
@click.option("--allow-null", is_flag=True, help="Keys in clear on rtsp:// too.")
@click.option(
    "--rekey-every",
    type=Seconds(min=0.1),
    metavar="SECONDS",
    help="Give every client new keys of ours that often.",
)
@click.option(
    "--for",
    "seconds",
    type=Seconds(min=0, min_open=True),
    metavar="SECONDS",
    help="How long to serve.  [default: until Ctrl-C]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per event.")
def command(
    *,
    test_pattern: bool,
    file: Path | None,
    listen: HostPort,
    path: str,
    tls: bool,
    cert: Path | None,
    key: Path | None,
    profile: str,
    flow: str | None,
    policy_name: str | None,
    savpf: bool,
    transport: str,
    user: str | None,
    psk_path: Path | None,
    allow_null: bool,
    rekey_every: float | None,
    seconds: float | None,
    as_json: bool,
) -> int:
    """Serve one presentation as RTP/SAVP, with the keys of each profile and flow.

    For testing clients: each has its own session, keys and run of the file. The first line says
    the URL, and with --tls the SHA-256 of the certificate, which is what --pin takes.
    """
    if test_pattern is (file is not None):
        raise click.UsageError("give --test-pattern or --file FILE")
    if (cert is None) is not (key is None):
        raise click.UsageError("--cert and --key go together")
    if cert is not None and not tls:
        raise click.UsageError("--cert is for --tls")
    psk = shared_key(psk_path, own=SERVER, peer=CLIENT)
    chosen = "rfc" if psk is not None and profile == "onvif-cm" and flow is None else profile
    if chosen == "rfc" and psk is None:
        raise click.UsageError("--profile rfc takes --psk-file")
    if not tls and not allow_null and psk is None:
        raise LocalError("without --tls the keys travel in clear (MIKEY-NULL): allow --allow-null")
    if flow == "answer" and psk is None:
        raise click.UsageError("--flow answer takes --psk-file")
    plan = Plan(
        sources=sources_of(file) if file is not None else (rtsp.bars(), rtsp.tone()),
        listen=listen,
        path=path,
        options=rtsp.ServerOptions(
            profile=chosen,
            flow=None if flow is None else FLOWS[flow],
            srtp=suite_of(chosen) if policy_name is None else SrtpPolicy.named(policy_name),
            psk=psk,
            feedback=savpf,
            transports=("udp", "tcp") if transport == "both" else (transport,),
            users={} if user is None else {user: password_of(user)},
            policy=Policy(allow_null=allow_null),
        ),
        seconds=seconds,
        rekey_every=rekey_every,
    )
    if rekey_every is not None and plan.options.compat.flow is KeyFlow.CLIENT_KEY:
        raise click.UsageError("in this flow the client makes the keys: leave out --rekey-every")
    with tempfile.TemporaryDirectory(prefix="mikey-") as folder:
        files, pin = None, ""
        if tls:
            files, pin = trial_certificate(Path(folder), listen.host, cert=cert, key=key)
        run(serve(plan, files, pin, as_json=as_json))
    return 0


async def serve(plan: Plan, tls: rtsp.ServerTls | None, pin: str, *, as_json: bool) -> None:
    """Serve as planned."""
    server = await rtsp.Server.open(
        plan.sources,
        host=plan.listen.host,
        port=plan.listen.port,
        path=plan.path,
        options=plan.options,
        tls=tls,
    )
    async with server, interruptible() as stopped:
        _tell(
            f"serving {server.url}" + (f" --pin {pin}" if pin else ""),
            {
                "event": "serving",
                "url": server.url,
                "pin": pin or None,
                "profile": plan.options.profile,
                "flow": plan.options.compat.flow.value,
            },
            as_json=as_json,
        )
        work: list[Awaitable[object]] = [stopped.wait(), _watch(server, as_json=as_json)]
        if plan.rekey_every is not None:
            work.append(_rekey(server, plan.rekey_every))
        await until_first(work, timeout=plan.seconds)


async def _watch(server: rtsp.Server, *, as_json: bool) -> None:
    """Tell who begins to play, and what was sent when they have gone."""
    playing: dict[rtsp.Serving, int] = {}
    last = 0
    try:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            now = server.clients
            for client in now:
                if client.playing and client not in playing:
                    last += 1
                    playing[client] = last
                    said = {"event": "plays", "client": last}
                    _tell(f"client {last} plays", said, as_json=as_json)
            for client in tuple(playing):
                if client not in now:
                    _left(client, playing.pop(client), as_json=as_json)
    finally:
        for client, number in playing.items():
            _left(client, number, as_json=as_json)


def _left(client: rtsp.Serving, number: int, *, as_json: bool) -> None:
    counts = _counts(client)
    sent = sum(count["sent"] for count in counts)
    good = sum(count["rtcp_verified"] for count in counts)
    bad = sum(count["rtcp_rejected"] for count in counts)
    _tell(
        f"client {number} left: {sent} packets sent, {good} of its reports verified, "
        f"{bad} rejected",
        {"event": "left", "client": number, "rekeys": client.rekeys, "streams": counts},
        as_json=as_json,
    )


def _counts(client: rtsp.Serving) -> list[dict[str, int]]:
    return [
        {
            "sent": stream.rtp.sent,
            "rtcp_sent": stream.rtcp.sent,
            "rtcp_verified": stream.rtcp.verified,
            "rtcp_rejected": stream.rtcp.rejected,
        }
        for stream in client.streams
    ]


async def _rekey(server: rtsp.Server, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        for client in server.clients:
            if client.playing:
                try:
                    await client.rekey()
                except PeerError as error:
                    note(f"a client did not take new keys: {error}", quiet=False)


def _tell(text: str, event: Mapping[str, Any], *, as_json: bool) -> None:
    click.echo(json.dumps(event) if as_json else text)
    sys.stdout.flush()
