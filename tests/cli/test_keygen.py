"""`mikey keygen`: keys that the other commands can read, and that only their owner can."""

from __future__ import annotations

import stat
import subprocess
import time
from pathlib import Path

import pytest

from mikey.cli import main as cli
from mikey.credentials import Certified, Purpose, SoftwareKey, Trust, psk_file
from mikey.credentials.files import load_certificates, load_key
from mikey.errors import PeerError
from tests.peers import need

BOB = "sip:bob@example.org"


def keygen(*arguments: str | Path) -> int:
    return cli.main(["keygen", *map(str, arguments)])


def test_a_key_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for _ in range(2):
        assert keygen("psk", "--peer", BOB) == 0
        lines.append(capsys.readouterr().out)
    keys = [psk_file.parse(line).lookup(BOB) for line in lines]
    assert all(key is not None and len(key) == 32 for key in keys)
    assert keys[0] != keys[1]


def test_a_key_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "keys"
    assert keygen("psk", "--peer", "*", "--octets", "16", "--out", path) == 0
    key = psk_file.load(path).lookup(BOB)
    assert key is not None
    assert len(key) == 16
    captured = capsys.readouterr()
    assert key.expose().hex() not in captured.out + captured.err
    assert captured.out == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_overwritten_without_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "keys"
    path.write_text("precious")
    path.chmod(0o644)
    assert keygen("psk", "--peer", BOB, "--out", path) == 2
    assert "is there already (--force overwrites it)" in capsys.readouterr().err
    assert path.read_text() == "precious"
    assert keygen("psk", "--peer", BOB, "--out", path, "--force") == 0
    assert psk_file.load(path).lookup(BOB) is not None
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    assert keygen("psk", "--peer", BOB, "--out", link) == 2
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [path, link]


@pytest.mark.parametrize("peer", ["", " ", "sip:bob @x", "#bob", "a\nb", "a\tb", "a\x07b"])
def test_a_peer_that_cannot_stand_in_a_file(peer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert keygen("psk", "--peer", peer) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "one printable word" in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["psk"],
        ["psk", "--peer", BOB, "--octets", "15"],
        ["psk", "--peer", BOB, "--out", "nothing/there"],
        ["pki"],
        ["pki", "--out", "x", "--days", "0"],
        ["pki", "--out", ""],
        ["pki", "--out", "x", "--identity", ""],
        ["pki", "--out", "x", "--identity", "bob"],
        ["pki", "--out", "x", "--identity", "sip:"],
        ["pki", "--out", "x", "--identity", "sip:bob @x"],
        ["psk", "--peer", BOB, "--out", ""],
        ["psk", "--peer", BOB, "--force"],
        ["sakke", "--out", ""],
        ["nothing"],
    ],
)
def test_wrong_use(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert keygen(*arguments) == 2
    assert capsys.readouterr().err.startswith("mikey: ")
    assert list(tmp_path.iterdir()) == []


def test_a_pki_for_trials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pki"
    assert keygen("pki", "--out", folder) == 0
    captured = capsys.readouterr()
    assert "for trials only" in captured.err
    names = {"root.pem", "root.key", "alice.pem", "alice.key", "bob.pem", "bob.key", "README.txt"}
    assert {path.name for path in folder.iterdir()} == names
    assert {Path(line).name for line in captured.out.splitlines()} == names
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    readme = (folder / "README.txt").read_text()
    assert "FOR TRIALS ONLY" in readme
    assert "alice.pem, alice.key: sip:alice@example.org" in readme

    trust = Trust(load_certificates(folder / "root.pem"))
    for name in ("alice", "bob"):
        identity = f"sip:{name}@example.org"
        key, chain = load_key(folder / f"{name}.key"), load_certificates(folder / f"{name}.pem")
        assert isinstance(key, SoftwareKey)
        credential = Certified(key=key, chain=chain, identity=identity, trust=trust)
        purposes: tuple[Purpose, ...] = ("sign", "encrypt")
        for purpose in purposes:
            trust.verify(
                credential.cert_payloads(),
                now=time.time_ns(),
                identity=identity,
                purpose=purpose,
            )
        with pytest.raises(PeerError, match="does not name"):
            trust.verify(chain, now=time.time_ns(), identity="sip:mallory@example.org")
    before = (folder / "root.pem").read_bytes()
    assert keygen("pki", "--out", folder) == 2
    assert (folder / "root.pem").read_bytes() == before
    assert keygen("pki", "--out", folder, "--force") == 0
    assert (folder / "root.pem").read_bytes() != before


@pytest.mark.interop
def test_openssl_verifies_the_pki(tmp_path: Path) -> None:
    openssl = need("openssl")
    folder = tmp_path / "pki"
    arguments = ["--identity", "carol@example.org", "--identity", "sips:carol@example.com"]
    assert keygen("pki", "--out", folder, "--days", "2", *arguments) == 0
    files = ["carol.pem", "carol-2.pem"]
    subprocess.run(
        [openssl, "verify", "-x509_strict", "-CAfile", "root.pem", *files],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    for file, name in zip(
        files, ("email:carol@example.org", "URI:sips:carol@example.com"), strict=True
    ):
        text = subprocess.run(
            [openssl, "x509", "-in", file, "-noout", "-subject", "-ext", "subjectAltName"],
            cwd=folder, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        assert name in text
        assert "MIKEY trial" in text


def test_odd_identities(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = ["sip:root@example.org", "sip:../../x@example.org", "sip:README@x", "tel:+123"]
    arguments = [word for identity in odd for word in ("--identity", identity)]
    assert keygen("pki", "--out", tmp_path / "pki", *arguments) == 0
    names = {path.name for path in (tmp_path / "pki").iterdir()}
    assert {"root-2.pem", "x.pem", "readme.pem", "123.pem", "README.txt"} <= names
    assert list(tmp_path.iterdir()) == [tmp_path / "pki"]
    capsys.readouterr()
    assert keygen("pki", "--out", tmp_path / "other", "--identity", "sip:\u00e9@x") == 2
    assert "cannot stand in a certificate" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_a_file_in_the_place_of_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert keygen("pki", "--out", tmp_path / "file") == 2
    assert "is there already, and no folder" in capsys.readouterr().err


def test_help_shows_each_command_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert keygen("--help") == 0
    assert "..." not in capsys.readouterr().out.replace("[ARGS]...", "")
