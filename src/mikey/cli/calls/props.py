"""What the demo's two parties have: keys and certificates made for one call, in a folder."""

from __future__ import annotations

import secrets
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

from mikey.cli import keygen
from mikey.cli.calls.credentials import CERTIFIED, Files, initiator_credential
from mikey.cli.keygen_sakke import write_trial_kms
from mikey.credentials import Certified, Psk, Sakke
from mikey.credentials.sakke_file import SCHEMES
from mikey.policy import SECOND
from mikey.session import Method

__all__ = ["ALICE", "ALICES_NUMBER", "BOBS_NUMBER", "HOST", "Props"]

HOST = "127.0.0.1"
ALICE = f"sip:alice@{HOST}"
ALICES_NUMBER, BOBS_NUMBER = "tel:+447700900001", "tel:+447700900002"

_TRIES = 20
_LONGEST = 60 * SECOND  # no call of the demo is longer


@dataclass(slots=True)
class Props:
    """The files of a call by `method` in `folder`, which is a place for secrets.

    Bob's certificate names his URI, so his port is chosen before he listens. `id_scheme` is that
    of SAKKE: telephone numbers ("tel"), or identifiers of SIP URIs ("3gpp", "raw").
    """

    folder: Path
    method: Method
    id_scheme: str = "tel"
    port: int = field(init=False)
    _sakke: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.port = _free_port()
        if self.method in CERTIFIED:
            keygen.write_trial_pki(self.folder, (ALICE, self.uri))
            return
        if self.method is Method.SAKKE:
            self._make_sakke_keys()
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

    @property
    def identities(self) -> tuple[str, str]:
        """Who Alice and Bob are to MIKEY."""
        if self.method is Method.SAKKE and self.id_scheme == "tel":
            return ALICES_NUMBER, BOBS_NUMBER
        return ALICE, self.uri

    def caller(self) -> Psk | Certified | Sakke:
        """Return what Alice calls with."""
        alice, bob = self.identities
        if self.method is Method.SAKKE:
            return Files(sakke_keys=self._sakke[alice]).load().sakke_credential(alice, bob)
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
        if self.method is Method.SAKKE:
            bob = self.identities[1]
            files = (word for path in self._sakke[bob] for word in ("--sakke-keys", path))
            return (*files, "--identity", bob)
        if self.method not in CERTIFIED:
            return ("--psk-file", str(self._file("bob.psk")))
        names = {"--key": "bob.key", "--cert": "bob.pem", "--ca": "root.pem"}
        return tuple(
            word for option, name in names.items() for word in (option, str(self._file(name)))
        )

    def _make_sakke_keys(self) -> None:
        """Make keys of this key period, and of the next one if that begins during the call."""
        scheme = SCHEMES[self.id_scheme]()
        now = time.time_ns()
        times = {scheme.period(at): at for at in (now + _LONGEST, now)}
        for identity in self.identities:
            paths: list[str] = []
            for at in times.values():
                made = write_trial_kms(self.folder, (identity,), at=at, scheme=self.id_scheme)
                paths.append(str(made[-1]))
            self._sakke[identity] = tuple(paths)

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
