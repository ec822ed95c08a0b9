"""Who is who in a message, by the places of its ID payloads (RFC 3830 6.7)."""

from __future__ import annotations

import pytest

from mikey.errors import DecodeError, PeerError, PolicyError
from mikey.methods._common import certificates, identities
from mikey.methods._common.identities import to_id
from mikey.registry import ErrorNumber, IdType
from mikey.wire import Id, Message
from tests.naive import encode as e
from tests.naive import exchange, pki
from tests.naive.vectors import IDI, IDR, TS

ALICE, BOB = IDI.decode(), IDR.decode()
CERT = exchange.certificate((0, pki.certificate(IDI)))
CHAIN = exchange.certificate((0, pki.middle().der))
URL = exchange.certificate((1, b"http://example.com/alice"))


def message(data_type: int, *payloads: e.Payload) -> Message:
    return Message.parse(e.build(data_type, [e.t(0, TS), *payloads], csb_id=1))


@pytest.mark.rule("R3830-6.7-8")
@pytest.mark.parametrize("data_type", [2, 4, 9])
def test_a_signed_request(data_type: int) -> None:
    def found(*payloads: e.Payload, initiator: str | None = None) -> tuple[Id | None, Id | None]:
        return certificates.request_ids(message(data_type, *payloads), [BOB], initiator)

    alice, bob = e.ident(IDI), e.ident(IDR)
    assert found() == (None, None)
    assert found(alice, CERT, CHAIN, bob) == (to_id(ALICE), to_id(BOB))
    assert found(CERT, alice, bob) == (to_id(ALICE), to_id(BOB))
    # Behind the certificates a lone name is the responder's, unless they say it themselves.
    assert found(CERT, CHAIN, bob) == (None, to_id(BOB))
    assert found(CERT, CHAIN, alice) == (to_id(ALICE), None)
    assert found(URL, bob) == (None, to_id(BOB))
    assert found(alice, CERT) == (to_id(ALICE), None)
    # Without any it is the initiator's, unless it is ours and the carrier names another.
    assert found(alice) == (to_id(ALICE), None)
    assert found(bob) == (to_id(BOB), None)
    assert found(bob, initiator=BOB) == (to_id(BOB), None)
    assert found(bob, initiator=ALICE) == (None, to_id(BOB))
    # A URL that was fetched counts like the certificate.
    fetched = {"http://example.com/alice": pki.certificate(IDI)}
    by_url = message(data_type, URL, alice)
    assert certificates.request_ids(by_url, [BOB], None) == (None, to_id(ALICE))
    assert certificates.request_ids(by_url, [BOB], None, fetched) == (to_id(ALICE), None)


@pytest.mark.rule("R3830-6.7-8")
def test_responses() -> None:
    alice, bob = e.ident(IDI), e.ident(IDR)
    assert identities.dh_response_ids(message(5, bob, alice)) == (to_id(BOB), to_id(ALICE))
    assert identities.dh_response_ids(message(8, alice)) == (None, to_id(ALICE))
    with pytest.raises(DecodeError):
        identities.dh_response_ids(message(5))
    assert identities.lone_id(message(3, bob)) == to_id(BOB)
    assert identities.lone_id(message(10)) is None
    with pytest.raises(DecodeError):
        identities.lone_id(message(10, bob, alice))


def test_a_broken_certificate_is_not_looked_into() -> None:
    broken = exchange.certificate((0, b"0\x03\x02\x01"))
    with pytest.raises(PeerError) as caught:
        certificates.request_ids(message(4, broken, e.ident(IDI)), [BOB], None)
    assert caught.value.number is ErrorNumber.INVALID_CERT


@pytest.mark.parametrize(
    "payload", [Id(IdType.BYTE_STRING, b"a"), Id(IdType.NAI, b""), Id(IdType.URI, b"\xff")]
)
def test_identities_are_text(payload: Id) -> None:
    with pytest.raises(PolicyError) as caught:
        identities.to_text(payload)
    assert caught.value.number is ErrorNumber.INVALID_ID
    assert identities.to_text(to_id("alice@example.com")) == "alice@example.com"
