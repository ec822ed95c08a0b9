"""The second implementation of PKE, and what the methods share, agrees with the vectors and itself.

Both ends here are the tests' own; the package's are held against them elsewhere.
"""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import padding

from tests.naive import crypto, dhhmac, dhsign, exchange, pke, pki, rsa
from tests.naive import encode as e
from tests.naive.decode import (
    CERT,
    CHASH,
    GENERAL_EXT,
    HDR,
    ID,
    KEMAC,
    PKE,
    RAND,
    SIGN,
    SP,
    T,
    V,
    decode,
    one,
)
from tests.naive.exchange import Names
from tests.naive.parties import (
    ALICE,
    ALICE_PUBLIC,
    BOB,
    BOB_PUBLIC,
    ENVELOPE_KEY,
    KEYS,
    LATER,
    MINE,
    TERMS,
    UNICAST,
    XI,
    YOURS,
    rejects_any_change,
    types,
)
from tests.naive.pke import Protection
from tests.naive.vectors import CSB_ID, ENVELOPE_KEMAC, IDI, IDR, PSK, RAND_VALUE, TGK, TS

SIGNATURES = [(s_type, name) for s_type in (rsa.V15, rsa.PSS) for name in rsa.HASHES]


def test_envelope_of_the_library_is_opened_by_hand() -> None:
    theirs = BOB_PUBLIC.encrypt(ENVELOPE_KEY, padding.PKCS1v15())
    assert rsa.decrypt(BOB.key, theirs) == ENVELOPE_KEY
    ours = rsa.encrypt(BOB_PUBLIC, ENVELOPE_KEY, b"\1\2\3")
    assert BOB.key.decrypt(ours, padding.PKCS1v15()) == ENVELOPE_KEY
    assert rsa.decrypt(BOB.key, rsa.encrypt(BOB_PUBLIC, PSK, oaep=True), oaep=True) == PSK


def test_bad_envelopes() -> None:
    public = BOB_PUBLIC.public_numbers()
    for block in (b"\0\1" + b"\1" * 253 + b"\0", b"\1\2" + b"\1" * 253 + b"\0",
                  b"\0\2" + b"\1" * 7 + b"\0" + b"k" * 246, b"\0\2" + b"\1" * 254):  # fmt: skip
        number = pow(int.from_bytes(block, "big") % public.n, public.e, public.n)
        with pytest.raises(ValueError, match="padding"):
            rsa.decrypt(BOB.key, number.to_bytes(256, "big"))
    for wrong in (b"", bytes(255), b"\xff" * 256, bytes(257)):
        with pytest.raises(ValueError, match="length"):
            rsa.decrypt(BOB.key, wrong)
    with pytest.raises(ValueError, match="too long"):
        rsa.encrypt(BOB_PUBLIC, bytes(246))


@pytest.mark.parametrize(("s_type", "hash_name"), SIGNATURES)
def test_signatures_tell_their_hash(s_type: int, hash_name: str) -> None:
    signer = rsa.Signer(ALICE.key, (), s_type, hash_name)
    signature = rsa.sign(signer, b"data")
    assert rsa.verify(ALICE_PUBLIC, s_type, signature, b"data") == hash_name
    for key, kind, data in ((BOB_PUBLIC, s_type, b"data"), (ALICE_PUBLIC, 1 - s_type, b"data"),
                            (ALICE_PUBLIC, s_type, b"date")):  # fmt: skip
        with pytest.raises(ValueError, match="wrong"):
            rsa.verify(key, kind, signature, data)


def message(data_type: int, *payloads: e.Payload) -> bytes:
    return e.build(data_type, [e.t(0, TS), *payloads], csb_id=1)


@pytest.mark.parametrize("data_type", range(11))
def test_two_names(data_type: int) -> None:
    octets = message(data_type, e.ident(IDI), e.ident(IDR))
    assert exchange.names(octets) == (Names(IDR, IDI) if data_type in (5, 8) else Names(IDI, IDR))
    assert exchange.names(message(data_type)) == Names(None, None)


def test_one_name() -> None:
    cert = exchange.certificate((0, pki.certificate(IDI)))
    idr_only, idi_only = Names(None, IDI), Names(IDI, None)
    for data_type, expected in {0: idi_only, 1: idr_only, 2: idi_only, 3: idr_only, 4: idi_only,
                                5: idi_only, 7: idr_only, 8: idi_only, 9: idi_only,
                                10: idr_only}.items():  # fmt: skip
        assert exchange.names(message(data_type, e.ident(IDI))) == expected, data_type
    for data_type in (2, 4, 9):
        assert exchange.names(message(data_type, e.ident(IDI)), [IDI]) == idr_only
        assert exchange.names(message(data_type, cert, e.ident(IDI))) == idi_only
        assert exchange.names(message(data_type, cert, e.ident(IDR))) == Names(None, IDR)
        assert exchange.names(message(data_type, e.ident(IDR), cert)) == Names(IDR, None)


def open_pke(octets: bytes) -> pke.Opened:
    return pke.open_offer(octets, ALICE_PUBLIC, BOB.key)


def test_the_vector_of_the_envelope() -> None:
    """VEC-10, made and read: the KEMAC of a whole message is that of the vector."""
    octets = pke.offer(TERMS, ALICE, BOB_PUBLIC, ENVELOPE_KEY, KEYS)
    kemac = one(decode(octets), KEMAC)
    assert octets[kemac.offset : kemac.offset + kemac.length] == ENVELOPE_KEMAC
    opened = open_pke(octets)
    assert (opened.env_key, opened.rand, opened.idi) == (ENVELOPE_KEY, RAND_VALUE, IDI)
    assert [key["key"] for key in opened.keys] == [TGK]
    assert pke.auth_key(octets, opened).hex() == "f6d7e732daecbdf08333297d702d0a1dd770738a"


def test_pke_is_in_the_order_of_the_figure() -> None:
    octets = pke.offer(
        TERMS, ALICE, BOB_PUBLIC, ENVELOPE_KEY, KEYS, c=2, recipient_cert=pki.certificate(IDR)
    )
    assert types(octets) == [
        HDR, T, RAND, ID, CERT, CERT, ID, SP, GENERAL_EXT, KEMAC, CHASH, PKE, SIGN,
    ]  # fmt: skip
    parts = decode(octets)
    assert one(parts, CHASH).fields["value"] == hashlib.sha1(pki.certificate(IDR)).digest()
    assert open_pke(octets).c == 2
    assert exchange.names(octets) == Names(IDI, IDR)


@pytest.mark.parametrize(("s_type", "hash_name"), SIGNATURES)
@pytest.mark.parametrize("protection", [Protection(), Protection(2, 0), Protection(3, 2)])
def test_pke_forms(s_type: int, hash_name: str, protection: Protection) -> None:
    signer = ALICE._replace(s_type=s_type, hash=hash_name)
    prf = int(protection.mac_alg == 2)
    octets = pke.offer(
        TERMS._replace(prf=prf), signer, BOB_PUBLIC, ENVELOPE_KEY, KEYS, protection=protection
    )
    opened = open_pke(octets)
    assert opened.keys[0]["key"] == TGK
    assert exchange.check_signature(octets, ALICE_PUBLIC) == hash_name
    answer = pke.answer(octets, opened, {2: YOURS}, idr=IDR)
    assert types(answer) == [HDR, T, ID, V]
    assert one(decode(answer), V).fields["auth_alg"] == max(protection.mac_alg, 1)
    pke.check_answer(octets, answer, opened)
    assert [entry["ssrc"] for entry in decode(answer)[0].fields["cs_map"]] == [MINE, YOURS]


def test_any_change_in_pke_is_refused() -> None:
    octets = pke.offer(TERMS, ALICE._replace(certs=()), BOB_PUBLIC, ENVELOPE_KEY, KEYS)
    rejects_any_change(octets, open_pke)
    opened = open_pke(octets)
    answer = pke.answer(octets, opened, {2: YOURS}, idr=IDR)
    rejects_any_change(answer, lambda told: pke.check_answer(octets, told, opened), 1)


def test_an_envelope_under_another_name() -> None:
    """A signed envelope that was made for another is not taken for one's own."""
    for outer in (IDI, None):
        octets = pke.offer(
            TERMS._replace(idi=outer), ALICE, BOB_PUBLIC, ENVELOPE_KEY, KEYS, inner=IDR
        )
        with pytest.raises(ValueError, match="inside"):
            open_pke(octets)


def test_the_responder_who_is_not_named() -> None:
    """Without an IDr in the answer that of the offer counts, then the one that is known."""
    for terms in (TERMS, TERMS._replace(idr=None)):
        octets = pke.offer(terms, ALICE, BOB_PUBLIC, ENVELOPE_KEY, KEYS)
        opened = open_pke(octets)
        answer = pke.answer(octets, opened, {}, idr=IDR, send_idr=False)
        assert types(answer) == [HDR, T, V]
        pke.check_answer(octets, answer, opened, idr=IDR)
    with pytest.raises(ValueError, match="V of"):
        pke.check_answer(octets, answer, opened, idr=IDI)


def test_pke_updates() -> None:
    new = bytes(range(0x50, 0x70))
    octets = pke.offer(LATER, ALICE, BOB_PUBLIC, new, [])
    assert RAND not in types(octets)
    opened = pke.open_offer(octets, ALICE_PUBLIC, BOB.key, rand=RAND_VALUE)
    assert (opened.env_key, opened.keys, opened.idi) == (new, [], IDI)
    pke.check_answer(octets, pke.answer(octets, opened, {2: YOURS}), opened)
    bare = pke.offer(LATER, ALICE, BOB_PUBLIC, new, [], with_kemac=False)
    assert KEMAC not in types(bare)
    opened = pke.open_offer(bare, ALICE_PUBLIC, BOB.key, rand=RAND_VALUE)
    pke.check_answer(bare, pke.answer(bare, opened, {}), opened)
    with pytest.raises(ValueError, match="update with a RAND"):
        pke.open_offer(
            pke.offer(TERMS, ALICE, BOB_PUBLIC, new, KEYS), ALICE_PUBLIC, BOB.key, rand=RAND_VALUE
        )


def test_the_certificates_come_in_any_order() -> None:
    signer = ALICE._replace(certs=ALICE.certs[::-1])
    octets = pke.offer(TERMS._replace(idi=None), signer, BOB_PUBLIC, ENVELOPE_KEY, KEYS, inner=IDI)
    assert open_pke(octets).idi == IDI
    assert exchange.names(octets) == Names(None, IDR)


def test_separate_certificates_for_signing_and_decrypting() -> None:
    alice, bob = pki.split_signer(IDI), pki.split_signer(IDR)
    decrypts = pki.key(f"{IDR.decode()} decrypts")
    assert pki.public_key(bob.certs[1][1]).public_numbers() == (
        decrypts.public_key().public_numbers()
    )
    octets = pke.offer(TERMS, alice, pki.public_key(bob.certs[1][1]), ENVELOPE_KEY, KEYS)
    assert [p.fields["cert_type"] for p in decode(octets) if p.type == CERT] == [2, 3, 0]
    opened = pke.open_offer(octets, alice.key.public_key(), decrypts)
    assert opened.keys[0]["key"] == TGK


def test_an_update_under_the_cached_envelope_key() -> None:
    first = pke.offer(TERMS, ALICE, BOB_PUBLIC, ENVELOPE_KEY, KEYS, c=1)
    opened = open_pke(first)
    update = e.psk_offer(
        opened.env_key, KEYS, csb_id=CSB_ID, ts=LATER.ts, rand_value=RAND_VALUE, idi=IDI, idr=IDR,
        cs=UNICAST.cs, update=True,
    )  # fmt: skip
    assert [*types(update)][-1] == KEMAC
    (key,) = crypto.kemac_parts(update, ENVELOPE_KEY, rand=RAND_VALUE)
    assert key.fields["key"] == TGK


def test_signed_errors() -> None:
    offer = dhsign.offer(TERMS, ALICE, XI, group=1)
    error = exchange.error(offer, [6, 10], policies=TERMS.policies, signer=BOB)
    assert types(error) == [HDR, T, 12, 12, SP, SIGN]
    assert exchange.check_error(offer, error, public=BOB_PUBLIC) == [6, 10]
    rejects_any_change(error, lambda o: exchange.check_error(offer, o, public=BOB_PUBLIC))


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("alg", [1, 2])
def test_errors_with_a_v(alg: int, bare: bool) -> None:
    offer = pke.offer(TERMS, ALICE, BOB_PUBLIC, ENVELOPE_KEY, KEYS)
    key = pke.auth_key(offer, open_pke(offer), alg)
    error = exchange.error(offer, [10], auth=(alg, key), idi=IDI, idr=IDR, bare=bare)

    def check(octets: bytes) -> list[int]:
        return exchange.check_error(offer, octets, auth_key=key, idi=IDI, idr=IDR)

    assert check(error) == [10]
    rejects_any_change(error, check, 1)


def test_errors_of_dhhmac() -> None:
    offer = dhhmac.offer(TERMS, PSK, XI, group=1, literal=True)
    plain = exchange.error(dhhmac.registered(offer), [0])
    assert exchange.check_error(dhhmac.registered(offer), plain) == [0]
    error = dhhmac.error(offer, [10], PSK)
    assert dhhmac.check_error(offer, error, PSK) == [10]
    rejects_any_change(error, lambda o: dhhmac.check_error(offer, o, PSK), 1)


def test_the_map_of_an_error() -> None:
    """Only the Empty map keeps its type, none keeps its count."""
    for map_type, entries in ((1, b""), (2, b"\1\0\1\0\0\0\0")):
        offer = e.build(4, [e.t(0, TS)], csb_id=7, cs_map=(map_type, 1, entries))
        hdr = decode(exchange.error(offer, [12]))[0].fields
        assert (hdr["cs_id_map_type"], hdr["cs_count"]) == (map_type % 2, 0)
