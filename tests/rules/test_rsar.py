"""The RSA-R method (RFC 4738), octets against the naive implementation's."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from mikey.credentials import SoftwareKey, Trust
from mikey.errors import AuthenticationError, DecodeError, LibraryError, PeerError, PolicyError
from mikey.methods import rsar
from mikey.methods._common import certificates
from mikey.methods._common.exchange import Surroundings
from mikey.registry import (
    CacheType,
    CertType,
    DataType,
    EncrAlg,
    ErrorNumber,
    MacAlg,
    PrfFunc,
)
from mikey.secret import Secret
from mikey.wire import Cert, Hdr, Message, Rand, SrtpIdMap
from tests.naive import crypto, exchange, pki
from tests.naive import encode as e
from tests.naive import rsar as naive
from tests.naive.decode import CERT, GENERAL_EXT, ID, KEMAC, PKE, RAND, SIGN, SP, decode, one
from tests.naive.parties import ALICE as ALICE_SIGNER
from tests.naive.parties import (
    ALICE_PUBLIC,
    BOB_PUBLIC,
    ENVELOPE_KEY,
    GROUP,
    GROUP_CSB_ID,
    KEYS,
    MINE,
    RESPONDER_RAND,
    TERMS,
    UNICAST,
    YOURS,
    types,
)
from tests.naive.parties import BOB as BOB_SIGNER
from tests.naive.parties import LISTENER as LISTENER_TERMS
from tests.naive.vectors import CSB_ID, IDI, IDR, RAND_VALUE, TGK, TS
from tests.rules.method_parties import (
    ALICE,
    ALICE_ID,
    AROUND,
    BOB,
    BOB_ID,
    ENV_KEY,
    MALLORY,
    MALLORY_ID,
    POLICY,
    certified,
    no_change_is_taken,
    received,
    refused,
    reply,
    split,
    tgks,
)
from tests.rules.rsar_parties import (
    ALICE_KEY,
    CHOSEN,
    SEALED,
    STAMP,
    answered,
    certs,
    crafted,
    envelope,
    grant,
    group_grant,
    listening,
    opening,
    sp,
    verified,
)


@pytest.mark.rule("R4738-3.1-1", "R4738-3.6-1", "R4738-3.6-7", "R4738-3.6-8", "R4738-3.6-5")
def test_the_unicast_messages_are_those_of_the_figure() -> None:
    first = opening()
    assert types(first.octets)[1:] == [5, RAND, ID, CERT, CERT, ID, SP, GENERAL_EXT, SIGN]
    told = answered(first.octets)
    assert types(told)[1:] == [5, ID, CERT, CERT, SP, KEMAC, PKE, SIGN]
    asked, parts = decode(first.octets), decode(told)
    assert one(parts, 5).fields == one(asked, 5).fields
    hdr = parts[0].fields
    assert (hdr["csb_id"], [entry["ssrc"] for entry in hdr["cs_map"]]) == (CSB_ID, [MINE, YOURS])
    held = naive.open_answer(first.octets, told, BOB_PUBLIC, ALICE_KEY)
    assert (held.env_key, held.idr, held.head_signed) == (ENVELOPE_KEY, IDR, True)
    assert [key["key"] for key in held.keys] == [TGK]
    done = received(first, told)
    assert (tgks(done.keys), done.idr, done.csb_id) == ([TGK], BOB_ID, CSB_ID)
    assert (done.policies, done.rand, done.message_key) == (CHOSEN, RAND_VALUE, None)


@pytest.mark.rule("R4738-3.2-1", "R4738-3.6-2", "R4738-3.6-3", "R4738-3.5-3")
def test_the_group_messages_are_those_of_the_figure() -> None:
    first = listening()
    assert types(first.octets)[1:] == [5, ID, CERT, CERT, ID, SIGN]
    told = answered(first.octets, group_grant())
    assert types(told)[1:] == [GENERAL_EXT, 5, RAND, ID, CERT, CERT, SP, KEMAC, PKE, SIGN]
    parts = decode(told)
    extension = one(parts, GENERAL_EXT).fields
    assert (extension["ext_type"], extension["data"]) == (4, GROUP_CSB_ID.to_bytes(4))
    assert parts[0].fields["csb_id"] == CSB_ID
    held = naive.open_answer(first.octets, told, BOB_PUBLIC, ALICE_KEY)
    assert (held.csb_id, held.rand) == (GROUP_CSB_ID, RESPONDER_RAND)
    done = received(first, told)
    assert (done.csb_id, done.rand) == (GROUP_CSB_ID, RESPONDER_RAND)
    assert tgks(done.keys) == [TGK]


@pytest.mark.rule("R4738-3.6-3")
def test_members_of_a_group_get_the_same() -> None:
    carol = "sip:carol@example.com"
    done = []
    for name in (ALICE, carol):
        first = listening(certified(name), idi=None)
        responder = certified(BOB, name)
        told = answered_for(first.octets, responder)
        done.append(received(first, told))
    assert done[0].keys == done[1].keys
    assert {(each.csb_id, each.rand) for each in done} == {(GROUP_CSB_ID, RESPONDER_RAND)}


def answered_for(octets: bytes, credential: Any) -> bytes:
    message = Message.parse(octets)
    request = rsar.verify_request(message, credential, AROUND, initiator=None, idr=BOB_ID)
    told = reply(DataType.RSA_R_RESP, certs=credential.cert_payloads())
    return request.respond(told, group_grant())


@pytest.mark.rule("R4738-3.4-1", "R4738-3.4-4")
def test_the_request_asks_for_a_response_and_is_signed() -> None:
    first = opening(header=Hdr(DataType.RSA_R_INIT, CSB_ID, SrtpIdMap(), v=False))
    assert decode(first.octets)[0].fields["v"]
    assert exchange.check_signature(first.octets, ALICE_PUBLIC) == "sha1"
    assert verified(first.octets).initiator == ALICE_ID
    # V is ignored when received: without it the answer is due all the same.
    unset = naive.request(TERMS, ALICE_SIGNER)
    hdr = bytearray(unset[: -len(one(decode(unset), SIGN).fields["signature"])])
    hdr[3] &= 0x7F
    octets = exchange.signed(bytes(hdr), ALICE_SIGNER)
    assert naive.open_answer(octets, answered(octets), BOB_PUBLIC, ALICE_KEY).keys
    # Octets appended to the signature have no place here.
    appended = exchange.signed(bytes(hdr), ALICE_SIGNER, appended=IDI + IDR + TS)
    refused(partial(verified, appended), ErrorNumber.AUTH_FAILURE, AuthenticationError)


@pytest.mark.rule("R4738-3.4-4", "R4738-3.6-15")
def test_a_certificate_fits_the_signature() -> None:
    mallory = pki.signer(MALLORY.encode())
    octets = naive.request(TERMS, ALICE_SIGNER._replace(key=mallory.key))
    refused(partial(verified, octets), ErrorNumber.AUTH_FAILURE, AuthenticationError)
    first = opening()
    payloads = [e.t(*STAMP), e.ident(IDR), *certs(), sp(), *SEALED()]
    wrong = crafted(first.octets, *payloads, signer=mallory)
    refused(partial(received, first, wrong), ErrorNumber.AUTH_FAILURE, AuthenticationError)


@pytest.mark.rule("R4738-3.6-9", "R4738-3.6-10")
def test_both_readings_of_the_signature_are_taken() -> None:
    first = opening()
    for head in (True, False):
        told = naive.answer(first.octets, ALICE_PUBLIC, BOB_SIGNER, UNICAST, idr=IDR, head=head)
        assert tgks(received(first, told).keys) == [TGK]
    shape = told[: -len(one(decode(told), SIGN).fields["signature"])]
    for appended in (b"", IDI + IDR, IDR + IDI + TS, IDI + TS, IDI + IDR + TS + b"\0"):
        wrong = exchange.signed(shape, BOB_SIGNER, appended=appended)
        refused(partial(received, first, wrong), ErrorNumber.AUTH_FAILURE, AuthenticationError)
    for pss in (False, True):
        octets = answered(first.octets, credential=certified(BOB, ALICE, pss=pss))
        held = naive.open_answer(first.octets, octets, BOB_PUBLIC, ALICE_KEY)
        assert held.head_signed
        assert received(first, octets)
    headless = naive.answer(
        first.octets, ALICE_PUBLIC, BOB_SIGNER._replace(s_type=1, hash="sha256"), UNICAST,
        idr=IDR, head=False,
    )  # fmt: skip
    assert received(first, headless)


@pytest.mark.rule("R4738-3.6-11")
def test_identities_that_are_not_sent_are_signed_all_the_same() -> None:
    for idi in (ALICE_ID, None):
        for asked in (BOB_ID, None):
            for idr in (BOB_ID, None):
                first = opening(idi=idi, idr=asked)
                told = answered(first.octets, idr=idr)
                done = received(first, told)
                assert (tgks(done.keys), done.idr) == ([TGK], BOB_ID)
                held = naive.open_answer(
                    first.octets, told, BOB_PUBLIC, ALICE_KEY, idi=IDI, idr=IDR
                )
                assert held.idr == IDR
    # Whoever answers signs as himself, even if somebody else was asked for.
    mallory = pki.signer(MALLORY.encode())
    first = opening(certified(peer="*"))
    name = MALLORY.encode()
    payloads = [
        e.t(*STAMP), e.ident(name), *map(exchange.certificate, mallory.certs), sp(),
        *SEALED(name=name),
    ]  # fmt: skip
    told = crafted(first.octets, *payloads, signer=mallory, idr=name)
    assert received(first, told).idr == MALLORY_ID
    nobody = opening(certified(peer="*"), idr=None)
    payloads.pop(1)
    told = crafted(nobody.octets, *payloads, signer=mallory, idr=b"")
    assert received(nobody, told).idr == MALLORY_ID


@pytest.mark.rule("R4738-3.4-6", "R4738-3.6-12")
def test_only_whom_policy_accepts_may_answer() -> None:
    mallory = pki.signer(MALLORY.encode())
    name = MALLORY.encode()
    first = opening()
    payloads = [
        e.t(*STAMP), e.ident(name), *map(exchange.certificate, mallory.certs), sp(),
        *SEALED(name=name),
    ]  # fmt: skip
    told = crafted(first.octets, *payloads, signer=mallory, idr=name)
    refused(partial(received, first, told), ErrorNumber.INVALID_ID, PolicyError)
    payloads[1] = e.ident(IDR)
    told = crafted(first.octets, *payloads, signer=mallory)
    refused(partial(received, first, told), ErrorNumber.INVALID_CERT)


@pytest.mark.rule("R4738-3.6-12")
@pytest.mark.parametrize("outer", [IDR, None])
@pytest.mark.parametrize("peer", [BOB, "*"])
def test_the_identity_inside_is_the_responder(outer: bytes | None, peer: str) -> None:
    first = opening(certified(peer=peer), idr=None)
    clear = [] if outer is None else [e.ident(outer)]
    signed = b"" if outer is None and peer == "*" else IDR
    for inner in (MALLORY.encode(), IDI, IDR):
        told = crafted(
            first.octets, e.t(*STAMP), *clear, *certs(), sp(), *SEALED(name=inner), idr=signed
        )
        if inner == IDR:
            assert received(first, told).idr == BOB_ID
        else:
            refused(partial(received, first, told), ErrorNumber.AUTH_FAILURE)


@pytest.mark.rule("R4738-3.6-6", "R4738-3.5-3")
@pytest.mark.parametrize("sent", [True, False])
def test_there_is_one_rand_in_a_unicast_exchange(sent: bool) -> None:
    first = opening(rand=Rand(RAND_VALUE) if sent else None)
    request = verified(first.octets)
    told = answered(first.octets)
    assert (RAND in types(told)) is not sent
    rand = RAND_VALUE if sent else RESPONDER_RAND
    assert request.rand(grant()) == rand
    assert received(first, told).rand == rand
    assert naive.open_answer(first.octets, told, BOB_PUBLIC, ALICE_KEY).rand == rand


@pytest.mark.rule("R4738-3.7-1", "R4738-3.6-6")
def test_two_rands_or_none_are_dropped_silently() -> None:
    first = opening()
    payloads = [e.ident(IDR), *certs(), sp(), *SEALED()]
    both = crafted(first.octets, e.t(*STAMP), e.rand(RESPONDER_RAND), *payloads)
    refused(partial(received, first, both), None, DecodeError)
    without = opening(rand=None)
    neither = crafted(without.octets, e.t(*STAMP), *payloads)
    refused(partial(received, without, neither), None, DecodeError)


@pytest.mark.rule("R4738-3.7-2", "R4738-3.5-3", "R4738-3.6-6")
def test_in_a_group_the_responders_rand_counts_alone() -> None:
    first = listening(rand=Rand(RAND_VALUE))
    told = answered(first.octets, group_grant())
    assert verified(first.octets).rand(group_grant()) == RESPONDER_RAND
    done = received(first, told)
    assert (done.rand, tgks(done.keys)) == (RESPONDER_RAND, [TGK])
    ext = e.general_ext(4, GROUP_CSB_ID.to_bytes(4))
    sealed = SEALED(csb_id=GROUP_CSB_ID)
    missing = crafted(first.octets, ext, e.t(*STAMP), e.ident(IDR), *certs(), sp(), *sealed)
    refused(partial(received, first, missing), None, DecodeError)


@pytest.mark.rule("R4738-3.6-4")
def test_the_envelope_of_a_group_is_opened_under_either_csb_id() -> None:
    first = listening()
    ext, rand = e.general_ext(4, GROUP_CSB_ID.to_bytes(4)), e.rand(RESPONDER_RAND)
    for csb_id in (GROUP_CSB_ID, CSB_ID, CSB_ID + 1):
        sealed = SEALED(csb_id=csb_id, rand=RESPONDER_RAND)
        told = crafted(first.octets, ext, e.t(*STAMP), rand, e.ident(IDR), *certs(), sp(), *sealed)
        if csb_id > CSB_ID:
            refused(partial(received, first, told), ErrorNumber.AUTH_FAILURE, AuthenticationError)
            continue
        done = received(first, told)
        # What is derived from the TGK takes the new one in any case.
        assert (tgks(done.keys), done.csb_id) == ([TGK], GROUP_CSB_ID)
    # Ours: the new one, for the message keys and the IV too.
    octets = answered(first.octets, group_grant())
    crypto.kemac_parts(octets, ENVELOPE_KEY, envelope=True, csb_id=GROUP_CSB_ID)


@pytest.mark.rule("R4738-3.6-2", "R4738-3.2-1")
@pytest.mark.parametrize("case", range(5))
def test_a_group_answer_is_whole(case: int) -> None:
    first = listening()
    sealed = SEALED(csb_id=GROUP_CSB_ID, rand=RESPONDER_RAND)
    ext, rand = e.general_ext(4, GROUP_CSB_ID.to_bytes(4)), e.rand(RESPONDER_RAND)
    t, tail = e.t(*STAMP), [e.ident(IDR), *certs()]
    payloads: list[list[e.Payload]] = [
        [ext, t, rand, *tail, *sealed],  # no SP
        [ext, ext, t, rand, *tail, sp(), *sealed],
        [e.general_ext(4, bytes(3)), t, rand, *tail, sp(), *sealed],
        [e.general_ext(4, bytes(5)), t, rand, *tail, sp(), *sealed],
        [t, ext, rand, *tail, sp(), sp(), *sealed],
    ]
    told = crafted(first.octets, *payloads[case])
    with pytest.raises(DecodeError):
        received(first, told)


@pytest.mark.rule("R4738-3.2-1", "R4738-3.6-2")
def test_a_group_negotiates_nothing() -> None:
    first = opening(rand=None)
    request = verified(first.octets)
    refused(request.check_group, ErrorNumber.UNSUPPORTED_MESSAGE, DecodeError)
    refused(
        partial(answered, first.octets, group_grant()), ErrorNumber.UNSUPPORTED_MESSAGE, DecodeError
    )
    verified(listening().octets).check_group()
    with pytest.raises(LibraryError):
        answered(listening().octets, group_grant(policies=()))
    with pytest.raises(LibraryError):
        answered(first.octets, grant(policies=()))
    # An offer of policies is answered as one.
    ext, rand = e.general_ext(4, GROUP_CSB_ID.to_bytes(4)), e.rand(RESPONDER_RAND)
    sealed = SEALED(csb_id=GROUP_CSB_ID, rand=RESPONDER_RAND)
    told = crafted(first.octets, ext, e.t(*STAMP), rand, e.ident(IDR), *certs(), sp(), *sealed)
    refused(partial(received, first, told), None, DecodeError)


def test_a_response_to_another_request_is_refused() -> None:
    first = opening()
    later = opening(t=Message.parse(naive.request(TERMS._replace(ts=(0, TS[:-1] + b"\2")),
                                                  ALICE_SIGNER)).payloads[0])  # fmt: skip
    told = answered(first.octets)
    refused(partial(received, later, told), None, DecodeError)
    refused(partial(received, first, first.octets), None, DecodeError)
    other = opening(header=Hdr(DataType.RSA_R_INIT, CSB_ID + 1, SrtpIdMap()))
    refused(partial(received, other, told), None, DecodeError)
    hashed = opening(
        header=Hdr(DataType.RSA_R_INIT, CSB_ID, SrtpIdMap(), prf=PrfFunc.PRF_HMAC_SHA_256)
    )
    refused(partial(received, hashed, told), None, DecodeError)


def test_an_envelope_for_another_key_is_a_failed_authentication() -> None:
    first = opening()
    sealed = envelope(BOB_PUBLIC, key=ENVELOPE_KEY, keys=KEYS, ts=STAMP)
    told = crafted(first.octets, e.t(*STAMP), e.ident(IDR), *certs(), sp(), *sealed)
    refused(partial(received, first, told), ErrorNumber.AUTH_FAILURE, AuthenticationError)


@pytest.mark.parametrize(
    ("encr_alg", "mac_alg"),
    [
        (EncrAlg.AES_KW_128, MacAlg.NULL),
        (EncrAlg.AES_KW_128, MacAlg.HMAC_SHA_1_160),
        (EncrAlg.AES_CM_256, MacAlg.HMAC_SHA_256_256),
    ],
)
def test_algorithms(encr_alg: EncrAlg, mac_alg: MacAlg) -> None:
    first = opening()
    for cache in (CacheType.NO_CACHE, CacheType.CACHE):
        given = grant(encr_alg=encr_alg, mac_alg=mac_alg, cache=cache)
        told = answered(first.octets, given)
        held = naive.open_answer(first.octets, told, BOB_PUBLIC, ALICE_KEY)
        assert [key["key"] for key in held.keys] == [TGK]
        done = received(first, told)
        kept = ENV_KEY if cache is CacheType.CACHE else None
        assert (tgks(done.keys), done.message_key) == ([TGK], kept)


def test_both_ends_with_the_other_implementation() -> None:
    theirs = naive.request(TERMS, ALICE_SIGNER)
    held = naive.open_answer(theirs, answered(theirs), BOB_PUBLIC, ALICE_KEY)
    assert [key["key"] for key in held.keys] == [TGK]
    member = naive.request(LISTENER_TERMS, ALICE_SIGNER)
    granted = naive.open_answer(member, answered(member, group_grant()), BOB_PUBLIC, ALICE_KEY)
    assert (granted.csb_id, granted.rand) == (GROUP_CSB_ID, RESPONDER_RAND)
    for ext_first in (True, False):
        first = listening()
        told = naive.answer(
            first.octets, ALICE_PUBLIC, BOB_SIGNER, GROUP, idr=IDR, ext_first=ext_first
        )
        assert received(first, told).csb_id == GROUP_CSB_ID


@pytest.mark.parametrize("stranger", [(1, b"\0\0\0\0"), (2, b"\0\1\1"), (9, b"\0")])
def test_strangers_are_refused(stranger: e.Payload) -> None:
    payloads = [*exchange.front(TERMS, ALICE_SIGNER.certs), stranger]
    octets = exchange.signed(
        exchange.build(9, [*payloads, exchange.sign_head(ALICE_SIGNER)], TERMS), ALICE_SIGNER
    )
    refused(partial(verified, octets), ErrorNumber.UNSUPPORTED_MESSAGE, DecodeError)


def test_any_change_of_a_request_is_refused() -> None:
    no_change_is_taken(opening().octets, verified)


def test_any_change_of_a_response_is_refused() -> None:
    first = opening()
    no_change_is_taken(answered(first.octets), lambda octets: received(first, octets))
    member = listening()
    told = answered(member.octets, group_grant())
    no_change_is_taken(told, lambda octets: received(member, octets))


def test_the_private_key_is_used_last() -> None:
    used = []

    class Counting:
        size = 256
        blocking = False

        def sign(self, octets: bytes, *, hash: str, pss: bool) -> bytes:  # noqa: A002
            return SoftwareKey(ALICE_KEY).sign(octets, hash=hash, pss=pss)

        def decrypt(self, ciphertext: bytes) -> Secret:
            used.append(ciphertext)
            return SoftwareKey(ALICE_KEY).decrypt(ciphertext)

    first = opening(certified(key=Counting()))
    told = answered(first.octets)
    for at in range(0, len(told), 11):
        wrong = told[:at] + bytes([told[at] ^ 1]) + told[at + 1 :]
        with pytest.raises(PeerError):
            received(first, wrong)
    assert used == []
    assert received(first, told)
    assert len(used) == 1


@pytest.mark.rule("R4738-3.8-1")
def test_certificates_by_url() -> None:
    url = "http://example.com/alice.cer"
    first = opening(certified(url=url))
    (cert,) = Message.parse(first.octets).all(Cert)
    assert (cert.cert_type, cert.data) == (CertType.X509_URL, url.encode())
    (needed,) = certificates.needed(Message.parse(first.octets))
    assert needed.url == url
    own = Trust([pki.root().der], intermediates=[pki.middle().der])
    around = Surroundings(now=AROUND.now, fetched={url: pki.certificate(IDI)})
    request = verified(first.octets, certified(BOB, ALICE, trust=own), around)
    assert request.initiator == ALICE_ID
    refused(partial(verified, first.octets), ErrorNumber.INVALID_CERT)


def test_certificates_of_split_use() -> None:
    alice, bob = split(ALICE, BOB), split(BOB, ALICE)
    first = opening(alice)
    told = answered(first.octets, credential=bob)
    assert tgks(received(first, told).keys) == [TGK]
    (encrypts,) = [c.data for c in alice.cert_payloads() if c.cert_type is CertType.X509_ENCR]
    assert verified(first.octets, bob).recipient.der == encrypts
    # Without a certificate to encrypt to there is nothing to answer.
    alone = opening(alice, certs=tuple(
        cert for cert in alice.cert_payloads() if cert.cert_type is not CertType.X509_ENCR
    ))  # fmt: skip
    refused(partial(verified, alone.octets, bob), ErrorNumber.INVALID_CERT)


@pytest.mark.rule("R3830-5.1.2-6")
def test_errors_are_signed_over_themselves_alone() -> None:
    own = Trust([pki.root().der], intermediates=[pki.middle().der])
    first = opening(certified(peer_certificate=pki.certificate(IDR), trust=own))
    told = verified(first.octets).error((ErrorNumber.INVALID_SPPAR,), (POLICY.to_sp(0),))
    assert exchange.check_error(first.octets, told, public=BOB_PUBLIC) == [10]
    error = first.read_error(Message.parse(told), AROUND)
    assert (error.numbers, error.authenticated) == ((ErrorNumber.INVALID_SPPAR,), True)
    assert not opening().read_error(Message.parse(told), AROUND).authenticated
    no_change_is_taken(told, lambda octets: first.read_error(Message.parse(octets), AROUND))


def test_nothing_of_the_keys_is_shown() -> None:
    first = opening()
    given = grant(cache=CacheType.CACHE)
    done = received(first, answered(first.octets, given))
    text = f"{first!r}{given!r}{verified(first.octets)!r}{done!r}"
    for secret in (ENVELOPE_KEY, TGK, *crypto.message_keys(ENVELOPE_KEY, CSB_ID, RAND_VALUE)):
        assert secret.hex() not in text
        assert repr(secret)[2:-1] not in text
