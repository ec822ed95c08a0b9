"""Published messages, products, algorithms and kinds of key of the pre-shared key method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from mikey import (
    AuthenticationError,
    Clock,
    Context,
    DecodeError,
    EncrAlg,
    ErrorNumber,
    Initiator,
    KeyType,
    LocalError,
    MacAlg,
    NoKey,
    Policy,
    PolicyError,
    PrfFunc,
    Psk,
    Responder,
    Secret,
    SrtpPolicy,
    drive,
)  # fmt: skip
from mikey.policy import Compat
from mikey.registry import TsType
from tests.naive import crypto
from tests.naive import encode as e
from tests.naive.decode import GENERAL_EXT, RAND, T, V, decode, one
from tests.naive.vectors import ANSWER, CSB_ID, IDR, OFFER, PSK, RAND_VALUE, TGK, TS
from tests.plugins_emitted import Emitted
from tests.rules.psk_parties import (
    ALICE,
    BOB,
    CONTEXT,
    MINE,
    STREAMS,
    YOURS,
    Craft,
    Time,
    accepted,
    alice,
    answer_to,
    answered,
    bob,
    offer,
    offered,
    refused,
)

MINISIP_V = bytes.fromhex("e1df52e8eb45a1384e561a5f162f4bff82bb1d7f")
VEC_9 = [
    ("a27504f32768f45cbba61a1f18f3f22f", "fe77a4daef7f126c627c4b3432b9"),
    ("010ef40a620614cda44fc2d3d6e6a219", "7e93a0e05d8ad310b2243a56f8d6"),
]


def scripted(*draws: bytes) -> Callable[[int], bytes]:
    """Return a random source that gives these octets and checks how many are asked for."""
    rest = list(draws)

    def draw(count: int) -> bytes:
        assert len(rest[0]) == count
        return rest.pop(0)

    return draw


@pytest.mark.rule("R3830-3.1-1", "R3830-3.1-2", "R3830-6.2-10", "R3830-5.2-6", "R3830-5.2-7")
def test_the_published_exchange_comes_out_octet_for_octet(emitted: Emitted) -> None:
    """VEC-7, VEC-8 and VEC-9, through the public face."""
    a = alice(random=scripted(CSB_ID.to_bytes(4), RAND_VALUE, TGK))
    first = a.start(STREAMS, context=CONTEXT)
    assert first.hex() == OFFER.hex()
    answer, bobs = offered(bob(), first).accept({2: YOURS})
    assert answer is not None
    assert answer.hex() == ANSWER.hex()
    alices = answered(a, answer)
    for bundle in (alices, bobs):
        masters = [bundle.masters(cs_id)[0] for cs_id in (1, 2)]
        assert [(m.key.expose().hex(), m.salt.expose().hex()) for m in masters] == VEC_9
    emitted.add(first)
    emitted.add(answer)


@pytest.mark.rule("R3830-5.2-6")
def test_minisips_verification_covers_no_identities() -> None:
    compat = Compat(v_without_identities=True)
    answer, _ = offered(bob(compat=compat), OFFER).accept({2: YOURS})
    assert answer is not None
    assert answer[:-20] == ANSWER[:-20]
    assert answer[-20:] == MINISIP_V
    a = alice(compat=compat, random=scripted(CSB_ID.to_bytes(4), RAND_VALUE, TGK))
    a.start(STREAMS, context=CONTEXT)
    with pytest.raises(AuthenticationError):
        a.receive(ANSWER, context=CONTEXT)
    assert answered(a, answer).csb_id == CSB_ID


def test_minisips_answer_with_a_fresh_t_and_its_policies() -> None:
    """IMPL-1: another T, no IDr, SP payloads repeated, V over message and our T alone."""
    fresh = Time().ts(offset=1)
    tolerant = Compat(v_without_identities=True, fresh_response_timestamp=True)
    for compat, number in (
        (tolerant, None),
        (replace(tolerant, fresh_response_timestamp=False), 1),
    ):
        a = alice(compat=compat)
        first = a.start(STREAMS, context=CONTEXT)
        payloads = [e.t(0, fresh), e.sp(e.AES_CM_128_HMAC_SHA1_80)]
        answer = answer_to(first).response(payloads, idi=b"", idr=b"")
        if number is None:
            assert answered(a, answer).crypto_sessions[1].ssrc == YOURS
        else:
            with pytest.raises(DecodeError, match="timestamp"):
                a.receive(answer, context=CONTEXT)


def test_gstreamers_message() -> None:
    """IMPL-7: NULL algorithms, V=0, a TEK with its salt behind it, the tag length in type 3."""
    policy = [
        (0, b"\1"),
        (1, b"\x10"),
        (2, b"\1"),
        (3, b"\x0a"),
        (7, b"\1"),
        (8, b"\1"),
        (10, b"\1"),
    ]
    first = offer(
        keys=[e.key_data(bytes(range(30)), 2)], cs=[(0, MINE, 0)], policies=[policy], idi=None,
        idr=None, sdp_ids=None, v=False, encr_alg=0, mac_alg=0,
    )  # fmt: skip
    context = Context(protocols=("mikey",), secure=True, initiator=ALICE, responder=BOB)
    strict = Responder([NoKey(BOB, ALICE)], clock=Clock(Time()))
    refused(strict, first, ErrorNumber.INVALID_SPPAR, PolicyError, context)
    compat = Compat(tek_with_salt=True, tag_length_in_type_3=True)
    responder = Responder([NoKey(BOB, ALICE, compat)], clock=Clock(Time()))
    answer, bundle = accepted(responder, first, context)
    assert answer is None
    (master,) = bundle.masters(1)
    assert master.key.expose() + master.salt.expose() == bytes(range(30))
    assert bundle.crypto_sessions[0].policy == SrtpPolicy.AES_CM_128_HMAC_SHA1_80


KEYS = {
    KeyType.TGK: e.key_data(TGK, 0),
    KeyType.TGK_SALT: e.key_data(TGK, 1, salt=bytes(range(14))),
    KeyType.TEK: e.key_data(TGK, 2),
    KeyType.TEK_SALT: e.key_data(TGK, 3, salt=bytes(range(14))),
}
VALIDITIES: list[dict[str, Any]] = [
    {}, {"spi": b"\1\2\3\4"}, {"spi": b""}, {"interval": (bytes(6), b"\xff" * 6)},
]  # fmt: skip
ALGORITHMS = [*product((0, 1), (1, 2, 3), (1, 2))]


@pytest.mark.parametrize("validity", VALIDITIES, ids=str)
@pytest.mark.parametrize("key_type", KEYS, ids=lambda k: k.name)
@pytest.mark.rule("R3830-6.2-10", "R3830-4.1.4-4")
def test_every_kind_of_key_arrives(
    key_type: KeyType, validity: dict[str, Any], emitted: Emitted
) -> None:
    salt = bytes(range(14)) if key_type.has_salt else None
    key = e.key_data(TGK, int(key_type), salt=salt, **validity)
    first = emitted.add(offer(keys=[key]))
    answer, bundle = accepted(bob(), first)
    assert answer is not None
    e.verify_answer(PSK, first, emitted.add(answer))
    (part,) = crypto.kemac_parts(first, PSK)
    for session in bundle.crypto_sessions:
        (master,) = session.keys
        tek, derived = crypto.session_keys(part.fields, session.cs_id, CSB_ID, RAND_VALUE)
        if key_type is KeyType.TEK:
            derived = bytes(14)  # the NULL salt of RFC 3711
        assert (master.key.expose(), master.salt.expose()) == (tek, derived)
        assert master.mki == validity.get("spi", b"")
        interval = validity.get("interval")
        assert (master.valid_from, master.valid_to) == (
            (0, (1 << 48) - 1) if interval else (None, None)
        )


@pytest.mark.parametrize(("prf", "encr", "mac"), ALGORITHMS)
@pytest.mark.rule("R3830-4.1.4-4", "R3830-4.2.3-4")
def test_every_algorithm_in_both_roles(prf: int, encr: int, mac: int, emitted: Emitted) -> None:
    first = offer(prf=prf, encr_alg=encr, mac_alg=mac)
    answer, bundle = accepted(bob(), first)
    assert answer is not None
    e.verify_answer(PSK, first, answer)
    (part,) = crypto.kemac_parts(first, PSK)
    expected = crypto.session_keys(part.fields, 1, CSB_ID, RAND_VALUE, func=prf)
    assert bundle.masters(1)[0].key.expose() == expected[0]

    a = alice(prf=PrfFunc(prf), encr=EncrAlg(encr), mac=MacAlg(mac))
    ours = a.start(STREAMS, context=CONTEXT)
    (part,) = crypto.kemac_parts(ours, PSK)
    rand = one(decode(ours), RAND).fields["value"]
    theirs = e.psk_answer(PSK, ours, {2: YOURS}, idr=IDR)
    bundle = answered(a, theirs)
    expected = crypto.session_keys(part.fields, 2, bundle.csb_id, rand, func=prf)
    assert bundle.masters(2)[0].key.expose() == expected[0]
    for octets in (first, answer, ours, theirs):
        emitted.add(octets)


@pytest.mark.parametrize("ts_type", [TsType.NTP_UTC, TsType.NTP, TsType.COUNTER])
@pytest.mark.rule("R3830-5.2-7")
def test_every_type_of_timestamp_in_both_roles(ts_type: TsType, emitted: Emitted) -> None:
    value = TS if ts_type is not TsType.COUNTER else b"\0\0\1\0"
    first = offer(ts=(int(ts_type), value))
    answer, _ = accepted(bob(), first)
    assert answer is not None
    e.verify_answer(PSK, first, answer)

    a = alice(clock=Clock(Time(), ts_type=ts_type))
    ours = a.start(STREAMS, context=CONTEXT)
    assert one(decode(ours), T).fields["ts_type"] == ts_type
    theirs = e.psk_answer(PSK, ours, {2: YOURS})
    assert answered(a, theirs).t.ts_type is ts_type
    for octets in (first, answer, ours, theirs):
        emitted.add(octets)


def test_ntp_utc_32_is_a_timestamp_too() -> None:
    first = offer(ts=(3, TS[:4]))
    answer, _ = accepted(bob(), first)
    assert answer is not None
    e.verify_answer(PSK, first, answer)


@pytest.mark.rule("R3830-6.2-13", "R3830-4.2.3-6")
def test_null_is_for_secure_transports(emitted: Emitted) -> None:
    context = Context(initiator=ALICE, responder=BOB)
    secure = replace(context, secure=True)
    first = emitted.add(offer(encr_alg=0, mac_alg=0, sdp_ids=None))
    credentials = [NoKey(BOB, ALICE)]
    refused(bob(credentials=credentials), first, ErrorNumber.INVALID_MAC, PolicyError, context)
    for responder, where in (
        (bob(credentials=credentials), secure),
        (bob(credentials=credentials, policy=Policy(allow_null=True)), context),
    ):
        answer, bundle = accepted(responder, first, where)
        assert answer is not None
        assert one(decode(answer), V).fields == {"auth_alg": 0, "ver_data": b""}
        assert bundle.method == "NULL"
        emitted.add(answer)
    # Who has a key for the peer takes no message without one.
    refused(bob(), first, ErrorNumber.AUTH_FAILURE, context=secure)

    a = Initiator(NoKey(ALICE, BOB), clock=Clock(Time()))
    with pytest.raises(LocalError, match="secure transport"):
        a.start(STREAMS)
    ours = a.start(STREAMS, context=Context(secure=True, protocols=("mikey",)))
    assert all(part.type != GENERAL_EXT for part in decode(emitted.add(ours)))
    craft = answer_to(ours)
    # A V that somebody made up is no MIKEY-NULL response.
    with pytest.raises(AuthenticationError):
        a.receive(craft.response([e.t(*craft.ts), e.ident(IDR)]))
    assert drive(a.receive(craft.response([e.t(*craft.ts)], alg=0))).method == "NULL"


@pytest.mark.rule("R3830-6.2-13", "R3830-4.2.3-6", "R3830-5.1.2-11")
@pytest.mark.parametrize(
    ("encr", "mac", "number"),
    [
        (0, 1, ErrorNumber.INVALID_EA),
        (1, 0, ErrorNumber.INVALID_MAC),
        (2, 0, ErrorNumber.INVALID_MAC),
    ],
)
def test_half_a_null_is_none(encr: int, mac: int, number: ErrorNumber) -> None:
    first = replace(Craft(), encr_alg=encr, mac_alg=mac).message()
    refused(bob(), first, number, PolicyError)
    secure = replace(CONTEXT, secure=True)
    null = Responder([NoKey(BOB, ALICE)], clock=Clock(Time()))
    if not mac:
        refused(null, first, number, PolicyError, secure)
    else:
        assert offered(bob(), first, secure).initiator == ALICE
        with pytest.raises(LocalError, match="secure transport"):
            alice(encr=EncrAlg.NULL).start(STREAMS, context=CONTEXT)
        assert alice(encr=EncrAlg.NULL).start(STREAMS, context=secure)
    with pytest.raises(LocalError, match="has a MAC"):
        alice(mac=MacAlg.NULL)


@pytest.mark.rule("R3830-4.2.3-4")
@pytest.mark.parametrize("extra", [bytes(8), b"\1", bytes(1)])
def test_key_wrap_is_filled_to_eight_octets_and_no_further(extra: bytes) -> None:
    craft = replace(Craft(), encr_alg=2)
    keys = e.chain([e.key_data(TGK, 0, spi=b"\1\2")])
    padded = crypto.kw_pad(keys)
    assert len(padded) > len(keys)
    assert offered(bob(), craft.message(plaintext=keys)).initiator == ALICE
    spoiled = keys + extra if len(extra) == 1 else padded + extra
    if spoiled == padded[: len(spoiled)]:
        spoiled = padded[:-1] + b"\1"
    with pytest.raises(DecodeError):
        bob().receive(craft.message(plaintext=spoiled), context=CONTEXT)


@pytest.mark.rule("R3830-4.5-3", "R3830-6.2-13")
def test_only_the_key_that_made_a_csb_updates_it() -> None:
    """Else a message that nothing protects could put its keys into a CSB that is protected."""
    time = Time()
    credentials = [Psk(Secret(PSK), BOB, ALICE), NoKey(BOB, ALICE)]
    responder = bob(time, credentials=credentials, policy=Policy(allow_null=True))
    _, bundle = accepted(responder, offer())
    time.advance(1)
    update: dict[str, Any] = {
        "keys": [e.key_data(bytes(range(0x40, 0x50)))], "ts": (0, time.ts()), "update": True,
        "policies": (), "cs": bundle.sessions,
    }  # fmt: skip
    null = offer(**update, encr_alg=0, mac_alg=0)
    refused(responder, null, ErrorNumber.AUTH_FAILURE, AuthenticationError)
    assert accepted(responder, offer(**update))[1].message_key == bundle.message_key
