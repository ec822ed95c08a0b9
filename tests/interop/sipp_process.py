"""sipp as a calling and as a called side."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.naive.encode import sipp_csv
from tests.peers import need

SCENARIOS = Path(__file__).parent / "sipp"
LIMIT = 20.0


class Sipp:
    """A running sipp that plays one call; `port` is its own."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self.port = port

    def wait(self) -> None:
        """Wait for its end; the test fails unless the call went as the scenario says."""
        output, _ = self._process.communicate(timeout=LIMIT)
        if self._process.returncode:
            errors = self._folder / "errors"
            told = errors.read_text() if errors.exists() else output.decode(errors="replace")[-800:]
            pytest.fail(f"sipp ended with {self._process.returncode}: {told}\n{self.log}")

    @property
    def log(self) -> str:
        """All messages that it sent and received."""
        path = self._folder / "messages"
        return path.read_text() if path.exists() else ""

    def lines(self) -> list[str]:
        """The key-mgmt lines in those messages, in order."""
        return re.findall(r"a=key-mgmt:mikey \S+", self.log)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def free_port() -> int:
    """A port that is free for UDP and TCP, and below those that the system gives away itself."""
    while True:
        port = random.randrange(20_000, 30_000)
        with (
            contextlib.suppress(OSError),
            socket.socket(type=socket.SOCK_DGRAM) as udp,
            socket.socket() as tcp,
        ):
            udp.bind(("127.0.0.1", port))
            tcp.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def sipp(
    scenario: str,
    folder: Path,
    *,
    line: str = "",
    to: int | None = None,
    transport: str = "udp",
) -> Iterator[Sipp]:
    """Run a scenario with an SDP line as field 0; calls port `to`, or waits to be called."""
    program = need("sipp")
    folder.mkdir()
    fields = folder / "fields.csv"
    fields.write_text(sipp_csv((line,)))
    port = free_port()
    target: Sequence[str] = () if to is None else (f"127.0.0.1:{to}",)
    process = subprocess.Popen(
        [
            *(program, *target, "-sf", str(SCENARIOS / f"{scenario}.xml")),
            *("-i", "127.0.0.1", "-p", str(port), "-inf", str(fields)),
            *("-m", "1", "-t", "t1" if transport == "tcp" else "u1", "-nostdin"),
            *("-timeout", "15s", "-timeout_error", "-recv_timeout", "10000"),
            *("-trace_msg", "-message_file", str(folder / "messages")),
            *("-trace_err", "-error_file", str(folder / "errors")),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
    )
    running = Sipp(process, port, folder)
    try:
        yield running
    finally:
        running.stop()
