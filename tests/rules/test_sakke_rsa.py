"""MIKEY-SAKKE signed with a certificate in place of ECCSI (RFC 6509 2.2.1, 2.1.2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mikey import (
    AuthenticationError,
    DecodeError,
    ErrorNumber,
    FetchCertificate,
    PeerError,
    PolicyError,
    ReportedError,
    Step,
    drive,
)  # fmt: skip
from mikey.credentials import Certified, Sakke
from mikey.registry import CertType, IdRole, SignType
from mikey.wire import Cert, Idr, Message, Sign, encode
from tests import pki
from tests.rules import junk
from tests.rules.psk_parties import refused
from tests.rules.sakke_parties import (
    ALICE,
    BOB,
    CONTEXT,
    NOW,
    Noon,
    alice,
    bob,
    first,
    keys,
    same_keys,
    taken,
    user,
)

TIME = pki.NOW  # when the certificates hold


def certified(who: str, root: str = "root") -> Certified:
    return junk.certified(who, "*", root)


def rsa_user(who: str, peer: str = "*", **options: object) -> Sakke:
    """Return a credential whose keys from the KMS open and whose certificate signs."""
    held = replace(keys(who, TIME), signing=None)
    return user(who, peer, keys=(held,), signer=certified(who), **options)


@pytest.mark.rule("R6509-2.1.2-2", "R6509-2.2.1-3", "R6509-2.1-1")
@pytest.mark.parametrize("pss", [False, True])
def test_a_certificate_signs(pss: bool) -> None:
    signer = replace(certified(ALICE), pss=pss, sign_hash="sha256")
    hers = replace(rsa_user(ALICE, BOB), signer=signer)
    who = alice(Noon(TIME), credential=hers)
    message = first(who)
    parsed = Message.parse(message)
    assert parsed.one(Sign).s_type is (SignType.RSA_PSS if pss else SignType.RSA_PKCS_1_V1_5)
    kinds = [type(payload).__name__ for payload in parsed.payloads]
    assert kinds == ["T", "Rand", "Idr", "Idr", "Idr", "Cert", "Sp", "Sakke",
                     "GeneralExtension", "Sign"]  # fmt: skip
    assert [idr.role for idr in parsed.all(Idr)] == [
        IdRole.INITIATOR, IdRole.RESPONDER, IdRole.RESPONDER_KMS
    ]  # fmt: skip
    theirs = taken(bob(Noon(TIME), rsa_user(BOB)), message)
    same_keys(who.early_bundle(message), theirs)
    assert theirs.peer == ALICE


@pytest.mark.rule("R6509-2.2.1-3")
def test_who_knows_no_authority_takes_no_certificate() -> None:
    message = first(alice(Noon(TIME), credential=rsa_user(ALICE, BOB)))
    to = bob(Noon(TIME), user(BOB, keys=(keys(BOB, TIME),)))
    refused(to, message, ErrorNumber.INVALID_CERT, PolicyError)
    stranger = replace(rsa_user(ALICE, BOB), signer=junk.certified(ALICE, "*", "mallory"))
    forged = first(alice(Noon(TIME), credential=stranger))
    refused(bob(Noon(TIME), rsa_user(BOB)), forged, ErrorNumber.INVALID_CERT, PeerError)


@pytest.mark.rule("R6509-2.2.1-3")
def test_the_certificate_is_that_of_the_key_and_of_the_caller() -> None:
    message = first(alice(Noon(TIME), credential=rsa_user(ALICE, BOB)))
    damaged = message[:-1] + bytes([message[-1] ^ 1])
    to = bob(Noon(TIME), rsa_user(BOB))
    refused(to, damaged, ErrorNumber.AUTH_FAILURE, AuthenticationError)
    other = message.replace(ALICE.encode(), b"tel:+447700900009", 1)
    refused(to, other, ErrorNumber.INVALID_CERT, PeerError)
    parsed = Message.parse(message)
    bare = encode(parsed.header, [p for p in parsed.payloads if not isinstance(p, Cert)])
    refused(to, bare, ErrorNumber.INVALID_CERT, PeerError)


@pytest.mark.rule("R6509-2.1.2-2")
def test_an_error_is_signed_with_a_certificate_too() -> None:
    who = alice(Noon(TIME), credential=rsa_user(ALICE, BOB))
    message = first(who)
    offer = drive(bob(Noon(TIME), rsa_user(BOB)).receive(message, context=CONTEXT))
    answer = offer.reject(ErrorNumber.UNSPECIFIED)
    assert answer is not None
    assert Message.parse(answer).one(Sign).s_type is SignType.RSA_PKCS_1_V1_5
    with pytest.raises(ReportedError) as caught:
        drive(who.receive(answer))
    assert not caught.value.authenticated  # an Error message has no room for the certificate
    known = replace(certified(ALICE), peer_certificate=junk.certified(BOB, "*").chain[0])
    sure = alice(Noon(TIME), credential=replace(rsa_user(ALICE, BOB), signer=known))
    again = first(sure)
    offer = drive(bob(Noon(TIME), rsa_user(BOB)).receive(again, context=CONTEXT))
    signed = offer.reject(ErrorNumber.UNSPECIFIED)
    assert signed is not None
    with pytest.raises(ReportedError) as caught:
        drive(sure.receive(signed))
    assert caught.value.authenticated


def test_a_certificate_by_url() -> None:
    own = replace(certified(ALICE), url="http://certificates.example.org/alice")
    message = first(alice(Noon(TIME), credential=replace(rsa_user(ALICE, BOB), signer=own)))
    to = bob(Noon(TIME), rsa_user(BOB))
    step = to.receive(message, context=CONTEXT)
    assert isinstance(step, Step)
    assert isinstance(step.request, FetchCertificate)
    offer = step.resume(own.chain[0])
    assert not isinstance(offer, Step)
    assert offer.initiator == ALICE
    # Where ECCSI signs nobody makes us fetch.
    eccsi = Message.parse(first(alice()))
    url = Cert(CertType.X509_URL, b"http://certificates.example.org/x")
    odd = encode(eccsi.header, (*eccsi.payloads[:-1], url, eccsi.payloads[-1]))
    refused(bob(Noon(NOW), rsa_user(BOB)), odd, ErrorNumber.UNSUPPORTED_MESSAGE, DecodeError)
