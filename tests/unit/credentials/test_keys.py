"""RSA keys: signatures as openssl makes and checks them, and envelopes that tell nothing."""

from __future__ import annotations

import math
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from mikey.credentials import Decrypter, ImplicitRejection, PublicKey, Signer, SoftwareKey
from mikey.errors import AuthenticationError, LocalError, PeerError
from mikey.registry import ErrorNumber, SignType
from mikey.secret import Secret
from tests import pki
from tests.peers import need

TEXT = b"the octets in front of the signature"
HASHES = ("sha1", "sha256", "sha384", "sha512")
SIZE = 256


@pytest.fixture(scope="module")
def private() -> rsa.RSAPrivateKey:
    return pki.rsa_key("alice")


@pytest.fixture(scope="module")
def key(private: rsa.RSAPrivateKey) -> SoftwareKey:
    return SoftwareKey(private)


@pytest.fixture
def public(private: rsa.RSAPrivateKey) -> PublicKey:
    return PublicKey(private.public_key())


def test_a_software_key_is_both_and_shows_nothing(key: SoftwareKey) -> None:
    assert isinstance(key, Signer)
    assert isinstance(key, Decrypter)
    assert repr(key) == "<SoftwareKey RSA-2048>"
    assert key.size == SIZE
    assert not key.blocking
    with pytest.raises(TypeError):
        pickle.dumps(key)


@pytest.mark.rule("R3830-6.5-5")
@pytest.mark.parametrize("pss", [False, True])
@pytest.mark.parametrize("name", HASHES)
def test_signatures_are_checked_by_the_allowed_list(
    key: SoftwareKey, public: PublicKey, name: str, pss: bool
) -> None:
    s_type = SignType.RSA_PSS if pss else SignType.RSA_PKCS_1_V1_5
    signature = key.sign(TEXT, hash=name, pss=pss)
    assert len(signature) == SIZE
    assert public.verify(signature, TEXT, s_type=s_type) == 0
    assert public.verify(signature, b"another", TEXT, s_type=s_type, hashes=[name]) == 1
    others = [other for other in HASHES if other != name]
    for wrong, text, kind, allowed in (
        (signature, TEXT, s_type, others),
        (signature, TEXT + b"\0", s_type, HASHES),
        (signature, TEXT, SignType(1 - s_type), HASHES),
        (signature, TEXT, SignType.ECCSI, HASHES),
        (signature[:-1], TEXT, s_type, HASHES),
        (bytes(1) + signature, TEXT, s_type, HASHES),
        (bytes(SIZE), TEXT, s_type, HASHES),
        (b"\xff" * SIZE, TEXT, s_type, HASHES),
        (b"", TEXT, s_type, HASHES),
    ):
        with pytest.raises(AuthenticationError):
            public.verify(wrong, text, s_type=kind, hashes=allowed)


@pytest.mark.rule("R3830-6.5-5")
@pytest.mark.parametrize("name", ["sha1", "sha256"])
@pytest.mark.parametrize("salt", [0, 20, 32, 100])
def test_pss_is_accepted_with_any_length_of_salt(
    private: rsa.RSAPrivateKey, public: PublicKey, name: str, salt: int
) -> None:
    from mikey.credentials.public_key import HASHES as ALGORITHMS

    algorithm = ALGORITHMS[name]
    signature = private.sign(TEXT, padding.PSS(padding.MGF1(algorithm), salt), algorithm)
    assert public.verify(signature, TEXT, s_type=SignType.RSA_PSS) == 0


def test_a_digest_info_with_more_behind_it_is_no_signature(
    private: rsa.RSAPrivateKey, public: PublicKey
) -> None:
    """What Bleichenbacher's forgery of 2006 needs: octets behind the digest."""
    import hashlib

    from mikey.credentials.public_key import DIGEST_INFO

    numbers = private.private_numbers()

    def encoded(info: bytes, filling: int | None = None) -> bytes:
        ones = SIZE - 3 - len(info) if filling is None else filling
        block = b"\0\1" + b"\xff" * ones + b"\0" + info
        value = int.from_bytes(block.ljust(SIZE, b"\0"))
        return pow(value, numbers.d, numbers.public_numbers.n).to_bytes(SIZE)

    info = DIGEST_INFO["sha1"] + hashlib.sha1(TEXT).digest()
    assert public.verify(encoded(info), TEXT) == 0
    for forged in (
        encoded(info + b"\0"),
        encoded(info, 8),
        encoded(info[:-1]),
        encoded(hashlib.sha1(TEXT).digest()),
        encoded(info.replace(b"\x05\x00", b"", 1)),
    ):
        with pytest.raises(AuthenticationError):
            public.verify(forged, TEXT)


def test_signatures_agree_with_openssl(
    private: rsa.RSAPrivateKey, key: SoftwareKey, public: PublicKey, tmp_path: Path
) -> None:
    openssl = need("openssl")
    (tmp_path / "key").write_bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (tmp_path / "pub").write_bytes(
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "text").write_bytes(TEXT)

    def run(*arguments: str) -> None:
        subprocess.run(
            [openssl, "dgst", *arguments, "text"], cwd=tmp_path, check=True, capture_output=True
        )

    for name in HASHES:
        for pss in (False, True):
            how = ["-sigopt", "rsa_padding_mode:pss"] if pss else []
            s_type = SignType.RSA_PSS if pss else SignType.RSA_PKCS_1_V1_5
            (tmp_path / "ours").write_bytes(key.sign(TEXT, hash=name, pss=pss))
            run(f"-{name}", "-verify", "pub", *how, "-signature", "ours")
            run(f"-{name}", "-sign", "key", *how, "-out", "theirs")
            theirs = (tmp_path / "theirs").read_bytes()
            assert public.verify(theirs, TEXT, s_type=s_type, hashes=[name]) == 0


@pytest.mark.rule("R3830-6.3-5")
@pytest.mark.parametrize("length", [16, 17, 112, SIZE - 11])
def test_envelope_keys_of_every_allowed_length(
    key: SoftwareKey, public: PublicKey, length: int
) -> None:
    plain = Secret(bytes(range(length % 251)) + b"x" * (length - length % 251))
    assert key.decrypt(public.encrypt(plain)) == plain


@pytest.mark.rule("R3830-6.3-5")
@pytest.mark.parametrize("length", [0, 15, SIZE - 10])
def test_envelope_keys_of_other_lengths_are_not_made(public: PublicKey, length: int) -> None:
    with pytest.raises(LocalError, match="16 to 245 octets"):
        public.encrypt(Secret(bytes(length)))


def test_oaep_where_it_is_asked_for(private: rsa.RSAPrivateKey, public: PublicKey) -> None:
    plain = Secret(b"sixteen octets !")
    key = SoftwareKey(private, oaep_hash="sha256")
    assert key.decrypt(public.encrypt(plain, oaep_hash="sha256")) == plain
    assert key.decrypt(public.encrypt(plain)) != plain
    assert SoftwareKey(private).decrypt(public.encrypt(plain, oaep_hash="sha256")) != plain
    with pytest.raises(LocalError, match="OAEP"):
        SoftwareKey(private, oaep_hash="md5")


def block(content: bytes) -> bytes:
    """A ciphertext whose padded block is `content`."""
    numbers = pki.rsa_key("alice").public_key().public_numbers()
    return pow(int.from_bytes(content.rjust(SIZE, b"\0")), numbers.e, numbers.n).to_bytes(SIZE)


def padded(plain: bytes, ones: int | None = None) -> bytes:
    return b"\0\2" + b"\x5a" * (SIZE - 3 - len(plain) if ones is None else ones) + b"\0" + plain


BAD = {
    "empty": b"",
    "one octet": b"\1",
    "zeros": bytes(SIZE),
    "ones": b"\xff" * SIZE,
    "too short": bytes(SIZE - 1),
    "too long": bytes(1) + block(padded(b"k" * 16)),
    "much too long": bytes(16383),
    "first octet": block(b"\1\2" + padded(b"k" * 16)[2:]),
    "block type": block(b"\0\1" + padded(b"k" * 16)[2:]),
    "no zero": block(b"\0\2" + b"\x5a" * (SIZE - 2)),
    "seven octets of padding": block(padded(b"k" * (SIZE - 10), 7)),
    "no plaintext": block(padded(b"")),
    "15 octets": block(padded(b"k" * 15)),
    "modulus": pki.rsa_key("alice").public_key().public_numbers().n.to_bytes(SIZE),
}


@pytest.mark.rule("R3830-6.3-5")
@pytest.mark.parametrize("ciphertext", BAD.values(), ids=BAD)
def test_a_bad_ciphertext_is_an_envelope_key_like_another(
    private: rsa.RSAPrivateKey, ciphertext: bytes
) -> None:
    key, another = SoftwareKey(private), SoftwareKey(private)
    plain = key.decrypt(ciphertext)
    assert isinstance(plain, Secret)
    assert 16 <= len(plain) <= SIZE - 11
    # The same again, as a real plaintext would be, and nothing that a peer could foresee.
    assert key.decrypt(ciphertext) == plain
    assert b"kkkkkkkkkkkkkkk" not in plain.expose()
    # OpenSSL's own rejection depends on the key alone, ours on nothing but our random octets.
    assert len({key.decrypt(ciphertext).expose(), another.decrypt(ciphertext).expose()}) in (1, 2)


@given(st.binary(max_size=300))
def test_no_octets_raise(ciphertext: bytes) -> None:
    assert 16 <= len(SoftwareKey(pki.rsa_key("alice")).decrypt(ciphertext)) <= SIZE - 11


@pytest.mark.parametrize(
    "answer",
    [
        lambda octets: octets[:0],
        lambda octets: octets[:15],
        lambda octets: octets[: SIZE - 10],
        lambda octets: octets[:1] * SIZE,
    ],
)
def test_every_answer_of_a_token_that_is_no_key_is_replaced(
    answer: Callable[[bytes], bytes],
) -> None:
    rejection = ImplicitRejection(SIZE, random=lambda n: b"\7" * n)
    plain = rejection.apply(b"\1" * SIZE, answer)
    assert 16 <= len(plain) <= SIZE - 11
    assert plain == rejection.apply(b"\1" * SIZE, _fails)
    assert plain != ImplicitRejection(SIZE).apply(b"\1" * SIZE, answer)


def test_a_ciphertext_of_the_wrong_length_costs_the_same_operation() -> None:
    rejection = ImplicitRejection(SIZE)
    asked: list[bytes] = []

    def decrypt(octets: bytes) -> bytes:
        asked.append(octets)
        return b"sixteen octets !"

    for length in (0, SIZE - 1, SIZE + 1, 16383):
        plain = rejection.apply(bytes(length), decrypt)
        assert plain != Secret(b"sixteen octets !")
    assert rejection.apply(b"\3" * SIZE, decrypt) == Secret(b"sixteen octets !")
    assert [len(octets) for octets in asked] == [SIZE] * 5
    assert all(octets[0] == 0 for octets in asked[:4])


def test_lengths_of_substitutes_spread_over_all_that_are_possible() -> None:
    rejection = ImplicitRejection(SIZE)
    lengths = {len(rejection.apply(i.to_bytes(SIZE), _fails)) for i in range(3000)}
    assert min(lengths) == 16
    assert max(lengths) == SIZE - 11


def test_keys_that_are_refused() -> None:
    with pytest.raises(LocalError, match="RSA"):
        SoftwareKey(pki.ec_key("x"))  # type: ignore[arg-type]
    with pytest.raises(PeerError, match="not RSA") as caught:
        PublicKey(pki.ec_key("x").public_key())
    assert caught.value.number is ErrorNumber.INVALID_CERT
    huge = rsa.RSAPublicNumbers(65537, (1 << 8200) + 1).public_key()
    with pytest.raises(PeerError, match="too large"):
        PublicKey(huge)
    even = rsa.RSAPublicNumbers(65537, 1 << 2047).public_key()
    with pytest.raises(PeerError, match="is none") as caught:
        PublicKey(even)
    assert caught.value.number is ErrorNumber.INVALID_CERT
    slow = rsa.RSAPublicNumbers(
        (1 << 40) + 1, pki.rsa_key("alice").public_key().public_numbers().n
    ).public_key()
    with pytest.raises(PeerError, match="too large"):
        PublicKey(slow)
    with pytest.raises(LocalError, match="too large"):
        SoftwareKey(_with_exponent((1 << 40) + 15))


def test_unknown_hashes_are_the_callers_mistake(key: SoftwareKey) -> None:
    with pytest.raises(LocalError, match="md5"):
        key.sign(TEXT, hash="md5", pss=False)


def test_operations_are_told_to_the_observer(private: rsa.RSAPrivateKey) -> None:
    seen: list[str] = []
    public = PublicKey(private.public_key(), seen.append)
    key = SoftwareKey(private)
    public.verify(key.sign(TEXT, hash="sha512", pss=False), b"a", b"b", TEXT)
    public.encrypt(Secret(bytes(16)))
    with pytest.raises(AuthenticationError):
        public.verify(b"short", TEXT)
    assert seen == ["signature", "envelope"]


def _with_exponent(e: int) -> rsa.RSAPrivateKey:
    """The key of Alice with another public exponent."""
    old = pki.rsa_key("alice").private_numbers()
    d = pow(e, -1, math.lcm(old.p - 1, old.q - 1))
    dmp1, dmq1 = rsa.rsa_crt_dmp1(d, old.p), rsa.rsa_crt_dmq1(d, old.q)
    public = rsa.RSAPublicNumbers(e, old.public_numbers.n)
    return rsa.RSAPrivateNumbers(old.p, old.q, d, dmp1, dmq1, old.iqmp, public).private_key()


def _fails(octets: bytes) -> bytes:
    raise RuntimeError("CKR_ENCRYPTED_DATA_INVALID")
