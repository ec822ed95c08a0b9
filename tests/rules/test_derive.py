"""Keys of whole exchanges (area derive), against the naive derivation."""

from __future__ import annotations

from typing import Any

import pytest

from mikey import Bundle, PeerError, Secret, Stream
from mikey.registry import EncrAlg, KeyType, MacAlg, PrfFunc
from mikey.wire import KeyData
from tests.naive import crypto
from tests.naive import encode as e
from tests.naive.decode import KEMAC, RAND, Fields, decode, one
from tests.naive.vectors import ANSWER, CSB_ID, OFFER, PSK, RAND_VALUE, TGK
from tests.rules.psk_parties import (
    CONTEXT,
    STREAMS,
    YOURS,
    Craft,
    accepted,
    alice,
    answered,
    bob,
    offer,
)

HALF = bytes(range(32))
SUITES = [
    (PrfFunc.MIKEY_1, EncrAlg.AES_CM_128, MacAlg.HMAC_SHA_1_160),
    (PrfFunc.PRF_HMAC_SHA_256, EncrAlg.AES_CM_256, MacAlg.HMAC_SHA_256_256),
    (PrfFunc.PRF_HMAC_SHA_256, EncrAlg.AES_CM_128, MacAlg.HMAC_SHA_1_160),
    (PrfFunc.MIKEY_1, EncrAlg.AES_KW_128, MacAlg.HMAC_SHA_256_256),
]


def keys_of(bundle: Bundle) -> list[tuple[bytes, bytes]]:
    """Return master key and salt of the newest key of each crypto session."""
    return [(s.keys[0].key.expose(), s.keys[0].salt.expose()) for s in bundle.crypto_sessions]


def naive_keys(octets: bytes, count: int, **lengths: int) -> list[tuple[bytes, bytes]]:
    """Return what the naive side derives from an I_MESSAGE that it opens itself."""
    (key,) = crypto.kemac_parts(octets, PSK)
    parts = decode(octets)
    hdr, rand = parts[0].fields, one(parts, RAND).fields["value"]
    return [
        crypto.session_keys(key.fields, cs_id, hdr["csb_id"], rand, func=hdr["prf_func"], **lengths)
        for cs_id in range(1, count + 1)
    ]


@pytest.mark.rule("R3830-4.1.3-1", "R3830-4.1.3-5", "R3830-4.1.4-1", "R3830-4.1.4-4")
def test_the_published_exchange() -> None:
    """VEC-7 in, VEC-8 out, VEC-9 as keys."""
    response, bundle = accepted(bob(), OFFER)
    assert response == ANSWER
    assert [(tek.hex(), salt.hex()) for tek, salt in keys_of(bundle)] == [
        ("a27504f32768f45cbba61a1f18f3f22f", "fe77a4daef7f126c627c4b3432b9"),
        ("010ef40a620614cda44fc2d3d6e6a219", "7e93a0e05d8ad310b2243a56f8d6"),
    ]


@pytest.mark.rule("R3830-4.1.3-1", "R3830-4.1.4-1", "R3830-4.1.4-4", "R3830-4.2.3-1")
@pytest.mark.rule("R6043-6.1-1x", "R6043-6.1-5", "R6043-6.2-2")
@pytest.mark.parametrize(("prf", "encr", "mac"), SUITES)
def test_every_suite_agrees_with_the_naive_side(
    prf: PrfFunc, encr: EncrAlg, mac: MacAlg, emitted: Any
) -> None:
    initiator = alice(prf=prf, encr=encr, mac=mac)
    first = emitted.add(initiator.start(STREAMS, context=CONTEXT))
    kemac = one(decode(first), KEMAC).fields
    assert (kemac["encr_alg"], kemac["mac_alg"]) == (encr, mac)
    # The naive side checks the MAC (auth_key of 20 or 32 octets), decrypts, and answers.
    response = e.psk_answer(PSK, first, {2: YOURS})
    ours = answered(initiator, response)
    assert keys_of(ours) == naive_keys(first, 2)
    answer, theirs = accepted(bob(), first)
    assert answer is not None
    e.verify_answer(PSK, first, emitted.add(answer))
    assert keys_of(theirs) == keys_of(ours)


@pytest.mark.rule("R3830-4.1.2-2", "R3830-4.1.2-3", "R3830-4.1.2-4")
@pytest.mark.parametrize("octets", [16, 31, 32, 33, 64, 192])
@pytest.mark.parametrize("func", [0, 1])
def test_tgks_of_every_length(octets: int, func: int) -> None:
    tgk = bytes(range(octets))
    first = offer(keys=[e.key_data(tgk)], prf=func)
    _, bundle = accepted(bob(), first)
    assert keys_of(bundle) == naive_keys(first, 2)


@pytest.mark.rule("R3830-4.1.2-5")
def test_a_tgk_that_cancels_is_refused() -> None:
    first = Craft().message(plaintext=e.chain([e.key_data(HALF * 2)]))
    fields: Fields = {"key": HALF * 2, "salt": None, "key_type": 0}
    assert crypto.session_keys(fields, 1, CSB_ID, RAND_VALUE) == (bytes(16), bytes(14))
    with pytest.raises(PeerError, match="the same 32 octets twice"):
        bob().receive(first, context=CONTEXT)


@pytest.mark.rule("R3830-4.1.4-5")
def test_255_crypto_sessions_have_255_keys() -> None:
    initiator = alice()
    streams = [Stream(ssrc) for ssrc in range(1, 256)]
    first = initiator.start(streams, context=CONTEXT)
    answer, theirs = accepted(bob(), first)
    assert answer is not None
    ours = keys_of(answered(initiator, answer))
    assert ours == keys_of(theirs) == naive_keys(first, 255)
    assert len(set(ours)) == 255
    # CS 255 and the messages share the octet 0xFF of their labels, and no constant.
    parts = decode(first)
    rand = one(parts, RAND).fields["value"]
    of_messages = crypto.message_keys(PSK, parts[0].fields["csb_id"], rand)
    assert not {key for pair in ours for key in pair} & set(of_messages)


@pytest.mark.rule("R3830-4.1.3-5", "R3830-6.13-7")
@pytest.mark.parametrize("key_type", [0, 1])
def test_a_salt_is_derived_unless_one_is_carried(key_type: int) -> None:
    salt = b"fourteen octet" if key_type else None
    first = offer(keys=[e.key_data(TGK, key_type, salt=salt)])
    _, bundle = accepted(bob(), first)
    assert keys_of(bundle) == naive_keys(first, 2)
    salts = {salt for _, salt in keys_of(bundle)}
    assert salts == {b"fourteen octet"} if key_type else len(salts) == 2


@pytest.mark.rule("R3830-4.1.4-4")
def test_an_update_derives_with_the_first_rand() -> None:
    initiator, responder = alice(mki_length=2), bob()
    first = initiator.start(STREAMS, context=CONTEXT)
    answer, _ = accepted(responder, first)
    assert answer is not None
    held = answered(initiator, answer)
    update = initiator.rekey(held, context=CONTEXT)
    rand = one(decode(first), RAND).fields["value"]
    assert not [part for part in decode(update) if part.type == RAND]
    (key,) = crypto.kemac_parts(update, PSK, rand=rand)
    _, bundle = accepted(responder, update)
    csb_id = decode(first)[0].fields["csb_id"]
    wanted = [crypto.session_keys(key.fields, n, csb_id, rand) for n in (1, 2)]
    assert keys_of(bundle) == wanted
    assert bundle.masters(1)[0].mki == key.fields["spi"] == b"\0\2"


@pytest.mark.rule("R3830-4.2.3-1", "R6043-6.3-3", "R3830-6.6-4", "R3830-6.6-5")
@pytest.mark.parametrize("ts_type", [2, 3])
@pytest.mark.parametrize("encr_alg", [1, 3])
def test_the_iv_of_short_timestamps(ts_type: int, encr_alg: int) -> None:
    """COUNTER grows on the left, NTP-UTC-32 on the right; the wrong side decrypts to nonsense."""
    value = bytes.fromhex("c8e350ea") if ts_type == 3 else b"\0\0\0\7"
    first = offer(ts=(ts_type, value), encr_alg=encr_alg)
    _, bundle = accepted(bob(), first)
    assert keys_of(bundle) == naive_keys(first, 2)


def test_given_keys_are_sent_as_they_are() -> None:
    given = KeyData(KeyType.TEK_SALT, Secret(TGK), Secret(bytes(14)))
    first = alice().start(STREAMS, context=CONTEXT, keys=[given])
    _, bundle = accepted(bob(), first)
    assert keys_of(bundle) == [(TGK, bytes(14))] * 2
