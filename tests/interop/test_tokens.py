"""Keys in real tokens: SoftHSM 2, and NSS's softoken behind p11-kit's proxy."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mikey.credentials.public_key import HASHES, PublicKey
from mikey.errors import AuthenticationError
from mikey.registry import SignType
from mikey.secret import Secret
from tests.interop.token_peers import LABEL, PIN, TokenFailed, TokenProcess, softhsm, softoken
from tests.peers import need

pytestmark = pytest.mark.interop

Peer = Callable[[Path, rsa.RSAPrivateKey], AbstractContextManager[TokenProcess]]

OCTETS = b"what an I_MESSAGE would be"
ENVELOPE_KEY = Secret(bytes(range(16)))


@functools.cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module", params=[softhsm, softoken], ids=["softhsm", "nss"])
def process(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TokenProcess]:
    peer: Peer = request.param
    with peer(tmp_path_factory.mktemp("token"), private_key()) as process:
        yield process


@pytest.fixture
def token(process: TokenProcess) -> Iterator[TokenProcess]:
    """A token with one open key, named "a"."""
    process("open", name="a", pin=PIN, **process.search)
    yield process
    process("close", name="a")


def sign(token: TokenProcess, octets: bytes, hash_name: str, pss: bool) -> bytes:
    return bytes.fromhex(token("sign", name="a", octets=octets.hex(), hash=hash_name, pss=pss))


def decrypt(token: TokenProcess, ciphertext: bytes) -> bytes:
    return bytes.fromhex(token("decrypt", name="a", ciphertext=ciphertext.hex()))


def refusal(token: TokenProcess, command: str, /, **arguments: Any) -> str:
    with pytest.raises(TokenFailed) as failed:
        token(command, **arguments)
    kind, text = failed.value.args
    assert kind == "LocalError"
    assert PIN not in text
    return str(text)


def test_a_key_says_what_it_is(process: TokenProcess) -> None:
    size, blocking, can_sign, can_decrypt, public, shown = process(
        "open", name="a", pin=PIN, asked=True, **process.search
    )
    process("close", name="a")
    assert (size, blocking, can_sign, can_decrypt) == (256, True, True, True)
    assert public == repr(PublicKey(private_key().public_key()))
    assert LABEL in shown
    assert PIN not in shown


@pytest.mark.parametrize("pss", [False, True], ids=["v1.5", "pss"])
@pytest.mark.parametrize("hash_name", list(HASHES))
def test_signatures_hold_for_openssl_and_for_us(
    token: TokenProcess, hash_name: str, pss: bool, tmp_path: Path
) -> None:
    openssl = need("openssl")
    signature = sign(token, OCTETS, hash_name, pss)

    public = PublicKey(private_key().public_key())
    s_type = SignType.RSA_PSS if pss else SignType.RSA_PKCS_1_V1_5
    public.verify(signature, OCTETS, s_type=s_type, hashes=[hash_name])
    with pytest.raises(AuthenticationError):
        public.verify(signature, OCTETS + b"!", s_type=s_type, hashes=[hash_name])

    (tmp_path / "octets").write_bytes(OCTETS)
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "public.pem").write_bytes(
        private_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
    done = subprocess.run(
        [openssl, "dgst", f"-{hash_name}", *(options if pss else []), "-verify", "public.pem",
         "-signature", "signature", "octets"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "Verified OK", done.stderr


def test_an_unknown_hash_is_refused(token: TokenProcess) -> None:
    text = refusal(token, "sign", name="a", octets="00", hash="md5", pss=False)
    assert "md5" in text


@pytest.mark.parametrize("length", [16, 32, 245])
def test_envelopes_open(token: TokenProcess, length: int) -> None:
    envelope_key = Secret(bytes(range(length)))
    ciphertext = PublicKey(private_key().public_key()).encrypt(envelope_key)
    assert decrypt(token, ciphertext) == envelope_key.expose()


def test_envelopes_of_openssl_open(token: TokenProcess, tmp_path: Path) -> None:
    openssl = need("openssl")
    (tmp_path / "public.pem").write_bytes(
        private_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    done = subprocess.run(
        [openssl, "pkeyutl", "-encrypt", "-pubin", "-inkey", "public.pem",
         "-pkeyopt", "rsa_padding_mode:pkcs1"],
        cwd=tmp_path, input=ENVELOPE_KEY.expose(), capture_output=True, check=True,
    )  # fmt: skip
    assert decrypt(token, done.stdout) == ENVELOPE_KEY.expose()


def encrypted(block: bytes) -> bytes:
    """RSA without padding of our own: `block` is all of what is encrypted."""
    numbers = private_key().public_key().public_numbers()
    return pow(int.from_bytes(block), numbers.e, numbers.n).to_bytes(256)


def blocks() -> dict[str, bytes]:
    """Ciphertexts of every wrong shape: the padding's, the length's, the number's."""
    modulus = private_key().public_key().public_numbers().n
    filler = b"\xa5" * 300

    def padded(start: bytes, padding: int, rest: bytes) -> bytes:
        block = start + filler[:padding] + rest
        return encrypted(block + filler[: 256 - len(block)])

    good = PublicKey(private_key().public_key()).encrypt(ENVELOPE_KEY)
    return {
        "first octet not 0": padded(b"\x01\x02", 237, b"\0" + bytes(16)),
        "block type 1": padded(b"\x00\x01", 237, b"\0" + bytes(16)),
        "block type 0": padded(b"\x00\x00", 237, b"\0" + bytes(16)),
        "no separator": padded(b"\x00\x02", 254, b""),
        "padding of 7 octets": padded(b"\x00\x02", 7, b"\0" + bytes(246)),
        "no padding": padded(b"\x00\x02", 0, b"\0" + bytes(253)),
        "an empty key": padded(b"\x00\x02", 253, b"\0"),
        "a key of 1 octet": padded(b"\x00\x02", 252, b"\0\x07"),
        "a key of 15 octets": padded(b"\x00\x02", 238, b"\0" + bytes(15)),
        "zero": bytes(256),
        "one": bytes(255) + b"\1",
        "modulus - 1": (modulus - 1).to_bytes(256),
        "modulus": modulus.to_bytes(256),
        "beyond the modulus": b"\xff" * 256,
        "no octets": b"",
        "one octet": b"\1",
        "an octet short": good[:-1],
        "an octet more": good + b"\0",
        "a zero before": b"\0" + good,
        "64 KiB": b"\1" * 65536,
        "a bit wrong": good[:100] + bytes([good[100] ^ 1]) + good[101:],
    }


@pytest.mark.parametrize("shape", list(blocks()))
def test_each_bad_ciphertext_is_a_key_like_any_other(token: TokenProcess, shape: str) -> None:
    """No error, no empty key, no fixed one; the same again for the same ciphertext."""
    ciphertext = blocks()[shape]
    key = decrypt(token, ciphertext)
    assert 16 <= len(key) <= 245
    assert len(set(key)) > 4  # octets that look drawn, where the plain ones would be zeros
    assert decrypt(token, ciphertext) == key
    assert decrypt(token, PublicKey(private_key().public_key()).encrypt(ENVELOPE_KEY)) == (
        ENVELOPE_KEY.expose()
    )


def test_what_the_token_itself_says_of_a_bad_ciphertext(token: TokenProcess) -> None:
    """The two answers that are made one: an error, and octets that the token invents."""
    answer = token("raw_decrypt", name="a", ciphertext=blocks()["no separator"].hex())
    if token.peer == "SoftHSM":
        assert answer == "GeneralError"
    else:
        assert isinstance(answer, int)


def test_what_cannot_be_opened_is_named(process: TokenProcess) -> None:
    right = {"name": "b", "pin": PIN, **process.search}
    assert "PIN is wrong" in refusal(process, "open", **{**right, "pin": "no-4711"})
    assert "no such private key" in refusal(process, "open", **{**right, "label": "carol"})
    assert "no such private key" in refusal(process, "open", **{**right, "key_id": "ffff"})
    assert "needs the PIN" in refusal(process, "open", **{**right, "pin": None})
    text = refusal(process, "open", **{**right, "token": "elsewhere"})
    assert "no token is labelled 'elsewhere'" in text
    text = refusal(process, "open", **{**right, "module": "/nowhere.so"})
    assert text.startswith("not a PKCS #11 module that can be loaded: /nowhere.so: ")
    assert "not a PKCS #11" in refusal(process, "open", **{**right, "module": __file__})
    assert "label or its ID" in refusal(process, "open", name="b", pin=PIN)
    # Nothing of that is left behind: the right PIN opens the token.
    process("open", **right)
    process("close", name="b")


def test_a_second_key_must_bring_the_same_pin(token: TokenProcess) -> None:
    right = {"name": "b", **token.search}
    assert "PIN is wrong" in refusal(token, "open", pin="no-4711", **right)
    token("open", pin=PIN, **right)
    text = refusal(token, "closed_sign", name="b")
    assert "closed" in text
    assert sign(token, OCTETS, "sha1", pss=False)  # the login stayed for the first key


def test_threads_share_a_token(token: TokenProcess) -> None:
    token("open", name="b", pin=PIN, **token.search)
    public = PublicKey(private_key().public_key())
    ciphertext = public.encrypt(ENVELOPE_KEY).hex()
    done = token("threads", names=["a", "b"], count=24, ciphertext=ciphertext)
    token("close", name="b")
    for index, (signature, envelope_key) in enumerate(done):
        public.verify(bytes.fromhex(signature), str(index).encode())
        assert bytes.fromhex(envelope_key) == ENVELOPE_KEY.expose()
    assert len(done) == 24


def test_a_lost_session_opens_again(token: TokenProcess) -> None:
    token("open", name="b", pin=PIN, **token.search)
    ciphertext = PublicKey(private_key().public_key()).encrypt(ENVELOPE_KEY)
    before = sign(token, OCTETS, "sha256", pss=False)
    token("lose", name="a")
    assert decrypt(token, ciphertext) == ENVELOPE_KEY.expose()
    token("lose", name="a")
    assert sign(token, OCTETS, "sha256", pss=False) == before
    # The other key of the token finds itself in the session that was opened for the first.
    assert token("sign", name="b", octets=OCTETS.hex(), hash="sha256", pss=False) == before.hex()
    token("close", name="b")
