"""ECCSI against RFC 6507 Appendix A, against a slow implementation, and against bad input."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mikey import _native
from mikey.crypto import eccsi
from mikey.errors import AuthenticationError, LocalError
from mikey.secret import Secret
from tests.naive import eccsi as naive
from tests.naive.curve import Point
from tests.vectors import load

VECTOR = {
    name: bytes.fromhex(value)
    for name, value in load("eccsi-rfc6507", "eccsi")[0].items()
    if name not in ("section", "kind", "result")
}
ID, MESSAGE, SIGNATURE, PVT = (
    VECTOR[name] for name in ("identifier", "message", "signature", "pvt")
)
KPAK, SSK = VECTOR["public_key"], Secret(VECTOR["ssk"])
N = eccsi.INTEGER_OCTETS
Q = naive.Q


def fixed(*octets: bytes) -> Callable[[int], bytes]:
    """Return a random source that gives these, one after the other."""
    rest = iter(octets)
    return lambda length: next(rest) if length == N else b""


@pytest.fixture(scope="module")
def public() -> eccsi.PublicKey:
    return eccsi.PublicKey(KPAK)


@pytest.fixture(scope="module")
def signing(public: eccsi.PublicKey) -> eccsi.SigningKey:
    return eccsi.SigningKey(public, ID, SSK, PVT)


@pytest.mark.rule("R6507-4.2-1", "R6507-5.1.1-1", "R6507-3.2-1")
def test_the_kms_of_appendix_a() -> None:
    master = Secret(VECTOR["master"])
    assert eccsi.make_public_key(master).octets == KPAK
    ssk, pvt = eccsi.make_pair(master, ID, fixed(VECTOR["v"]))
    assert (ssk, pvt) == (SSK, PVT)


@pytest.mark.rule("R6507-5.2.1-1", "R6507-5.2.2-1", "R6507-3.3-1", "R6507-3.2-1")
def test_the_signature_of_appendix_a(public: eccsi.PublicKey, signing: eccsi.SigningKey) -> None:
    signature = signing.sign(MESSAGE, fixed(VECTOR["j"]))
    assert signature == SIGNATURE
    assert signature == VECTOR["r"] + VECTOR["s"] + PVT
    assert len(signature) == 4 * N + 1
    public.verify(ID, MESSAGE, signature)


@pytest.mark.rule("R6507-5.2.1-1", "R6507-5.2.2-1", "R6507-5.1.1-1", "R6507-5.1.2-1")
def test_the_slow_implementation_makes_and_takes_the_same() -> None:
    source = random.Random(6507)
    for _ in range(6):
        master = source.randrange(1, Q)
        identifier, message = (source.randbytes(source.randrange(1, 200)) for _ in range(2))
        v, j = (source.randrange(1, Q).to_bytes(N) for _ in range(2))
        kpak = naive.public_key(master)
        public = eccsi.make_public_key(Secret(master.to_bytes(N)))
        assert public.octets == kpak
        ssk, pvt = eccsi.make_pair(Secret(master.to_bytes(N)), identifier, fixed(v))
        number = int.from_bytes(ssk.expose())
        assert (number, pvt) == naive.make_pair(master, identifier, int.from_bytes(v))
        assert naive.fits(kpak, identifier, number, pvt)
        signature = eccsi.SigningKey(public, identifier, ssk, pvt).sign(message, fixed(j))
        j_number = int.from_bytes(j)
        assert signature == naive.sign(kpak, identifier, number, pvt, message, j_number)
        assert naive.verify(kpak, identifier, message, signature)
        for _ in range(3):  # unknown, seen once, known
            public.verify(identifier, message, signature)


@pytest.mark.rule("R6507-5.1.2-1")
@pytest.mark.parametrize(
    ("kpak", "identifier", "ssk", "pvt"),
    [
        (KPAK, ID[:-1], SSK, PVT),
        (KPAK, b"", SSK, PVT),
        (KPAK, ID, Secret(VECTOR["s"]), PVT),
        (KPAK, ID, Secret(bytes(N)), PVT),
        (KPAK, ID, Secret(Q.to_bytes(N)), PVT),
        (KPAK, ID, Secret(SSK.expose()[1:]), PVT),
        (KPAK, ID, SSK, KPAK),
        (KPAK, ID, SSK, PVT[:-1] + b"\x00"),
        (KPAK, ID, SSK, PVT[:-1]),
        (VECTOR["y"], ID, SSK, PVT),
    ],
)
def test_a_key_that_does_not_fit_is_refused(
    kpak: bytes, identifier: bytes, ssk: Secret, pvt: bytes
) -> None:
    with pytest.raises(LocalError, match="ECCSI key: ") as caught:
        eccsi.SigningKey(eccsi.PublicKey(kpak), identifier, ssk, pvt)
    assert ssk.expose().hex() not in str(caught.value)


def bad_points() -> dict[str, bytes]:
    p = naive.E.p.to_bytes(N)
    x, y = KPAK[1 : 1 + N], KPAK[1 + N :]
    small = naive.E.p + 5  # 5 is the x of a point
    return {
        "none": b"",
        "infinity": b"\0",
        "compressed": b"\x02" + x,
        "hybrid": bytes((6 + (y[-1] & 1),)) + x + y,
        "short": KPAK[:-1],
        "long": KPAK + b"\0",
        "off the curve": b"\x04" + x + bytes(N),
        "zeros": b"\x04" + bytes(2 * N),
        "x = p": b"\x04" + p + y,
        "y = p": b"\x04" + x + p,
        "x = p + 5": b"\x04" + small.to_bytes(N) + point_with_x_5(),
    }


def point_with_x_5() -> bytes:
    p, b = naive.E
    y = pow(5**3 - 15 + b, (p + 1) // 4, p)
    assert naive.E.holds(Point(5, y))
    return y.to_bytes(N)


@pytest.mark.rule("R6507-4.2-1", "R6507-5.2.2-1", "R6507-5.1.2-1")
@pytest.mark.parametrize("name", bad_points())
def test_octets_that_are_no_point_are_refused(name: str, public: eccsi.PublicKey) -> None:
    octets = bad_points()[name]
    with pytest.raises(LocalError, match="KPAK: no point of P-256"):
        eccsi.PublicKey(octets)
    with pytest.raises(LocalError, match="no point of P-256"):
        eccsi.SigningKey(public, ID, SSK, octets)
    with pytest.raises(AuthenticationError):
        public.verify(ID, MESSAGE, SIGNATURE[: 2 * N] + octets)


@pytest.mark.rule("R6507-5.2.2-1", "R6507-3.3-1")
@given(bit=st.integers(0, 8 * eccsi.SIGNATURE_OCTETS - 1))
def test_a_flipped_bit_is_refused(bit: int) -> None:
    octets = bytearray(SIGNATURE)
    octets[bit // 8] ^= 1 << bit % 8
    with pytest.raises(AuthenticationError):
        eccsi.PublicKey(KPAK).verify(ID, MESSAGE, bytes(octets))


@pytest.mark.rule("R6507-3.3-1")
@given(octets=st.binary(max_size=200))
def test_octets_that_are_no_signature_are_refused(octets: bytes) -> None:
    with pytest.raises(AuthenticationError):
        eccsi.PublicKey(KPAK).verify(ID, MESSAGE, octets)
    with pytest.raises(AuthenticationError):
        eccsi.PublicKey(KPAK).verify(ID, MESSAGE, SIGNATURE + octets + b"\0")


@pytest.mark.rule("R6507-5.2.2-1")
def test_another_message_identifier_or_kms_is_refused(public: eccsi.PublicKey) -> None:
    for identifier, message in ((ID, MESSAGE + b"\0"), (ID + b"\0", MESSAGE), (b"", MESSAGE)):
        with pytest.raises(AuthenticationError):
            public.verify(identifier, message, SIGNATURE)
    with pytest.raises(AuthenticationError):
        eccsi.PublicKey(VECTOR["y"]).verify(ID, MESSAGE, SIGNATURE)


@pytest.mark.rule("R6507-6-2")
def test_the_mirrored_s_holds_so_no_octets_of_a_signature_name_a_message(
    public: eccsi.PublicKey,
) -> None:
    mirrored = Q - int.from_bytes(VECTOR["s"])
    signature = VECTOR["r"] + mirrored.to_bytes(N) + PVT
    assert signature != SIGNATURE
    assert naive.verify(KPAK, ID, MESSAGE, signature)
    public.verify(ID, MESSAGE, signature)


@pytest.mark.rule("R6507-5.2.2-2")
@pytest.mark.parametrize("s", [0, Q])
def test_an_s_of_zero_is_refused(s: int, public: eccsi.PublicKey) -> None:
    signature = VECTOR["r"] + s.to_bytes(N) + PVT
    assert not naive.verify(KPAK, ID, MESSAGE, signature)
    with pytest.raises(AuthenticationError):
        public.verify(ID, MESSAGE, signature)


@pytest.mark.rule("R6507-5.2.2-2")
def test_an_r_of_zero_is_refused(public: eccsi.PublicKey) -> None:
    # J would be [s HE]G, without KPAK in it.
    signature = bytes(N) + VECTOR["s"] + PVT
    assert not naive.verify(KPAK, ID, MESSAGE, signature)
    with pytest.raises(AuthenticationError):
        public.verify(ID, MESSAGE, signature)


@pytest.mark.parametrize("length", [1, 127, 128, 65535])
def test_lengths_of_identifiers(length: int) -> None:
    master = Secret((7).to_bytes(N))
    public = eccsi.make_public_key(master)
    identifier = bytes(length)
    ssk, pvt = eccsi.make_pair(master, identifier, secrets.token_bytes)
    signature = eccsi.SigningKey(public, identifier, ssk, pvt).sign(b"", secrets.token_bytes)
    public.verify(identifier, b"", signature)


@pytest.mark.parametrize("length", [0, 65536])
def test_identifiers_that_are_none(length: int, public: eccsi.PublicKey) -> None:
    with pytest.raises(LocalError, match="1 to 65535 octets"):
        eccsi.make_pair(Secret((7).to_bytes(N)), bytes(length), secrets.token_bytes)
    with pytest.raises(AuthenticationError):
        public.verify(bytes(length), MESSAGE, SIGNATURE)


@pytest.mark.rule("R6507-5.2.1-1", "R6507-5.1.1-1", "R6507-6-1")
def test_numbers_that_are_zero_or_not_below_q_are_drawn_again(
    signing: eccsi.SigningKey,
) -> None:
    unusable = (bytes(N), Q.to_bytes(N), b"\xff" * N)
    assert signing.sign(MESSAGE, fixed(*unusable, VECTOR["j"])) == SIGNATURE
    master = eccsi.make_master(fixed(*unusable, VECTOR["master"]))
    assert eccsi.make_public_key(master).octets == KPAK
    assert eccsi.make_pair(master, ID, fixed(*unusable, VECTOR["v"])) == (SSK, PVT)


@pytest.mark.rule("R6507-5.2.1-1")
def test_opposite_nonces_give_opposite_signatures(signing: eccsi.SigningKey) -> None:
    j = int.from_bytes(VECTOR["j"])
    other = signing.sign(MESSAGE, fixed((Q - j).to_bytes(N)))
    assert other[:N] == VECTOR["r"]
    assert int.from_bytes(other[N : 2 * N]) == Q - int.from_bytes(VECTOR["s"])


def test_a_random_source_that_never_serves_is_refused(signing: eccsi.SigningKey) -> None:
    with pytest.raises(LocalError, match="draw another"):
        signing.sign(MESSAGE, bytes)
    with pytest.raises(LocalError, match="gave 3 octets of 32"):
        signing.sign(MESSAGE, lambda _: b"abc")
    with pytest.raises(LocalError, match="from 1 to q - 1"):
        eccsi.make_master(bytes)


def test_fresh_signatures_differ_and_hold(
    public: eccsi.PublicKey, signing: eccsi.SigningKey
) -> None:
    made = {signing.sign(MESSAGE, secrets.token_bytes) for _ in range(4)}
    assert len(made) == 4
    for signature in made:
        public.verify(ID, MESSAGE, signature)


def test_a_pair_in_one_string(public: eccsi.PublicKey) -> None:
    pair = Secret(SSK.expose() + PVT)
    key = eccsi.SigningKey.from_octets(public, ID, pair)
    assert key.pvt == PVT
    assert key.sign(MESSAGE, fixed(VECTOR["j"])) == SIGNATURE
    with pytest.raises(LocalError, match="97 octets together, not 96"):
        eccsi.SigningKey.from_octets(public, ID, Secret(pair.expose()[:-1]))


@pytest.mark.rule("R6507-6-1")
def test_keys_do_not_print_themselves(public: eccsi.PublicKey, signing: eccsi.SigningKey) -> None:
    assert repr(signing) == f"<ECCSI SigningKey for {ID!r}>"
    assert repr(public) == "<ECCSI PublicKey 50d4670b...>"
    secret = SSK.expose()
    assert secret.hex() not in repr(signing) + str(vars(type(signing)))
    assert not any(
        getattr(signing, name, None) in (secret, SSK) for name in dir(signing) if name != "_native"
    )
    with pytest.raises(LocalError) as caught:
        eccsi.make_public_key(Secret(b"\xff" * N))
    assert "ff" * 4 not in str(caught.value)


def test_the_native_module_refuses_what_the_types_would_not_give() -> None:
    with pytest.raises(ValueError, match="does not hold"):
        _native.EccsiPublicKey(KPAK).verify(ID, MESSAGE, b"")
    with pytest.raises(ValueError, match="draw another"):
        _native.EccsiSigningKey(KPAK, ID, SSK.expose(), PVT).sign(MESSAGE, b"")


@settings(max_examples=20)
@given(messages=st.lists(st.binary(max_size=80), min_size=1, max_size=6))
def test_many_signers_under_one_key(messages: list[bytes]) -> None:
    master = Secret((11).to_bytes(N))
    public = eccsi.make_public_key(master)
    for number, message in enumerate(messages * 2):
        identifier = b"signer %d" % (number % 3)
        ssk, pvt = eccsi.make_pair(master, identifier, lambda length: b"\x01" * length)
        key = eccsi.SigningKey(public, identifier, ssk, pvt)
        public.verify(identifier, message, key.sign(message, lambda length: b"\x02" * length))
        with pytest.raises(AuthenticationError):
            public.verify(b"signer 9", message, key.sign(message, lambda length: b"\x03" * length))
