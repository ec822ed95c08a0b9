"""SAKKE against RFC 6508 Appendix A, the cases of ours, a slow implementation, and bad input."""

from __future__ import annotations

import functools
import random
import secrets

import pytest

from mikey.crypto import sakke
from mikey.errors import AuthenticationError, LocalError
from mikey.secret import Secret
from tests.naive import sakke as naive
from tests.naive.curve import Point
from tests.vectors import load

CASES = load("sakke-encapsulations", "sakke-encapsulation")
# Parameter set 1 has SSVs of 128 bits; the others are for tests/naive.
OURS = [case for case in CASES if len(case["ssv"]) == 2 * sakke.SSV_OCTETS]
L = sakke.FIELD_OCTETS


def field(case: dict[str, str], name: str) -> bytes:
    return bytes.fromhex(case[name])


RFC = OURS[0]
Z, ID, RSK, DATA = (
    field(RFC, name) for name in ("public_key", "identifier", "receiver_key", "data")
)
MASTER, SSV = Secret(field(RFC, "master")), Secret(field(RFC, "ssv"))
each_case = pytest.mark.parametrize("case", OURS, ids=lambda case: case["title"])


@functools.cache
def public() -> sakke.PublicKey:
    return sakke.PublicKey(Z)


@functools.cache
def receiver() -> sakke.ReceiverKey:
    return sakke.ReceiverKey(public(), ID, Secret(RSK))


@pytest.mark.rule("R6508-6.1-1", "R6508-6.1.1-1", "R6508-4-1", "R6508-2.3-1")
@each_case
def test_the_kms(case: dict[str, str]) -> None:
    master = Secret(field(case, "master"))
    assert sakke.make_public_key(master).octets == field(case, "public_key")
    rsk = sakke.make_receiver_key(master, field(case, "identifier"))
    assert rsk == Secret(field(case, "receiver_key"))
    assert len(rsk) == sakke.POINT_OCTETS == 2 * L + 1


@pytest.mark.rule(
    "R6508-6.2.1-1", "R6508-6.2.2-1", "R6508-5.1-1", "R6508-4-2", "R6508-2.2-1", "R6508-2.3-1"
)
@each_case
def test_encapsulation(case: dict[str, str]) -> None:
    identifier, data = field(case, "identifier"), field(case, "data")
    key = sakke.PublicKey(field(case, "public_key"))
    ssv = Secret(field(case, "ssv"))
    assert key.encapsulate(identifier, ssv) == data
    assert len(data) == sakke.DATA_OCTETS == 2 * L + 1 + 16
    opener = sakke.ReceiverKey(key, identifier, Secret(field(case, "receiver_key")))
    assert opener.decapsulate(data) == ssv


@pytest.mark.rule("R6508-6.2.1-1", "R6508-6.2.2-1", "R6508-6.1.1-1", "R6508-6.1.2-1")
def test_the_slow_implementation_makes_and_takes_the_same() -> None:
    source = random.Random(6508)
    for _ in range(2):
        number = source.randrange(2, naive.Q)
        identifier = source.randbytes(source.randrange(2, 128))
        ssv = source.randbytes(sakke.SSV_OCTETS)
        master = Secret(number.to_bytes(L))
        key = sakke.make_public_key(master)
        assert key.octets == naive.public_key(number)
        rsk = sakke.make_receiver_key(master, identifier)
        assert rsk.expose() == naive.receiver_key(number, identifier)
        data = key.encapsulate(identifier, Secret(ssv))
        assert data == naive.encapsulate(key.octets, identifier, ssv)
        assert naive.decapsulate(key.octets, identifier, rsk.expose(), data) == ssv
        assert sakke.ReceiverKey(key, identifier, rsk).decapsulate(data) == Secret(ssv)


@pytest.mark.rule("R6508-6.3-1")
def test_a_group_has_one_ssv_and_one_encapsulation_for_each_member() -> None:
    members = [b"member %d of the group" % number for number in range(11)]
    together = public().encapsulate_many(members, SSV)
    assert together == [public().encapsulate(member, SSV) for member in members]
    assert len(set(together)) == len(members)
    for member, data in list(zip(members, together, strict=True))[:2]:
        rsk = sakke.make_receiver_key(MASTER, member)
        assert sakke.ReceiverKey(public(), member, rsk).decapsulate(data) == SSV
    assert public().encapsulate_many([], SSV) == []
    with pytest.raises(LocalError, match="identifier"):
        public().encapsulate_many([*members, b""], SSV)


def point(x: int, y: int) -> bytes:
    return b"\x04" + x.to_bytes(L) + y.to_bytes(L)


def bad_points() -> dict[str, bytes]:
    """Octets that are no point of order q."""
    p = naive.E.p
    x, y = int.from_bytes(DATA[1 : 1 + L]), int.from_bytes(DATA[1 + L : 1 + 2 * L])
    good = point(x, y)
    # y^2 = x^3 - 3x: x = 0 gives a point of order 2. There are p + 1 = 4q points, so any other
    # has an order that divides 4q: q times it is of order 1, 2 or 4.
    whole = next(
        candidate
        for candidate in (Point(x, root(x)) for x in range(2, 200) if root(x))
        if naive.E.multiply(naive.Q, candidate) is not None
    )
    return {
        "none": b"",
        "infinity": b"\0",
        "compressed": b"\x02" + good[1 : 1 + L],
        "hybrid": b"\x06" + good[1:],
        "short": good[:-1],
        "long": good + b"\0",
        "zeros, of order 2": point(0, 0),
        "of another order": point(whole.x, whole.y),
        "off the curve": point(x, (y + 1) % p),
        "x = p": point(p, 0),
        "y = p": point(0, p),
        "x and y of ones": b"\x04" + b"\xff" * 2 * L,
    }


def root(x: int) -> int:
    """Return a y for x, 0 if there is none."""
    p = naive.E.p
    square = (x**3 - 3 * x) % p
    y = pow(square, (p + 1) // 4, p)
    return y if y * y % p == square else 0


BAD_POINTS = tuple(bad_points())


@pytest.mark.rule("R6508-4-1", "R6508-6.1.2-1", "R6508-6.2.2-2")
@pytest.mark.parametrize("name", BAD_POINTS)
def test_octets_that_are_no_point_of_order_q_are_refused(name: str) -> None:
    octets = bad_points()[name]
    with pytest.raises(LocalError, match="Z: "):
        sakke.PublicKey(octets)
    with pytest.raises(LocalError, match="SAKKE: "):
        sakke.ReceiverKey(public(), ID, Secret(octets))
    with pytest.raises(AuthenticationError):
        receiver().decapsulate(octets + DATA[-sakke.SSV_OCTETS :])


@functools.cache
def small_points() -> tuple[Point, Point]:
    """Return a point of order 2, and one of order 4 or 2: the curve has 4 q points."""
    shifted = (Point(x, root(x)) for x in range(2, 200) if root(x))
    rests = (naive.E.multiply(naive.Q, point) for point in shifted)
    other = next(rest for rest in rests if rest is not None and rest != Point(0, 0))
    return Point(0, 0), other


@pytest.mark.rule("R6508-6.1.2-1", "R6508-6.2.2-1", "R6508-6.2.2-2")
@pytest.mark.parametrize("which", [0, 1])
def test_a_point_with_a_part_of_small_order_is_refused(which: int) -> None:
    """The pairing does not see that part, so whoever adds it learns something if we do not."""
    small = small_points()[which]

    def shifted(octets: bytes) -> bytes:
        return naive.E.encode(naive.E.add(naive.E.decode(octets), small))

    with pytest.raises(LocalError, match="Z: "):
        sakke.PublicKey(shifted(Z))
    with pytest.raises(LocalError, match="SAKKE: "):
        sakke.ReceiverKey(public(), ID, Secret(shifted(RSK)))
    bad = shifted(DATA[: sakke.POINT_OCTETS]) + DATA[sakke.POINT_OCTETS :]
    with pytest.raises(AuthenticationError):
        receiver().decapsulate(bad)
    lone = naive.E.encode(small) + DATA[sakke.POINT_OCTETS :]
    opened = receiver().decapsulate_many([bad, DATA, lone, b"", DATA[1:]])
    assert opened == [None, SSV, None, None, None]
    assert receiver().decapsulate_many([lone] * 9) == [None] * 9


@pytest.mark.rule("R6508-6.2.2-1")
@pytest.mark.parametrize("count", [0, 1, 3, 4, 8, 9, 17])
def test_many_messages_under_one_key(count: int) -> None:
    ssvs = [Secret(secrets.token_bytes(sakke.SSV_OCTETS)) for _ in range(count)]
    data = [public().encapsulate(ID, ssv) for ssv in ssvs]
    assert receiver().decapsulate_many(data) == ssvs
    assert receiver().decapsulate_many(damaged_last(data)) == [*ssvs[1:], *[None][:count]]


def damaged_last(data: list[bytes]) -> list[bytes]:
    """Return all but the first, and that with another mask, which is that of another SSV."""
    return [*data[1:], *(each[:-1] + bytes([each[-1] ^ 1]) for each in data[:1])]


@pytest.mark.rule("R6508-4-2", "R6508-6.2.2-2")
def test_data_of_every_wrong_length_are_refused() -> None:
    for length in range(2 * sakke.DATA_OCTETS):
        if length != sakke.DATA_OCTETS:
            with pytest.raises(AuthenticationError):
                receiver().decapsulate((DATA * 2)[:length])


@pytest.mark.rule("R6508-6.2.2-1", "R6508-6.2.2-2")
def test_flipped_bits_are_refused() -> None:
    source = random.Random(1)
    bits = {0, 7, 8, 8 * sakke.DATA_OCTETS - 1, *range(8 * 2 * L + 8, 8 * 2 * L + 12)}
    bits |= {source.randrange(8 * sakke.DATA_OCTETS) for _ in range(12)}
    errors = set()
    for bit in bits:
        octets = bytearray(DATA)
        octets[bit // 8] ^= 1 << bit % 8
        with pytest.raises(AuthenticationError) as caught:
            receiver().decapsulate(bytes(octets))
        errors.add(str(caught.value))
    assert len(errors) == 1


@pytest.mark.rule("R6508-6.2.2-1")
def test_the_data_of_another_identifier_or_kms_are_refused() -> None:
    other = sakke.make_public_key(Secret((77).to_bytes(L)))
    for data in (public().encapsulate(ID + b"\0", SSV), other.encapsulate(ID, SSV)):
        with pytest.raises(AuthenticationError):
            receiver().decapsulate(data)


@pytest.mark.rule("R6508-6.1.2-1")
def test_an_rsk_that_does_not_fit_is_refused() -> None:
    other = sakke.make_public_key(Secret((77).to_bytes(L)))
    minus_y = naive.E.p - int.from_bytes(RSK[1 + L :])
    negative = Secret(RSK[: 1 + L] + minus_y.to_bytes(L))
    for key, identifier, rsk in (
        (public(), ID[:-1], Secret(RSK)),
        (other, ID, Secret(RSK)),
        (public(), ID, Secret(Z)),
        (public(), ID, negative),
    ):
        with pytest.raises(LocalError, match="SAKKE: ") as caught:
            sakke.ReceiverKey(key, identifier, rsk)
        assert rsk.expose()[:4].hex() not in str(caught.value)


@pytest.mark.rule("R6508-2.2-1")
@pytest.mark.parametrize("identifier", [b"", b"\0", b"\1", bytes(127), b"\1".rjust(127, b"\0")])
def test_identifiers_below_2_are_refused(identifier: bytes) -> None:
    refuse_identifier(identifier)


@pytest.mark.rule("R6508-2.2-1")
@pytest.mark.parametrize("length", [128, 129, 256])
def test_identifiers_of_more_than_127_octets_are_refused(length: int) -> None:
    refuse_identifier(b"\1" * length)
    refuse_identifier(b"\2".rjust(length, b"\0"))


def refuse_identifier(identifier: bytes) -> None:
    with pytest.raises(LocalError, match="identifier"):
        public().encapsulate(identifier, SSV)
    with pytest.raises(LocalError, match="identifier"):
        sakke.make_receiver_key(MASTER, identifier)
    with pytest.raises(LocalError, match="identifier"):
        sakke.ReceiverKey(public(), identifier, Secret(RSK))


@pytest.mark.rule("R6508-2.2-1")
@pytest.mark.parametrize("identifier", [b"\2", b"\xff", b"\xff" * 127])
def test_the_shortest_and_longest_identifiers_work(identifier: bytes) -> None:
    rsk = sakke.make_receiver_key(MASTER, identifier)
    data = public().encapsulate(identifier, SSV)
    assert sakke.ReceiverKey(public(), identifier, rsk).decapsulate(data) == SSV


@pytest.mark.rule("R6508-2.2-1", "R6508-6.1-1")
@pytest.mark.parametrize("master", [0, 1, naive.Q, naive.Q + 2, (1 << 8 * L) - 1])
def test_masters_outside_of_2_to_q_are_refused(master: int) -> None:
    secret = Secret(master.to_bytes(L))
    with pytest.raises(LocalError, match="master secret"):
        sakke.make_public_key(secret)
    with pytest.raises(LocalError, match="master secret"):
        sakke.make_receiver_key(secret, ID)


@pytest.mark.rule("R6508-6.1.1-1")
def test_an_identifier_that_is_minus_the_master_has_no_key() -> None:
    # The identifier has at most 127 octets, so the master must be close to q.
    master = Secret((naive.Q - int.from_bytes(ID)).to_bytes(L))
    with pytest.raises(LocalError, match="no key"):
        sakke.make_receiver_key(master, ID)
    with pytest.raises(LocalError, match="no key"):
        sakke.make_public_key(master).encapsulate(ID, SSV)


@pytest.mark.rule("R6508-2.2-1")
@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_an_ssv_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(LocalError, match=f"an SSV has 16 octets, not {length}"):
        public().encapsulate(ID, Secret(bytes(length)))
    with pytest.raises(LocalError, match=f"an SSV has 16 octets, not {length}"):
        public().encapsulate_many([ID], Secret(bytes(length)))


@pytest.mark.rule("R6508-6.1-1")
def test_a_master_is_drawn_until_it_is_in_range() -> None:
    drawn = iter([bytes(L), (1).to_bytes(L), b"\x3f" + b"\xff" * (L - 1), MASTER.expose()])
    assert sakke.make_master(lambda _: next(drawn)) == MASTER
    # The two bits above q do not count: they would have three of four draws refused.
    high = b"\xc0" + MASTER.expose()[1:]
    assert sakke.make_master(lambda _: high) == MASTER
    assert sakke.make_master(secrets.token_bytes) != sakke.make_master(secrets.token_bytes)
    with pytest.raises(LocalError, match="gave 5 octets of 128"):
        sakke.make_master(lambda _: bytes(5))


@pytest.mark.rule("R6508-7-3")
def test_keys_do_not_print_themselves() -> None:
    assert repr(public()) == "<SAKKE PublicKey 5958ef1b...>"
    assert repr(receiver()) == f"<SAKKE ReceiverKey for {ID!r}>"
    values = [getattr(receiver(), name) for name in ("public", "identifier")]
    assert values == [public(), ID]
    with pytest.raises(LocalError) as caught:
        sakke.make_public_key(Secret(b"\xfe" * L))
    assert "fe" * 4 not in str(caught.value)
