"""`mikey group-key`: a message for each member, all of them or none, and the key for no other."""

from __future__ import annotations

import json
import os
import signal
import stat
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mikey import Policy, Responder, drive
from mikey.cli import group_key
from mikey.cli.main import main
from mikey.crypto.sakke import batch_unit
from mikey.errors import LocalError
from mikey.group import Invitation, key_group
from tests.cli.sakke_files import ABROAD, ALICE, BOB, CAROL, LONG_AGO, credential, trial

HOUR = 3600 * 10**9


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a KMS, another, and what members there have."""
    folder = tmp_path_factory.mktemp("kms")
    for name, path in zip("abc", trial(folder / "home", ALICE, BOB, CAROL), strict=True):
        path.rename(folder / f"{name}.toml")
    (folder / "old.toml").write_bytes(trial(folder / "home", ALICE, at=LONG_AGO)[0].read_bytes())
    (folder / "old.toml").chmod(0o600)
    trial(folder / "abroad", BOB, kms=ABROAD)[0].rename(folder / "abroad.toml")
    return folder


@pytest.fixture
def place(tmp_path: Path, kms: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path in kms.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    Path("members").write_text(f"# who\n\n{ALICE}\n  TEL:{BOB[4:]}\n{CAROL}\n")
    return tmp_path


def run(*options: str, members: str = "members") -> int:
    return main(["group-key", "--members", members, "--out", "out", *options])


def opened(path: Path, keys: Path) -> Any:
    """Return what the owner of a key file makes of a message."""
    responder = Responder([credential(keys)], policy=Policy(skew=HOUR))
    return drive(responder.receive(path.read_bytes())).accept()[1]


@pytest.mark.rule("R6509-2.4-1", "R6509-2.4-2")
def test_each_member_opens_its_own_message_and_all_have_one_key(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--sakke-keys", "a.toml", "--ssrc", "0x57d10", "--save-key", "sender.toml")
    assert run(*options, "--identity", ALICE) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    index = json.loads((place / "out" / "index.json").read_text())
    assert [entry["member"] for entry in index] == [ALICE, BOB, CAROL]
    assert {path.name for path in (place / "out").iterdir()} == {
        "index.json", *(entry["file"] for entry in index)
    }  # fmt: skip
    bundles = [
        opened(place / "out" / entry["file"], place / f"{name}.toml")
        for entry, name in zip(index, "abc", strict=True)
    ]
    saved = tomllib.loads((place / "sender.toml").read_text())
    (stream,) = saved["stream"]
    for bundle in bundles:
        (master,) = bundle.masters(1)
        assert bundle.peer == ALICE
        assert bundle.crypto_sessions[0].ssrc == stream["ssrc"] == 0x57D10
        assert f"{bundle.csb_id:08x}" == saved["csb-id"]
        assert bundle.keys[0].key.expose().hex() == saved["tgk"]
        assert master.key.expose().hex() == stream["master-key"]
        assert master.salt.expose().hex() == stream["master-salt"]
        assert master.mki.hex() == stream["mki"]
    with pytest.raises(Exception, match="another identity"):
        opened(place / "out" / index[0]["file"], place / "b.toml")
    for secret in (saved["tgk"], stream["master-key"], stream["master-salt"]):
        assert secret not in captured.out
        assert all(bytes.fromhex(secret) not in p.read_bytes() for p in (place / "out").iterdir())
    rows = dict(line.split(None, 1) for line in captured.out.splitlines())
    assert rows["members"] == "3"
    assert ("IFMA" in rows["encapsulated"]) == (batch_unit() is not None)
    assert ("scalar" in rows["encapsulated"]) == (batch_unit() is None)


def test_what_is_written_can_be_read_by_its_owner_alone(place: Path) -> None:
    assert run("--sakke-keys", "a.toml", "--save-key", "sender.toml") == 0
    assert stat.S_IMODE((place / "sender.toml").stat().st_mode) == 0o600
    assert stat.S_IMODE((place / "out").stat().st_mode) == 0o700


@pytest.mark.parametrize("workers", [("--threads", "1"), ("--processes", "1")])
def test_another_kms_and_json(
    workers: tuple[str, ...], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("members").write_text(f"{BOB} {ABROAD}\n{BOB}\n")
    assert run("--sakke-keys", "a.toml", "--kms", "abroad/kms.toml", "--json", *workers) == 0
    first, second, done = map(json.loads, capsys.readouterr().out.splitlines())
    assert {first["kms"], second["kms"]} == {ABROAD, "kms.example.org"}
    assert first["file"] != second["file"]
    assert (done["event"], done["members"], done["out"]) == ("done", 2, "out")
    assert done["octets"] == first["octets"] + second["octets"]
    for entry in (first, second):
        name = "abroad.toml" if entry["kms"] == ABROAD else "b.toml"
        own = credential(place / name)
        if entry["kms"] == ABROAD:  # which has to know the sender's KMS as well
            own = type(own)(
                identity=BOB, keys=own.keys, domains=[credential(place / "a.toml").keys[0].kms]
            )
        responder = Responder([own])
        octets = (place / "out" / entry["file"]).read_bytes()
        assert drive(responder.receive(octets)).initiator == ALICE


def test_no_identity_leads_out_of_the_folder(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["../../etc/passwd", "/etc/x", "sip:a@b", "SIP:A@B", "..", ".", "-", "sip:a@b.2"]
    keys = trial(place / "raw", "sip:studio@example.org", scheme="raw")
    Path("members").write_text("".join(f"{name}\n" for name in names))
    before = set(place.rglob("*"))
    assert run("--sakke-keys", str(keys[0])) == 0, capsys.readouterr().err
    made = set(place.rglob("*")) - before
    assert {path.parent for path in made} == {place, place / "out"}
    index = json.loads((place / "out" / "index.json").read_text())
    assert len({entry["file"].lower() for entry in index}) == len(index) == len(made) - 2


@pytest.mark.parametrize(
    ("options", "members", "line"),
    [
        ([], ALICE, "--sakke-keys FILE"),
        (["--kms", "home/kms.toml"], ALICE, "who we are is in --sakke-keys"),
        (["--sakke-keys", "gone"], ALICE, "gone: No such file"),
        (["--sakke-keys", "home/kms.toml"], ALICE, "home/kms.toml: identity is missing"),
        (["--sakke-keys", "old.toml"], ALICE, "no key to sign with is here"),
        (["--sakke-keys", "a.toml", "--identity", BOB], ALICE, f"of {ALICE}, not of {BOB}"),
        (["--sakke-keys", "a.toml"], None, "members: No such file"),
        (["--sakke-keys", "a.toml"], "# nobody\n", "members: nobody is in the group"),
        (["--sakke-keys", "a.toml"], f"{ALICE}\nbob\n", "members, line 2: an identity of this"),
        (["--sakke-keys", "a.toml"], "tel:+0\xff", "members: not UTF-8"),
        (["--sakke-keys", "a.toml"], f"{ALICE}\n{ALICE}\n", f"line 2: {ALICE} stands twice"),
        (["--sakke-keys", "a.toml"], f"{ALICE} {ABROAD}", f"line 1: the KMS {ABROAD} is not known"),
        (["--sakke-keys", "a.toml"], f"{ALICE} {ABROAD} x", "line 1: an identity, and the URI"),
        (["--sakke-keys", "a.toml", "--ssrc", "0"], ALICE, "an SSRC is a number"),
        (["--sakke-keys", "a.toml", "--ssrc", "x"], ALICE, "an SSRC is a number"),
        (["--sakke-keys", "a.toml", "--ssrc", "1", "--ssrc", "1"], ALICE, "two streams with one"),
        (["--sakke-keys", "a.toml", *["--ssrc", "1"] * 17], ALICE, "at most 16 streams"),
        (["--sakke-keys", "a.toml", "--policy", "none"], ALICE, "none"),
        (["--sakke-keys", "a.toml", "--threads", "1", "--processes", "1"], ALICE, "not both"),
        (["--sakke-keys", "a.toml", "--save-key", "b.toml"], ALICE, "b.toml: is there already"),
        (["--sakke-keys", "a.toml", "--save-key", "no/where"], ALICE, "no/where: No such file"),
        (["--sakke-keys", "a.toml", "--force"], ALICE, "--force overwrites the file of --save-key"),
        (["--sakke-keys", "a.toml", "--save-key", "home", "--force"], ALICE, "home: Is a direc"),
        (["--sakke-keys", "a.toml", "--save-key", "out/key"], ALICE, "not for the folder of its"),
        (["--sakke-keys", "a.toml", "--kms", "swapped.toml"], ALICE, "other public keys of kms."),
    ],
)  # fmt: skip
def test_what_cannot_be_leaves_nothing_behind(
    options: list[str], members: str | None, line: str, place: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    text = Path("abroad/kms.toml").read_text().replace(ABROAD, "kms.example.org")
    Path("swapped.toml").write_text(text)
    Path("members").unlink()
    if members is not None:
        Path("members").write_bytes(members.encode("latin-1"))
    before = set(place.iterdir())
    assert run(*options) == 2
    captured = capsys.readouterr()
    assert line in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert set(place.iterdir()) == before


def test_a_folder_that_is_in_use_stays_as_it_is(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "out").mkdir()
    assert run("--sakke-keys", "a.toml") == 0  # empty
    before = {path: path.read_bytes() for path in (place / "out").iterdir()}
    assert run("--sakke-keys", "a.toml", "--save-key", "sender.toml") == 2
    assert "out: is there already" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (place / "out").iterdir()} == before
    assert not (place / "sender.toml").exists()


@pytest.mark.parametrize("error", [LocalError("the disk is full"), KeyboardInterrupt(), None])
def test_half_a_group_is_none(
    error: BaseException | None, place: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip

    def broken(*args: Any, **options: Any) -> Iterator[Invitation]:
        yield next(key_group(*args, **options))
        if error is not None:
            raise error
        os.kill(os.getpid(), signal.SIGTERM)
        yield from key_group(*args, **options)

    monkeypatch.setattr(group_key, "key_group", broken)
    before = set(place.iterdir())
    status = run("--sakke-keys", "a.toml", "--save-key", "sender.toml")
    assert (status, capsys.readouterr().err.strip()) in (
        (2, "mikey: the disk is full"),
        (130, "mikey: interrupted"),
        (143, "mikey: terminated by a signal"),
    )
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert set(place.iterdir()) == before


@pytest.mark.parametrize("where", ["no/where", "out/key"])
def test_a_place_without_use_is_told_before_the_work(
    where: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr(group_key, "key_group")  # whoever gets there fails otherwise
    (place / "out").mkdir()
    assert run("--sakke-keys", "a.toml", "--save-key", where) == 2
    assert where in capsys.readouterr().err
    assert not list((place / "out").iterdir())


def test_messages_are_of_now(place: Path) -> None:
    before = time.time_ns()
    assert run("--sakke-keys", "a.toml") == 0
    bundle = opened(place / "out" / f"tel-{ALICE[5:]}.mikey", place / "a.toml")
    seconds = int.from_bytes(bundle.t.value[:4]) - 2_208_988_800
    assert before // 10**9 - 1 <= seconds <= time.time_ns() // 10**9 + 1
