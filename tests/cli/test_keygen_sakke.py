"""`mikey keygen sakke`: a KMS and users, whose keys work and whom alone they can be read by."""

from __future__ import annotations

import secrets
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mikey.cli import main as cli
from mikey.credentials import McxUid, SakkeKeys
from mikey.credentials.sakke_file import KeyFile, load_keys, load_kms, load_masters
from mikey.errors import LocalError
from mikey.policy import SECOND
from mikey.secret import Secret

ALICE, BOB, CAROL = (f"tel:+44770090000{digit}" for digit in "123")


def keygen(*arguments: str | Path) -> int:
    return cli.main(["keygen", "sakke", *map(str, arguments)])


def months() -> set[str]:
    """Return the month, and the next one if a test runs across its end."""
    return {f"{datetime.now(UTC):%Y-%m}"}


def one(folder: Path, pattern: str) -> KeyFile:
    (path,) = folder.glob(pattern)
    return load_keys(path)


def can_talk(sender: SakkeKeys, receiver: SakkeKeys) -> bool:
    """Tell whether the keys of one user seal and sign for the other."""
    ssv = Secret(secrets.token_bytes(16))
    data = sender.kms.sakke.encapsulate(receiver.identifier, ssv)
    assert sender.signing is not None
    signature = sender.signing.sign(data, secrets.token_bytes)
    receiver.kms.eccsi.verify(sender.identifier, data, signature)
    return receiver.receiver.decapsulate(data) == ssv


@pytest.mark.rule("R6507-4.2-1", "R6508-6.1-1", "R6508-6.1.2-1", "R6507-2-1", "R6509-2.1.2-1")
def test_one_command_makes_all_that_two_users_need(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, before = tmp_path / "kms", months()
    assert keygen("--out", folder) == 0
    captured = capsys.readouterr()
    assert "for trials only" in captured.err
    assert {Path(line) for line in captured.out.splitlines()} == set(folder.iterdir())
    alice, bob = one(folder, "tel-447700900001-*.toml"), one(folder, "tel-447700900002-*.toml")
    assert (alice.identity, bob.identity) == (ALICE, BOB)
    month = alice.keys[0].identifier[:7].decode()
    assert month in before | months()
    assert alice.keys[0].identifier == f"{month}\0{ALICE}\0".encode()
    assert can_talk(alice.keys[0], bob.keys[0])
    assert can_talk(bob.keys[0], alice.keys[0])
    public = load_kms(folder / "kms.toml")
    assert public.uri == alice.keys[0].kms.uri == "kms.example.org"
    assert public.sakke.octets == alice.keys[0].kms.sakke.octets


@pytest.mark.rule("R6507-6-1", "R6508-7-3")
def test_secrets_are_for_their_owners(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "kms"
    assert keygen("--out", folder, "--identity", ALICE) == 0
    captured = capsys.readouterr()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    kms = load_kms(folder / "kms.toml")
    masters = load_masters(folder / "master.toml", kms)
    hidden = [value.expose().hex() for value in (masters.z, masters.ksak)]
    assert not any(value in repr(masters) for value in hidden)
    for path in folder.iterdir():
        text = path.read_text()
        assert "FOR TRIALS ONLY" in text
        assert all((value in text) == (path.name == "master.toml") for value in hidden)
    assert not any(value in captured.out + captured.err for value in hidden)
    for name in ("master.toml", next(folder.glob("tel-*")).name):
        (folder / name).chmod(0o640)
        with pytest.raises(LocalError, match="others than its owner may open it"):
            load_masters(folder / name, kms) if name == "master.toml" else load_keys(folder / name)


@pytest.mark.rule("R6509-3.3-1", "R6509-3.3-3")
def test_a_user_holds_the_keys_of_two_months_of_one_kms(tmp_path: Path) -> None:
    for month in ("2026-11", "2026-12"):
        assert keygen("--out", tmp_path, "--identity", ALICE, "--month", month) == 0
    paths = sorted(tmp_path.glob("tel-*"))
    assert [path.name[-12:-5] for path in paths] == ["2026-11", "2026-12"]
    held = load_keys(*paths)
    assert held.identity == ALICE
    assert [keys.identifier[:7] for keys in held.keys] == [b"2026-11", b"2026-12"]
    assert held.keys[0].kms is held.keys[1].kms
    assert held.keys[0].period + 1 == held.keys[1].period
    other = load_keys(paths[1]).keys[0]
    assert can_talk(held.keys[1], other)
    assert held.keys[0].receiver.public.octets == other.kms.sakke.octets


def test_users_join_a_kms_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert keygen("--out", tmp_path, "--identity", ALICE, "--kms-uri", "kms.one.example") == 0
    masters = (tmp_path / "master.toml").read_bytes()
    capsys.readouterr()
    assert keygen("--out", tmp_path, "--identity", CAROL) == 0
    (written,) = capsys.readouterr().out.splitlines()
    assert (tmp_path / "master.toml").read_bytes() == masters
    carol = load_keys(written)
    assert carol.keys[0].kms.uri == "kms.one.example"
    assert can_talk(carol.keys[0], one(tmp_path, "tel-447700900001-*").keys[0])
    for option in (("--kms-uri", "kms.example.org"), ("--id-scheme", "3gpp")):
        assert keygen("--out", tmp_path, "--identity", BOB, *option) == 2
        assert "has a KMS already, kms.one.example with --id-scheme tel" in capsys.readouterr().err


@pytest.mark.parametrize("scheme", ["3gpp", "raw"])
def test_other_identifiers(scheme: str, tmp_path: Path) -> None:
    month = () if scheme == "raw" else ("--month", "2026-11")
    assert keygen("--out", tmp_path, "--id-scheme", scheme, *month) == 0
    alice, bob = one(tmp_path, "sip-alice*"), one(tmp_path, "sip-bob*")
    assert alice.identity == "sip:alice@example.org"
    assert can_talk(alice.keys[0], bob.keys[0])
    if scheme == "raw":
        assert alice.keys[0].identifier == b"sip:alice@example.org"
    else:
        assert len(alice.keys[0].identifier) == 32
        assert alice.keys[0].kms.scheme == McxUid()
        first = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * SECOND
        assert alice.keys[0].period == McxUid().period(first)


def test_nothing_is_overwritten_without_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--out", tmp_path, "--identity", ALICE, "--month", "2026-11")
    assert keygen(*arguments) == 0
    (path,) = tmp_path.glob("tel-*")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    assert keygen(*arguments) == 2
    assert "is there already (--force overwrites it)" in capsys.readouterr().err
    assert before == {file: file.read_bytes() for file in tmp_path.iterdir()}
    assert keygen(*arguments, "--force") == 0
    changed = {file for file in tmp_path.iterdir() if file.read_bytes() != before[file]}
    assert changed == {path}
    # The same RSK, another SSK: that of another device (R6507-5.1.1-2).
    old = before[path].decode().splitlines()
    new = path.read_text().splitlines()
    assert {line.split(" ")[0] for line in set(old) ^ set(new)} == {"ssk", "pvt"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--identity", "sip:alice@example.org"], "tel"),
        (["--identity", "tel:0770090001"], "tel"),
        (["--identity", ALICE, "--month", "2026-13"], "no month like 2026-11"),
        (["--identity", ALICE, "--month", "november"], "no month like 2026-11"),
        (["--identity", ALICE, "--month", "0000-01"], "no month like 2026-11"),
        (["--identity", ALICE, "--kms-uri", "a\nb"], "line of text"),
        (["--identity", ALICE, "--kms-uri", ""], "line of text"),
        (["--id-scheme", "raw", "--identity", "a-b", "--identity", "a.b"], "the same file"),
        (["--id-scheme", "raw", "--identity", "a" * 128], "127 octets"),
    ],
)
def test_wrong_use_leaves_nothing_behind(
    arguments: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keygen("--out", tmp_path, *arguments) == 2
    assert text in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_half_a_kms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one_kms, other_kms = tmp_path / "one", tmp_path / "other"
    assert keygen("--out", one_kms, "--identity", ALICE) == 0
    assert keygen("--out", other_kms, "--identity", ALICE) == 0
    (other_kms / "master.toml").replace(one_kms / "master.toml")
    assert keygen("--out", one_kms, "--identity", BOB) == 2
    assert "not the master secrets of kms.example.org" in capsys.readouterr().err
    assert keygen("--out", other_kms, "--identity", BOB) == 2
    assert "master.toml: No such file" in capsys.readouterr().err


def test_keys_without_a_month(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new, there = tmp_path / "new", tmp_path / "there"
    assert keygen("--out", there, "--id-scheme", "raw") == 0
    capsys.readouterr()
    for options in (
        ("--out", new, "--id-scheme", "raw"),
        ("--out", there, "--identity", "sip:c@x"),
    ):
        assert keygen(*options, "--month", "2026-11", "--force") == 2
        assert "--id-scheme raw are of no month" in capsys.readouterr().err
    assert not any(new.iterdir())
