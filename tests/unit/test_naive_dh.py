"""The second implementation of DH-SIGN and DHHMAC: groups by formula, both ends, updates."""

from __future__ import annotations

import hashlib

import pytest

from tests.naive import crypto, dh, dhhmac, dhsign, exchange
from tests.naive.decode import (
    CERT,
    DH,
    DH_OCTETS,
    GENERAL_EXT,
    HDR,
    ID,
    KEMAC,
    RAND,
    SIGN,
    SP,
    T,
)
from tests.naive.exchange import Names
from tests.naive.parties import (
    ALICE,
    ALICE_PUBLIC,
    BOB,
    BOB_PUBLIC,
    LATER,
    TERMS,
    XI,
    XR,
    YOURS,
    rejects_any_change,
    types,
)
from tests.naive.vectors import CSB_ID, IDI, IDR, PSK, RAND_VALUE


def test_pi() -> None:
    assert dh.pi_bits(0) == 3
    assert f"{dh.pi_bits(64):x}" == "3243f6a8885a308d3"


@pytest.mark.parametrize(
    ("group", "digest"),
    [
        (1, "b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d"),
        (2, "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0"),
        (0, "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b"),
    ],
)
def test_moduli(group: int, digest: str) -> None:
    octets = dh.modulus(group).to_bytes(DH_OCTETS[group], "big")
    assert hashlib.sha256(octets).hexdigest() == digest


@pytest.mark.parametrize("group", [0, 1, 2])
def test_both_sides_share_the_key(group: int) -> None:
    ours, theirs = dh.public(group, XI), dh.public(group, XR)
    assert dh.shared(group, XI, theirs) == dh.shared(group, XR, ours)
    assert len(ours) == len(dh.shared(group, XI, theirs)) == DH_OCTETS[group]


def test_short_values_are_padded_on_the_left() -> None:
    assert dh.public(1, 3) == bytes(95) + b"\x08"
    assert dh.shared(1, 2, bytes(95) + b"\x08") == bytes(95) + b"\x40"


@pytest.mark.parametrize("group", [0, 1, 2])
def test_values_out_of_range(group: int) -> None:
    p, size = dh.modulus(group), DH_OCTETS[group]
    for value in (0, 1, p - 1, p, p + 2, 2 ** (8 * size) - 1):
        with pytest.raises(ValueError, match="range"):
            dh.shared(group, XI, value.to_bytes(size, "big"))
    with pytest.raises(ValueError, match="range"):
        dh.shared(group, XI, b"\2")
    with pytest.raises(ValueError, match="is 1"):
        dh.shared(group, (p - 1) // 2, (4).to_bytes(size, "big"))


@pytest.mark.parametrize("group", [0, 1, 2])
@pytest.mark.parametrize("validity", [dh.Validity(), dh.spi(b"\1\2\3\4"), dh.interval(b"", b"\7")])
def test_dhsign(group: int, validity: dh.Validity) -> None:
    offer = dhsign.offer(TERMS, ALICE, XI, group=group, validity=validity)
    answer, theirs = dhsign.answer(offer, ALICE_PUBLIC, BOB, {2: YOURS}, XR, idr=IDR)
    assert types(offer) == [HDR, T, RAND, ID, CERT, CERT, ID, SP, GENERAL_EXT, DH, SIGN]
    assert types(answer) == [HDR, T, ID, CERT, CERT, ID, DH, DH, SIGN]
    assert exchange.names(answer) == Names(IDI, IDR)
    ours = dhsign.finish(offer, answer, BOB_PUBLIC, XI, idi=IDI)
    assert ours == theirs
    assert ours is not None
    assert (len(ours["key"]), ours["kv"]) == (DH_OCTETS[group], validity.kv)
    first, second = exchange.masters([ours], CSB_ID, RAND_VALUE, 2)
    assert first != second
    assert [*map(len, first[0])] == [16, 14]


def test_a_dh_key_by_hand() -> None:
    """The key of the exchange is PRF(g^(xi*xr), constant || CS || CSB || RAND), padded."""
    offer = dhsign.offer(TERMS, ALICE, 5, group=1)
    _, key = dhsign.answer(offer, ALICE_PUBLIC, BOB, {}, 7)
    assert key is not None
    assert key["key"] == (2**35).to_bytes(96, "big")
    ((tek, salt),) = exchange.masters([key], CSB_ID, RAND_VALUE, 1)[0]
    tail = b"\1" + CSB_ID.to_bytes(4, "big") + RAND_VALUE
    assert tek == crypto.prf(0, key["key"], bytes.fromhex("2ad01c64") + tail, 16)
    assert salt == crypto.prf(0, key["key"], bytes.fromhex("39a2c14b") + tail, 14)


def test_any_change_in_dhsign_is_refused() -> None:
    alice, bob = ALICE._replace(certs=()), BOB._replace(certs=())
    offer = dhsign.offer(TERMS, alice, XI, group=1)
    answer, _ = dhsign.answer(offer, ALICE_PUBLIC, bob, {2: YOURS}, XR, idr=IDR)
    rejects_any_change(
        offer, lambda octets: dhsign.answer(octets, ALICE_PUBLIC, bob, {}, XR, idr=IDR)
    )
    rejects_any_change(answer, lambda told: dhsign.finish(offer, told, BOB_PUBLIC, XI, idi=IDI))


def test_a_dh_answer_for_another() -> None:
    offer = dhsign.offer(TERMS, ALICE, XI, group=1)
    other = dhsign.offer(TERMS, ALICE, XI + 1, group=1)
    answer, _ = dhsign.answer(other, ALICE_PUBLIC, BOB, {}, XR, idr=IDR)
    with pytest.raises(ValueError, match="echoed"):
        dhsign.finish(offer, answer, BOB_PUBLIC, XI, idi=IDI)
    answer, _ = dhsign.answer(offer, ALICE_PUBLIC, BOB, {}, XR, idr=IDR)
    with pytest.raises(ValueError, match="another Initiator"):
        dhsign.finish(offer, answer, BOB_PUBLIC, XI, idi=IDR)
    with pytest.raises(ValueError, match="another data type"):
        dhsign.finish(offer, offer, ALICE_PUBLIC, XI, idi=IDI)
    nameless = dhsign.offer(TERMS._replace(idi=None, idr=None), ALICE, XI, group=1)
    with pytest.raises(ValueError, match="nobody"):
        dhsign.answer(nameless, ALICE_PUBLIC, BOB, {}, XR)
    named, _ = dhsign.answer(nameless, ALICE_PUBLIC, BOB, {}, XR, idi=IDI)
    assert exchange.names(named) == Names(IDI, None)


def test_dhsign_updates() -> None:
    offer = dhsign.offer(LATER, ALICE, XI + 2, group=1)
    answer, theirs = dhsign.answer(offer, ALICE_PUBLIC, BOB, {}, XR + 2, idr=IDR)
    assert RAND not in types(offer)
    assert theirs is not None
    assert dhsign.finish(offer, answer, BOB_PUBLIC, XI + 2, idi=IDI) == theirs
    offer = dhsign.offer(LATER, ALICE, group=None)
    answer, theirs = dhsign.answer(offer, ALICE_PUBLIC, BOB, {})
    assert DH not in types(offer) + types(answer)
    assert theirs is dhsign.finish(offer, answer, BOB_PUBLIC, idi=IDI) is None


@pytest.mark.parametrize("group", [0, 1, 2])
@pytest.mark.parametrize("literal", [False, True])
@pytest.mark.parametrize("prf", [0, 1])
def test_dhhmac(group: int, literal: bool, prf: int) -> None:
    terms = TERMS._replace(prf=prf)
    offer = dhhmac.offer(terms, PSK, XI, group=group, validity=dh.spi(b"\7"), literal=literal)
    answer, theirs = dhhmac.answer(offer, PSK, {2: YOURS}, XR, idr=IDR, literal=literal)
    assert types(dhhmac.registered(offer)) == [HDR, T, RAND, ID, ID, SP, GENERAL_EXT, DH, KEMAC]
    assert types(dhhmac.registered(answer)) == [HDR, T, ID, ID, DH, DH, KEMAC]
    end = b"\0\2\0\0\0" if literal else b"\0\0\0\0\1"
    assert offer[-25:-20] == answer[-25:-20] == end
    ours = dhhmac.finish(offer, answer, PSK, XI, idi=IDI)
    assert ours == theirs
    assert ours is not None
    assert (len(ours["key"]), ours["spi"]) == (DH_OCTETS[group], b"\7")


def test_the_mac_of_dhhmac() -> None:
    """VEC-6 gives the auth_key; nothing is appended in either direction."""
    key = bytes.fromhex("6538a34bbd327059cc3372f26c5f476b5f182ccc")
    offer = dhhmac.offer(TERMS, PSK, XI, group=1)
    answer, _ = dhhmac.answer(offer, PSK, {}, XR)
    for octets in (offer, answer):
        assert octets[-20:] == crypto.hmac(0, key, octets[:-20])


def test_any_change_in_dhhmac_is_refused() -> None:
    offer = dhhmac.offer(TERMS, PSK, XI, group=1)
    answer, _ = dhhmac.answer(offer, PSK, {2: YOURS}, XR, idr=IDR)
    rejects_any_change(offer, lambda octets: dhhmac.answer(octets, PSK, {}, XR), 1)
    rejects_any_change(answer, lambda told: dhhmac.finish(offer, told, PSK, XI, idi=IDI), 1)


def test_dhhmac_without_a_mac() -> None:
    offer = dhhmac.offer(TERMS, PSK, XI, group=1)
    bare = offer[:-21] + b"\0"
    with pytest.raises(ValueError, match="without its MAC"):
        dhhmac.answer(bare, PSK, {}, XR)
    with pytest.raises(ValueError, match="octets wanted"):
        dhhmac.answer(offer[:-1], PSK, {}, XR)


def test_dhhmac_updates() -> None:
    offer = dhhmac.offer(LATER, PSK, XI + 2, group=1)
    answer, theirs = dhhmac.answer(offer, PSK, {}, XR + 2, rand=RAND_VALUE)
    assert RAND not in types(offer)
    assert theirs is not None
    ours = dhhmac.finish(offer, answer, PSK, XI + 2, idi=IDI, rand=RAND_VALUE)
    assert ours == theirs
    offer = dhhmac.offer(LATER, PSK, group=None)
    answer, theirs = dhhmac.answer(offer, PSK, {}, rand=RAND_VALUE)
    assert DH not in types(offer) + types(answer)
    assert theirs is dhhmac.finish(offer, answer, PSK, idi=IDI, rand=RAND_VALUE) is None
