"""`mikey answer`: answer a SIP call and record what comes as SRTP."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import click

from mikey.aio import WavWriter
from mikey.cli.calls.callee import Callee, Terms
from mikey.cli.calls.options import HostPort, Shared, host_port, shared_options
from mikey.cli.calls.report import CallReport, show
from mikey.cli.calls.runner import note, run, tracing
from mikey.cli.output import page
from mikey.cli.paths import PATH
from mikey.cli.seconds import Seconds
from mikey.sip import Limits, UserAgent, bare_uri


@click.command()
@shared_options
@click.option(
    "--listen",
    type=host_port,
    default="127.0.0.1:5060",
    show_default=True,
    help="Address for SIP over UDP and TCP; port 0 is any that is free.",
)
@click.option("--record", type=PATH, metavar="OUT.wav", help="Where to write what is heard.")
@click.option(
    "--identity",
    metavar="URI",
    help="Our SIP URI; otherwise that of --cert, or with keys alone whatever URI was called. In "
    "SAKKE the identity of our keys.",
)
@click.option(
    "--timeout",
    type=Seconds(min=0, min_open=True),
    metavar="SECONDS",
    help="How long to wait for a call; otherwise there is no limit.",
)
def command(
    *,
    listen: HostPort,
    record: Path | None,
    identity: str | None,
    timeout: float | None,
    **options: Any,
) -> None:
    """Answer a SIP call whose keys are agreed by MIKEY, and record it.

    The caller chooses the method: PSK and DHHMAC take --psk-file, PKE, DH-SIGN and RSA-R take
    --key, --cert and --ca, SAKKE takes --sakke-keys; all of them may be given.

    Calls that fail are refused and told on stderr; the first one that is accepted is heard to
    its end. The recording is written whole, or not at all.

    \b
    Examples:
      mikey answer --listen 127.0.0.1:5070 --psk-file keys --record heard.wav
      mikey answer --listen 127.0.0.1:5070 --key bob.key --cert bob.pem --ca root.pem
      mikey answer --listen 127.0.0.1:5070 --sakke-keys bob.toml --identity tel:+447700900002
    """
    shared = Shared.of(**options)
    own = shared.files.load()
    user = own.callee_credential(identity)
    named = None
    if identity is not None and not own.is_of_user(identity):
        named = bare_uri(identity)
    certified = None if own.certificates is None else own.certificates.certified(named)
    if certified is not None and own.psk is None:
        named = certified.identity
    terms = Terms(
        keys=own.psk,
        certified=certified,
        sakke=user,
        identity=named,
        policies=shared.policies,
        any_identity=shared.any_identity,
        fetch=shared.fetch,
    )
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(WavWriter(record)) if record is not None else None
        stack.enter_context(tracing(shared.trace))
        report = run(_answer(terms, listen, writer, timeout, as_json=shared.as_json))
    if shared.as_json:
        click.echo(report.as_json())
    else:
        with page() as console:
            show(report, console)


async def _answer(
    terms: Terms,
    listen: HostPort,
    writer: WavWriter | None,
    timeout: float | None,
    *,
    as_json: bool,
) -> CallReport:
    def tell(text: str, event: str, **details: object) -> None:
        note(text, quiet=as_json)
        if as_json:
            click.echo(json.dumps({"event": event, **details}))
            sys.stdout.flush()

    callee = Callee(
        terms,
        writer,
        refused=lambda who, why: tell(f"refused {who}: {why}", "refused", caller=who, reason=why),
        accepted=lambda who: tell(f"call from {who}", "accepted", caller=who),
    )
    # One call at a time: another caller hears "busy" meanwhile
    async with UserAgent(
        listen.host, listen.port, on_invite=callee.handle, limits=Limits(calls=1)
    ) as agent:
        callee.agent = agent
        host, port = agent.address
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        tell(f"listening on {where} (UDP and TCP)", "listening", host=host, port=port)
        return await callee.hear(timeout)
