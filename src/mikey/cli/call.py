"""`mikey call`: call a SIP URI and send a recording as SRTP."""

from __future__ import annotations

import getpass
import re
from dataclasses import replace
from typing import Any

import click

from mikey.cli.calls.caller import Caller, Plan
from mikey.cli.calls.credentials import METHODS, Own, initiator_credential
from mikey.cli.calls.options import Shared, shared_options
from mikey.cli.calls.report import CallReport, show
from mikey.cli.calls.runner import note, playing, run, tracing
from mikey.cli.calls.speech import recording
from mikey.cli.output import page
from mikey.cli.seconds import Seconds
from mikey.credentials import Certified, Psk, Sakke
from mikey.errors import LocalError
from mikey.policy import SrtpPolicy
from mikey.session import Method
from mikey.sip import UserAgent, bare_uri, local_host_for


@click.command()
@click.argument("uri")
@shared_options
@click.option(
    "--method",
    "method_name",
    type=click.Choice([method.value for method in METHODS], case_sensitive=False),
    help="How keys are agreed. [default: PSK with --psk-file, DH-SIGN with --cert, else SAKKE]",
)
@click.option(
    "--peer-cert", metavar="FILE", help="The peer's certificate, which PKE needs beforehand."
)
@click.option(
    "--send",
    metavar="IN.wav",
    help="What to send: 16-bit PCM, 8 to 48 kHz, 1-2 channels.  [default: the speech of the demo]",
)
@click.option(
    "--identity",
    metavar="URI",
    help="Our SIP URI; otherwise that of --cert, or sip:USER@ADDRESS of this machine. In SAKKE "
    "the identity of our keys.",
)
@click.option(
    "--peer",
    metavar="URI",
    help="SAKKE: whom the keys are for, such as tel:+447700900002; otherwise the URI that is "
    "called.",
)
@click.option(
    "--peer-kms", metavar="URI", help="SAKKE: the KMS of the peer, if it is not our own (--kms)."
)
@click.option(
    "--timeout",
    type=Seconds(min=0, min_open=True),
    metavar="SECONDS",
    default=10.0,
    show_default=True,
    help="How long to wait for the answer.",
)
@click.option(
    "--transport",
    type=click.Choice(["udp", "tcp"]),
    default="udp",
    show_default=True,
    help="What SIP goes by; an INVITE above 1300 octets takes TCP in any case.",
)
@click.option(
    "--rekey-every",
    type=Seconds(min=0.1),
    metavar="SECONDS",
    help="Agree on new keys that often while the recording plays.",
)
def command(
    *,
    uri: str,
    method_name: str | None,
    peer_cert: str | None,
    send: str | None,
    identity: str | None,
    peer: str | None,
    peer_kms: str | None,
    timeout: float,
    transport: str,
    rekey_every: float | None,
    **options: Any,
) -> None:
    """Call a SIP URI, agree on keys by MIKEY, and send a recording as SRTP.

    A pre-shared key is the one that the file has for URI, without its parameters; a certificate
    of the peer has to name that URI. SAKKE takes who is called from --peer, and From and To of
    SIP may be anything. 'mikey methods' tells the methods apart.

    \b
    Examples:
      mikey call sip:bob@127.0.0.1:5070 --psk-file keys
      mikey call sip:bob@127.0.0.1:5070 --method RSA-R --key alice.key --cert alice.pem \\
          --ca root.pem --send speech.wav
      mikey call sip:bob@127.0.0.1:5070 --sakke-keys alice.toml --peer tel:+447700900002 \\
          --send speech.wav
    """
    try:
        called = bare_uri(uri)
    except LocalError as error:
        raise LocalError(f"{error}; one is like sip:bob@192.0.2.2:5070") from None
    speech = recording(send)
    shared = Shared.of(**options)
    files = replace(shared.files, peer_cert=peer_cert)
    own = files.load()
    method = own.default_method if method_name is None else Method(method_name)
    host = local_host_for(uri)
    credential: Psk | Certified | Sakke
    if method is Method.SAKKE:
        credential = own.sakke_credential(
            identity, _named_by(called, own) if peer is None else peer, peer_kms
        )
    elif peer is not None or peer_kms is not None:
        raise LocalError(f"--peer and --peer-kms are for SAKKE, not for {method.value} (--method)")
    else:
        credential = initiator_credential(
            own,
            method,
            None if identity is None else bare_uri(identity),
            _default_identity(host),
            called,
            any_peer=shared.any_identity,
        )
    files.check(method)
    plan = Plan(
        uri=uri,
        credential=credential,
        from_uri=_sip_from(credential.identity, host),
        method=method,
        recording=speech,
        policies=shared.policies or (SrtpPolicy(),),
        timeout=timeout,
        transport=transport,
        any_identity=shared.any_identity,
        rekey_every=rekey_every,
        fetch=shared.fetch,
    )
    with tracing(shared.trace):
        report = run(place(plan, host, quiet=shared.as_json))
    if shared.as_json:
        click.echo(report.as_json())
    else:
        with page() as console:
            show(report, console)


async def place(plan: Plan, host: str, *, quiet: bool) -> CallReport:
    """Make the call from `host`."""
    async with UserAgent(host) as agent:
        with playing(plan.recording.frames, "sending", quiet=quiet) as progress:
            caller = Caller(
                plan, agent, tell=lambda text: note(text, quiet=quiet), progress=progress
            )
            return await caller.run()


def _named_by(called: str, own: Own) -> str:
    """Return the URI that is called, if it is an identity of our KMS's scheme. LocalError."""
    if own.sakke is not None:
        try:
            own.sakke.normal(called)
        except LocalError as error:
            raise LocalError(f"whom are the keys for? --peer URI ({error})") from None
    return called


def _sip_from(identity: str, host: str) -> str:
    """Return our identity if SIP can show it, else a SIP URI of this machine."""
    try:
        return bare_uri(identity)
    except LocalError:
        return _default_identity(host)


def _default_identity(host: str) -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user: a container
        user = ""
    user = re.sub(r"[^A-Za-z0-9_.-]", "", user) or "mikey"
    return f"sip:{user}@{f'[{host}]' if ':' in host else host}"
