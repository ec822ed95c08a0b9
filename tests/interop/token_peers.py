"""SoftHSM and NSS's softoken, each with one RSA key, behind processes of their own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.peers import missing, need

PIN = "not-4711"
LABEL = "alice"
KEY_ID = "a1b2"
LIBRARIES = Path("/usr/lib")
P11_KIT_MODULES = Path("/usr/share/p11-kit/modules")


class TokenFailed(Exception):  # noqa: N818 - what the worker's key raised
    """The MikeyError of the worker: its class's name and its text."""


@dataclass
class TokenProcess:
    """A process with a token; `key` is what was put into it."""

    peer: str
    key: rsa.RSAPrivateKey
    search: Mapping[str, str]
    process: subprocess.Popen[str]

    def __call__(self, command: str, /, **arguments: object) -> Any:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([command, arguments]) + "\n")
        stdin.flush()
        line = stdout.readline()
        assert line, f"the process of the token ended: {self.process.wait()}"
        answer = json.loads(line)
        if "error" in answer:
            raise TokenFailed(answer["error"], answer["text"])
        return answer["result"]


@contextmanager
def softhsm(directory: Path, key: rsa.RSAPrivateKey) -> Iterator[TokenProcess]:
    util = need("softhsm2-util")
    module = library("softhsm/libsofthsm2.so", "softhsm2")
    tokens = directory / "tokens"
    tokens.mkdir()
    conf = directory / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
    env = {"SOFTHSM2_CONF": str(conf)}
    pem = directory / "key.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    _run(
        [util, "--init-token", "--free", "--label", "trial", "--pin", PIN, "--so-pin", PIN * 2],
        env,
    )
    _run(
        [util, "--import", str(pem), "--token", "trial", "--label", LABEL, "--id", KEY_ID,
         "--pin", PIN],
        env,
    )  # fmt: skip
    command = [sys.executable, "-m", "tests.interop.token_worker", str(module), "trial"]
    search = {"label": LABEL, "key_id": KEY_ID}
    with _process("SoftHSM", command, env, key, search) as token:
        yield token


@contextmanager
def softoken(directory: Path, key: rsa.RSAPrivateKey) -> Iterator[TokenProcess]:
    """NSS's softoken behind p11-kit's proxy.

    softoken wants parameters at C_Initialize, which p11-kit gives it from a module file; as root
    it reads only those of the system, so the process has a mount namespace where ours are.
    """
    certutil, pk12util, unshare = need("certutil"), need("pk12util"), need("unshare")
    proxy = library("p11-kit-proxy.so", "p11-kit")
    soft = library("libsoftokn3.so", "libnss3")
    if not P11_KIT_MODULES.is_dir():
        missing("p11-kit has no folder of modules (Debian: p11-kit-modules)")
    database, modules = directory / "nss", directory / "modules"
    database.mkdir()
    modules.mkdir()
    password = directory / "password"
    password.write_text(PIN + "\n")
    bundle = directory / "key.p12"
    bundle.write_bytes(
        pkcs12.serialize_key_and_certificates(
            LABEL.encode(), key, _certificate(key), None,
            serialization.BestAvailableEncryption(PIN.encode()),
        )
    )  # fmt: skip
    store = f"sql:{database}"
    _run([certutil, "-N", "-d", store, "-f", str(password)])
    _run([pk12util, "-i", str(bundle), "-d", store, "-k", str(password), "-w", str(password)])
    (modules / "softoken.module").write_text(
        f"module: {soft}\n"
        f"x-init-reserved: configdir='{store}' certPrefix='' keyPrefix='' secmod='secmod.db' "
        "flags=\n"
    )
    namespace = [unshare, *(["-m"] if os.geteuid() == 0 else ["--user", "--map-root-user", "-m"])]
    bind = shlex.join(["mount", "--bind", str(modules), str(P11_KIT_MODULES)])
    trial = subprocess.run(
        [*namespace, "sh", "-c", bind], capture_output=True, text=True, check=False
    )
    if trial.returncode:
        missing(f"no mount namespace may be made here: {trial.stderr.strip()}")
    worker = shlex.join(
        [sys.executable, "-m", "tests.interop.token_worker", str(proxy), "NSS Certificate DB"]
    )
    command = [*namespace, "sh", "-c", f"{bind} && exec {worker}"]
    with _process("NSS", command, {}, key, {"label": LABEL}) as token:
        yield token


@contextmanager
def _process(
    peer: str,
    command: list[str],
    env: Mapping[str, str],
    key: rsa.RSAPrivateKey,
    search: Mapping[str, str],
) -> Iterator[TokenProcess]:
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, **env},
    ) as process:
        token = TokenProcess(peer, key, search, process)
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        yield token
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=20) == 0


def library(name: str, package: str) -> Path:
    """Return the path of a PKCS #11 module of a Debian package, or skip."""
    found = sorted([*LIBRARIES.glob(f"*-linux-*/{name}"), *LIBRARIES.glob(name)])
    if not found:
        missing(f"{name} is not installed (Debian: {package})")
    return found[0]


def _certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, LABEL)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )


def _run(command: list[str], env: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
