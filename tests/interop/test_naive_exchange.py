"""The PSK exchange of the package with the naive implementation at the other end."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from mikey import (
    Bundle,
    Context,
    EncrAlg,
    ErrorNumber,
    Initiator,
    KeyType,
    MacAlg,
    NoKey,
    Offer,
    Policy,
    PrfFunc,
    Psk,
    Responder,
    Secret,
    Stream,
)  # fmt: skip
from mikey.policy import Clock
from tests.naive import crypto
from tests.naive import encode as e
from tests.naive.decode import ERR, KEY_DATA, RAND, Part, T, V, decode, one
from tests.naive.vectors import IDI, IDR, PSK, RAND_VALUE, TGK, TS
from tests.plugins_emitted import Emitted

NOW = 1_161_351_786_500_000_000  # TS
MINE, YOURS = 0xDEADBEEF, 0xCAFEBABE
CONTEXT = Context(protocols=("mikey",))
ALICE = Psk(Secret(PSK), IDI.decode(), IDR.decode())
BOB = Psk(Secret(PSK), IDR.decode(), IDI.decode())


class Form(NamedTuple):
    """Algorithms and kind of key of an exchange."""

    encr: int = 1
    mac: int = 1
    prf: int = 0
    key_type: int = 0
    mki_length: int = 0


FORMS = [
    Form(), Form(encr=2), Form(encr=3, mac=2, prf=1), Form(prf=1), Form(mac=2),
    Form(key_type=1), Form(key_type=3, mki_length=4), Form(key_type=1, mki_length=1),
]  # fmt: skip


def our_initiator(form: Form) -> Initiator:
    return Initiator(
        ALICE, clock=Clock(lambda: NOW), prf=PrfFunc(form.prf), encr=EncrAlg(form.encr),
        mac=MacAlg(form.mac), key_type=KeyType(form.key_type), mki_length=form.mki_length,
    )  # fmt: skip


def our_responder() -> Responder:
    return Responder([BOB], clock=Clock(lambda: NOW))


def naive_offer(form: Form, *, v: bool = True) -> bytes:
    salt = bytes(range(14)) if form.key_type in (1, 3) else None
    spi = bytes(range(form.mki_length)) or None
    return e.psk_offer(
        PSK, [e.key_data(TGK, form.key_type, salt=salt, spi=spi)], csb_id=0x12345678, ts=(0, TS),
        rand_value=RAND_VALUE, idi=IDI, idr=IDR, cs=[(0, MINE, 0), (0, 0, 0)], prf=form.prf,
        encr_alg=form.encr, mac_alg=form.mac, v=v,
    )  # fmt: skip


def check_keys(bundle: Bundle, offer: bytes, key: Part, rand: bytes) -> None:
    """Hold the keys of all crypto sessions against the naive derivation."""
    hdr = decode(offer)[0].fields
    for cs_id in (1, 2):
        (master,) = [m for m in bundle.masters(cs_id) if m.mki == key.fields.get("spi", b"")]
        expected = crypto.session_keys(key.fields, cs_id, hdr["csb_id"], rand, func=hdr["prf_func"])
        assert (master.key.expose(), master.salt.expose()) == expected


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_we_initiate(form: Form, emitted: Emitted) -> None:
    alice = our_initiator(form)
    first = alice.start([Stream(MINE), Stream()], context=CONTEXT)
    (key,) = crypto.kemac_parts(first, PSK)
    rand = one(decode(first), RAND).fields["value"]
    answer = e.psk_answer(PSK, first, {2: YOURS}, idr=IDR)
    bundle = alice.receive(answer)
    assert isinstance(bundle, Bundle)
    assert [session.ssrc for session in bundle.crypto_sessions] == [MINE, YOURS]
    check_keys(bundle, first, key, rand)

    update = alice.rekey(bundle, context=CONTEXT)
    assert all(part.type != RAND for part in decode(update))
    (newer,) = crypto.kemac_parts(update, PSK, rand=rand)
    assert newer.fields["key"] != key.fields["key"]
    second = e.psk_answer(PSK, update, {2: YOURS}, idr=IDR, rand_value=rand)
    rekeyed = alice.receive(second)
    assert isinstance(rekeyed, Bundle)
    check_keys(rekeyed, update, newer, rand)

    for octets in (first, answer, update, second):
        emitted.add(octets)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_we_respond(form: Form, emitted: Emitted) -> None:
    bob, first = our_responder(), naive_offer(form)
    offer = bob.receive(first, context=CONTEXT)
    assert isinstance(offer, Offer)
    assert (offer.initiator, offer.responder) == (IDI.decode(), IDR.decode())
    answer, bundle = offer.accept({2: YOURS})
    assert answer is not None
    parts = e.verify_answer(PSK, first, answer)
    assert [entry["ssrc"] for entry in parts[0].fields["cs_map"]] == [MINE, YOURS]
    (key,) = crypto.kemac_parts(first, PSK)
    check_keys(bundle, first, key, RAND_VALUE)
    emitted.add(first)
    emitted.add(answer)


def test_we_do_not_answer_unasked() -> None:
    offer = our_responder().receive(naive_offer(Form(), v=False), context=CONTEXT)
    assert isinstance(offer, Offer)
    answer, _ = offer.accept({2: YOURS})
    assert answer is None


def test_our_refusal_is_authenticated(emitted: Emitted) -> None:
    first = naive_offer(Form())
    offer = our_responder().receive(first, context=CONTEXT)
    assert isinstance(offer, Offer)
    refusal = offer.reject(ErrorNumber.INVALID_SPPAR)
    assert refusal is not None
    parts = decode(refusal)
    verification = one(parts, V)
    _, auth_key, _ = crypto.message_keys(PSK, 0x12345678, RAND_VALUE)
    assert verification.fields["ver_data"] == crypto.v_data(
        refusal[: verification.offset + 2], auth_key, 1, IDI, IDR, TS
    )
    assert one(parts, ERR).fields["number"] == 10
    assert one(parts, T).fields["value"] == TS
    emitted.add(refusal)


def test_null(emitted: Emitted) -> None:
    """MIKEY-NULL: the key is readable, for tshark too."""
    alice = Initiator(
        NoKey(IDI.decode(), IDR.decode()), policy=Policy(allow_null=True), mki_length=4,
        key_type=KeyType.TEK_SALT, clock=Clock(lambda: NOW),
    )  # fmt: skip
    first = alice.start([Stream(MINE), Stream()], respond=False)
    (key,) = crypto.kemac_parts(first, bytes(16))
    assert (key.type, key.fields["key_type"]) == (KEY_DATA, 3)
    (master,) = alice.early_bundle(first).masters(1)
    assert (master.key.expose(), master.salt.expose(), master.mki) == (
        key.fields["key"], key.fields["salt"], key.fields["spi"],
    )  # fmt: skip
    emitted.add(first)
