"""Keys of a message: against each other, over an update, into SRTP master keys."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.errors import DecodeError, PeerError, PolicyError
from mikey.policy import Compat, SrtpPolicy
from mikey.registry import ErrorNumber, KeyType, PrfFunc
from mikey.secret import Secret
from mikey.session.keys import (
    MOST_KEYS,
    Derivation,
    bounds,
    check_fit,
    check_keys,
    master_key,
    merge_keys,
)
from mikey.srtp import MasterKey, Receiver
from mikey.wire import KeyData, KvInterval, KvNull, KvSpi
from tests.naive import crypto as naive

END = (1 << 48) - 1
INPUTS = Derivation(PrfFunc.MIKEY_1, 1, 0x12345678, bytes(range(0x10, 0x20)))
CM, CM_256 = SrtpPolicy.AES_CM_128_HMAC_SHA1_80, SrtpPolicy.AES_256_CM_HMAC_SHA1_80
GCM, GCM_256 = SrtpPolicy.AEAD_AES_128_GCM, SrtpPolicy.AEAD_AES_256_GCM


def key(
    seed: int = 0,
    validity: KvNull | KvSpi | KvInterval | None = None,
    *,
    kind: KeyType = KeyType.TGK,
    octets: int = 16,
    salt: int | None = None,
) -> KeyData:
    value = Secret(bytes((seed * 16 + at) % 256 for at in range(octets)))
    return KeyData(kind, value, None if salt is None else Secret(bytes(salt)), validity or KvNull())


def spi(name: bytes) -> KvSpi:
    return KvSpi(name)


def interval(first: int | None, last: int | None) -> KvInterval:
    ends = [b"" if end is None else end.to_bytes(6) for end in (first, last)]
    return KvInterval(*ends)


def refused(*keys: KeyData) -> str:
    with pytest.raises(DecodeError) as caught:
        check_keys(keys)
    assert caught.value.number is ErrorNumber.UNSPECIFIED
    assert caught.value.payload == "KEMAC"
    return caught.value.reason


@pytest.mark.parametrize("kind", [KeyType.GTGK, KeyType.GTGK_SALT, KeyType.MPK, KeyType.K_PR])
def test_keys_of_other_methods(kind: KeyType) -> None:
    assert f"type {kind.label}" in refused(key(kind=kind, salt=14 if kind.has_salt else None))


def test_a_key_has_octets_that_do_not_cancel() -> None:
    assert "empty" in refused(key(octets=0))
    half = bytes(range(32))
    assert "twice" in refused(KeyData(KeyType.TGK, Secret(half * 2)))
    check_keys([KeyData(KeyType.TEK, Secret(half * 2))])  # nothing is derived from a TEK
    check_keys([key(octets=n) for n in (33,)])


@pytest.mark.rule("R3830-6.13-9", "R3830-6.14-4")
@pytest.mark.parametrize(
    ("validities", "reason"),
    [
        ([KvNull(), KvNull()], "an MKI or an interval each"),
        ([spi(b""), spi(b"")], "an MKI or an interval each"),
        ([spi(b"\1"), KvNull()], "an MKI or an interval each"),
        ([spi(b"\1"), interval(0, 9)], "an MKI or an interval each"),
        ([interval(0, 9), KvNull()], "an MKI or an interval each"),
        ([spi(b"\1"), spi(b"\0\2")], "one length"),
        ([spi(b"\1"), spi(b"\2"), spi(b"\1")], "the same MKI"),
        ([interval(0, 9), interval(9, 20)], "overlap"),
        ([interval(10, 20), interval(0, 9), interval(20, None)], "overlap"),
        ([interval(5, None), interval(9, 10)], "overlap"),
        ([interval(None, None), interval(None, None)], "overlap"),
        ([interval(9, 8)], "ends before it begins"),
        ([KvInterval(b"\1", b"")], "6 octets"),
        ([KvInterval(b"", bytes(7))], "6 octets"),
    ],
)
def test_several_keys_that_cannot_be_told_apart(validities: list[Any], reason: str) -> None:
    keys = [key(n, validity) for n, validity in enumerate(validities)]
    assert reason in refused(*keys)


@pytest.mark.rule("R3830-6.13-9", "R3830-6.14-4")
@pytest.mark.parametrize(
    "validities",
    [
        [],
        [KvNull()],
        [spi(b"")],
        [spi(bytes(255))],
        [interval(None, None)],
        [interval(7, 7)],
        [spi(b"\1"), spi(b"\2"), spi(b"\0")],
        [interval(10, None), interval(0, 9)],
        [interval(None, 9), interval(10, 19), interval(20, END)],
    ],
)
def test_keys_that_can_be_told_apart(validities: list[Any]) -> None:
    keys = [key(n, validity) for n, validity in enumerate(validities)]
    check_keys(keys)
    if keys:
        for item in keys:
            check_fit(item, CM, Compat())
        masters = [master_key(item, CM, INPUTS) for item in keys]
        Receiver(CM, masters, ssrc=1)  # an SRTP context takes whatever was not refused


def test_more_keys_than_a_context_holds() -> None:
    many = [key(n, spi(bytes([n]))) for n in range(MOST_KEYS + 1)]
    check_keys(many[:-1])
    assert "more than 16 keys" in refused(*many)
    assert "1024 octets" in refused(key(octets=1025))
    check_keys([KeyData(KeyType.TGK, Secret(naive.prf(0, b"seed", b"", 1024)))])


@pytest.mark.parametrize("count", [1, 3])
def test_an_update_adds_a_generation_of_named_keys(count: int) -> None:
    def generation(number: int) -> tuple[KeyData, ...]:
        first = number * count
        return tuple(key(n, spi(bytes([n]))) for n in range(first, first + count))

    held = generation(0)
    for number in (1, 2, 3):
        held = merge_keys(held, generation(number))
        assert held == generation(number) + generation(number - 1)


def test_an_update_without_keys_or_with_the_same_ones_changes_nothing() -> None:
    old = (key(1, spi(b"\1")), key(2, spi(b"\2")))
    assert merge_keys(old, ()) == old
    assert merge_keys(old, old[::-1]) == old
    assert merge_keys((key(1),), (key(1),)) == (key(1),)
    assert merge_keys(old, (key(3, spi(b"\3")), old[0])) == (key(3, spi(b"\3")), *old[:1])


@pytest.mark.rule("R3830-4.5-12")
def test_a_key_without_rule_replaces_the_old_one() -> None:
    assert merge_keys((key(1),), (key(2),)) == (key(2),)
    assert merge_keys((key(1),), (key(2, spi(b"")),)) == (key(2, spi(b"")),)


def test_an_interval_leaves_what_it_does_not_cover() -> None:
    old = (key(1, interval(None, None)),)
    later = key(2, interval(1000, None))
    assert merge_keys(old, (later,)) == (later, *old)
    whole = key(3, interval(0, END))
    assert merge_keys(old, (whole,)) == (whole,)


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (key(9), "keeps to the kind"),
        (key(9, spi(b"\0\2")), "length of the MKI"),
        (key(9, interval(0, 9)), "keeps to the kind"),
        (key(9, spi(b"\1")), "an MKI again"),
        (key(1, spi(b"\7")), "under another name"),
    ],
)
def test_updates_that_no_srtp_context_could_follow(new: KeyData, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        merge_keys((key(1, spi(b"\1")),), (new,))


VALIDITIES = st.one_of(
    st.just(KvNull()),
    st.builds(KvSpi, st.binary(max_size=2)),
    st.builds(
        KvInterval,
        st.sampled_from([b"", bytes(6), (9).to_bytes(6), b"\1"]),
        st.sampled_from([b"", (8).to_bytes(6), (20).to_bytes(6)]),
    ),
)
KEYS = st.lists(
    st.builds(
        lambda kind, value, validity: KeyData(
            kind, Secret(value), Secret(bytes(14)) if kind.has_salt else None, validity
        ),
        st.sampled_from([KeyType.TGK, KeyType.TGK_SALT, KeyType.TEK, KeyType.TEK_SALT]),
        st.binary(min_size=16, max_size=16),
        VALIDITIES,
    ),
    min_size=1,
    max_size=4,
)


@given(KEYS, KEYS)
def test_what_passes_the_checks_makes_an_srtp_context(
    first: list[KeyData], second: list[KeyData]
) -> None:
    """Input of a peer never ends in a LocalError of the layers below."""
    held: tuple[KeyData, ...] = ()
    try:
        for keys in (first, second):
            check_keys(keys)
            held = merge_keys(held, keys)
    except PeerError:
        pass
    for item in held:
        check_fit(item, CM, Compat())
    if held:
        Receiver(CM, [master_key(item, CM, INPUTS) for item in held], ssrc=1)


@pytest.mark.rule("R3830-6.13-8", "R3830-6.10.1-13")
@pytest.mark.parametrize(
    ("item", "policy", "compat", "fits"),
    [
        (key(kind=KeyType.TEK), CM, Compat(), True),
        (key(kind=KeyType.TEK, octets=30), CM, Compat(), False),
        (key(kind=KeyType.TEK, octets=30), CM, Compat(tek_with_salt=True), True),
        (key(kind=KeyType.TEK, octets=16), CM, Compat(tek_with_salt=True), True),
        (key(kind=KeyType.TEK, octets=28), CM, Compat(tek_with_salt=True), False),
        (key(kind=KeyType.TEK, octets=28), GCM, Compat(tek_with_salt=True), True),
        (key(kind=KeyType.TEK, octets=44), GCM_256, Compat(tek_with_salt=True), True),
        (key(kind=KeyType.TEK, octets=46), CM_256, Compat(tek_with_salt=True), True),
        (key(kind=KeyType.TEK, octets=15), CM, Compat(), False),
        (key(kind=KeyType.TEK, octets=32), CM, Compat(), False),
        (key(kind=KeyType.TEK_SALT, salt=14), CM, Compat(), True),
        (key(kind=KeyType.TEK_SALT, octets=30, salt=14), CM, Compat(tek_with_salt=True), False),
        (key(kind=KeyType.TEK_SALT, salt=12), CM, Compat(), False),
        (key(kind=KeyType.TEK_SALT, salt=12), GCM, Compat(), True),
        (key(kind=KeyType.TEK_SALT, salt=0), CM, Compat(), False),
        (key(kind=KeyType.TGK_SALT, salt=14), CM_256, Compat(), True),
        (key(kind=KeyType.TGK_SALT, salt=13), CM, Compat(), False),
        (key(octets=192), CM, Compat(), True),
        (key(octets=1), CM_256, Compat(), True),
    ],
)
def test_lengths_that_fit(item: KeyData, policy: SrtpPolicy, compat: Compat, fits: bool) -> None:
    if fits:
        check_fit(item, policy, compat)
        made = master_key(item, policy, INPUTS)
        assert (len(made.key), len(made.salt)) == (policy.key_length, policy.master_salt_length)
    else:
        with pytest.raises(PolicyError, match="does not fit") as caught:
            check_fit(item, policy, compat)
        assert caught.value.number is ErrorNumber.INVALID_SPPAR


@pytest.mark.rule("R3830-4.1.3-1", "R3830-4.1.3-5", "R3830-6.10.1-8", "R3830-6.10.1-13")
@pytest.mark.parametrize("func", [0, 1])
@pytest.mark.parametrize("octets", [16, 31, 32, 33, 64, 192])
@pytest.mark.parametrize("name", SrtpPolicy.presets())
def test_derived_keys_agree_with_the_naive_ones(name: str, octets: int, func: int) -> None:
    policy, tgk = SrtpPolicy.named(name), key(octets=octets)
    inputs = Derivation(PrfFunc(func), 200, 0xFEDCBA98, b"RAND of some sort")
    made = master_key(tgk, policy, inputs)
    assert (made.key.expose(), made.salt.expose()) == naive.session_keys(
        {"key": tgk.key.expose(), "salt": None, "key_type": 0},
        200,
        0xFEDCBA98,
        b"RAND of some sort",
        func=func,
        key_length=policy.key_length,
        salt_length=policy.master_salt_length,
    )


@pytest.mark.rule("R3830-6.13-7")
def test_a_carried_salt_is_used_in_place_of_a_derived_one() -> None:
    with_salt = KeyData(KeyType.TGK_SALT, key().key, Secret(b"fourteen octet"))
    derived, carried = master_key(key(), CM, INPUTS), master_key(with_salt, CM, INPUTS)
    assert carried.key == derived.key
    assert carried.salt.expose() == b"fourteen octet" != derived.salt.expose()


@pytest.mark.rule("R3830-6.13-8")
def test_teks_are_taken_as_they_are() -> None:
    alone = master_key(key(kind=KeyType.TEK), CM, INPUTS)
    assert (alone.key.expose(), alone.salt.expose()) == (bytes(range(16)), bytes(14))
    joined = master_key(key(kind=KeyType.TEK, octets=30), CM, INPUTS)
    assert (joined.key.expose(), joined.salt.expose()) == (bytes(range(16)), bytes(range(16, 30)))


@pytest.mark.rule("R3830-6.14-4")
def test_what_selects_a_key() -> None:
    def made(validity: KvNull | KvSpi | KvInterval) -> MasterKey:
        return master_key(key(0, validity), CM, INPUTS)

    assert made(spi(b"\1\2\3\4")).mki == b"\1\2\3\4"
    for unnamed in (spi(b""), KvNull(), interval(5, None)):
        assert made(unnamed).mki == b""
    assert (made(KvNull()).valid_from, made(KvNull()).valid_to) == (None, None)
    within = made(interval(5, 9))
    assert (within.valid_from, within.valid_to) == (5, 9)
    assert bounds(interval(None, None)) == (0, END)
