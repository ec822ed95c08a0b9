"""The public-key method (RFC 3830 3.2), octets against the naive implementation's."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from mikey.credentials import Trust
from mikey.errors import AuthenticationError
from mikey.methods import pke
from mikey.methods._common import envelope
from mikey.methods._common.message_keys import MessageKeys
from mikey.policy.clock import value64
from mikey.registry import (
    CertType,
    EncrAlg,
    ErrorNumber,
    HashFunc,
    IdType,
    MacAlg,
    PrfFunc,
)
from mikey.wire import Cert, Id, KvSpi, Message, encode_key_data
from tests.naive import encode as e
from tests.naive import exchange, pki, rsa
from tests.naive import pke as naive
from tests.naive.decode import CERT, CHASH, ID, KEMAC, PKE, RAND, SIGN, SP, V, decode, one
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
from tests.naive.pke import Protection
from tests.naive.vectors import (
    CSB_ID,
    ENVELOPE_KEMAC,
    IDI,
    IDR,
    KW_PLAIN,
    KW_WRAPPED,
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
    STAMP,
    certified,
    received,
    refused,
    split,
    tgks,
)
from tests.rules.pke_parties import (
    ALGORITHMS,
    BOB_KEY,
    answer,
    bobs,
    opened,
    opening,
    verified,
)


@pytest.mark.rule("R3830-6.2-11")
def test_the_vector_of_the_envelope() -> None:
    """VEC-10: KEMAC, whose MAC takes Next payload as 0 while the wire says 2."""
    keys = MessageKeys(ENV_KEY, PrfFunc.MIKEY_1, CSB_ID, RAND_VALUE)
    kemac = envelope.seal(
        ALICE_ID, (KEY,), keys, value64(STAMP), (EncrAlg.AES_CM_128, MacAlg.HMAC_SHA_1_160)
    )
    octets = opening().octets
    part = one(decode(octets), KEMAC)
    found = octets[part.offset : part.offset + part.length]
    assert found == ENVELOPE_KEMAC
    assert (kemac.encr_data, kemac.mac) == (found[4:49], found[-20:])
    request = verified(octets)
    assert tgks(request.keys()) == [TGK]


def test_the_vector_of_the_key_wrap() -> None:
    """VEC-11."""
    keys = MessageKeys(ENV_KEY, PrfFunc.MIKEY_1, CSB_ID, RAND_VALUE)
    named = replace(KEY, validity=KvSpi(b"\1\2\3"))
    assert encode_key_data([named], key_wrap=True) == KW_PLAIN
    assert keys.encrypt(EncrAlg.AES_KW_128, value64(STAMP), KW_PLAIN) == KW_WRAPPED
    assert keys.decrypt(EncrAlg.AES_KW_128, value64(STAMP), KW_WRAPPED) == KW_PLAIN


@pytest.mark.rule(
    "R3830-3.2-2", "R3830-3.2-4", "R3830-6.5-4", "R3830-6.5-7", "R3830-6.7-4", "R3830-6.8-4"
)
@pytest.mark.parametrize("hash_func", [HashFunc.SHA_1, HashFunc.MD5, HashFunc.SHA_256])
def test_the_request_is_that_of_the_figure(hash_func: HashFunc) -> None:
    octets = opening(chash=hash_func).octets
    sent = types(octets)[2:]
    assert sent == [RAND, ID, CERT, CERT, ID, SP, 21, KEMAC, CHASH, PKE, SIGN]
    parts = decode(octets)
    name = {0: "sha1", 1: "md5", 2: "sha256"}[int(hash_func)]
    assert one(parts, CHASH).fields["value"] == hashlib.new(name, pki.certificate(IDR)).digest()
    assert parts[-2].next_payload == SIGN
    certs = [part.fields["data"] for part in parts if part.type == CERT]
    assert certs == [pki.certificate(IDI), pki.middle().der]
    # Signature over all octets up to SIGN's own two, with SHA-1; envelope opened by hand.
    assert exchange.check_signature(octets, ALICE_PUBLIC) == "sha1"
    held = naive.open_offer(octets, ALICE_PUBLIC, BOB_KEY)
    assert (held.env_key, held.idi, held.c) == (ENVELOPE_KEY, IDI, 0)
    assert [key["key"] for key in held.keys] == [TGK]
    assert opened(octets) == [TGK]


@pytest.mark.rule("R3830-3.2-3", "R3830-3.2-12")
def test_the_response_is_keyed_by_the_envelope() -> None:
    first = opening()
    octets = answer(first.octets)
    assert types(octets)[1:] == [5, ID, V]
    held = naive.open_offer(first.octets, ALICE_PUBLIC, BOB_KEY)
    naive.check_answer(first.octets, octets, held)
    done = received(first, octets)
    assert (tgks(done.keys), done.rand, done.csb_id) == ([TGK], RAND_VALUE, CSB_ID)
    assert done.idr == BOB_ID
    theirs = naive.answer(first.octets, held, {2: YOURS}, idr=IDR)
    assert tgks(received(first, theirs).keys) == [TGK]
    unnamed = naive.answer(first.octets, held, {2: YOURS}, idr=IDR, send_idr=False)
    assert received(first, unnamed).idr == BOB_ID


@pytest.mark.rule("R3830-4.2.1-1", "R3830-3.2-8")
@pytest.mark.parametrize(("encr_alg", "mac_alg"), ALGORITHMS)
def test_algorithms(encr_alg: EncrAlg, mac_alg: MacAlg) -> None:
    first = opening(encr_alg=encr_alg, mac_alg=mac_alg)
    held = naive.open_offer(first.octets, ALICE_PUBLIC, BOB_KEY)
    assert [key["key"] for key in held.keys] == [TGK]
    octets = answer(first.octets)
    naive.check_answer(first.octets, octets, held)
    # With the NULL MAC beside the key wrap V is the default HMAC (R3830-6.9-3).
    assert one(decode(octets), V).fields["auth_alg"] == max(int(mac_alg), 1)
    received(first, octets)
    theirs = naive.offer(
        TERMS, ALICE_SIGNER, BOB_PUBLIC, ENVELOPE_KEY, KEYS,
        protection=Protection(int(encr_alg), int(mac_alg)),
    )  # fmt: skip
    assert opened(theirs) == [TGK]
    # A right signature does not help a wrong MAC, or a key wrap that does not open.
    parts = decode(theirs)
    kemac = one(parts, KEMAC)
    last = kemac.offset + kemac.length - (1 if mac_alg else 2)
    wrong = theirs[:last] + bytes([theirs[last] ^ 1]) + theirs[last + 1 :]
    resigned = exchange.signed(wrong[: -len(parts[-1].fields["signature"])], ALICE_SIGNER)
    request = verified(resigned)
    refused(request.keys, ErrorNumber.AUTH_FAILURE, AuthenticationError)


@pytest.mark.rule("R3830-4.2.6-1", "R3830-6.5-5")
@pytest.mark.parametrize("pss", [False, True])
@pytest.mark.parametrize("name", ["sha1", "sha256", "sha384", "sha512"])
def test_signatures(name: str, pss: bool) -> None:
    octets = opening(credential=certified(sign_hash=name, pss=pss)).octets
    assert exchange.check_signature(octets, ALICE_PUBLIC) == name
    assert one(decode(octets), SIGN).fields["s_type"] == int(pss)
    assert opened(octets) == [TGK]
    strict = certified(BOB, ALICE, verify_hashes=tuple({"sha256", "sha1"} - {name}))
    refused(lambda: verified(octets, strict), ErrorNumber.AUTH_FAILURE, AuthenticationError)


@pytest.mark.rule("R3830-6.5-6")
@pytest.mark.parametrize("s_type", [2, 3, 15])
def test_other_signatures_cannot_be_verified(s_type: int) -> None:
    octets = bytearray(opening().octets)
    octets[one(decode(bytes(octets)), SIGN).offset] = s_type << 4 | 1
    refused(lambda: verified(bytes(octets)), ErrorNumber.AUTH_FAILURE)


@pytest.mark.rule("R3830-4.2.5-1")
def test_envelopes_under_oaep() -> None:
    credential = certified(oaep_hash="sha1")
    octets = opening(credential=credential, oaep_hash="sha1").octets
    held = naive.open_offer(octets, ALICE_PUBLIC, BOB_KEY, oaep=True)
    assert held.env_key == ENVELOPE_KEY
    assert opened(octets, certified(BOB, ALICE, oaep_hash="sha1")) == [TGK]
    refused(lambda: opened(octets), ErrorNumber.AUTH_FAILURE, AuthenticationError)
    plain = opening().octets
    assert rsa.decrypt(BOB_KEY, one(decode(plain), PKE).fields["data"]) == ENVELOPE_KEY


@pytest.mark.rule("R3830-3.2-1")
@pytest.mark.parametrize("with_id", [False, True])
@pytest.mark.parametrize("with_cert", [False, True])
def test_identity_and_certificate_are_each_optional(with_id: bool, with_cert: bool) -> None:
    says: dict[str, Any] = {} if with_id else {"idi": None}
    if not with_cert:
        says["certs"] = ()
    octets = opening(says=says).octets
    own = Trust([pki.root().der], intermediates=[pki.middle().der])
    credential = certified(BOB, ALICE, trust=own, peer_certificate=pki.certificate(IDI))
    request = verified(octets, credential, signalled=ALICE)
    assert (tgks(request.keys()), request.initiator) == ([TGK], ALICE_ID)
    if not with_cert:
        refused(lambda: verified(octets, signalled=ALICE), ErrorNumber.INVALID_CERT)


@pytest.mark.rule("R3830-3.2-5", "R3830-3.2-6")
@pytest.mark.parametrize("outer", [IDI, None])
@pytest.mark.parametrize(
    "inner", [b"sip:mallory@example.com", IDI + b"x", IDI.upper(), b"alice@example.com"]
)
def test_the_identity_inside_is_the_initiator(outer: bytes | None, inner: bytes) -> None:
    terms = TERMS._replace(idi=outer)
    octets = naive.offer(terms, ALICE_SIGNER, BOB_PUBLIC, ENVELOPE_KEY, KEYS, inner=inner)
    refused(verified(octets).keys, ErrorNumber.AUTH_FAILURE, AuthenticationError)
    right = naive.offer(terms, ALICE_SIGNER, BOB_PUBLIC, ENVELOPE_KEY, KEYS, inner=IDI)
    assert opened(right) == [TGK]


@pytest.mark.rule("R3830-3.2-6")
def test_the_type_of_the_identity_inside_counts() -> None:
    message = Message.parse(opening().octets)
    as_nai = Id(IdType.NAI, IDI)
    request = pke.verify_request(
        message, certified(BOB, ALICE), AROUND, initiator=ALICE_ID, rand=RAND_VALUE
    )
    other = pke.VerifiedRequest(
        message, certified(BOB, ALICE), request.certificate, as_nai, RAND_VALUE
    )
    refused(other.keys, ErrorNumber.AUTH_FAILURE, AuthenticationError)


@pytest.mark.rule("R3830-3.2-5")
def test_an_envelope_is_not_redirected_by_another_signer() -> None:
    """Mallory signs Alice's envelope with his own good certificate."""
    message = opening().octets
    parts = decode(message)
    mallory = pki.signer(MALLORY.encode())
    body = {part.type: message[part.offset + 1 : part.offset + part.length] for part in parts[1:]}
    for name in ([], [e.ident(MALLORY.encode())]):
        payloads = [
            e.t(0, body[5][1:]), e.rand(RAND_VALUE), *name,
            *map(exchange.certificate, mallory.certs),
            (KEMAC, body[KEMAC]), (PKE, body[PKE]), exchange.sign_head(mallory),
        ]  # fmt: skip
        forged = exchange.signed(exchange.build(2, payloads, TERMS), mallory)
        request = verified(forged, certified(BOB, "*"))
        assert request.initiator.data == MALLORY.encode()
        refused(request.keys, ErrorNumber.AUTH_FAILURE, AuthenticationError)
    # With Alice's name on it his certificate does not hold.
    payloads.insert(2, e.ident(IDI))
    del payloads[3]
    forged = exchange.signed(exchange.build(2, payloads, TERMS), mallory)
    refused(lambda: verified(forged, certified(BOB, "*")), ErrorNumber.INVALID_CERT)


@pytest.mark.rule("R3830-6.7-10")
def test_certificates_of_split_use() -> None:
    alice, bob = split(ALICE, BOB), split(BOB, ALICE)
    theirs = [cert.data for cert in bob.cert_payloads() if cert.cert_type is CertType.X509_ENCR]
    octets = opening(credential=alice, recipient=bobs(theirs[0])).octets
    kinds = [part.fields["cert_type"] for part in decode(octets) if part.type == CERT]
    assert kinds == [2, 3, 0]
    assert opened(octets, bob) == [TGK]
    # The certificate for encryption does not verify a signature, whatever it is called.
    (encrypts,) = [c.data for c in alice.cert_payloads() if c.cert_type is CertType.X509_ENCR]
    for kind in (CertType.X509, CertType.X509_SIGN, CertType.X509_ENCR):
        certs = (Cert(kind, encrypts), Cert(CertType.X509, pki.middle().der))
        forged = opening(credential=alice, recipient=bobs(theirs[0]), says={"certs": certs})
        refused(partial(verified, forged.octets, bob), ErrorNumber.INVALID_CERT)
