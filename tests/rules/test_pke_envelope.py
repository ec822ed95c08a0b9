"""Envelopes of the public-key method: bad ones, updates, caches, errors (RFC 3830 3.2, 6.3)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial

import pytest

from mikey.credentials import SoftwareKey, Trust
from mikey.errors import AuthenticationError, DecodeError, LocalError, PeerError
from mikey.methods import pke
from mikey.methods._common import certificates
from mikey.methods._common.exchange import Surroundings
from mikey.registry import (
    CacheType,
    CertType,
    DataType,
    EncrAlg,
    ErrorNumber,
    ExtensionType,
    HashFunc,
    MacAlg,
)
from mikey.secret import Secret
from mikey.wire import Cert, GeneralExtension, Id, KvSpi, Message
from tests.naive import crypto, exchange, pki
from tests.naive import encode as e
from tests.naive import pke as naive
from tests.naive.decode import CERT, ID, PKE
from tests.naive.parties import ALICE as ALICE_SIGNER
from tests.naive.parties import (
    ALICE_PUBLIC,
    BOB_PUBLIC,
    ENVELOPE_KEY,
    KEYS,
    TERMS,
    YOURS,
    types,
)
from tests.naive.parties import LATER as LATER_TERMS
from tests.naive.pke import Protection
from tests.naive.vectors import (
    CSB_ID,
    IDI,
    IDR,
    RAND_VALUE,
    TGK,
)
from tests.rules.method_parties import (
    ALICE,
    ALICE_ID,
    AROUND,
    BOB,
    BOB_ID,
    ENV_KEY,
    KEY,
    MALLORY,
    certified,
    no_change_is_taken,
    received,
    refused,
    reply,
    split,
    tgks,
)
from tests.rules.pke_parties import (
    ALGORITHMS,
    BOB_KEY,
    answer,
    opened,
    opening,
    resealed,
    sealed,
    verified,
)


@pytest.mark.rule("R3830-6.3-5")
@pytest.mark.parametrize("length", [0, 1, 15])
def test_envelope_keys_have_16_octets_or_more(length: int) -> None:
    octets = naive.offer(TERMS, ALICE_SIGNER, BOB_PUBLIC, ENVELOPE_KEY[:15], KEYS)
    short = naive.envelope(BOB_PUBLIC, ENVELOPE_KEY[:length], 0)
    refused(lambda: opened(resealed(octets, short)), ErrorNumber.AUTH_FAILURE, AuthenticationError)
    with pytest.raises(LocalError):
        opening(key=Secret(ENVELOPE_KEY[:length]))


@pytest.mark.rule("R3830-6.3-5")
@pytest.mark.parametrize("length", [16, 112, 245])
def test_long_envelope_keys_are_taken(length: int) -> None:
    key = bytes(range(1, length + 1))
    octets = naive.offer(TERMS, ALICE_SIGNER, BOB_PUBLIC, key, KEYS, c=2)
    assert opened(octets) == [TGK]


@pytest.mark.rule("R3830-6.3-5")
@pytest.mark.parametrize("length", [0, 255, 257, 512])
def test_the_envelope_is_as_long_as_our_modulus(length: int) -> None:
    octets = resealed(opening().octets, (PKE, e.u(length, 2) + bytes(length)))
    refused(lambda: verified(octets), ErrorNumber.INVALID_CERT)


def test_every_bad_ciphertext_is_the_same_failure() -> None:
    public = BOB_PUBLIC.public_numbers()
    size, first = 256, opening().octets

    def raw(block: bytes) -> bytes:
        return pow(int.from_bytes(block), public.e, public.n).to_bytes(size)

    shapes = [
        raw(b"\0\1" + b"\xff" * 237 + b"\0" + ENVELOPE_KEY),
        raw(b"\0\2" + b"\xff" * 7 + b"\0" + bytes(246)),
        raw(b"\0\2" + b"\xff" * 254),
        raw(b"\0\0" + b"\xff" * 254),
        bytes(size),
        bytes(size - 1) + b"\1",
        public.n.to_bytes(size),
        b"\xff" * size,
    ]
    texts = set()
    for data in shapes:
        octets = resealed(first, (PKE, e.u(size, 2) + data))
        error = refused(verified(octets).keys, ErrorNumber.AUTH_FAILURE, AuthenticationError)
        texts.add(str(error))
    twice = naive.envelope(BOB_PUBLIC, ENVELOPE_KEY * 4, 0)
    refused(lambda: opened(resealed(first, twice)), ErrorNumber.AUTH_FAILURE)
    assert texts == {str(AuthenticationError())}


def test_chash_names_our_certificate() -> None:
    message = Message.parse(opening(chash=HashFunc.SHA_256).octets)
    assert pke.fits(message, certified(BOB, ALICE))
    other = split(BOB, ALICE)
    assert not pke.fits(message, other)
    refused(lambda: verified(message.octets, other), ErrorNumber.INVALID_CERT)


def test_null_algorithms_have_no_place() -> None:
    for protection, number in (
        (Protection(0, 1), ErrorNumber.INVALID_EA),
        (Protection(1, 0), ErrorNumber.INVALID_MAC),
        (Protection(0, 0), ErrorNumber.INVALID_EA),
    ):
        octets = naive.offer(
            TERMS, ALICE_SIGNER, BOB_PUBLIC, ENVELOPE_KEY, KEYS, protection=protection
        )
        refused(partial(verified, octets), number)
        encr_alg, mac_alg = EncrAlg(protection.encr_alg), MacAlg(protection.mac_alg)
        with pytest.raises(LocalError):
            opening(encr_alg=encr_alg, mac_alg=mac_alg)


@pytest.mark.parametrize("stranger", [(9, b"\0"), (3, bytes([1]) + bytes(95) + b"\2\0")])
def test_strangers_are_refused(stranger: e.Payload) -> None:
    payloads = [e.t(*TERMS.ts), e.rand(RAND_VALUE), stranger, exchange.sign_head(ALICE_SIGNER)]
    octets = exchange.signed(exchange.build(2, payloads, TERMS), ALICE_SIGNER)
    refused(lambda: verified(octets), ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.rule("R3830-4.5-6", "R3830-4.5-7")
def test_an_update_brings_a_new_envelope() -> None:
    fresh = Secret(bytes(range(0x50, 0x70)))
    first = opening((), update=True, key=fresh)
    assert types(first.octets)[1:4] == [5, ID, CERT]
    held = naive.open_offer(first.octets, ALICE_PUBLIC, BOB_KEY, rand=RAND_VALUE)
    assert (held.env_key, held.keys, held.idi) == (fresh.expose(), [], IDI)
    request = verified(first.octets)
    assert request.keys() == ()
    octets = request.respond(reply(DataType.PKE_RESP, certs=()), BOB_ID)
    naive.check_answer(first.octets, octets, held)
    assert received(first, octets).keys == ()
    rekeyed = opening((KEY,), update=True, key=fresh)
    assert opened(rekeyed.octets) == [TGK]
    theirs = naive.offer(LATER_TERMS, ALICE_SIGNER, BOB_PUBLIC, fresh.expose(), KEYS)
    assert opened(theirs) == [TGK]


@pytest.mark.rule("R3830-4.5-7")
def test_an_update_without_kemac_is_taken_where_policy_says_so() -> None:
    octets = naive.offer(LATER_TERMS, ALICE_SIGNER, BOB_PUBLIC, ENVELOPE_KEY, [], with_kemac=False)
    refused(lambda: verified(octets), ErrorNumber.UNSPECIFIED, DecodeError)
    request = verified(octets, allow_no_kemac=True)
    assert request.keys() == ()
    held = naive.open_offer(octets, ALICE_PUBLIC, BOB_KEY, rand=RAND_VALUE)
    told = request.respond(reply(DataType.PKE_RESP, certs=()), BOB_ID)
    naive.check_answer(octets, told, held)
    first = naive.offer(TERMS, ALICE_SIGNER, BOB_PUBLIC, ENVELOPE_KEY, [], with_kemac=False)
    refused(lambda: verified(first, allow_no_kemac=True), ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.parametrize("cache", [CacheType.NO_CACHE, CacheType.CACHE, CacheType.CACHE_CSB])
def test_both_sides_keep_the_envelope_key_or_neither(cache: CacheType) -> None:
    first = opening(cache=cache)
    request = verified(first.octets)
    request.keys()
    kept = None if cache is CacheType.NO_CACHE else ENV_KEY
    assert (first.message_key, request.message_key, request.cache) == (kept, kept, cache)
    assert received(first, answer(first.octets)).message_key == kept
    assert naive.open_offer(first.octets, ALICE_PUBLIC, BOB_KEY).c == cache


def test_a_group_shares_keys_csb_and_rand() -> None:
    carol = "sip:carol@example.com"
    keys = (KEY, replace(KEY, key=Secret(TGK[::-1]), validity=KvSpi(b"\2")))
    keys = (replace(KEY, validity=KvSpi(b"\1")), keys[1])
    for name in (BOB, carol):
        trust = certified().trust
        der = pki.certificate(name.encode())
        theirs = trust.verify(
            [der, pki.middle().der], now=AROUND.now, identity=name, purpose="encrypt"
        )
        own = opening(
            keys,
            certified(peer=name),
            says={"idr": Id(ALICE_ID.id_type, name.encode())},
            recipient=theirs,
            key=Secret(hashlib.sha256(name.encode()).digest()),
        )
        request = verified(own.octets, certified(name, ALICE))
        assert request.keys() == keys
        header = Message.parse(own.octets).header
        assert (header.csb_id, own.early_keys) == (CSB_ID, keys)


def test_any_change_of_a_request_is_refused() -> None:
    for encr_alg, mac_alg in ALGORITHMS[:2]:
        first = opening(encr_alg=encr_alg, mac_alg=mac_alg, chash=HashFunc.SHA_1)
        no_change_is_taken(first.octets, opened)


def test_any_change_of_a_response_is_refused() -> None:
    first = opening()
    no_change_is_taken(answer(first.octets), lambda octets: received(first, octets))


@pytest.mark.rule("R3830-6.15-6")
def test_the_signature_covers_extensions() -> None:
    """They stand before KEMAC, whose MAC does not see them."""
    octets = opening(says={"extensions": (GeneralExtension(ExtensionType.SDP_IDS, b"mikey"),)})
    wrong = octets.octets.replace(b"\x00\x05mikey", b"\x00\x05Mikey")
    assert wrong != octets.octets
    refused(lambda: verified(wrong), ErrorNumber.AUTH_FAILURE, AuthenticationError)


def test_responses_of_others_are_refused() -> None:
    first, second = opening(), opening(key=Secret(bytes(range(16))))
    refused(lambda: received(first, answer(second.octets)), ErrorNumber.AUTH_FAILURE)
    named = answer(first.octets, idr=Id(BOB_ID.id_type, MALLORY.encode()))
    refused(lambda: received(first, named), ErrorNumber.INVALID_ID)
    refused(lambda: received(first, first.octets), None, DecodeError)
    bare = bytearray(answer(first.octets)[:-20])
    bare[-1] = 0
    refused(lambda: received(first, bytes(bare)), None)
    held = naive.open_offer(first.octets, ALICE_PUBLIC, BOB_KEY)
    strong = opening(encr_alg=EncrAlg.AES_CM_256, mac_alg=MacAlg.HMAC_SHA_256_256)
    weak = naive.answer(strong.octets, held, {2: YOURS}, idr=IDR, mac_alg=1)
    refused(lambda: received(strong, weak), None)


def test_errors_end_in_v_once_the_envelope_is_open() -> None:
    first = opening()
    request = verified(first.octets)
    numbers = (ErrorNumber.INVALID_SPPAR,)
    policies = (Message.parse(first.octets).payloads[6],)
    bare = request.error(numbers, (), BOB_ID)
    error = first.read_error(Message.parse(bare), AROUND)
    assert (error.numbers, error.authenticated) == (numbers, False)
    request.keys()
    told = request.error(numbers, policies, BOB_ID)  # type: ignore[arg-type]
    error = first.read_error(Message.parse(told), AROUND)
    assert (error.numbers, error.authenticated, error.offered) == (numbers, True, policies)
    held = naive.open_offer(first.octets, ALICE_PUBLIC, BOB_KEY)
    auth_key = naive.auth_key(first.octets, held)
    assert exchange.check_error(
        first.octets, told, auth_key=auth_key, idi=IDI, idr=IDR
    ) == [10]  # fmt: skip
    for is_bare in (False, True):
        theirs = exchange.error(
            first.octets, [9], auth=(1, auth_key), idi=IDI, idr=IDR, bare=is_bare
        )
        assert first.read_error(Message.parse(theirs), AROUND).authenticated
    no_change_is_taken(told, lambda octets: first.read_error(Message.parse(octets), AROUND))


def test_too_many_certificates_cost_nothing() -> None:
    der = pki.middle().der
    number = ErrorNumber.INVALID_CERT
    for certs in (
        (Cert(CertType.X509, der),) * 9,
        (Cert(CertType.X509, bytes(17 * 1024)),),
        (Cert(CertType(9), der),),
        (Cert(CertType.X509_URL, b"file:///etc/passwd"),),
        (Cert(CertType.X509_URL, b"http://h\xe4st/"),),
    ):
        octets = opening(says={"certs": certs}).octets
        refused(partial(verified, octets), number)


def test_certificates_by_url() -> None:
    url = "http://example.com/alice.cer"
    certs = (Cert(CertType.X509_URL, url.encode()),)
    octets = opening(says={"certs": certs}).octets
    needed = certificates.needed(Message.parse(octets))
    assert [request.url for request in needed] == [url]
    own = Trust([pki.root().der], intermediates=[pki.middle().der])
    credential = certified(BOB, ALICE, trust=own)
    there = Surroundings(now=AROUND.now, fetched={url: pki.certificate(IDI)})
    assert tgks(verified(octets, credential, there).keys()) == [TGK]
    refused(lambda: verified(octets, credential), ErrorNumber.INVALID_CERT)
    wrong = Surroundings(now=AROUND.now, fetched={url: pki.certificate(IDR)})
    refused(lambda: verified(octets, credential, wrong), ErrorNumber.INVALID_CERT)


def test_the_private_key_is_used_last() -> None:
    """Nothing but a message that holds reaches the private-key operation."""
    used = []

    class Counting:
        size = 256
        blocking = False

        def decrypt(self, ciphertext: bytes) -> Secret:
            used.append(ciphertext)
            return SoftwareKey(BOB_KEY).decrypt(ciphertext)

        def sign(self, octets: bytes, *, hash: str, pss: bool) -> bytes:  # noqa: A002
            raise AssertionError("nobody signs here")

    credential = certified(BOB, ALICE, key=Counting())
    first = opening().octets
    for at in range(0, len(first), 13):
        wrong = first[:at] + bytes([first[at] ^ 1]) + first[at + 1 :]
        with pytest.raises(PeerError):
            verified(wrong, credential)
    assert used == []
    assert opened(first, credential) == [TGK]
    assert len(used) == 1


def test_nothing_of_the_envelope_is_shown() -> None:
    first = opening(cache=CacheType.CACHE)
    request = verified(first.octets)
    request.keys()
    done = received(first, answer(first.octets))
    keys = crypto.message_keys(ENVELOPE_KEY, CSB_ID, RAND_VALUE)
    text = f"{first!r}{request!r}{done!r}{sealed()!r}"
    for secret in (ENVELOPE_KEY, TGK, *keys):
        assert secret.hex() not in text
        assert repr(secret)[2:-1] not in text
