"""Files with keys of SAKKE and ECCSI: what they may hold, and errors that show no key."""

from __future__ import annotations

import functools
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mikey.credentials import McxUid, RawIdentifier, Sakke, TelMonthly
from mikey.credentials.sakke_file import (
    load_keys,
    load_kms,
    load_masters,
    scheme_name,
)
from mikey.crypto import eccsi, sakke
from mikey.errors import LocalError
from mikey.policy import SECOND
from mikey.registry import SakkeIdScheme
from mikey.secret import Secret

USER = "tel:+447700900123"
AT = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * SECOND
Z_SECRET, KSAK = Secret((5).to_bytes(128)), Secret((7).to_bytes(32))


@functools.cache
def values() -> dict[str, str]:
    identifier = TelMonthly().identifier(USER, "", AT)
    ssk, pvt = eccsi.make_pair(KSAK, identifier, secrets.token_bytes)
    return {
        "z": sakke.make_public_key(Z_SECRET).octets.hex(),
        "kpak": eccsi.make_public_key(KSAK).octets.hex(),
        "rsk": sakke.make_receiver_key(Z_SECRET, identifier).expose().hex(),
        "ssk": ssk.expose().hex(),
        "pvt": pvt.hex(),
    }


def kms_text() -> str:
    return (
        f'[kms]\nuri = "kms.example.org"\nid-scheme = "tel"\n'
        f'z = "{values()["z"]}"\nkpak = "{values()["kpak"]}"\n'
    )


def user_text(identity: str = USER) -> str:
    keys = "".join(f'{name} = "{values()[name]}"\n' for name in ("rsk", "ssk", "pvt"))
    return f'identity = "{identity}"\nfrom = 2026-11-01T00:00:00Z\n{keys}\n{kms_text()}'


def written(folder: Path, text: str, name: str = "keys.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_a_users_keys(tmp_path: Path) -> None:
    held = load_keys(written(tmp_path, user_text()))
    (keys,) = held.keys
    assert held.identity == USER
    assert keys.identifier == b"2026-11\0tel:+447700900123\0"
    assert keys.period == TelMonthly().period(AT)
    assert keys.signing is not None
    assert keys.signing.pvt.hex() == values()["pvt"]
    assert keys.kms.uri == "kms.example.org"


@pytest.mark.rule("R6509-3.3-1", "R6509-3.3-3")
def test_a_kms_that_changed_its_keys_between_two_months(tmp_path: Path) -> None:
    """The public keys come with the user's, and each are good for their month alone."""
    later = AT + 40 * 86_400 * SECOND
    z_secret, ksak = Secret((55).to_bytes(128)), Secret((77).to_bytes(32))
    identifier = TelMonthly().identifier(USER, "", later)
    ssk, pvt = eccsi.make_pair(ksak, identifier, secrets.token_bytes)
    new = {
        "z": sakke.make_public_key(z_secret).octets,
        "kpak": eccsi.make_public_key(ksak).octets,
        "rsk": sakke.make_receiver_key(z_secret, identifier).expose(),
        "ssk": ssk.expose(),
        "pvt": pvt,
    }
    text = user_text().replace("2026-11", "2026-12")
    for name, octets in new.items():
        text = re.sub(f"(?m)^{name} = .*$", f'{name} = "{octets.hex()}"', text)
    paths = written(tmp_path, user_text()), written(tmp_path, text, "december.toml")
    held = load_keys(*paths)
    credential = Sakke(identity=USER, keys=held.keys)
    for at, z in ((AT, values()["z"]), (later, new["z"].hex())):
        kms = credential.find_kms("kms.example.org", at)
        keys = credential.find_keys("kms.example.org", at)
        assert kms is not None
        assert keys is not None
        assert kms.sakke.octets.hex() == keys.kms.sakke.octets.hex() == z
    assert [keys.kms.period for keys in load_keys(paths[0]).keys] == [None]


@pytest.mark.rule("R6509-2.1.2-2")
def test_a_user_who_signs_with_a_certificate_has_no_ssk(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^(ssk|pvt) = .*\n", "", user_text())
    assert load_keys(written(tmp_path, text)).keys[0].signing is None


def test_the_public_side_of_a_kms(tmp_path: Path) -> None:
    path = written(tmp_path, kms_text())
    path.chmod(0o644)
    kms = load_kms(path)
    assert (kms.uri, kms.scheme) == ("kms.example.org", TelMonthly())
    assert kms.sakke.octets.hex() == values()["z"]
    assert kms.eccsi.octets.hex() == values()["kpak"]


@pytest.mark.parametrize(
    ("scheme", "more", "expected"),
    [
        ("tel", "", TelMonthly()),
        ("raw", "", RawIdentifier()),
        ("3gpp", "", McxUid()),
        ("3gpp", "key-period = 604800\nkey-offset = 3600\n", McxUid(604800, 3600)),
    ],
)
def test_identifier_schemes(scheme: str, more: str, expected: object, tmp_path: Path) -> None:
    text = kms_text().replace('"tel"\n', f'"{scheme}"\n{more}')
    found = load_kms(written(tmp_path, text)).scheme
    assert found == expected
    assert scheme_name(found) == scheme


def test_a_scheme_of_ones_own_has_no_name_in_files() -> None:
    class Other(RawIdentifier):
        @property
        def number(self) -> SakkeIdScheme:
            return SakkeIdScheme(250)

    with pytest.raises(LocalError, match="identifier scheme 250 has no name in files"):
        scheme_name(Other())


def test_the_master_secrets_of_a_kms(tmp_path: Path) -> None:
    kms = load_kms(written(tmp_path, kms_text()))
    text = f'z = "{Z_SECRET.expose().hex()}"\nksak = "{KSAK.expose().hex()}"\n'
    masters = load_masters(written(tmp_path, text, "master.toml"), kms)
    assert (masters.z, masters.ksak) == (Z_SECRET, KSAK)
    for wrong in (
        text.replace('5"', '6"'),
        text.replace('7"', '8"'),
        text.replace("00000005", "05"),
        text.replace("z =", "y ="),
        text + "more = 1\n",
    ):
        with pytest.raises(LocalError, match=r"master\.toml"):
            load_masters(written(tmp_path, wrong, "master.toml"), kms)


def changed(old: str, new: str) -> str:
    text = user_text()
    assert re.search(old, text)
    return re.sub(old, new, text, count=1)


DAMAGE = {
    "other user": ("447700900123", "447700900124", "not the receiver secret key"),
    "other month": ("2026-11-01", "2026-12-01", "not the receiver secret key"),
    "identity of another kind": ("tel:.447700900123", "sip:alice@example.org", "tel URI"),
    "no identity": ("identity = .*\n", "", "identity is missing, so it is no file of a user"),
    "identity of two lines": (r"900123", r"900123\\n", "identity is not a line of text"),
    "identity a number": ("identity = .*", "identity = 7", "identity is not a line of text"),
    "no time": ("from = .*\n", "", "from is missing"),
    "time as text": ("from = (.*)", r'from = "\1"', "from is not a time"),
    "time without a zone": ("00:00:00Z", "00:00:00", "from is not a time"),
    "no rsk": ("rsk = .*\n", "", "rsk is missing"),
    "no pvt": ("pvt = .*\n", "", "pvt is missing"),
    "rsk of no hex digits": ('rsk = "..', 'rsk = "zz', "rsk is not hexadecimal"),
    "rsk too short": ('rsk = "..', 'rsk = "', "not the receiver secret key"),
    "ssk of zeros": ('ssk = ".*"', f'ssk = "{"00" * 32}"', "ECCSI key: "),
    "pvt off the curve": ('pvt = "04....', 'pvt = "04ffff', "ECCSI key: "),
    "unknown word": ("from =", "since = 1\nfrom =", "'since' is not known"),
    "unknown word of the kms": ("uri =", "url = 1\nuri =", r"\[kms\]: 'url' is not known"),
    "no kms": (r"\[kms\]", "[kmz]", "kms is missing"),
    "kms a word": (r"(?s)\[kms\].*", "", "kms is missing"),
    "z too short": ('z = "..', 'z = "', "Z: "),
    "kpak off the curve": ('kpak = "04....', 'kpak = "04ffff', "KPAK: "),
    "unknown scheme": ('"tel"', '"email"', "id-scheme is one of tel, 3gpp, raw"),
    "period of no number": ('"tel"', '"3gpp"\nkey-period = true\nkey-offset = 0', "an integer"),
    "period of zero": ('"tel"', '"3gpp"\nkey-period = 0\nkey-offset = 0', "key period"),
    "offset missing": ('"tel"', '"3gpp"\nkey-period = 5', "key-offset is missing"),
    "not TOML": ("identity", "identity identity", r"not TOML \(at line 1, column 10\)"),
    "an unfinished text": ('(?s)kpak = "(.*)"', r'kpak = "\1', "not TOML"),
    "an endless number": ("from = .*", f"from = {'9' * 5000}", "not TOML"),
    "a deep list": ("from = .*", f"from = {'[' * 5000}", "not TOML"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_told_without_the_keys(name: str, tmp_path: Path) -> None:
    old, new, reason = DAMAGE[name]
    path = written(tmp_path, changed(old, new))
    with pytest.raises(LocalError, match=reason) as caught:
        load_keys(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert not any(secret[:12] in text for secret in values().values())
    assert caught.value.__cause__ is None


def test_a_key_in_the_place_of_a_name_is_not_shown(tmp_path: Path) -> None:
    ssk = values()["ssk"]
    with pytest.raises(LocalError, match="is not known") as caught:
        load_keys(written(tmp_path, f"{ssk} = 1\n" + user_text()))
    assert ssk[:21] not in str(caught.value)
    with pytest.raises(LocalError, match="not TOML") as caught:
        load_keys(written(tmp_path, f"{ssk} = 1\n{ssk}.a = 1\n" + user_text()))
    assert ssk[:12] not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="a file with keys is needed"):
        load_keys()
    with pytest.raises(LocalError, match="No such file"):
        load_keys(tmp_path / "nothing")
    path = written(tmp_path, user_text())
    path.write_bytes(b"\xff" + path.read_bytes())
    with pytest.raises(LocalError, match="not UTF-8"):
        load_keys(path)
    with pytest.raises(LocalError, match="longer than 65536 octets"):
        load_keys(written(tmp_path, user_text() + "#" * 65536))
    open_to_all = written(tmp_path, user_text())
    open_to_all.chmod(0o604)
    with pytest.raises(LocalError, match="others than its owner may open it"):
        load_keys(open_to_all)


def test_keys_of_different_users_are_no_credential(tmp_path: Path) -> None:
    other = "tel:+447700900999"
    identifier = TelMonthly().identifier(other, "", AT)
    rsk = sakke.make_receiver_key(Z_SECRET, identifier).expose().hex()
    text = re.sub(r"(?m)^(ssk|pvt) = .*\n", "", user_text(other))
    text = re.sub("rsk = .*", f'rsk = "{rsk}"', text)
    paths = written(tmp_path, user_text()), written(tmp_path, text, "other.toml")
    with pytest.raises(LocalError, match=r"keys of different users: tel:\+447700900123, tel:"):
        load_keys(*paths)
