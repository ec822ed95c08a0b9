"""The pre-shared key method (RFC 3830 3.1, 5.2, 6.2, 6.9) against the naive implementation."""

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
    PeerError,
    Policy,
    PolicyError,
    PrfFunc,
    Psk,
    Responder,
    Secret,
    SrtpPolicy,
    Stream,
    UnsupportedError,
    drive,
)  # fmt: skip
from mikey.methods._common import message_keys
from mikey.policy import Compat
from mikey.registry import TsType
from tests.naive import crypto
from tests.naive import encode as e
from tests.naive.decode import GENERAL_EXT, HDR, ID, KEMAC, RAND, SP, T, V, decode, one
from tests.naive.vectors import ANSWER, CSB_ID, IDI, IDR, OFFER, PSK, RAND_VALUE, TGK, TS
from tests.plugins_emitted import Emitted
from tests.rules.psk_parties import (
    ALICE,
    BOB,
    CONTEXT,
    ENTRIES,
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
    flips,
    offer,
    offered,
    refused,
    same_keys,
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


@pytest.mark.rule("R3830-3.1-2")
def test_an_answer_comes_only_if_asked_for() -> None:
    answer, bundle = accepted(bob(), offer(v=False))
    assert answer is None
    assert bundle.crypto_sessions[0].keys
    answer, _ = accepted(bob(), offer(v=True))
    assert answer is not None


@pytest.mark.rule("R3830-3.1-1", "R3830-6.2-9", "R3830-3-3", "R3830-6.11-3")
def test_the_first_message_has_the_form_of_the_figure() -> None:
    a = alice()
    first, second = (decode(a.start(STREAMS, context=CONTEXT)) for _ in range(2))
    for parts in (first, second):
        assert [part.type for part in parts] == [HDR, T, RAND, ID, ID, SP, GENERAL_EXT, KEMAC]
        assert parts[-1].next_payload == 0
        assert [p.fields["data"] for p in parts if p.type == ID] == [IDI, IDR]
    rands = [one(parts, RAND).fields["value"] for parts in (first, second)]
    assert rands[0] != rands[1]
    assert all(len(rand) >= 16 for rand in rands)


@pytest.mark.rule("R3830-3.1-2", "R3830-6.9-2", "R3830-5.2-5")
def test_the_answer_has_the_form_of_the_figure() -> None:
    answer, _ = accepted(bob(), offer())
    assert answer is not None
    parts = decode(answer)
    assert [part.type for part in parts] == [HDR, T, ID, V]
    assert parts[-1].next_payload == 0
    assert one(parts, T).fields == {"ts_type": 0, "value": TS}
    assert one(parts, ID).fields["data"] == IDR


@pytest.mark.rule("R3830-3.1-3")
def test_every_key_is_drawn_anew() -> None:
    drawn: list[bytes] = []

    def draw(count: int) -> bytes:
        drawn.append(bytes([len(drawn) + 1]) * count)
        return drawn[-1]

    a = alice(random=draw)
    keys = []
    for _ in range(2):
        (part,) = crypto.kemac_parts(a.start(STREAMS, context=CONTEXT), PSK)
        keys.append(part.fields["key"])
    # In the order of the wire: CSB ID, RAND, key.
    assert [len(draw) for draw in drawn] == [4, 16, 16] * 2
    assert keys == [drawn[2], drawn[5]]


def test_a_key_is_as_strong_as_the_strongest_policy() -> None:
    strong = Stream(MINE, policy=SrtpPolicy.AES_256_CM_HMAC_SHA1_80)
    (part,) = crypto.kemac_parts(alice().start([Stream(1), strong]), PSK)
    assert len(part.fields["key"]) == 32


@pytest.mark.rule("R3830-3.1-5", "R3830-5.3-5", "R3830-5.3-4")
def test_nothing_is_decrypted_before_the_mac_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    decrypt = message_keys.MessageKeys.decrypt

    def spy(self: message_keys.MessageKeys, alg: EncrAlg, t: int, data: bytes) -> bytes:
        opened.append(len(data))
        return decrypt(self, alg, t, data)

    monkeypatch.setattr(message_keys.MessageKeys, "decrypt", spy)
    responder, good = bob(), offer()
    refused(responder, good[:-1] + bytes([good[-1] ^ 1]), ErrorNumber.AUTH_FAILURE)
    assert opened == []
    assert responder._bundles == {}
    assert len(responder._replay) == 0  # type: ignore[arg-type]
    offered(responder, good)
    assert len(opened) == 1


@pytest.mark.rule("R3830-6.2-10", "R3830-3.1-5", "R3830-5.3-6")
def test_no_bit_of_a_request_can_be_changed() -> None:
    responder, first = bob(errors_per_second=0), offer()
    for changed in flips(first):
        with pytest.raises(PeerError):
            responder.receive(changed, context=CONTEXT)
    _, bundle = accepted(responder, first)
    assert bundle.csb_id == CSB_ID


@pytest.mark.rule("R3830-3.1-7", "R3830-5.3-7", "R3830-5.2-5")
def test_no_bit_of_an_answer_can_be_changed() -> None:
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    answer, bobs = accepted(bob(), first)
    assert answer is not None
    for changed in flips(answer):
        with pytest.raises(PeerError):
            a.receive(changed, context=CONTEXT)
    assert same_keys(answered(a, answer), bobs)


def test_a_wrong_key_is_told_from_nothing_else() -> None:
    wrong = [Psk(Secret(bytes(range(1, 17))), BOB, ALICE)]
    other = [Psk(Secret(PSK), BOB, "sip:carol@example.com")]
    texts = {
        str(refused(bob(credentials=credentials), offer(), ErrorNumber.AUTH_FAILURE))
        for credentials in (wrong, other)
    }
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"data_type": 3}, "answers no PSK message", id="data type"),
        pytest.param({"csb_id": 1}, "no exchange is open", id="CSB ID"),
        pytest.param({"prf": 1}, "another PRF", id="PRF"),
        pytest.param({"cs_map": e.srtp_map([(0, MINE, 0)])}, "other crypto", id="fewer CSs"),
        pytest.param({"cs_map": e.srtp_map([(0, MINE, 0)] * 3)}, "other crypto", id="more CSs"),
        pytest.param({"cs_map": (1, 2, b"")}, "other crypto", id="map type"),
        pytest.param({"cs_map": e.srtp_map([(0, 1, 0), (0, YOURS, 0)])}, "fixed", id="SSRC"),
        pytest.param({"cs_map": e.srtp_map([(0, MINE, 1), (0, YOURS, 0)])}, "fixed", id="ROC"),
        pytest.param({"cs_map": e.srtp_map([(0, MINE, 0), (1, YOURS, 0)])}, "fixed", id="policy"),
        pytest.param({"ts": (0, bytes(8))}, "timestamp", id="T"),
        pytest.param({"ts": (1, None)}, "timestamp", id="TS type"),
        pytest.param({"psk": bytes(range(1, 17))}, "authentication", id="key"),
        pytest.param({"rand": bytes(16)}, "authentication", id="RAND"),
    ],
)  # fmt: skip
@pytest.mark.rule(
    "R3830-3.1-7", "R3830-5.3-7", "R3830-6.1-16", "R3830-6.1-21", "R3830-6.1-22",
    "R3830-6.1.1-7", "R3830-5.2-5", "R3830-4.1.4-4",
)  # fmt: skip
def test_a_response_that_is_authentic_and_wrong_leaves_the_exchange_open(
    change: dict[str, Any], reason: str
) -> None:
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    craft = answer_to(first)
    if "ts" in change:
        change = {"ts": (change["ts"][0], change["ts"][1] or craft.ts[1])}
    wrong = replace(craft, **change)
    with pytest.raises(PeerError, match=reason):
        a.receive(wrong.response([e.t(*wrong.ts), e.ident(IDR)]), context=CONTEXT)
    right = craft.response([e.t(*craft.ts), e.ident(IDR)])
    assert answered(a, right).crypto_sessions[1].ssrc == YOURS
    with pytest.raises(PeerError, match="no exchange is open"):  # the first one closes it
        a.receive(right, context=CONTEXT)


def test_a_response_names_one_party_and_ends_in_v() -> None:
    a = alice()
    craft = answer_to(a.start(STREAMS, context=CONTEXT))
    t = e.t(*craft.ts)
    for payloads, reason in (
        ([t, e.ident(IDI), e.ident(IDR)], "one ID"),
        ([t, e.ident(b"sip:mallory@example.com")], "comes from"),
        ([t, e.ident(IDR, 2)], "not supported"),
        ([t, e.rand(RAND_VALUE)], "no PSK|no RAND|has no"),
        ([], "T payload"),
    ):
        idr = payloads[1][1][3:] if len(payloads) == 2 else IDR
        with pytest.raises(PeerError, match=reason):
            a.receive(craft.response(payloads, idr=idr), context=CONTEXT)
    out = e.build(1, [t, e.ident(IDR)], csb_id=craft.csb_id, cs_map=craft.cs_map)
    with pytest.raises(DecodeError, match="is V"):
        a.receive(out, context=CONTEXT)


@pytest.mark.parametrize(("asked", "given", "fits"), [(1, 1, True), (1, 2, True), (2, 1, False)])
@pytest.mark.rule("R3830-5.3-7")
def test_a_response_is_not_authenticated_more_weakly(asked: int, given: int, fits: bool) -> None:
    a = alice(mac=MacAlg(asked))
    craft = answer_to(a.start(STREAMS, context=CONTEXT))
    answer = craft.response([e.t(*craft.ts), e.ident(IDR)], alg=given)
    if fits:
        assert answered(a, answer).peer == BOB
    else:
        with pytest.raises(UnsupportedError, match="weakly"):
            a.receive(answer, context=CONTEXT)
    naked = e.build(
        1, [e.t(*craft.ts), e.ident(IDR), (9, b"\0")], csb_id=craft.csb_id, cs_map=craft.cs_map
    )
    if not fits:
        with pytest.raises(UnsupportedError, match="weakly"):
            a.receive(naked, context=CONTEXT)


@pytest.mark.parametrize(
    ("idi", "idr", "context"),
    [
        (IDI, IDR, CONTEXT),
        (IDI, None, CONTEXT),
        (None, IDR, Context(protocols=("mikey",), initiator=ALICE)),
        (None, None, Context(protocols=("mikey",), initiator=ALICE, responder=BOB)),
        (None, None, CONTEXT),
    ],
)
@pytest.mark.rule("R3830-5.2-8", "R3830-6.7-8", "R3830-5.2-10", "R3830-3-2")
def test_identities_that_are_not_sent_come_from_elsewhere(
    idi: bytes | None, idr: bytes | None, context: Context
) -> None:
    """Response, request, signalling, key: in this order, and V covers what was found."""
    first = offer(idi=idi, idr=idr)
    found = offered(bob(), first, context)
    assert (found.initiator, found.responder) == (ALICE, BOB)
    answer, _ = found.accept({2: YOURS})
    assert answer is not None
    parts = decode(answer)
    covered = answer[:-20]
    _, auth_key, _ = crypto.message_keys(PSK, CSB_ID, RAND_VALUE)
    assert one(parts, V).fields["ver_data"] == crypto.v_data(covered, auth_key, 1, IDI, IDR, TS)


@pytest.mark.rule("R3830-5.2-8")
def test_a_response_without_idr_covers_the_one_of_the_request() -> None:
    a = alice()
    craft = answer_to(a.start(STREAMS, context=CONTEXT))
    assert answered(a, craft.response([e.t(*craft.ts)])).peer == BOB


@pytest.mark.rule("R3830-3-2", "R3830-9.5-2", "R3830-6.7-7")
def test_the_key_is_that_of_the_identity() -> None:
    """Mallory has a key of her own with Bob, and cannot use it in Alice's name."""
    mallory = Psk(Secret(bytes(range(50, 66))), BOB, "sip:mallory@example.com")
    responder = bob(credentials=[Psk(Secret(PSK), BOB, ALICE), mallory])
    forged = replace(Craft(), psk=mallory.key.expose()).message()
    refused(responder, forged, ErrorNumber.AUTH_FAILURE, AuthenticationError)
    theirs = offer(psk=mallory.key.expose(), idi=b"sip:mallory@example.com")
    assert offered(responder, theirs).initiator == "sip:mallory@example.com"


@pytest.mark.parametrize("identity", [BOB, "*"])
def test_a_wildcard_key_serves_whoever_comes(identity: str) -> None:
    responder = bob(credentials=[Psk(Secret(PSK), identity, "*")])
    found = offered(responder, offer(idi=b"carol@example.org"))
    assert (found.initiator, found.responder) == ("carol@example.org", BOB)
    refused(responder, offer(csb_id=1, idi=None, idr=None), ErrorNumber.INVALID_ID)


def test_the_own_key_of_a_peer_comes_before_the_one_for_all() -> None:
    other = Psk(Secret(bytes(range(60, 80))), BOB, "*")
    responder = bob(credentials=[other, Psk(Secret(PSK), BOB, ALICE)])
    refused(responder, offer(psk=other.key.expose()), ErrorNumber.AUTH_FAILURE)
    assert offered(responder, offer()).initiator == ALICE


def test_a_message_without_identities_is_tried_with_few_keys() -> None:
    """Each costs a derivation and a MAC: a sender of noise must not get a thousand of them."""
    strangers = [Psk(Secret(bytes([n]) * 16), BOB, f"sip:{n}@example.org") for n in range(1, 41)]
    anonymous = offer(idi=None, idr=None)
    last = bob(credentials=[*strangers, Psk(Secret(PSK), BOB, ALICE)])
    refused(last, anonymous, ErrorNumber.AUTH_FAILURE)
    among = bob(credentials=[*strangers[:10], Psk(Secret(PSK), BOB, ALICE), *strangers[10:]])
    assert offered(among, anonymous).initiator == ALICE


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


def test_streams_keep_their_places() -> None:
    first = offer(cs=[*ENTRIES, (0, 7, 3), (0, 0, 0)])
    found = offered(bob(), first)
    assert [(s.ssrc, s.roc) for s in found.streams] == [(MINE, 0), (0, 0), (7, 3), (0, 0)]
    assert (found.csb_id, found.wants_response, found.is_update) == (CSB_ID, True, False)
    answer, bundle = found.accept({2: 5, 4: 6}, rocs={4: 9})
    assert answer is not None
    hdr = decode(answer)[0].fields
    assert [(s["ssrc"], s["roc"]) for s in hdr["cs_map"]] == [(MINE, 0), (5, 0), (7, 3), (6, 9)]
    assert [s.ssrc for s in bundle.crypto_sessions] == [MINE, 5, 7, 6]
