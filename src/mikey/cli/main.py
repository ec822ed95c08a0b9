"""`mikey`: the commands, and what every error becomes: one line on stderr and an exit status.

0 done, 1 what came from outside is wrong (damaged, unauthentic, refused), 2 what was asked is
wrong (options, files), 130 interrupted, 143 terminated. Commands are imported when they are
called, so that `mikey inspect` needs neither SIP nor sockets.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from mikey.cli.commands import Commands, Entry
from mikey.errors import LocalError, PeerError
from mikey.text import plain

PEER_IS_WRONG = 1
USAGE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141  # 128 + SIGPIPE, as shells report it
DEFECT = 70  # EX_SOFTWARE of sysexits.h

DEBUG = "MIKEY_DEBUG"

# What a missing module is part of, where its name does not say so.
_EXTRAS = {
    "sipua": "sip",
    "sipmessage": "sip",
    "click": "cli",
    "rich": "cli",
    "dpkt": "cli",
    "av": "media",
}


COMMANDS = {
    "demo": Entry("mikey.cli.demo", "Make a keyed SRTP call between two processes, and check it."),
    "call": Entry("mikey.cli.call", "Call a SIP URI and send a recording as SRTP."),
    "answer": Entry("mikey.cli.answer", "Answer SIP calls and record what comes as SRTP."),
    "inspect": Entry("mikey.cli.inspect", "Show MIKEY messages octet by octet, and verify them."),
    "methods": Entry("mikey.cli.methods", "Tell what each method is good for."),
    "rtsp": Entry(
        "mikey.cli.rtsp", "Play, serve, diagnose and decrypt RTSP streams keyed by MIKEY."
    ),
    "group-key": Entry(
        "mikey.cli.group_key", "Key a group by SAKKE: one key, a message for each member."
    ),
    "keygen": Entry(
        "mikey.cli.keygen", "Make pre-shared keys, certificates and SAKKE keys for trials."
    ),
}


class Main(Commands):
    """The commands of the table; a reader that went away is told from an error."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command (click gives an error and a closed pipe the same status)."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return _pipe_closed()


@click.group(
    cls=Main,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  mikey demo                               a whole call on this machine, and its proof
  mikey inspect offer.sdp answer.sdp       what two descriptions agree on, octet by octet
  mikey inspect --psk-file keys offer.sdp  ... and whether its MAC is right
  mikey inspect --explain AQAFgM0XflAB...  a base64 message, each payload explained
  mikey answer --listen 127.0.0.1:5070 --psk-file keys --record heard.wav
  mikey call sip:bob@127.0.0.1:5070 --psk-file keys --send speech.wav
  mikey rtsp play rtsps://camera/stream --info
  mikey methods                            which method is for what
  mikey group-key --members members.txt --out invitations --sakke-keys studio.toml
  mikey keygen psk --peer sip:bob@example.org --out keys

\b
A PSK file has one 'identity key' per line, the identity is the peer's (* for any):
  sip:bob@127.0.0.1:5070  6f1ed002ab5595859014ebf0951522d9

'mikey COMMAND --help' tells the rest.""",
)
@click.version_option(package_name="mikey", message="mikey %(version)s")
def mikey() -> None:
    """MIKEY (RFC 3830 and its extensions): key management for SRTP.

    Call and answer with keys agreed in SIP, and look into the messages that do it.
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status. No traceback leaves it.

    With MIKEY_DEBUG=1 in the environment, a defect of ours raises as it is.
    """
    _open_streams()
    try:
        result = mikey.main(
            None if argv is None else list(argv), prog_name="mikey", standalone_mode=False
        )
    except click.Abort:  # an interrupt, in click's words
        return _failed("interrupted", INTERRUPTED)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.UsageError as error:
        return _failed(_usage(error), USAGE)
    except click.ClickException as error:
        return _failed(error.format_message(), USAGE)
    except LocalError as error:
        return _failed(str(error), USAGE)
    except PeerError as error:
        return _failed(str(error), PEER_IS_WRONG)
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        return _failed(f"{where}{error.strerror or type(error).__name__}", USAGE)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            return _defect(error)
        return _failed(f"this command needs an extra: pip install 'mikey[{extra}]'", USAGE)
    except Exception as error:  # the last resort: one line in place of a traceback
        return _defect(error)
    return result if isinstance(result, int) else 0


def _open_streams() -> None:
    """Put the null device where a shell closed a stream (`>&-`): Python has None there."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # it stays open as long as the process
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115


def _failed(reason: str, status: int) -> int:
    line = " ".join(reason.split())
    # parts of it may come from a peer, and a terminal obeys what is not printable
    click.echo(f"mikey: {plain(line)}", err=True)
    return status


def _usage(error: click.UsageError) -> str:
    path = "mikey" if error.ctx is None else error.ctx.command_path
    return f"{error.format_message().rstrip('.')} (see '{path} --help')"


def _defect(error: Exception) -> int:
    """Report a defect by kind and place alone: its text could hold what must not be shown."""
    if os.environ.get(DEBUG):
        raise error
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" at {trace.tb_frame.f_globals.get('__name__')}"
    line = "" if trace is None else f":{trace.tb_lineno}"
    what = f"{type(error).__name__}{place}{line}"
    return _failed(f"a defect of mikey, please report it: {what} ({DEBUG}=1 shows more)", DEFECT)


def _pipe_closed() -> int:
    """Leave quietly when the reader went away, as `| head` does."""
    # Python flushes stdout once more on exit, which would complain again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE
