"""Files of pre-shared keys."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from mikey.credentials import psk_file
from mikey.errors import LocalError

KEY = bytes(range(16))
HEX = KEY.hex()
B64 = base64.b64encode(bytes(range(20))).decode()


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_identities_keys_and_comments(tmp_path: Path) -> None:
    path = write(
        tmp_path / "keys",
        f"# our peers\n\n  sip:bob@example.org\t{HEX}   # hexadecimal\r\n"
        f"sip:carol@example.org;x=#1 {B64}\n#* {HEX}\n",
    )
    keys = psk_file.load(path)
    bob, carol = keys.lookup("sip:bob@example.org"), keys.lookup("sip:carol@example.org;x=#1")
    assert bob is not None
    assert bob.expose() == KEY
    assert carol is not None
    assert carol.expose() == bytes(range(20))
    assert keys.lookup("sip:eve@example.org") is None


def test_an_own_line_comes_before_the_star(tmp_path: Path) -> None:
    keys = psk_file.load(write(tmp_path / "keys", f"* {B64}\nsip:bob@example.org {HEX}"))
    bob, eve = keys.lookup("sip:bob@example.org"), keys.lookup("sip:eve@example.org")
    assert bob is not None
    assert bob.expose() == KEY
    assert eve is not None
    assert eve.expose() == bytes(range(20))


def test_only_hex_digits_of_even_number_are_hexadecimal() -> None:
    even, odd = "ab" * 16, "ab" * 16 + "abcd" + "a"  # 37 digits: no base64 either
    key = psk_file.parse(f"a {even}").lookup("a")
    assert key is not None
    assert key.expose() == b"\xab" * 16
    with pytest.raises(LocalError, match="neither hexadecimal nor base64"):
        psk_file.parse(f"a {odd}")


def test_the_repr_shows_no_key() -> None:
    assert HEX not in repr(psk_file.parse(f"a {HEX}"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "holds no key"),
        ("# nothing\n", "holds no key"),
        (f"\n\n{HEX}\n", "line 3: a line is 'identity key', this one has 1 word"),
        (f"a b {HEX}", "line 1: a line is 'identity key', this one has 3 words"),
        (f"a {HEX}\n\na {B64}", "line 3: the identity of line 1 again"),
        (f"a {HEX[:30]}", "line 1: the key has 15 octets"),
        ("a YWJj", "line 1: the key has 3 octets"),
        ("a not*base64*but*long*enough", "line 1: the key is neither"),
        ("a \u00e9\u00e9\u00e9\u00e9", "line 1: the key is neither"),
        (f"a {HEX[:-1]}", "line 1: the key is neither"),
    ],
)
def test_wrong_lines_are_named(tmp_path: Path, text: str, reason: str) -> None:
    path = write(tmp_path / "keys", text)
    with pytest.raises(LocalError) as caught:
        psk_file.load(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.rule("R3830-4.1.2-5")
@pytest.mark.parametrize("key", [bytes(range(32)) * 2, bytes(32) + bytes(range(40)) + bytes(64)])
def test_keys_whose_blocks_cancel_are_refused(key: bytes) -> None:
    for text in (key.hex(), base64.b64encode(key).decode()):
        with pytest.raises(LocalError, match="line 1: the key holds the same 32 octets twice"):
            psk_file.parse(f"a {text}")


@pytest.mark.parametrize(
    "text",
    [
        "a secretsecretsecret!!",
        "secretsecretsecret!!",
        "secretsecretsecret!! sip:bob\nsecretsecretsecret!! sip:bob",
        "one two secretsecretsecret!!",
        f"secretsecretsecret!! {HEX}\nsecretsecretsecret!! {HEX}",
    ],
)
def test_no_error_shows_the_text_of_a_line(text: str) -> None:
    with pytest.raises(LocalError) as caught:
        psk_file.parse(text)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666])
def test_files_open_to_others_are_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "my keys", f"a {HEX}", mode)
    with pytest.raises(LocalError, match=f"mode {mode:04o}.*chmod 600 '.*my keys'"):
        psk_file.load(path)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_files_of_the_owner_alone_are_read(tmp_path: Path, mode: int) -> None:
    assert psk_file.load(write(tmp_path / "keys", f"a {HEX}", mode)).lookup("a") is not None


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="nowhere: No such file"):
        psk_file.load(tmp_path / "nowhere")
    with pytest.raises(LocalError, match="directory"):
        psk_file.load(tmp_path)
    with pytest.raises(LocalError, match="no file has such a name"):
        psk_file.load("a\0b")


def test_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(b"# fine\na \xff\xfe\n")
    path.chmod(0o600)
    with pytest.raises(LocalError, match="line 2: not UTF-8"):
        psk_file.load(path)
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(LocalError, match="longer than"):
        psk_file.load(path)
