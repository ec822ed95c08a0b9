"""The pre-shared key method (RFC 3830 3.1, 5.2, 6.2, 6.9) against the naive implementation."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from mikey import (
    AuthenticationError,
    Context,
    DecodeError,
    EncrAlg,
    ErrorNumber,
    LocalError,
    MacAlg,
    Offer,
    PeerError,
    Psk,
    Secret,
    SrtpPolicy,
    Stream,
    UnsupportedError,
)  # fmt: skip
from mikey.methods._common import message_keys
from tests.naive import crypto
from tests.naive import encode as e
from tests.naive.decode import GENERAL_EXT, HDR, ID, KEMAC, RAND, SP, T, V, decode, one
from tests.naive.vectors import CSB_ID, IDI, IDR, PSK, RAND_VALUE, TS
from tests.rules.psk_parties import (
    ALICE,
    BOB,
    CONTEXT,
    ENTRIES,
    MINE,
    STREAMS,
    YOURS,
    Craft,
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
        pytest.param({"data_type": 3}, "is no PSK-RESP", id="data type"),
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


def test_keys_are_there_before_the_answer() -> None:
    """R4567-4.1.2-9: early media; the SSRC of the peer is not known yet."""
    a = alice()
    first = a.start(STREAMS, context=CONTEXT)
    early = a.early_bundle(first)
    answer, bobs = accepted(bob(), first)
    assert answer is not None
    complete = answered(a, answer)
    assert [s.ssrc for s in early.crypto_sessions] == [MINE, None]
    for cs_id in (1, 2):
        assert early.masters(cs_id) == complete.masters(cs_id) == bobs.masters(cs_id)
    with pytest.raises(LocalError, match="no exchange is open"):
        a.early_bundle(first)


def test_of_many_threads_one_accepts_an_offer() -> None:
    for number in range(20):
        found = offered(bob(), offer(csb_id=number))
        barrier = threading.Barrier(4)

        def accept(found: Offer = found, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            try:
                found.accept({2: YOURS})
            except LocalError:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sum(f.result() for f in [pool.submit(accept) for _ in range(4)]) == 1
