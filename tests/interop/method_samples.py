"""Messages of PKE, DH-SIGN, DHHMAC and RSA-R by the naive implementation, whole and verifiable."""

from __future__ import annotations

import functools

from tests.naive import dh, dhhmac, dhsign, exchange, pke, pki, rsa, rsar
from tests.naive import encode as e
from tests.naive.parties import (
    ALICE,
    ALICE_PUBLIC,
    BOB,
    BOB_PUBLIC,
    ENVELOPE_KEY,
    GROUP,
    KEYS,
    LATER,
    LISTENER,
    RESPONDER_RAND,
    TERMS,
    UNICAST,
    XI,
    XR,
    YOURS,
)
from tests.naive.pke import Protection
from tests.naive.vectors import IDI, IDR, PSK, RAND_VALUE, TGK

PSS_ALICE, PSS_BOB = (who._replace(s_type=rsa.PSS, hash="sha256") for who in (ALICE, BOB))
URL = ((1, b"http://certs.example.com/alice.cer"),)


@functools.cache
def readable() -> dict[str, bytes]:
    """Return messages that tshark reads to their end."""
    return _pke() | _dhsign() | _dhhmac() | _rsar()


def _pke() -> dict[str, bytes]:
    offer = pke.offer(TERMS, ALICE, BOB_PUBLIC, ENVELOPE_KEY, KEYS, c=1)
    opened = pke.open_offer(offer, ALICE_PUBLIC, BOB.key)
    update = pke.offer(LATER, PSS_ALICE, BOB_PUBLIC, ENVELOPE_KEY[::-1], [])
    renewed = pke.open_offer(update, ALICE_PUBLIC, BOB.key, rand=RAND_VALUE)
    key = pke.auth_key(offer, opened)
    split = pki.split_signer(IDI)
    return {
        "PKE": offer,
        "PKE answer": pke.answer(offer, opened, {2: YOURS}, idr=IDR),
        "PKE answer without a name": pke.answer(offer, opened, {}),
        "PKE update": update,
        "PKE update answer": pke.answer(update, renewed, {}),
        "PKE update without KEMAC": pke.offer(
            LATER, ALICE, BOB_PUBLIC, ENVELOPE_KEY, [], with_kemac=False
        ),
        "PKE update under the cached key": e.psk_offer(
            ENVELOPE_KEY, KEYS, csb_id=TERMS.csb_id, ts=LATER.ts, rand_value=RAND_VALUE, idi=IDI,
            idr=IDR, cs=TERMS.cs, update=True,
        ),
        "PKE, AES-KW and no MAC, several keys": pke.offer(
            TERMS, ALICE, BOB_PUBLIC, bytes(range(112)),
            [e.key_data(TGK, 1, salt=bytes(14), spi=b"\1"), e.key_data(TGK[::-1], spi=b"\2")],
            protection=Protection(2, 0), c=2,
        ),
        "PKE, certificates of types 2 and 3": pke.offer(
            TERMS, split, BOB_PUBLIC, ENVELOPE_KEY, KEYS, oaep=True
        ),
        "PKE without certificates": pke.offer(
            TERMS._replace(v=False, idr=None), ALICE._replace(certs=()), BOB_PUBLIC, ENVELOPE_KEY,
            KEYS,
        ),
        "PKE error with V": exchange.error(
            offer, [10, 9], policies=TERMS.policies, auth=(1, key), idi=IDI, idr=IDR
        ),
    }  # fmt: skip


def _dhsign() -> dict[str, bytes]:
    samples = {}
    for group, signs, answers in ((0, ALICE, BOB), (1, PSS_ALICE, PSS_BOB), (2, ALICE, PSS_BOB)):
        offer = dhsign.offer(TERMS, signs, XI, group=group)
        samples[f"DH-SIGN group {group}"] = offer
        samples[f"DH-SIGN group {group} answer"], _ = dhsign.answer(
            offer, ALICE_PUBLIC, answers, {2: YOURS}, XR, idr=IDR
        )
    nameless = dhsign.offer(TERMS._replace(idi=None), ALICE, XI)
    update = dhsign.offer(LATER, ALICE, XI + 1)
    kept = dhsign.offer(LATER, ALICE, group=None)
    return samples | {
        "DH-SIGN without IDi": nameless,
        "DH-SIGN answer with IDi alone": dhsign.answer(
            nameless, ALICE_PUBLIC, BOB, {}, XR, idi=IDI
        )[0],
        "DH-SIGN update": update,
        "DH-SIGN update answer": dhsign.answer(update, ALICE_PUBLIC, BOB, {}, XR + 1)[0],
        "DH-SIGN update without values": kept,
        "DH-SIGN update answer without values": dhsign.answer(kept, ALICE_PUBLIC, BOB, {})[0],
        "signed error": exchange.error(update, [6], signer=BOB),
        "error signed with PSS": exchange.error(update, [10], policies=[[]], signer=PSS_BOB),
    }


def _dhhmac() -> dict[str, bytes]:
    samples = {}
    for group in (0, 1, 2):
        offer = dhhmac.offer(TERMS, PSK, XI, group=group)
        samples[f"DHHMAC group {group}"] = offer
        samples[f"DHHMAC group {group} answer"], _ = dhhmac.answer(
            offer, PSK, {2: YOURS}, XR, idr=IDR
        )
    update, kept = dhhmac.offer(LATER, PSK, XI + 1), dhhmac.offer(LATER, PSK, group=None)
    return samples | {
        "DHHMAC update": update,
        "DHHMAC update answer": dhhmac.answer(update, PSK, {}, XR, rand=RAND_VALUE)[0],
        "DHHMAC update without values": kept,
        "DHHMAC update answer without values": dhhmac.answer(kept, PSK, {}, rand=RAND_VALUE)[0],
        "DHHMAC error": exchange.error(offer, [0]),
        "DHHMAC error with KEMAC": dhhmac.error(offer, [10], PSK),
    }


def _rsar() -> dict[str, bytes]:
    asked = rsar.request(TERMS, ALICE)
    bare = rsar.request(TERMS._replace(rand=None), PSS_ALICE)
    listening = rsar.request(LISTENER, ALICE)
    return {
        "RSA-R": asked,
        "RSA-R answer": rsar.answer(asked, ALICE_PUBLIC, BOB, UNICAST, idr=IDR),
        "RSA-R without RAND": bare,
        "RSA-R answer with RAND": rsar.answer(
            bare, ALICE_PUBLIC, PSS_BOB, UNICAST._replace(rand=RESPONDER_RAND), idr=IDR
        ),
        "RSA-R group": listening,
        "RSA-R group answer": rsar.answer(listening, ALICE_PUBLIC, BOB, GROUP, idr=IDR),
        "RSA-R group answer, AES-KW and no MAC": rsar.answer(
            listening, ALICE_PUBLIC, BOB, GROUP._replace(protection=Protection(2, 0), c=2), idr=IDR
        ),
        "RSA-R error": exchange.error(asked, [13]),
        "RSA-R signed error": exchange.error(asked, [10], policies=TERMS.policies, signer=BOB),
    }


@functools.cache
def unreadable() -> dict[str, tuple[str, bytes]]:
    """Return messages that tshark does not finish, each with the name of the gap."""
    bob_cert = pki.certificate(IDR)
    sha256 = Protection(3, 2)
    with_mac_2 = pke.offer(
        TERMS._replace(prf=1), ALICE, BOB_PUBLIC, ENVELOPE_KEY, KEYS, protection=sha256
    )
    opened = pke.open_offer(with_mac_2, ALICE_PUBLIC, BOB.key)
    samples = {
        f"PKE with CHASH {func}": (
            "CHASH, and all after it",
            pke.offer(
                TERMS, ALICE, BOB_PUBLIC, ENVELOPE_KEY, KEYS, recipient_cert=bob_cert,
                hash_func=func,
            ),
        )
        for func in range(3)
    }  # fmt: skip
    samples["PKE with HMAC-SHA-256"] = "Mac alg 2 in KEMAC", with_mac_2
    samples["PKE answer with HMAC-SHA-256"] = (
        "Auth alg 2 in V",
        pke.answer(with_mac_2, opened, {}, idr=IDR),
    )
    for name, validity in (
        ("SPI", dh.spi(b"\1\2\3\4")),
        ("interval", dh.interval(bytes(6), b"\xff" * 6)),
    ):
        signed = dhsign.offer(TERMS, ALICE, XI, group=1, validity=validity)
        maced = dhhmac.offer(TERMS, PSK, XI, group=1, validity=validity)
        for kind, octets in {
            f"DH-SIGN with {name}": signed,
            f"DH-SIGN answer with {name}": dhsign.answer(
                signed, ALICE_PUBLIC, BOB, {}, XR, idr=IDR
            )[0],
            f"DHHMAC with {name}": maced,
            f"DHHMAC answer with {name}": dhhmac.answer(maced, PSK, {}, XR, idr=IDR)[0],
        }.items():
            samples[kind] = "DH with a key validity", octets
    asked = rsar.request(TERMS, ALICE._replace(certs=URL))
    samples["RSA-R with a URL"] = "CERT of type URL", asked
    samples["RSA-R answer with HMAC-SHA-256"] = (
        "Mac alg 2 in KEMAC",
        rsar.answer(asked, ALICE_PUBLIC, BOB, UNICAST._replace(protection=sha256), idr=IDR),
    )
    return samples
