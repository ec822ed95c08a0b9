"""`mikey inspect`: show MIKEY messages octet by octet, and verify them."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from mikey.cli.inspect import as_json, as_text
from mikey.cli.inspect.report import Report, inspect
from mikey.cli.inspect.sources import MAX_OCTETS, Found, find
from mikey.cli.inspect.verdict import Given
from mikey.cli.output import page
from mikey.cli.sakke_options import load_domains
from mikey.credentials.files import load_certificates, load_key
from mikey.credentials.psk_file import load
from mikey.credentials.sakke_file import load_keys
from mikey.errors import LocalError, PeerError
from mikey.policy import Clock
from mikey.wire import Message

_STDIN = "-"


@click.command(
    "inspect",
    epilog="""\b
Examples:
  mikey inspect offer.sdp                            what does this offer say?
  mikey inspect offer.sdp answer.sdp --psk-file keys are both MACs right?
  mikey inspect AQAFgM0XflABAAAA...                  base64 as it stands in a log
  tshark -r calls.pcap -T fields -e sdp.key_mgmt.data | tr , '\\n' | mikey inspect --json
  mikey inspect capture.bin --request offer.bin --psk-file keys
  mikey inspect offer.sdp answer.sdp --ca root.pem   is the signature right, and who vouches?
  mikey inspect offer.sdp --key bob.key --show-keys  what is in the envelope?
  mikey inspect offer.sdp --kms kms.toml             SAKKE: did its sender sign it?
  mikey inspect offer.sdp --sakke-keys bob.toml --show-keys   ... and what does it bring?

\b
Exit status: 0 sound (MAC or signature are right, or could not be checked), 1 damaged, or MAC
or signature are wrong, 2 usage.""",
)
@click.argument("inputs", metavar="[MESSAGE]...", nargs=-1)
@click.option(
    "--psk-file",
    metavar="FILE",
    help="Pre-shared keys to verify and open messages with, one 'identity key' per line.",
)
@click.option(
    "--ca",
    "authorities",
    metavar="FILE",
    multiple=True,
    help="Certificates to trust, of authorities or of a sender that does not send its own.",
)
@click.option(
    "--key",
    "key_files",
    metavar="FILE",
    multiple=True,
    help="An RSA private key to open envelopes (PKE, RSA-R) with; only its owner may read it.",
)
@click.option(
    "--kms",
    "kms_files",
    metavar="FILE",
    multiple=True,
    help="The public keys of a KMS, to verify SAKKE messages of its users with.",
)
@click.option(
    "--sakke-keys",
    "sakke_files",
    metavar="FILE",
    multiple=True,
    help="A user's SAKKE keys, to verify and open messages with; only their owner may read them.",
)
@click.option(
    "--request",
    "requests",
    metavar="MESSAGE",
    multiple=True,
    help="The request that a response answers, if it is not among the messages.",
)
@click.option("--explain", is_flag=True, help="Say what each payload is for, with its RFC section.")
@click.option("--json", "as_lines", is_flag=True, help="One JSON object per message and line.")
@click.option("--show-keys", is_flag=True, help="Show keys in clear. Mind who is watching.")
@click.pass_context
def command(
    ctx: click.Context,
    inputs: tuple[str, ...],
    psk_file: str | None,
    authorities: tuple[str, ...],
    key_files: tuple[str, ...],
    kms_files: tuple[str, ...],
    sakke_files: tuple[str, ...],
    requests: tuple[str, ...],
    explain: bool,
    as_lines: bool,
    show_keys: bool,
) -> int:
    """Show MIKEY messages octet by octet, and verify them.

    MESSAGE is a file (SDP, an RTSP KeyMgmt header, a SIP trace, base64, hex, raw octets), or
    base64 or hex itself; '-' or nothing is standard input. Several messages in one input are
    shown one by one, and a response finds its request among them.
    """
    found = _find_all(inputs or (_STDIN,))
    clock: Clock = ctx.obj if isinstance(ctx.obj, Clock) else Clock()
    given = Given(
        None if psk_file is None else load(psk_file),
        tuple(der for path in authorities for der in load_certificates(path)),
        tuple(load_key(path) for path in key_files),
        load_domains(kms_files),
        tuple(load_keys(path) for path in sakke_files),
    )
    asked = _whole(_find_all(requests, "--request"))
    reports = inspect(found, requests=asked, given=given, now=clock.now())
    if as_lines:
        for report in reports:
            click.echo(as_json.line(report, show_keys=show_keys, explain=explain))
    else:
        _print(reports, show_keys=show_keys, explain=explain)
    return 1 if any(report.failed for report in reports) else 0


def _find_all(names: Iterable[str], what: str = "argument") -> list[Found]:
    found: list[Found] = []
    for number, name in enumerate(names, 1):
        content = _read(name)
        if content is not None:
            found += find("standard input" if name == _STDIN else name, content)
            continue
        try:
            found += find(f"{what} {number}", name.encode("utf-8", "surrogateescape"))
        except LocalError as error:
            raise LocalError(f"{error}; a file of that name does not exist") from None
    return found


def _whole(requests: list[Found]) -> list[Found]:
    """Check that requests can be used: a damaged one would be no help, silently."""
    for found in requests:
        try:
            Message.parse(found.octets)
        except PeerError as error:
            where = found.where if found.where.startswith("--") else f"--request {found.where}"
            raise LocalError(f"{where}: {found.problem or error}") from None
    return requests


def _read(name: str) -> bytes | None:
    """Return the content of a file or of standard input; None if there is no such file."""
    if name == _STDIN:
        if sys.stdin.isatty():
            raise LocalError("no message given, and standard input is the terminal")
        return sys.stdin.buffer.read(MAX_OCTETS + 1)
    if not name:
        return None
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_OCTETS + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return None
        raise LocalError(f"{name}: {error.strerror or error}") from None


def _print(reports: list[Report], *, show_keys: bool, explain: bool) -> None:
    with page() as out:
        for number, report in enumerate(reports, 1):
            as_text.render(out, report, number, len(reports), show_keys=show_keys, explain=explain)
