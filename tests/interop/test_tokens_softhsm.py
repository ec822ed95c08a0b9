"""What only a token with freely made keys can show: permissions, odd keys, a changed PIN, OAEP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mikey.credentials.public_key import PublicKey
from mikey.secret import Secret
from tests.interop.test_tokens import OCTETS, private_key, refusal
from tests.interop.token_peers import LABEL, PIN, TokenProcess, library, softhsm, softoken

pytestmark = pytest.mark.interop

KEY = Secret(bytes(range(32)))


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenProcess]:
    """A token of its own, with more keys in it than the imported one."""
    with softhsm(tmp_path_factory.mktemp("token"), private_key()) as process:
        process("open", name="a", pin=PIN, **process.search)
        process("make_keys", name="a")
        process("close", name="a")
        yield process


@pytest.fixture
def token(process: TokenProcess) -> Iterator[TokenProcess]:
    """The token with the imported key open, named "a"."""
    process("open", name="a", pin=PIN, **process.search)
    yield process
    process("close", name="a")


@contextmanager
def opened(token: TokenProcess, **search: str) -> Iterator[list[object]]:
    """A key named "k"; the value is what it says of itself."""
    yield token("open", name="k", pin=PIN, **search)
    token("close", name="k")


def test_a_key_that_only_signs(token: TokenProcess) -> None:
    with opened(token, label="sign only") as (_, _, can_sign, can_decrypt, *_):
        assert (can_sign, can_decrypt) == (True, False)
        assert token("sign", name="k", octets="00", hash="sha1", pss=True)
        # To the peer it is an envelope that does not open; the caller can ask before.
        assert 16 <= len(token("decrypt", name="k", ciphertext="01" * 256)) // 2 <= 245


def test_a_key_that_only_decrypts(token: TokenProcess) -> None:
    with opened(token, label="decrypt only") as (_, _, can_sign, can_decrypt, *_):
        assert (can_sign, can_decrypt) == (False, True)
        text = refusal(token, "sign", name="k", octets="00", hash="sha1", pss=False)
        assert text == "token 'trial', key 'decrypt only': the key may not sign"


def test_a_key_that_wants_the_pin_each_time_gets_it(token: TokenProcess) -> None:
    with opened(token, label="each time"):
        for _ in range(2):
            assert token("sign", name="k", octets="00", hash="sha256", pss=False)


def test_keys_that_are_no_use_are_named(token: TokenProcess) -> None:
    text = refusal(token, "open", name="k", pin=PIN, label="curve")
    assert text == "token 'trial', key 'curve': the key is not RSA"
    text = refusal(token, "open", name="k", pin=PIN, label="twice")
    assert text == "token 'trial', key 'twice': 2 private keys match"
    text = refusal(token, "open", name="k", pin=PIN, label="short")
    assert text == "token 'trial', key 'short': an RSA key of 512 bits is too short"


def test_oaep_opens(token: TokenProcess) -> None:
    ciphertext = PublicKey(private_key().public_key()).encrypt(KEY, oaep_hash="sha1").hex()
    with opened(token, oaep_hash="sha1", **token.search):
        assert bytes.fromhex(token("decrypt", name="k", ciphertext=ciphertext)) == KEY.expose()
    assert "md5" in refusal(token, "open", name="x", pin=PIN, label=LABEL, oaep_hash="md5")


def test_a_pin_that_was_changed_is_tried_once(token: TokenProcess) -> None:
    """More tries, one with each message, would lock a real token."""
    request = {"name": "a", "octets": OCTETS.hex(), "hash": "sha1", "pss": False}
    token("change_pin", name="a", old=PIN, new="new-4711")
    assert token("sign", **request)
    token("lose", name="a")
    assert "PIN is wrong" in refusal(token, "sign", **request)
    token("change_pin", name="a", old="new-4711", new=PIN)
    assert "PIN is wrong" in refusal(token, "sign", **request)
    token("close", name="a")
    token("open", name="a", pin=PIN, **token.search)
    assert token("sign", **request)


@pytest.mark.parametrize("peer", [softhsm, softoken])
def test_a_missing_peer_is_named(
    peer: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("MIKEY_REQUIRE_PEERS", raising=False)
    assert callable(peer)
    with (
        pytest.raises(pytest.skip.Exception, match="is not installed"),
        peer(tmp_path, private_key()),
    ):
        pass
    monkeypatch.setenv("MIKEY_REQUIRE_PEERS", "1")
    with (
        pytest.raises(pytest.fail.Exception, match="is not installed"),
        peer(tmp_path, private_key()),
    ):
        pass


def test_softoken_without_the_proxy_is_explained(token: TokenProcess) -> None:
    module = library("libsoftokn3.so", "libnss3")
    text = refusal(token, "open", name="x", module=str(module), pin=PIN, label=LABEL)
    assert "p11-kit's proxy module" in text
