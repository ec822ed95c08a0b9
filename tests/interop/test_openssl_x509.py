"""Chains of the `openssl` command, accepted here; chains of ours, judged by `openssl verify`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mikey.credentials import SoftwareKey, Trust
from mikey.credentials.files import load_certificates, load_crl, load_key
from mikey.errors import LocalError, PeerError
from mikey.policy.clock import SECOND
from tests import pki
from tests.peers import need
from tests.pki import NOW, Issued, authority, issue

pytestmark = pytest.mark.interop

ALICE = "sip:alice@example.org"
Run = Callable[..., subprocess.CompletedProcess[str]]

_EXTENSIONS = f"""
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[leaf]
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
subjectAltName=URI:{ALICE},email:alice@example.org
[camera]
extendedKeyUsage=serverAuth
subjectAltName=URI:{ALICE}
"""
_CA = """
[ca]
default_ca=this
[this]
database=index
serial=serial
default_md=sha256
default_crl_days=30
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    openssl = need("openssl")
    (tmp_path / "extensions").write_text(_EXTENSIONS)

    def command(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [openssl, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return command


def chain(run: Run, section: str = "leaf", digest: str = "sha256") -> None:
    """Make root.pem, mid.pem and leaf.pem with their keys; `digest` signs the leaf."""
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.pem",
        "-subj", "/CN=root", "-days", "30", "-addext",
        "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    for name, issuer, extensions, how in (
        ("mid", "root", "ca", "sha256"),
        ("leaf", "mid", section, digest),
    ):
        run("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key",
            "-out", f"{name}.csr", "-subj", f"/CN={name}")  # fmt: skip
        run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.pem", "-CAkey",
            f"{issuer}.key", "-CAcreateserial", "-days", "20", f"-{how}", "-out", f"{name}.pem",
            "-extfile", "extensions", "-extensions", extensions)  # fmt: skip


def now_of(path: Path) -> int:
    """A time at which the certificates of `chain` are valid."""
    start = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_before_utc
    return int(start.timestamp() + 60) * SECOND


@pytest.mark.parametrize("section", ["leaf", "camera"])
def test_a_chain_of_openssl(run: Run, tmp_path: Path, section: str) -> None:
    chain(run, section)
    leaf, mid, root = (load_certificates(tmp_path / f"{n}.pem")[0] for n in ("leaf", "mid", "root"))
    key = load_key(tmp_path / "leaf.key")
    assert isinstance(key, SoftwareKey)
    found = Trust([root]).verify(
        [mid, leaf], now=now_of(tmp_path / "leaf.pem"), identity=ALICE, purpose="encrypt"
    )
    assert found.public_key == key.public_key


def test_a_self_signed_certificate_of_openssl(run: Run, tmp_path: Path) -> None:
    """As cameras have it: CA:TRUE, no keyUsage."""
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k", "-out", "c.pem",
        "-subj", "/CN=camera", "-addext", f"subjectAltName=URI:{ALICE}")  # fmt: skip
    (der,) = load_certificates(tmp_path / "c.pem")
    now = now_of(tmp_path / "c.pem")
    assert Trust([der]).verify([der], now=now, identity=ALICE).der == der
    with pytest.raises(PeerError):
        Trust([authority("root").der]).verify([der], now=now, identity=ALICE)


@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_weak_hashes_are_refused_always(run: Run, tmp_path: Path, digest: str) -> None:
    chain(run, digest=digest)
    leaf, mid, root = (load_certificates(tmp_path / f"{n}.pem")[0] for n in ("leaf", "mid", "root"))
    operations: list[str] = []
    trust = Trust([root], observe=operations.append)
    with pytest.raises(PeerError, match=f"signed with {digest}"):
        trust.verify([leaf, mid], now=now_of(tmp_path / "leaf.pem"), identity=ALICE)
    assert operations == []
    with pytest.raises(LocalError, match=f"signed with {digest}"):
        Trust([leaf])


def test_a_revocation_list_of_openssl(run: Run, tmp_path: Path) -> None:
    chain(run)
    (tmp_path / "ca.cnf").write_text(_CA)
    (tmp_path / "index").touch()
    signed = ("-config", "ca.cnf", "-keyfile", "mid.key", "-cert", "mid.pem")
    run("ca", "-gencrl", *signed, "-out", "empty.pem")
    run("ca", "-revoke", "leaf.pem", *signed)
    run("ca", "-gencrl", *signed, "-out", "full.pem")
    leaf, mid, root = (load_certificates(tmp_path / f"{n}.pem")[0] for n in ("leaf", "mid", "root"))
    now = now_of(tmp_path / "leaf.pem")
    Trust([root], [load_crl(tmp_path / "empty.pem")]).verify([leaf, mid], now=now)
    with pytest.raises(PeerError, match="revoked"):
        Trust([root], [load_crl(tmp_path / "full.pem")]).verify([leaf, mid], now=now)


ROOT = authority("root")
MID = authority("mid", ROOT)
SHORT = authority("short", ROOT, path_length=0)
BELOW = authority("below", SHORT)
NO_CA = authority("no ca", ROOT, ca=False)
NO_SIGN = authority("no sign", ROOT, key_usage=pki.END_USAGE)
BOUND = authority(
    "bound", ROOT, constraints=x509.NameConstraints([x509.RFC822Name("example.com")], None)
)
OVER = datetime(2029, 1, 1, tzinfo=UTC)


def leaf_of(issuer: Issued, **options: datetime) -> Issued:
    return issue(
        issuer,
        "alice",
        uris=[ALICE],
        emails=["alice@example.org"],
        extended=None,
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("leaf", "between", "good"),
    [
        (leaf_of(ROOT), [], True),
        (leaf_of(MID), [MID], True),
        (leaf_of(MID), [], False),
        (leaf_of(SHORT), [SHORT], True),
        (leaf_of(BELOW), [BELOW, SHORT], False),
        (leaf_of(NO_CA), [NO_CA], False),
        (leaf_of(NO_SIGN), [NO_SIGN], False),
        (leaf_of(BOUND), [BOUND], False),
        (leaf_of(ROOT, end=OVER), [], False),
        (leaf_of(authority("root", key=pki.ec_key("impostor"))), [], False),
    ],
    ids=lambda value: str(len(value)) if isinstance(value, list) else None,
)
def test_openssl_judges_our_chains_as_we_do(
    run: Run, tmp_path: Path, leaf: Issued, between: list[Issued], good: bool
) -> None:
    for name, certificates in (("leaf", [leaf]), ("root", [ROOT]), ("between", between)):
        (tmp_path / name).write_bytes(
            b"".join(each.certificate.public_bytes(Encoding.PEM) for each in certificates)
        )
    more = ["-untrusted", "between"] if between else []
    theirs = run(
        "verify", "-x509_strict", "-attime", str(NOW // SECOND), "-CAfile", "root", *more, "leaf",
        check=False,
    )  # fmt: skip
    assert (theirs.returncode == 0) is good, theirs.stderr
    try:
        Trust([ROOT.der]).verify([leaf.der, *(each.der for each in between)], now=NOW)
    except PeerError:
        assert not good
    else:
        assert good
