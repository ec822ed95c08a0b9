"""`mikey`: help, and what every error becomes."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest

from mikey.cli import main as cli
from mikey.errors import AuthenticationError, CarriageError, DecodeError, LibraryError, LocalError
from tests.cli.inspecting import PAIR


@contextmanager
def command(monkeypatch: pytest.MonkeyPatch, run: Callable[[], object]) -> Iterator[None]:
    """Put a command `demo` that does `run` in the place of ours."""
    module = types.ModuleType("mikey.cli.demo")
    module.command = click.command("demo")(run)  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "mikey.cli.demo", module)
        yield


def raising(error: BaseException) -> Callable[[], object]:
    def run() -> None:
        raise error

    return run


def python(code: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), **variables},
    )


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_teaches(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([option]) == 0
    text = capsys.readouterr().out
    for name in cli.COMMANDS:
        assert f"\n  {name} " in text
        assert f"mikey {name}" in text
    assert "identity key" in text


def test_help_imports_no_command() -> None:
    code = (
        "import json, sys; from mikey.cli.main import main; main(['--help']);"
        "print(json.dumps([m for m in sys.modules if m.startswith('mikey.cli.')]))"
    )
    modules = json.loads(python(code).stdout.splitlines()[-1])
    assert sorted(modules) == ["mikey.cli.commands", "mikey.cli.main"]


def test_inspect_needs_neither_sip_nor_sockets() -> None:
    code = (
        "import json, sys; from mikey.cli.main import main; main(['inspect', *sys.argv[1:]]);"
        "print(json.dumps([m.partition('.')[0] for m in sys.modules]))"
    )
    run = python(code, *PAIR)
    modules = set(json.loads(run.stdout.splitlines()[-1]))
    # `cryptography` itself imports socket and selectors (through email.utils); nobody opens one.
    assert modules & {"sipua", "sipmessage", "asyncio", "av"} == set()
    assert "mikey" in modules


def test_no_command_is_a_question_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "Usage: mikey" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    name, version = capsys.readouterr().out.split()
    assert name == "mikey"
    assert version[0].isdigit()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nothing"], "mikey: No such command 'nothing' (see 'mikey --help')"),
        (["--nothing"], "mikey: No such option '--nothing' (see 'mikey --help')"),
        (["inspect", "--nothing"], "(see 'mikey inspect --help')"),
        (["inspect", "--psk-file"], "requires an argument"),
        (["inspect", "nothing-there"], "does not exist"),
        (["inspect", PAIR[0], "--psk-file", "nothing-there"], "nothing-there: No such file"),
    ],
)
def test_usage_errors_are_one_line_and_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("mikey: ")
    assert line in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (LocalError("no such\nfile"), 2, "no such file"),
        (AuthenticationError(), 1, "authentication failed"),
        (DecodeError("cut", offset=7, payload="T"), 1, "cut (T at octet 7)"),
        (CarriageError("no answer", status=488), 1, "no answer"),
        (CarriageError("red \x1b[31m", status=400), 1, "red ?[31m"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (click.ClickException("so"), 2, "so"),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (PermissionError(13, "Permission denied", "out.wav"), 2, "out.wav: Permission denied"),
        (ModuleNotFoundError(name="sipua"), 2, "pip install 'mikey[sip]'"),
        (ModuleNotFoundError(name="sipmessage.uri"), 2, "pip install 'mikey[sip]'"),
    ],
)
def test_errors_become_one_line_and_a_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    line: str,
) -> None:
    with command(monkeypatch, raising(error)):
        assert cli.main(["demo"]) == status
    lines = [text for text in capsys.readouterr().err.splitlines() if text]
    assert len(lines) == 1
    assert lines[0].startswith("mikey: ")
    assert line in lines[0]


@pytest.mark.parametrize("error", [RuntimeError("secret"), LibraryError("secret")])
def test_a_defect_is_one_line_without_what_it_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    with command(monkeypatch, raising(error)):
        assert cli.main(["demo"]) == 70
        text = capsys.readouterr().err
        assert type(error).__name__ in text
        assert "secret" not in text
        assert text.count("\n") == 1
        monkeypatch.setenv(cli.DEBUG, "1")
        with pytest.raises(type(error)):
            cli.main(["demo"])


@pytest.mark.parametrize(("result", "status"), [(None, 0), (0, 0), (1, 1), ("text", 0)])
def test_the_status_is_what_the_command_returns(
    monkeypatch: pytest.MonkeyPatch, result: object, status: int
) -> None:
    with command(monkeypatch, lambda: result):
        assert cli.main(["demo"]) == status


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.write_text((PAIR[0] + "\n") * 500)
    code = "import sys; from mikey.cli.main import main; sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, "inspect", "--json", str(many)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.readline()
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == cli.BROKEN_PIPE


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_the_shell_closed(closed: str) -> None:
    code = "import sys; from mikey.cli.main import main; sys.exit(main(sys.argv[1:]))"
    for arguments, status in (([PAIR[0]], 0), ([PAIR[0][:40]], 1), (["nowhere"], 2)):
        run = subprocess.run(
            [
                "/bin/sh",
                "-c",
                f'"$0" -c "$@" {closed}',
                sys.executable,
                code,
                "inspect",
                *arguments,
            ],
            check=False,
            capture_output=True,
            text=True,
            env={"PYTHONPATH": ":".join(sys.path)},
        )
        assert run.returncode == status
        assert "defect" not in run.stderr
        assert "Traceback" not in run.stderr


def test_an_interrupt_while_it_is_loaded_is_one_line() -> None:
    code = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'mikey.cli.main':\n"
        "            raise KeyboardInterrupt\n"
        "from mikey.__main__ import main\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "sys.exit(main())\n"
    )
    run = python(code)
    assert (run.returncode, run.stderr) == (cli.INTERRUPTED, "mikey: interrupted\n")


def test_without_click_the_way_to_it_is_said() -> None:
    code = (
        "import sys; sys.modules['click'] = None;from mikey.__main__ import main; sys.exit(main())"
    )
    run = python(code)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1
    assert "pip install 'mikey[cli]'" in run.stderr
