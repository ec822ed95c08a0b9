"""The groups against their formulas and hashes, the values against `pow` and other libraries."""

from __future__ import annotations

import hashlib
import secrets
import subprocess
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dh as other

from mikey import _native
from mikey.crypto import dh
from mikey.errors import DecodeError, LibraryError, LocalError, UnsupportedError
from mikey.registry import DhGroup, ErrorNumber
from mikey.secret import Secret
from tests.naive import dh as naive
from tests.peers import need

ALL = tuple(DhGroup)
OCTETS = {DhGroup.OAKLEY_5: 192, DhGroup.OAKLEY_1: 96, DhGroup.OAKLEY_2: 128}
HASHES = {
    DhGroup.OAKLEY_1: "b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d",
    DhGroup.OAKLEY_2: "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0",
    DhGroup.OAKLEY_5: "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b",
}
each_group = pytest.mark.parametrize("group", ALL, ids=lambda group: group.name)


def fixed(octets: bytes) -> Callable[[int], bytes]:
    return lambda length: octets[:length]


def exponent_of(value: int) -> Secret:
    return Secret(value.to_bytes(dh.EXPONENT_OCTETS))


@pytest.mark.rule("R3830-6.4-2")
def test_groups_have_the_numbers_and_lengths_of_the_rfc() -> None:
    assert {group: known.octets for group, known in dh.GROUPS.items()} == OCTETS
    assert [int(group) for group in OCTETS] == [0, 1, 2]


@pytest.mark.rule("R3830-6.4-3", "R3830-6.4-4")
@each_group
def test_moduli(group: DhGroup) -> None:
    modulus, octets = dh.GROUPS[group]
    assert modulus == naive.modulus(group)
    assert hashlib.sha256(modulus.to_bytes(octets)).hexdigest() == HASHES[group]
    # 2 generates the subgroup of prime order: it is a square, for p = 7 modulo 8.
    assert dh.GENERATOR == 2
    assert pow(2, (modulus - 1) // 2, modulus) == 1


@pytest.mark.rule("R3830-6.4-5", "R3830-4.1.3-6")
@each_group
def test_short_values_are_padded_on_the_left(group: DhGroup) -> None:
    modulus, octets = dh.GROUPS[group]
    # An exponent whose public value begins with a zero octet: one in 256 does.
    short = 1 << 128
    while pow(2, short, modulus) >> 8 * octets - 8:
        short += 1
    exponent, public = dh.make_keypair(group, fixed(exponent_of(short).expose()))
    assert public == pow(2, short, modulus).to_bytes(octets)
    assert (public[0], len(public)) == (0, octets)
    # 2^x once more, now as a secret: with the peer's value 2 it is the same number.
    secret = dh.shared(group, exponent, dh.GENERATOR.to_bytes(octets))
    assert secret.expose() == public


@pytest.mark.rule("R3830-6.4-5")
@each_group
@pytest.mark.parametrize("value", [1, 2, 3, 255, 1 << 255, (1 << 256) - 1])
def test_edges_of_the_exponent(group: DhGroup, value: int) -> None:
    modulus, octets = dh.GROUPS[group]
    exponent, public = dh.make_keypair(group, fixed(exponent_of(value).expose()))
    assert exponent == exponent_of(value)
    assert public == pow(2, value, modulus).to_bytes(octets)
    peer = modulus - 2
    expected = pow(peer, value, modulus).to_bytes(octets)
    assert dh.shared(group, exponent, peer.to_bytes(octets)).expose() == expected


@each_group
def test_both_sides_agree(group: DhGroup) -> None:
    (xi, gi), (xr, gr) = (dh.make_keypair(group, secrets.token_bytes) for _ in range(2))
    assert gi != gr
    tgk = dh.shared(group, xi, gr)
    assert tgk == dh.shared(group, xr, gi)
    assert len(tgk) == OCTETS[group]
    assert tgk.expose() == naive.shared(group, int.from_bytes(xi.expose()), gr)


@pytest.mark.rule("R3830-3.3-3", "R4650-5.3-1", "R3830-4.2.2-1")
def test_each_key_pair_draws_256_bits_from_the_callers_source() -> None:
    drawn: list[int] = []

    def random(length: int) -> bytes:
        drawn.append(length)
        return secrets.token_bytes(length)

    pairs = {dh.make_keypair(DhGroup.OAKLEY_5, random)[1] for _ in range(3)}
    assert drawn == [32, 32, 32]
    assert len(pairs) == 3


@pytest.mark.parametrize("octets", [bytes(32), b"", bytes([1]) * 31, bytes([1]) * 33])
def test_a_broken_random_source_is_noticed(octets: bytes) -> None:
    with pytest.raises(LocalError, match="random source"):
        dh.make_keypair(DhGroup.OAKLEY_5, lambda _: octets)


@pytest.mark.rule("R3830-6.4-10")
@each_group
@pytest.mark.parametrize("name", ["0", "1", "p-1", "p"])
def test_values_out_of_range_are_refused(group: DhGroup, name: str) -> None:
    modulus, octets = dh.GROUPS[group]
    values = {"0": 0, "1": 1, "p-1": modulus - 1, "p": modulus}
    value = values[name].to_bytes(octets)
    for refuse in (
        lambda: dh.check_public(group, value),
        lambda: dh.shared(group, exponent_of(3), value),
    ):
        with pytest.raises(DecodeError, match="out of range") as caught:
            refuse()
        assert caught.value.number is ErrorNumber.UNSPECIFIED
        assert caught.value.payload == "DH"


@pytest.mark.rule("R3830-6.4-10")
@each_group
def test_the_range_ends_where_it_should(group: DhGroup) -> None:
    modulus, octets = dh.GROUPS[group]
    for value in (2, 3, modulus - 3, modulus - 2):
        dh.check_public(group, value.to_bytes(octets))
    for value in (modulus + 1, (1 << 8 * octets) - 1):
        with pytest.raises(DecodeError, match="out of range"):
            dh.check_public(group, value.to_bytes(octets))


@pytest.mark.rule("R3830-6.4-5")
@each_group
def test_other_lengths_are_refused(group: DhGroup) -> None:
    octets = OCTETS[group]
    for value in (b"", b"\2", b"\2" * (octets - 1), b"\0" + b"\2" * octets, b"\2" * 400):
        with pytest.raises(DecodeError, match="octets in a group of") as caught:
            dh.shared(group, exponent_of(3), value)
        assert caught.value.number is ErrorNumber.UNSPECIFIED


@pytest.mark.rule("R3830-6.4-10")
def test_a_shared_secret_of_1_is_refused() -> None:
    # Only an exponent of 0 makes it from a value in the range.
    with pytest.raises(DecodeError, match="is 1") as caught:
        dh.shared(DhGroup.OAKLEY_1, exponent_of(0), b"\2" * 96)
    assert caught.value.number is ErrorNumber.UNSPECIFIED


def test_an_exponent_of_another_length_is_our_mistake() -> None:
    for length in (0, 31, 33):
        with pytest.raises(LibraryError):
            dh.shared(DhGroup.OAKLEY_1, Secret(b"\1" * length), b"\2" * 96)


@pytest.mark.rule("R3830-6.4-8")
@pytest.mark.parametrize("number", [3, 14, 255])
def test_an_unknown_group_is_error_6(number: int) -> None:
    group = DhGroup(number)
    for refuse in (
        lambda: dh.check_group(group),
        lambda: dh.make_keypair(group, secrets.token_bytes),
        lambda: dh.shared(group, exponent_of(3), bytes(192)),
    ):
        with pytest.raises(UnsupportedError) as caught:
            refuse()
        assert caught.value.number is ErrorNumber.INVALID_DH


def test_the_native_functions_check_their_arguments() -> None:
    calls: list[Callable[[], bytes]] = [
        lambda: _native.modp_modulus(3),
        lambda: _native.modp_generate(3, bytes(32)),
        lambda: _native.modp_generate(0, bytes(31)),
        lambda: _native.modp_power(3, bytes(192), b"\1"),
        lambda: _native.modp_power(0, bytes(191), b"\1"),
        lambda: _native.modp_power(0, bytes(193), b"\1"),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"group|octets"):
            call()


def test_the_exponentiation_lets_other_threads_run() -> None:
    finished = threading.Event()

    def work() -> None:
        _native.modp_power(0, b"\3" * 192, b"\xff" * 40_000)
        finished.set()

    thread = threading.Thread(target=work)
    thread.start()
    turns = 0
    while not finished.wait(0.001):
        turns += 1
    thread.join()
    # Some hundred turns; a call that kept the GIL would leave one or two, before and after it.
    assert turns > 10


@each_group
def test_agrees_with_cryptography(group: DhGroup) -> None:
    modulus, octets = dh.GROUPS[group]
    exponent, public = dh.make_keypair(group, secrets.token_bytes)
    x, y = int.from_bytes(exponent.expose()), int.from_bytes(public)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # finite-field DH is deprecated there
        numbers = other.DHParameterNumbers(modulus, dh.GENERATOR)
        theirs = numbers.parameters().generate_private_key()
        ours = other.DHPrivateNumbers(x, other.DHPublicNumbers(y, numbers)).private_key()
        peer = theirs.public_key().public_numbers().y
        tgk = ours.exchange(theirs.public_key())
        assert theirs.exchange(ours.public_key()) == tgk
    assert dh.shared(group, exponent, peer.to_bytes(octets)).expose() == tgk


@pytest.mark.interop
def test_agrees_with_openssl(tmp_path: Path) -> None:
    """The `openssl` command makes a key in its MODP group of 1536 bits, and derives with ours."""
    openssl = need("openssl")

    def run(*arguments: str) -> bytes:
        command = [openssl, *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout

    run("genpkey", "-algorithm", "DH", "-pkeyopt", "group:modp_1536", "-out", "theirs.pem")
    ((_, spki),) = _values(run("pkey", "-in", "theirs.pem", "-pubout", "-outform", "DER"))
    (algorithm, (_, bits)) = _values(spki)
    ((_, value),) = _values(bits[1:])
    octets = OCTETS[DhGroup.OAKLEY_5]
    exponent, public = dh.make_keypair(DhGroup.OAKLEY_5, secrets.token_bytes)
    y = int.from_bytes(public)
    ours = b"\0" + _der(0x02, y.to_bytes(y.bit_length() // 8 + 1))
    (tmp_path / "ours.der").write_bytes(_der(0x30, _der(*algorithm) + _der(0x03, ours)))
    peer = ["-peerkey", "ours.der", "-peerform", "DER"]
    derived = run("pkeyutl", "-derive", "-inkey", "theirs.pem", *peer)
    tgk = dh.shared(DhGroup.OAKLEY_5, exponent, int.from_bytes(value).to_bytes(octets))
    assert tgk.expose() == derived.rjust(octets, b"\0")


def _der(tag: int, body: bytes) -> bytes:
    """Write a value of DER."""
    size = len(body)
    long = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag]) + (bytes([size]) if size < 128 else bytes([128 | len(long)]) + long) + body


def _values(octets: bytes) -> list[tuple[int, bytes]]:
    """Split octets into values of DER: tag and body."""
    values = []
    while octets:
        tag, size, start = octets[0], octets[1], 2
        if size >= 128:
            start += size - 128
            size = int.from_bytes(octets[2:start])
        values.append((tag, octets[start : start + size]))
        octets = octets[start + size :]
    return values
