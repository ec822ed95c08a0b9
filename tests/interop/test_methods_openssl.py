"""The openssl command on octets cut from messages that sessions of this package exchange.

Signatures, chains, envelopes and MACs of every method and every form of message; what the
command opens leads, by the naive derivation, to the keys that both sides have.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest

from mikey import (
    Bundle,
    CacheType,
    Certified,
    Clock,
    DhGroup,
    ErrorNumber,
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
from tests.interop.openssl import (
    Refused,
    derive,
    openssl_checks,
    verify_envelope_mac,
    verify_mac,
    verify_signature,
)
from tests.naive import crypto, dh, exchange, pki
from tests.naive.decode import CERT, DH, KEMAC, RAND, Fields, Part, T, V, decode, one
from tests.naive.vectors import IDI, IDR, PSK
from tests.plugins_emitted import Emitted
from tests.rules.method_parties import ALICE, BOB, certified, split
from tests.rules.psk_parties import CONTEXT, STREAMS, YOURS, Time

pytestmark = pytest.mark.interop

ANCHORS = [pki.root().der]
ALICE_LEAF, BOB_LEAF = pki.certificate(IDI), pki.certificate(IDR)
ALICE_KEY, BOB_KEY = pki.key(ALICE), pki.key(BOB)
SIGNING = [
    pytest.param({}, id="SHA-1"),
    pytest.param({"sign_hash": "sha256"}, id="SHA-256"),
    pytest.param({"sign_hash": "sha256", "pss": True}, id="PSS"),
]


class Run(NamedTuple):
    """The messages of one exchange, and what both sides have of it."""

    first: bytes
    answer: bytes
    ours: Bundle
    theirs: Bundle
    drawn: list[bytes]

    @property
    def rand(self) -> bytes:
        """The RAND of the first message."""
        value: bytes = one(decode(self.first), RAND).fields["value"]
        return value


class Draws:
    """Random octets, remembered in order."""

    def __init__(self) -> None:
        self.drawn: list[bytes] = []

    def __call__(self, octets: int) -> bytes:
        self.drawn.append(secrets.token_bytes(octets))
        return self.drawn[-1]


def trust() -> Trust:
    return Trust(ANCHORS, intermediates=[pki.middle().der])


def parties(
    method: Method, draws: Draws, signing: dict[str, Any], **options: Any
) -> tuple[Initiator, Responder]:
    """Return Alice, who draws from `draws`, and Bob with a certificate and a key."""
    credential: Certified | Psk = Psk(Secret(PSK), ALICE, BOB)
    if method is not Method.DHHMAC:
        credential = certified(trust=trust(), peer_certificate=pki.certificate(IDR), **signing)
    policy = Policy(dh_groups=frozenset(DhGroup))
    initiator = Initiator(
        credential, method=method, policy=policy, clock=Clock(Time()), random=draws, **options
    )
    mine: list[Certified | Psk] = [
        certified(BOB, "*", trust=trust(), **signing),
        Psk(Secret(PSK), BOB, ALICE),
    ]
    cache = options.get("cache", CacheType.NO_CACHE)
    return initiator, Responder(mine, clock=Clock(Time()), cache=cache, policy=policy)


def run(initiator: Initiator, responder: Responder, first: bytes, **options: Any) -> Run:
    """Finish an exchange; both sides have the same."""
    offer = drive(responder.receive(first, context=CONTEXT))
    unnamed = [cs_id for cs_id, stream in enumerate(offer.streams, 1) if not stream.ssrc]
    answer, theirs = offer.accept({} if options else dict.fromkeys(unnamed, YOURS), **options)
    assert answer is not None
    ours = drive(initiator.receive(answer, context=CONTEXT))
    assert ours.crypto_sessions == theirs.crypto_sessions
    return Run(first, answer, ours, theirs, [])


def stamp(octets: bytes) -> bytes:
    """Return the TS value of a message."""
    value: bytes = one(decode(octets), T).fields["value"]
    return value


def hash_of(signing: dict[str, Any]) -> str:
    """Return the hash that a credential signs with."""
    return str(signing.get("sign_hash", "sha1"))


def check_keys(bundle: Bundle, keys: Sequence[Fields], rand: bytes) -> None:
    """Hold the keys of all crypto sessions against the naive derivation."""
    expected = exchange.masters(keys, bundle.csb_id, rand, len(bundle.crypto_sessions))
    for session, masters in zip(bundle.crypto_sessions, expected, strict=True):
        assert [(m.key.expose(), m.salt.expose()) for m in session.keys] == masters


def exchanges(
    method: Method, signing: dict[str, Any], emitted: Emitted, **options: Any
) -> Iterator[tuple[Run, bytes]]:
    """Yield a first exchange and its update, each with the RAND of the CSB."""
    draws = Draws()
    initiator, responder = parties(method, draws, signing, **options)
    done = run(initiator, responder, initiator.start(STREAMS, context=CONTEXT))
    rand = done.rand
    for number in range(2):
        if number:
            draws.drawn.clear()
            done = run(initiator, responder, initiator.rekey(done.ours, context=CONTEXT))
        emitted.add(done.first)
        emitted.add(done.answer)
        yield done._replace(drawn=list(draws.drawn)), rand


def mac_key(run: Run, secret: bytes, rand: bytes) -> bytes:
    """Return the key of the MAC in a message of that CSB."""
    return crypto.message_keys(secret, run.ours.csb_id, rand)[1]


def fields(parts: Sequence[Part]) -> list[Fields]:
    """Return the Key data of an opened KEMAC, behind the ID."""
    return [part.fields for part in parts[1:]]


@pytest.mark.parametrize("signing", SIGNING)
def test_pke(signing: dict[str, Any], emitted: Emitted) -> None:
    for done, rand in exchanges(Method.PKE, signing, emitted):
        found = openssl_checks(done.first, recipient=BOB_KEY, anchors=ANCHORS, rand=rand)
        assert (found.hash, found.leaf) == (hash_of(signing), ALICE_LEAF)
        assert found.env_key is not None
        check_keys(done.ours, fields(found.keys), rand)
        key = mac_key(done, found.env_key, rand)
        verify_envelope_mac(done.first, key)
        verify_mac(done.answer, key, IDI + IDR + stamp(done.first))


def test_pke_under_a_kept_envelope_key(emitted: Emitted) -> None:
    """The update is a message of the pre-shared key method, under the key in the envelope."""
    first, update = exchanges(Method.PKE, {}, emitted, cache=CacheType.CACHE)
    done, rand = first
    env_key = openssl_checks(done.first, recipient=BOB_KEY, rand=rand).env_key
    assert env_key is not None
    renewed, _ = update
    assert renewed.first[1] == 0
    key = mac_key(done, env_key, rand)
    verify_mac(renewed.first, key)
    verify_mac(renewed.answer, key, IDI + IDR + stamp(renewed.first))


@pytest.mark.parametrize("method", [Method.DH_SIGN, Method.DHHMAC])
@pytest.mark.parametrize("group", [DhGroup.OAKLEY_5, DhGroup.OAKLEY_1], ids=lambda g: g.name)
def test_diffie_hellman(method: Method, group: DhGroup, emitted: Emitted) -> None:
    """From Alice's exponent and Bob's value the command makes the TGK that both use."""
    for done, rand in exchanges(method, {}, emitted, dh_group=group):
        (exponent,) = [octets for octets in done.drawn if len(octets) == 32]
        sent = one(decode(done.first), DH).fields["value"]
        values = [part.fields["value"] for part in decode(done.answer) if part.type == DH]
        (theirs,) = [value for value in values if value != sent]
        number = int.from_bytes(exponent)
        tgk = derive(int(group), dh.modulus(int(group)), number, theirs)
        check_keys(done.ours, [{"key_type": 0, "key": tgk, "salt": None}], rand)
        if method is Method.DHHMAC:
            key = mac_key(done, PSK, rand)
            verify_mac(done.first, key)
            verify_mac(done.answer, key)


@pytest.mark.parametrize("signing", SIGNING)
def test_signed_diffie_hellman(signing: dict[str, Any], emitted: Emitted) -> None:
    for done, _ in exchanges(Method.DH_SIGN, signing, emitted):
        for octets, leaf in ((done.first, ALICE_LEAF), (done.answer, BOB_LEAF)):
            assert openssl_checks(octets, anchors=ANCHORS)[:2] == (hash_of(signing), leaf)
            damaged = octets[:20] + bytes([octets[20] ^ 1]) + octets[21:]
            with pytest.raises(Refused):
                verify_signature(damaged, leaf)


@pytest.mark.parametrize("signing", SIGNING)
def test_rsar(signing: dict[str, Any], emitted: Emitted) -> None:
    first, _ = exchanges(Method.RSA_R, signing, emitted, cache=CacheType.CACHE)
    done, rand = first
    asked = openssl_checks(done.first, anchors=ANCHORS)
    assert asked[:2] == (hash_of(signing), ALICE_LEAF)
    names_and_time = IDI + IDR + stamp(done.first)
    found = openssl_checks(
        done.answer, recipient=ALICE_KEY, anchors=ANCHORS, rand=rand, appended=names_and_time
    )
    assert found[:2] == (hash_of(signing), BOB_LEAF)
    assert found.env_key is not None
    check_keys(done.ours, fields(found.keys), rand)
    verify_envelope_mac(done.answer, mac_key(done, found.env_key, rand))
    with pytest.raises(Refused):
        verify_signature(done.answer, BOB_LEAF)  # names and T are signed as well


def test_rsar_for_a_group(emitted: Emitted) -> None:
    initiator, responder = parties(Method.RSA_R, Draws(), {})
    group = Group.new([Stream(YOURS, roc=3)])
    first = initiator.start(join=True, context=CONTEXT)
    done = run(initiator, responder, first, group=group)
    found = openssl_checks(
        done.answer, recipient=ALICE_KEY, anchors=ANCHORS, csb_id=group.csb_id, rand=group.rand,
        appended=IDI + IDR + stamp(first),
    )  # fmt: skip
    check_keys(done.ours, fields(found.keys), group.rand)
    emitted.add(done.first)
    emitted.add(done.answer)


def test_certificates_of_types_2_and_3(emitted: Emitted) -> None:
    """One certificate signs, the other gets the envelope."""
    bob = split(BOB, "*")
    assert bob.encryption_certificate is not None
    sealing = bob.encryption_certificate.der
    alice = certified(trust=trust(), peer_certificate=sealing)
    initiator = Initiator(alice, method=Method.PKE, clock=Clock(Time()))
    done = run(
        initiator, Responder([bob], clock=Clock(Time())), initiator.start(STREAMS, context=CONTEXT)
    )
    found = openssl_checks(done.first, recipient=pki.key(f"{BOB} decrypts"), anchors=ANCHORS)
    check_keys(done.ours, fields(found.keys), done.rand)

    asking = Initiator(split(ALICE, BOB), method=Method.RSA_R, clock=Clock(Time()))
    asked = run(
        asking, Responder([bob], clock=Clock(Time())), asking.start(STREAMS, context=CONTEXT)
    )
    kinds = [part.fields["cert_type"] for part in decode(asked.first) if part.type == CERT]
    assert kinds == [2, 3, 0]
    found = openssl_checks(
        asked.answer, recipient=pki.key(f"{ALICE} decrypts"), anchors=ANCHORS, rand=asked.rand,
        appended=IDI + IDR + stamp(asked.first),
    )  # fmt: skip
    check_keys(asked.ours, fields(found.keys), asked.rand)
    for octets in (done.first, done.answer, asked.first, asked.answer):
        emitted.add(octets)


@pytest.mark.parametrize("method", [Method.PKE, Method.DH_SIGN, Method.DHHMAC, Method.RSA_R])
def test_refusals(method: Method, emitted: Emitted) -> None:
    """The Error message to an authentic request is as authentic, where the method allows."""
    initiator, responder = parties(method, Draws(), {})
    first = initiator.start(STREAMS, context=CONTEXT)
    offer = drive(responder.receive(first, context=CONTEXT))
    refusal = offer.reject(ErrorNumber.INVALID_SPPAR)
    assert refusal is not None
    emitted.add(refusal)
    types = [part.type for part in decode(refusal)]
    if method in (Method.DH_SIGN, Method.RSA_R):
        assert openssl_checks(refusal, sender=BOB_LEAF).leaf == BOB_LEAF
    elif method is Method.PKE:
        env_key = openssl_checks(first, recipient=BOB_KEY).env_key
        assert env_key is not None
        rand, csb_id = one(decode(first), RAND).fields["value"], offer.csb_id
        key = crypto.message_keys(env_key, csb_id, rand)[1]
        verify_mac(refusal, key, IDI + IDR + stamp(first))
    else:
        assert KEMAC not in types  # R4650-4.1-2
        assert V not in types
