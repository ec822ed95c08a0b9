"""What the demo's two parties have: keys or certificates made for one call, in a folder."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

from mikey.cli import keygen
from mikey.cli.calls.credentials import CERTIFIED, Files, initiator_credential
from mikey.credentials import Certified, Psk
from mikey.session import Method

__all__ = ["ALICE", "HOST", "Props"]

HOST = "127.0.0.1"
ALICE = f"sip:alice@{HOST}"

_TRIES = 20


@dataclass(slots=True)
class Props:
    """The files of a call by `method` in `folder`, which is a place for secrets.

    Bob's certificate names his URI, so his port is chosen before he listens.
    """

    folder: Path
    method: Method
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = _free_port()
        if self.method in CERTIFIED:
            keygen.write_trial_pki(self.folder, (ALICE, self.uri))
            return
        key = secrets.token_bytes(16).hex()
        for name, peer in (("alice", self.uri), ("bob", ALICE)):
            path = self._file(f"{name}.psk")
            path.touch(mode=0o600)
            path.write_text(f"{peer} {key}\n", encoding="utf-8")

    @property
    def uri(self) -> str:
        """Bob's identity, and where he is called."""
        return f"sip:bob@{HOST}:{self.port}"

    @property
    def heard(self) -> Path:
        """Where Bob writes what he hears."""
        return self._file("heard.wav")

    def caller(self) -> Psk | Certified:
        """Return what Alice calls with."""
        if self.method not in CERTIFIED:
            own = Files(psk=str(self._file("alice.psk"))).load()
        else:
            own = Files(
                key=str(self._file("alice.key")),
                cert=str(self._file("alice.pem")),
                authorities=(str(self._file("root.pem")),),
                # of the methods with certificates PKE alone needs it beforehand
                peer_cert=str(self._file("bob.pem")) if self.method is Method.PKE else None,
            ).load()
        return initiator_credential(own, self.method, ALICE, ALICE, self.uri, any_peer=False)

    def callee_options(self) -> tuple[str, ...]:
        """Return what `mikey answer` is told of Bob."""
        if self.method not in CERTIFIED:
            return ("--psk-file", str(self._file("bob.psk")))
        names = {"--key": "bob.key", "--cert": "bob.pem", "--ca": "root.pem"}
        return tuple(
            word for option, name in names.items() for word in (option, str(self._file(name)))
        )

    def _file(self, name: str) -> Path:
        return self.folder / name


def _free_port() -> int:
    """Return a port of this machine that is free for UDP and TCP, and most likely stays so."""
    for _ in range(_TRIES - 1):
        try:
            return _probe()
        except OSError:  # free for one of them only
            continue
    return _probe()


def _probe() -> int:
    with (
        socket.socket(type=socket.SOCK_STREAM) as tcp,
        socket.socket(type=socket.SOCK_DGRAM) as udp,
    ):
        tcp.bind((HOST, 0))
        port = int(tcp.getsockname()[1])
        udp.bind((HOST, port))
        return port
