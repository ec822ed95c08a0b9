"""`mikey rtsp serve` in a process of its own, servers that misbehave, and commands in this one."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mikey.cli.main import main

LIMIT = 20.0
PASSWORD = "very secret words"

AVP = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=x\r
t=0 0\r
m=video 0 RTP/AVP 26\r
a=control:stream=0\r
"""


@dataclass
class Served:
    """A running server: its URL, the SHA-256 of its certificate, its process."""

    url: str
    pin: str
    process: subprocess.Popen[str]

    @property
    def trusted(self) -> tuple[str, ...]:
        """The arguments that play it."""
        return (self.url, "--pin", self.pin) if self.pin else (self.url, "--allow-null")

    def events(self) -> list[dict[str, Any]]:
        """End it, and return what it told."""
        self.process.send_signal(signal.SIGINT)
        out, errors = self.process.communicate(timeout=LIMIT)
        assert self.process.returncode == 0, errors
        return [json.loads(line) for line in out.splitlines()]


@contextlib.contextmanager
def serving(
    *options: str | Path, tls: bool = True, env: dict[str, str] | None = None
) -> Iterator[Served]:
    """Serve on a free port, by default the test pattern in TLS."""
    given = [str(option) for option in options]
    if "--file" not in given:
        given.append("--test-pattern")
    given.append("--tls" if tls else "--allow-null")
    process = subprocess.Popen(
        [*(sys.executable, "-m", "mikey", "rtsp", "serve"), "--json", *LISTEN, *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=env,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            _, errors = process.communicate(timeout=LIMIT)
            pytest.fail(f"the server did not start: {errors}")
        told = json.loads(line)
        yield Served(told["url"], told["pin"] or "", process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # it writes its coverage then
        try:
            process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


LISTEN = ("--listen", "127.0.0.1:0")

Reply = Callable[[str, str], bytes]
"""Takes the method and the whole text of a request; returns the octets of the answer."""


@contextlib.contextmanager
def scripted(reply: Reply) -> Iterator[str]:
    """Answer RTSP requests by a function; yields the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []
    open_sockets: list[socket.socket] = [listener]

    def talk(peer: socket.socket) -> None:
        text = ""
        with contextlib.suppress(OSError), peer:
            while data := peer.recv(4096):
                text += data.decode("latin-1")
                while "\r\n\r\n" in text:
                    head, _, text = text.partition("\r\n\r\n")
                    peer.sendall(reply(head.split(" ")[0], head))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                open_sockets.append(peer)
                threads.append(threading.Thread(target=talk, args=(peer,)))
                threads[-1].start()

    threads.append(threading.Thread(target=accept))
    threads[0].start()
    try:
        yield f"rtsp://127.0.0.1:{listener.getsockname()[1]}/test"
    finally:
        for each in open_sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in threads:
            thread.join(LIMIT)


def answer(request: str, status: str = "200 OK", body: str = "", **headers: str) -> bytes:
    """Return a response to the text of a request."""
    found = re.search(r"CSeq: *(\d+)", request, re.IGNORECASE)
    lines = [f"RTSP/1.0 {status}", f"CSeq: {found[1] if found else 0}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def packets_of(path: Path) -> list[tuple[int, bytes]]:
    """Read an rtpdump file by the description of rtptools: (length of RTP, packet)."""
    octets = path.read_bytes()
    first, _, rest = octets.partition(b"\n")
    assert first.startswith(b"#!rtpplay1.0 ")
    at, found = 16, []
    while at < len(rest):
        length, rtp, _ = struct.unpack_from(">HHI", rest, at)
        found.append((rtp, rest[at + 8 : at + length]))
        at += length
    assert at == len(rest)
    return found


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of an error."""
        lines = [line for line in self.err.splitlines() if line.startswith("mikey:")]
        assert len(lines) == 1, self.err
        return lines[0]

    @property
    def told(self) -> dict[str, Any]:
        """The one JSON object."""
        value: dict[str, Any] = json.loads(self.out)
        return value


class Rtsp:
    """Runs `mikey rtsp ...` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Said:
        self._capsys.readouterr()
        status = main(["rtsp", *map(str, arguments)])
        captured = self._capsys.readouterr()
        return Said(status, captured.out, captured.err)
