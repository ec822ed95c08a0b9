"""`mikey group-key`: one key for a group, and a SAKKE message for each of its members."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from mikey.cli.calls.runner import TERMINATED, note
from mikey.cli.group_files import Outbox, load_members, sender_file
from mikey.cli.output import page
from mikey.cli.paths import PATH
from mikey.cli.private_files import write_all
from mikey.cli.sakke_options import load_user, sakke_options
from mikey.credentials import Sakke
from mikey.crypto.sakke import batch_unit
from mikey.errors import LocalError
from mikey.group import Group, Invitation, Member, group_bundle, key_group
from mikey.policy import Clock, SrtpPolicy
from mikey.session import Stream

_SSRCS = 16  # streams of a group


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was made: `path` says how encapsulations were computed, `milliseconds` is for each."""

    csb_id: int
    members: int
    seconds: float
    milliseconds: float
    path: str
    workers: str
    octets: int
    out: str


@click.command(
    "group-key",
    epilog="""\b
Examples:
  mikey group-key --members members.txt --out invitations --sakke-keys studio.toml
  mikey group-key --members members.txt --out invitations --sakke-keys studio.toml \\
      --kms abroad.toml --ssrc 0x57d10 --save-key group.toml

\b
The file of members has one identity per line, behind it the URI of its KMS if that is not ours:
  tel:+447700900001
  tel:+447700900002  kms.example.net""",
)
@click.option("--members", metavar="FILE", required=True, help="Who gets the key.")
@click.option(
    "--out",
    type=PATH,
    metavar="DIR",
    required=True,
    help="A folder for the messages, which is new or empty.",
)
@sakke_options
@click.option("--identity", metavar="URI", help="Who we are, to be compared with our keys.")
@click.option(
    "--policy",
    metavar="NAME",
    default=SrtpPolicy().name,
    show_default=True,
    help="SRTP policy of the streams.",
)
@click.option(
    "--ssrc",
    "ssrcs",
    metavar="NUMBER",
    multiple=True,
    help="SSRC of a stream that the group hears, like 0x57d10; one by chance otherwise.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    help="Threads that compute. [default: one for each core]",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    help="Processes in place of threads; each gets the key.",
)
@click.option(
    "--save-key",
    type=PATH,
    metavar="FILE",
    help="Write the key for the sender of the streams; without it nobody here has it.",
)
@click.option("--force", is_flag=True, help="Overwrite the file of --save-key.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def command(
    members: str,
    out: Path,
    sakke_files: tuple[str, ...],
    kms_files: tuple[str, ...],
    identity: str | None,
    policy: str,
    ssrcs: tuple[str, ...],
    threads: int | None,
    processes: int | None,
    save_key: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Key a group by SAKKE: one key, and a signed message in a file for each member.

    The folder gets a message for each member, as octets that 'mikey inspect' reads, and
    index.json, which says whose is which. It is there when all are made, or not at all. The key
    itself is shown to nobody: --save-key writes it to a file that its owner alone can read.
    """
    user = load_user(sakke_files, kms_files)
    if user is None:
        raise LocalError("a group is keyed by a user of a KMS (--sakke-keys FILE)")
    credential = user.credential(identity)
    clock = Clock()
    listed = load_members(Path(members), credential, clock.now())
    streams = [Stream(ssrc=ssrc) for ssrc in _ssrcs(ssrcs)]
    group = Group.new(streams, policy=SrtpPolicy.named(policy), tgk_length=16)
    if threads and processes:
        raise LocalError("--threads or --processes, not both")
    if force and save_key is None:
        raise LocalError("--force overwrites the file of --save-key, which is missing")
    if save_key is not None and not force and (save_key.exists() or save_key.is_symlink()):
        raise LocalError(f"{save_key}: is there already (--force overwrites it)")
    if save_key is not None:
        _check_place(save_key, out)
    with _terminable(), Outbox(out) as outbox:
        done = _key(listed, group, credential, clock, outbox, (threads, processes), quiet=as_json)
        if save_key is not None:
            text = sender_file(group_bundle(group, credential, clock=clock), group)
            write_all({save_key: text}, force=force)
        try:
            outbox.commit()
        except LocalError:
            if save_key is not None:
                save_key.unlink(missing_ok=True)  # the key of a group that nobody is told of
            raise
    _report(done, outbox, as_json=as_json)


def _check_place(save_key: Path, out: Path) -> None:
    """Refuse, before the long work, a place where the sender's key cannot or must not be."""
    folder = save_key.absolute().parent.resolve()
    if out.resolve() in (folder, *folder.parents):
        raise LocalError(f"{save_key}: the key of the group is not for the folder of its messages")
    if not folder.is_dir():
        raise LocalError(f"{save_key}: No such file or directory")
    if save_key.is_dir():
        raise LocalError(f"{save_key}: Is a directory")


def _key(
    members: tuple[Member, ...],
    group: Group,
    credential: Sakke,
    clock: Clock,
    outbox: Outbox,
    workers: tuple[int | None, int | None],
    *,
    quiet: bool,
) -> Done:
    threads, processes = workers
    before = time.perf_counter()
    octets = 0
    with _executor(threads, processes) as executor, _keying(len(members), quiet=quiet) as advance:
        invitations: Iterable[Invitation] = key_group(
            members, group, credential, executor=executor, clock=clock
        )
        try:
            for member, message in invitations:
                outbox.put(member, message)
                octets += len(message)
                advance()
        except BrokenExecutor:
            raise LocalError("a process that computed for us was ended") from None
    seconds = time.perf_counter() - before
    unit = batch_unit()
    return Done(
        csb_id=group.csb_id,
        members=len(members),
        seconds=seconds,
        milliseconds=1000 * seconds / len(members),
        path="scalar, one at a time" if unit is None else f"{unit}, eight at a time",
        workers=_workers(threads, processes),
        octets=octets,
        out=str(outbox.folder),
    )


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the work as an interrupt does, so that nothing half done stays."""

    def terminate(_number: int, _frame: FrameType | None) -> None:
        note("mikey: terminated by a signal", quiet=False)
        raise click.exceptions.Exit(TERMINATED)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _workers(threads: int | None, processes: int | None) -> str:
    if processes:
        return f"{processes} process{'es' if processes > 1 else ''}"
    if threads:
        return f"{threads} thread{'s' if threads > 1 else ''}"
    return "a thread for each core"


@contextlib.contextmanager
def _executor(threads: int | None, processes: int | None) -> Iterator[Executor | None]:
    """Give what does the work; None leaves it to `key_group`."""
    if processes:
        # Not by fork: a lock that another thread holds would be copied locked.
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            yield pool
    elif threads:
        with ThreadPoolExecutor(threads) as executor:
            yield executor
    else:
        yield None


@contextlib.contextmanager
def _keying(total: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr, if that is a terminal; yields what to call for each member."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda: None
        return
    columns = (
        TextColumn("keying"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
    )
    start = time.perf_counter()
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=total, rate="")
        count = 0

        def advance() -> None:
            nonlocal count
            count += 1
            elapsed = time.perf_counter() - start
            progress.update(bar, completed=count, rate=f"{count / elapsed:.0f} members/s")

        yield advance


def _ssrcs(texts: tuple[str, ...]) -> list[int]:
    if len(texts) > _SSRCS:
        raise LocalError(f"a group has at most {_SSRCS} streams here")
    numbers = [_ssrc(text) for text in texts]
    if len(set(numbers)) < len(numbers):
        raise LocalError("two streams with one SSRC")
    return numbers or [secrets.randbelow(2**32 - 1) + 1]


def _ssrc(text: str) -> int:
    try:
        number = int(text, 0)
    except ValueError:
        number = 0
    if not 0 < number < 2**32:
        raise LocalError(f"--ssrc {text[:40]!r}: an SSRC is a number from 1 to 0xffffffff")
    return number


def _report(done: Done, outbox: Outbox, *, as_json: bool) -> None:
    if as_json:
        for entry in outbox.entries:
            click.echo(json.dumps({"event": "keyed", **entry}))
        click.echo(json.dumps({"event": "done", **asdict(done)}))
        return
    facts = Table.grid(padding=(0, 2))
    facts.add_row("members", str(done.members))
    facts.add_row("seconds", f"{done.seconds:.2f}")
    facts.add_row("per member", f"{done.milliseconds:.3f} ms")
    facts.add_row("encapsulated", f"{done.path}, {done.workers}")
    facts.add_row("messages", f"{done.octets} octets in {done.out}")
    facts.add_row("CSB ID", f"0x{done.csb_id:08x}")
    with page() as out:
        out.print(facts)
