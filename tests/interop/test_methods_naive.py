"""PKE, DH-SIGN, DHHMAC and RSA-R of the session API, the naive implementation at the other end.

Each test runs a first exchange and an update, and holds the keys of all crypto sessions against
the naive derivation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mikey import (
    Bundle,
    CacheType,
    Certified,
    Clock,
    Context,
    DhGroup,
    Group,
    Initiator,
    Method,
    Policy,
    Psk,
    Responder,
    Secret,
    Stream,
    Trust,
    drive,
)  # fmt: skip
from tests.naive import crypto, dhhmac, dhsign, exchange, pke, pki, rsar
from tests.naive import encode as e
from tests.naive.decode import PKE, RAND, Fields, decode, decode_keys, one
from tests.naive.parties import ALICE as ALICE_SIGNER
from tests.naive.parties import (
    ALICE_PUBLIC,
    BOB_PUBLIC,
    ENVELOPE_KEY,
    GROUP,
    GROUP_CSB_ID,
    KEYS,
    LATER,
    LISTENER,
    RESPONDER_RAND,
    TERMS,
    UNICAST,
    XI,
    XR,
)
from tests.naive.parties import BOB as BOB_SIGNER
from tests.naive.vectors import CSB_ID, IDI, IDR, PSK, RAND_VALUE, TGK
from tests.plugins_emitted import Emitted
from tests.rules.method_parties import ALICE, BOB, certified
from tests.rules.psk_parties import MINE, STREAMS, YOURS, Time

CONTEXT = Context(protocols=("mikey",))
BOB_SSRC = {2: YOURS}
NEW_KEYS = [e.key_data(TGK[::-1])]
SETTLED = LATER._replace(cs=((0, MINE, 0), (0, YOURS, 0)))
ALL_GROUPS = Policy(dh_groups=frozenset(DhGroup))
GROUPS = (DhGroup.OAKLEY_5, DhGroup.OAKLEY_1, DhGroup.OAKLEY_2)


def alice(method: Method, **options: Any) -> Initiator:
    """Return our Initiator; it knows Bob's certificate, as PKE wants."""
    credential: Certified | Psk = Psk(Secret(PSK), ALICE, BOB)
    if method is not Method.DHHMAC:
        trust = Trust([pki.root().der], intermediates=[pki.middle().der])
        credential = certified(trust=trust, peer_certificate=pki.certificate(IDR))
    return Initiator(credential, method=method, clock=Clock(Time()), **options)


def bob(**options: Any) -> Responder:
    """Return our Responder, with every credential that it could have."""
    credentials: list[Certified | Psk] = [certified(BOB, "*"), Psk(Secret(PSK), BOB, ALICE)]
    return Responder(credentials, clock=Clock(Time()), **options)


def accepted(responder: Responder, octets: bytes, **options: Any) -> tuple[bytes, Bundle]:
    """Return the answer to a message, and the bundle."""
    offer = drive(responder.receive(octets, context=CONTEXT))
    assert (offer.initiator, offer.responder) == (ALICE, BOB)
    unnamed = [cs_id for cs_id, stream in enumerate(offer.streams, 1) if not stream.ssrc]
    ours = {} if "group" in options else dict.fromkeys(unnamed, YOURS)
    answer, bundle = offer.accept(ours, **options)
    assert answer is not None
    return answer, bundle


def finished(initiator: Initiator, octets: bytes) -> Bundle:
    return drive(initiator.receive(octets, context=CONTEXT))


def rand_of(octets: bytes) -> bytes:
    value: bytes = one(decode(octets), RAND).fields["value"]
    return value


def fields(keys: Sequence[e.Payload]) -> list[Fields]:
    """Return Key data as they are read."""
    return [part.fields for part in decode_keys(e.chain(keys))]


def check_keys(
    bundle: Bundle, keys: Sequence[Fields], rand: bytes, csb_id: int | None = None
) -> None:
    """Hold the keys of all crypto sessions against the naive derivation."""
    assert csb_id is None or bundle.csb_id == csb_id
    expected = exchange.masters(keys, bundle.csb_id, rand, len(bundle.crypto_sessions))
    for session, masters in zip(bundle.crypto_sessions, expected, strict=True):
        assert [(m.key.expose(), m.salt.expose()) for m in session.keys] == masters


def check_envelope_update(
    initiator: Initiator, bundle: Bundle, env_key: bytes, rand: bytes
) -> tuple[bytes, bytes]:
    """Update under a cached envelope key: PSK messages on both sides (R3830-4.5-5)."""
    update = initiator.rekey(bundle, context=CONTEXT)
    assert update[1] == 0
    keys = [part.fields for part in crypto.kemac_parts(update, env_key, rand=rand)]
    answer = e.psk_answer(env_key, update, BOB_SSRC, idr=IDR, rand_value=rand)
    check_keys(finished(initiator, answer), keys, rand, bundle.csb_id)
    return update, answer


def check_envelope_updated(
    responder: Responder, bundle: Bundle, env_key: bytes, rand: bytes
) -> tuple[bytes, bytes]:
    """The same with the naive implementation as Initiator."""
    update = e.psk_offer(
        env_key, NEW_KEYS, csb_id=bundle.csb_id, ts=LATER.ts, rand_value=rand, idi=IDI, idr=IDR,
        cs=SETTLED.cs, policies=(), update=True,
    )  # fmt: skip
    answer, newer = accepted(responder, update)
    e.verify_answer(env_key, update, answer, rand_value=rand)
    check_keys(newer, fields(NEW_KEYS), rand, bundle.csb_id)
    return update, answer


@pytest.mark.parametrize("cache", [CacheType.NO_CACHE, CacheType.CACHE, CacheType.CACHE_CSB])
def test_pke_we_initiate(cache: CacheType, emitted: Emitted) -> None:
    ours = alice(Method.PKE, cache=cache)
    first = ours.start(STREAMS, context=CONTEXT)
    opened = pke.open_offer(first, ALICE_PUBLIC, BOB_SIGNER.key)
    assert (opened.idi, opened.c) == (IDI, int(cache))
    answer = pke.answer(first, opened, BOB_SSRC, idr=IDR)
    bundle = finished(ours, answer)
    assert [session.ssrc for session in bundle.crypto_sessions] == [MINE, YOURS]
    check_keys(bundle, opened.keys, opened.rand)
    if cache is CacheType.NO_CACHE:
        update = ours.rekey(bundle, context=CONTEXT)
        renewed = pke.open_offer(update, ALICE_PUBLIC, BOB_SIGNER.key, rand=opened.rand)
        assert renewed.keys != opened.keys
        second = pke.answer(update, renewed, BOB_SSRC, idr=IDR)
        check_keys(finished(ours, second), renewed.keys, opened.rand, bundle.csb_id)
    else:
        update, second = check_envelope_update(ours, bundle, opened.env_key, opened.rand)
    for octets in (first, answer, update, second):
        emitted.add(octets)


@pytest.mark.parametrize("cache", [0, 1, 2])
def test_pke_we_respond(cache: int, emitted: Emitted) -> None:
    ours = bob()
    first = pke.offer(TERMS, ALICE_SIGNER, BOB_PUBLIC, ENVELOPE_KEY, KEYS, c=cache)
    opened = pke.open_offer(first, ALICE_PUBLIC, BOB_SIGNER.key)
    answer, bundle = accepted(ours, first)
    pke.check_answer(first, answer, opened)
    check_keys(bundle, fields(KEYS), RAND_VALUE, CSB_ID)
    if cache:
        update, second = check_envelope_updated(ours, bundle, ENVELOPE_KEY, RAND_VALUE)
    else:
        update = pke.offer(SETTLED, ALICE_SIGNER, BOB_PUBLIC, ENVELOPE_KEY[::-1], NEW_KEYS)
        renewed = pke.open_offer(update, ALICE_PUBLIC, BOB_SIGNER.key, rand=RAND_VALUE)
        second, newer = accepted(ours, update)
        pke.check_answer(update, second, renewed)
        check_keys(newer, fields(NEW_KEYS), RAND_VALUE, CSB_ID)
    for octets in (first, answer, update, second):
        emitted.add(octets)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_dhsign_we_initiate(group: DhGroup, emitted: Emitted) -> None:
    ours = alice(Method.DH_SIGN, dh_group=group, policy=ALL_GROUPS)
    first = ours.start(STREAMS, context=CONTEXT)
    answer, key = dhsign.answer(first, ALICE_PUBLIC, BOB_SIGNER, BOB_SSRC, XR, idr=IDR)
    bundle = finished(ours, answer)
    assert key is not None
    check_keys(bundle, [key], rand_of(first))

    update = ours.rekey(bundle, context=CONTEXT)
    second, newer = dhsign.answer(update, ALICE_PUBLIC, BOB_SIGNER, BOB_SSRC, XR - 1, idr=IDR)
    assert newer is not None
    check_keys(finished(ours, second), [newer], rand_of(first), bundle.csb_id)
    for octets in (first, answer, update, second):
        emitted.add(octets)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_dhsign_we_respond(group: DhGroup, emitted: Emitted) -> None:
    ours = bob(policy=ALL_GROUPS)
    first = dhsign.offer(TERMS, ALICE_SIGNER, XI, group=int(group))
    answer, bundle = accepted(ours, first)
    key = dhsign.finish(first, answer, BOB_PUBLIC, XI, idi=IDI)
    assert key is not None
    check_keys(bundle, [key], RAND_VALUE, CSB_ID)

    update = dhsign.offer(SETTLED, ALICE_SIGNER, XI + 1, group=int(group))
    second, newer = accepted(ours, update)
    renewed = dhsign.finish(update, second, BOB_PUBLIC, XI + 1, idi=IDI)
    assert renewed is not None
    check_keys(newer, [renewed], RAND_VALUE, CSB_ID)
    for octets in (first, answer, update, second):
        emitted.add(octets)


@pytest.mark.parametrize("literal", [False, True], ids=["registered", "literal"])
def test_dhhmac_we_initiate(literal: bool, emitted: Emitted) -> None:
    """`literal`: the peer writes the numbers that RFC 4650 prints; we do not."""
    ours = alice(Method.DHHMAC)
    first = ours.start(STREAMS, context=CONTEXT)
    answer, key = dhhmac.answer(first, PSK, BOB_SSRC, XR, idr=IDR, literal=literal)
    bundle = finished(ours, answer)
    assert key is not None
    check_keys(bundle, [key], rand_of(first))

    update, rand = ours.rekey(bundle, context=CONTEXT), rand_of(first)
    second, newer = dhhmac.answer(
        update, PSK, BOB_SSRC, XR - 1, idr=IDR, rand=rand, literal=literal
    )
    assert newer is not None
    check_keys(finished(ours, second), [newer], rand, bundle.csb_id)
    for octets in (first, update) if literal else (first, answer, update, second):
        emitted.add(octets)


@pytest.mark.parametrize("literal", [False, True], ids=["registered", "literal"])
def test_dhhmac_we_respond(literal: bool, emitted: Emitted) -> None:
    ours = bob()
    first = dhhmac.offer(TERMS, PSK, XI, literal=literal)
    answer, bundle = accepted(ours, first)
    key = dhhmac.finish(first, answer, PSK, XI, idi=IDI)
    assert key is not None
    check_keys(bundle, [key], RAND_VALUE, CSB_ID)

    update = dhhmac.offer(SETTLED, PSK, XI + 1, literal=literal)
    second, newer = accepted(ours, update)
    renewed = dhhmac.finish(update, second, PSK, XI + 1, idi=IDI, rand=RAND_VALUE)
    assert renewed is not None
    check_keys(newer, [renewed], RAND_VALUE, CSB_ID)
    for octets in (answer, second) if literal else (first, answer, update, second):
        emitted.add(octets)


@pytest.mark.parametrize("head", [True, False], ids=["SIGN's head signed", "not signed"])
def test_rsar_we_initiate(head: bool, emitted: Emitted) -> None:
    ours = alice(Method.RSA_R)
    first = ours.start(STREAMS, context=CONTEXT)
    granted = UNICAST._replace(c=int(CacheType.CACHE))
    answer = rsar.answer(first, ALICE_PUBLIC, BOB_SIGNER, granted, idr=IDR, head=head)
    bundle = finished(ours, answer)
    rand = rand_of(first)
    check_keys(bundle, fields(KEYS), rand)
    update, second = check_envelope_update(ours, bundle, ENVELOPE_KEY, rand)
    for octets in (first, answer, update, second):
        emitted.add(octets)


def test_rsar_we_respond(emitted: Emitted) -> None:
    ours = bob(cache=CacheType.CACHE)
    first = rsar.request(TERMS, ALICE_SIGNER)
    answer, bundle = accepted(ours, first)
    granted = rsar.open_answer(first, answer, BOB_PUBLIC, ALICE_SIGNER.key)
    assert granted.head_signed
    assert (granted.idr, granted.csb_id, granted.c) == (IDR, CSB_ID, int(CacheType.CACHE))
    assert granted.rand == RAND_VALUE
    check_keys(bundle, granted.keys, granted.rand, CSB_ID)
    update, second = check_envelope_updated(ours, bundle, granted.env_key, granted.rand)
    for octets in (first, answer, update, second):
        emitted.add(octets)


def test_rsar_we_join_a_group(emitted: Emitted) -> None:
    """Both download the group's state: CSB ID, RAND and the rollover counter are its own."""
    ours = alice(Method.RSA_R)
    first = ours.start(join=True, context=CONTEXT)
    answer = rsar.answer(first, ALICE_PUBLIC, BOB_SIGNER, GROUP, idr=IDR)
    bundle = finished(ours, answer)
    (session,) = bundle.crypto_sessions
    assert (session.ssrc, session.roc) == (YOURS, 9)
    check_keys(bundle, fields(KEYS), RESPONDER_RAND, GROUP_CSB_ID)
    emitted.add(first)
    emitted.add(answer)


def test_rsar_we_give_a_group_and_its_next_keys(emitted: Emitted) -> None:
    ours = bob()
    group = Group.new([Stream(YOURS, roc=9)])
    first = rsar.request(LISTENER._replace(sdp_ids=b"mikey"), ALICE_SIGNER)
    answer, bundle = accepted(ours, first, group=group)
    granted = rsar.open_answer(first, answer, BOB_PUBLIC, ALICE_SIGNER.key)
    assert (granted.csb_id, granted.rand) == (group.csb_id, group.rand)
    (entry,) = decode(answer)[0].fields["cs_map"]
    assert (entry["ssrc"], entry["roc"]) == (YOURS, 9)
    check_keys(bundle, granted.keys, group.rand, group.csb_id)

    ours.close(bundle)
    renewed = group.renewed()
    later = LISTENER._replace(sdp_ids=b"mikey", ts=LATER.ts, csb_id=CSB_ID + 1)
    again = rsar.request(later, ALICE_SIGNER)
    second, newer = accepted(ours, again, group=renewed)
    now = rsar.open_answer(again, second, BOB_PUBLIC, ALICE_SIGNER.key)
    assert now.keys != granted.keys
    check_keys(newer, now.keys, group.rand, group.csb_id)
    for octets in (first, answer, again, second):
        emitted.add(octets)


@pytest.mark.parametrize("method", [Method.PSK, Method.PKE])
def test_group_keys_that_are_pushed(method: Method, emitted: Emitted) -> None:
    """Two members are told the same keys, CSB ID and RAND in messages of their own."""
    group = Group.new([Stream(MINE, roc=5)])
    told = []
    for _ in range(2):
        ours = alice(method) if method is Method.PKE else Initiator(
            Psk(Secret(PSK), ALICE, BOB), clock=Clock(Time())
        )  # fmt: skip
        first = ours.start(group=group, context=CONTEXT)
        if method is Method.PKE:
            opened = pke.open_offer(first, ALICE_PUBLIC, BOB_SIGNER.key)
            keys, answer = opened.keys, pke.answer(first, opened, {}, idr=IDR)
        else:
            keys = [part.fields for part in crypto.kemac_parts(first, PSK)]
            answer = e.psk_answer(PSK, first, {}, idr=IDR)
        hdr = decode(first)[0].fields
        assert (hdr["csb_id"], rand_of(first)) == (group.csb_id, group.rand)
        told.append(keys)
        check_keys(finished(ours, answer), keys, group.rand, group.csb_id)
        emitted.add(first)
        emitted.add(answer)
    assert told[0] == told[1]


def test_each_envelope_has_a_key_of_its_own() -> None:
    """What protects a group's keys differs for each member."""
    group = Group.new([Stream(MINE)])
    first, other = (alice(Method.PKE).start(group=group, context=CONTEXT) for _ in range(2))
    keys = [
        pke.open_offer(octets, ALICE_PUBLIC, BOB_SIGNER.key).env_key for octets in (first, other)
    ]
    assert keys[0] != keys[1]
    assert one(decode(first), PKE).fields != one(decode(other), PKE).fields
