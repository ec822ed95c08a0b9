"""No log of a failed public-key or Diffie-Hellman exchange shows a key, not even with locals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from mikey.credentials import Certificate
from mikey.crypto import dh
from mikey.errors import DecodeError, LocalError
from mikey.registry import DhGroup, HashFunc
from mikey.secret import Secret
from tests.naive import crypto, exchange
from tests.naive import dh as naive_dh
from tests.naive import encode as e
from tests.naive import pke as naive
from tests.naive.decode import KEMAC
from tests.naive.parties import ALICE as SIGNER
from tests.naive.parties import ALICE_PUBLIC, BOB_PUBLIC, ENVELOPE_KEY, TERMS
from tests.naive.parties import BOB as BOB_SIGNER
from tests.naive.vectors import CSB_ID, IDI, IDR, PSK, RAND_VALUE, TGK, TS
from tests.rules import pke_parties, rsar_parties
from tests.rules.method_parties import XI, received
from tests.unit.session.test_tracebacks import check

KEYS = crypto.message_keys(ENVELOPE_KEY, CSB_ID, RAND_VALUE)
KW_KEYS = crypto.message_keys(ENVELOPE_KEY, CSB_ID, RAND_VALUE, encr_alg=2)
SECRETS = [ENVELOPE_KEY, TGK, *KEYS, *KW_KEYS]


def envelope(name: bytes, damage: bytes, encr_alg: int, mac_alg: int) -> e.Payload:
    """Return an authentic KEMAC whose plaintext is damaged."""
    encr_key, auth_key, salt = KW_KEYS if encr_alg == 2 else KEYS
    good = e.chain([e.ident(name), e.key_data(TGK)])
    plaintext = damage[:1] + good[1:] + damage[1:]
    if encr_alg == 2:
        plaintext = crypto.kw_pad(plaintext)
    stamp = {"ts_type": 0, "value": TS}
    data = crypto.encrypt(encr_alg, encr_key, salt, CSB_ID, stamp, plaintext)
    _, body = e.kemac(encr_alg, data, mac_alg)
    return KEMAC, body + crypto.mac(mac_alg, auth_key, b"\0" + body)


@pytest.mark.parametrize(("encr_alg", "mac_alg"), [(1, 1), (2, 0), (2, 1)])
@pytest.mark.parametrize("damage", [b"\x15", b"\x14\2\1", b"\x14" + b"\1" * 9])
def test_authentic_envelopes_that_are_damaged(damage: bytes, encr_alg: int, mac_alg: int) -> None:
    payloads = [
        *exchange.front(TERMS, SIGNER.certs), envelope(IDI, damage, encr_alg, mac_alg),
        naive.envelope(BOB_PUBLIC, ENVELOPE_KEY, 0), exchange.sign_head(SIGNER),
    ]  # fmt: skip
    octets = exchange.signed(exchange.build(2, payloads, TERMS), SIGNER)
    check(pke_parties.verified(octets).keys, SECRETS)
    first = rsar_parties.opening()
    told = rsar_parties.crafted(
        first.octets, e.t(0, TS), e.ident(IDR), *map(exchange.certificate, BOB_SIGNER.certs),
        e.sp(e.AES_CM_128_HMAC_SHA1_80, 0), envelope(IDR, damage, encr_alg, mac_alg),
        naive.envelope(ALICE_PUBLIC, ENVELOPE_KEY, 0),
    )  # fmt: skip
    check(partial(received, first, told), SECRETS)


@pytest.mark.parametrize("mac_alg", [0, 1])
def test_envelopes_that_do_not_open(mac_alg: int) -> None:
    """A key wrap under another key, an identity that is not the sender's."""
    for name, key in ((IDI, PSK), (IDR, ENVELOPE_KEY)):
        payloads = [
            *exchange.front(TERMS, SIGNER.certs), envelope(name, b"\x14", 2, mac_alg),
            naive.envelope(BOB_PUBLIC, key, 0), exchange.sign_head(SIGNER),
        ]  # fmt: skip
        octets = exchange.signed(exchange.build(2, payloads, TERMS), SIGNER)
        check(pke_parties.verified(octets).keys, [*SECRETS, PSK])


def test_an_envelope_key_that_cannot_be_sent() -> None:
    recipient: Certificate = pke_parties.bobs()
    for key in (ENVELOPE_KEY[:15], ENVELOPE_KEY * 4, bytes(range(256))):
        call: Callable[[], object] = partial(
            pke_parties.opening, recipient=recipient, key=Secret(key), chash=HashFunc.SHA_1
        )
        with pytest.raises(LocalError):
            call()
        check(call, [key, TGK])


def test_a_shared_secret_that_is_refused() -> None:
    exponent = XI.to_bytes(32)
    modulus = naive_dh.modulus(0)
    for number in (0, 1, modulus - 1):
        with pytest.raises(DecodeError):
            dh.shared(DhGroup.OAKLEY_5, Secret(exponent), number.to_bytes(192))
        check(
            partial(dh.shared, DhGroup.OAKLEY_5, Secret(exponent), number.to_bytes(192)),
            [exponent],
        )
