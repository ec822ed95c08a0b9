"""No log of an exchange that failed shows a key, not even one with local variables."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import mikey
from mikey import Bundle, Secret
from mikey.errors import MikeyError
from mikey.group import WorkUnit, encapsulate
from mikey.registry import EncrAlg, KeyType
from mikey.wire import KeyData, Message, Sakke
from tests.naive import crypto
from tests.naive import encode as e
from tests.naive.vectors import CSB_ID, PSK, RAND_VALUE, TGK
from tests.rules import sakke_parties
from tests.rules.psk_parties import (
    CONTEXT,
    STREAMS,
    Craft,
    accepted,
    alice,
    answer_to,
    answered,
    bob,
)


def shown(error: BaseException) -> str:
    """Everything a careless logger could print."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(told.format())


def forbidden(keys: Sequence[bytes]) -> set[str]:
    """The octets of keys as Python or a hex dump would write them."""
    return {form for key in keys for form in (key.hex(), repr(key)[2:-1], str(list(key))[1:-1])}


def secrets(psk: bytes, encr_alg: int) -> list[bytes]:
    encr_key, auth_key, salt = crypto.message_keys(psk, CSB_ID, RAND_VALUE, encr_alg=encr_alg)
    return [psk, TGK, encr_key, auth_key, salt]


def check(call: Callable[[], object], keys: Sequence[bytes]) -> None:
    with pytest.raises(MikeyError) as caught:
        call()
    text = shown(caught.value)
    assert "mikey" in text
    # The frames of this file hold the keys on purpose.
    ours = text[text.index(str(Path(mikey.__file__).parent)) :]
    assert [form for form in forbidden(keys) if form in ours] == []


@pytest.mark.parametrize("encr_alg", [1, 2])
@pytest.mark.parametrize("damage", [b"\x14", b"\0\1", b"\0\0\xff\xff", b"\x15"])
def test_authentic_key_data_that_is_damaged(damage: bytes, encr_alg: int) -> None:
    """It is decrypted when it fails: the frames down there hold the keys in clear."""
    good = e.chain([e.key_data(TGK)])
    plaintext = damage[:1] + good[1:] + damage[1:]
    if encr_alg == 2:
        plaintext = crypto.kw_pad(plaintext)
    octets = Craft(encr_alg=encr_alg).message(plaintext=plaintext)
    check(lambda: bob().receive(octets), secrets(PSK, encr_alg))


@pytest.mark.parametrize("encr_alg", [1, 2, 3])
def test_a_wrong_mac(encr_alg: int) -> None:
    octets = bytearray(Craft(encr_alg=encr_alg).message())
    octets[-1] ^= 1
    check(lambda: bob().receive(bytes(octets)), secrets(PSK, encr_alg))


def test_a_key_wrap_that_does_not_open() -> None:
    craft = Craft(encr_alg=2)
    encr_key, _, salt = craft.keys()
    wrapped = crypto.kw_wrap(encr_key, salt[::-1], crypto.kw_pad(e.chain([e.key_data(TGK)])))
    front = e.build(
        0, [*craft.payloads(), e.kemac(2, wrapped, 1)], csb_id=CSB_ID, cs_map=craft.cs_map, v=True
    )
    octets = front + crypto.mac(1, craft.keys()[1], front)
    check(lambda: bob().receive(octets), secrets(PSK, 2))


def test_a_key_that_does_not_fit() -> None:
    tek = e.chain([e.key_data(TGK + TGK[:1], 2)])
    check(lambda: bob().receive(Craft().message(plaintext=tek)), secrets(PSK, 1))
    twice = TGK + TGK[::-1]
    check(
        lambda: bob().receive(Craft().message(plaintext=e.chain([e.key_data(twice * 2)]))),
        [*secrets(PSK, 1), twice],
    )


def test_a_wrong_response() -> None:
    initiator = alice(encr=EncrAlg.AES_KW_128)
    first = initiator.start(STREAMS, context=CONTEXT)
    answer, _ = accepted(bob(), first)
    assert answer is not None
    response = bytearray(answer)
    response[-1] ^= 1
    _, auth_key, _ = answer_to(first).keys()
    check(lambda: answered(initiator, bytes(response)), [PSK, auth_key])


def test_no_repr_of_the_result_shows_a_key() -> None:
    initiator = alice()
    first = initiator.start(STREAMS, context=CONTEXT)
    responder = bob()
    offer = responder.receive(first, context=CONTEXT)
    answer, theirs = accepted(bob(), first)
    assert answer is not None
    ours = answered(initiator, answer)
    keys = [PSK, *_keys(ours), ours.rand]
    values = [ours, theirs, offer, initiator, responder, *ours.crypto_sessions]
    text = " ".join(f"{value!r} {value}" for value in values)
    assert [form for form in forbidden(keys) if form in text] == []


def test_no_repr_of_an_error_shows_a_key_that_came_in_clear() -> None:
    first = Craft(encr_alg=0).message()
    assert TGK in first
    with pytest.raises(MikeyError) as caught:
        bob().receive(first, context=CONTEXT)
    text = repr(vars(caught.value))
    assert "Origin" in text
    assert [form for form in forbidden([TGK]) if form in text] == []


def _keys(bundle: Bundle) -> list[bytes]:
    held: list[Secret] = [key.key for key in bundle.keys]
    for session in bundle.crypto_sessions:
        for master in session.keys:
            held += [master.key, master.salt]
    return [secret.expose() for secret in held]


def test_a_misused_initiator_shows_no_key() -> None:
    check(lambda: alice().start(STREAMS, keys=()), [PSK])
    check(lambda: alice(policies=()), [PSK])


def test_a_work_unit_that_fails() -> None:
    """Its octets are the key of a group."""
    ssv = bytes(range(0x51, 0x61))
    check(lambda: encapsulate(WorkUnit(ssv, bytes(257), (b"identifier",))), [ssv])
    public = sakke_parties.kms().sakke.octets
    check(lambda: encapsulate(WorkUnit(ssv, public, (bytes(128),))), [ssv])


def test_sakke_messages_that_fail() -> None:
    """For somebody without public keys, and with a damaged encapsulation under a good signature."""
    ssv = bytes(range(0x51, 0x61))
    key = KeyData(KeyType.TGK, Secret(ssv))
    abroad = sakke_parties.user(sakke_parties.ALICE, sakke_parties.BOB, peer_kms="elsewhere")
    check(lambda: sakke_parties.first(sakke_parties.alice(credential=abroad), keys=[key]), [ssv])
    message = Message.parse(sakke_parties.first(keys=[key]))
    bad = [
        Sakke(p.params, p.id_scheme, p.data[:-1] + b"\0") if isinstance(p, Sakke) else p
        for p in message.payloads[:-1]
    ]
    octets = sakke_parties.signed(message, bad)
    to = sakke_parties.bob()
    check(lambda: to.receive(octets, context=CONTEXT), [ssv])
