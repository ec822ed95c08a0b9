"""Certificates by URL: a Step on either side, and no way to the network but the caller's."""

from __future__ import annotations

import pytest

from mikey import ErrorNumber, LocalError, Method, PeerError, Step, drive
from mikey.credentials import Certified, FetchCertificate, Trust
from tests.naive import pki
from tests.rules.method_parties import ALICE, BOB, MALLORY, certified
from tests.rules.psk_parties import CONTEXT
from tests.rules.session_parties import STREAMS, alice, bob, same

URLS = {
    f"https://certs.example.com/{name.partition(':')[2]}": name for name in (ALICE, BOB, MALLORY)
}
SIGNED = pytest.mark.parametrize("method", [Method.PKE, Method.DH_SIGN, Method.RSA_R])
ANSWERING = pytest.mark.parametrize("method", [Method.DH_SIGN, Method.RSA_R])


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may open a socket."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a hidden network access")

    monkeypatch.setattr("socket.socket", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)


def linked(me: str, peer: str) -> Certified:
    """Return a credential whose certificate goes out as a URL; the root's CA is known."""
    url = next(url for url, name in URLS.items() if name == me)
    known = pki.certificate(peer.encode()) if peer != "*" else None
    trust = Trust([pki.root().der, pki.middle().der])
    return certified(me, peer, url=url, trust=trust, peer_certificate=known)


def asked_for(result: object) -> object:
    """Return the request of a Step."""
    assert isinstance(result, Step)
    return result.request


def fetch(request: FetchCertificate) -> bytes:
    return pki.certificate(URLS[request.url].encode())


@SIGNED
def test_both_sides_ask_for_what_they_need(method: Method) -> None:
    who = alice(method, credential=linked(ALICE, BOB))
    to = bob(credentials=[linked(BOB, "*")])
    asked = to.receive(who.start(STREAMS, context=CONTEXT), context=CONTEXT)
    assert asked_for(asked) == FetchCertificate("https://certs.example.com/" + ALICE[4:])
    response, theirs = drive(asked, {FetchCertificate: fetch}).accept({2: 0xB2})
    assert response is not None
    result = who.receive(response, context=CONTEXT)
    assert isinstance(result, Step) is (method is not Method.PKE)
    same(drive(result, {FetchCertificate: fetch}), theirs)


@SIGNED
@pytest.mark.parametrize("der", [b"", b"\x30\x03\x02\x01\x00", b"not DER" * 100, "mallory"])
def test_wrong_octets_for_the_responder(method: Method, der: bytes | str) -> None:
    octets = pki.certificate(MALLORY.encode()) if isinstance(der, str) else der
    first = alice(method, credential=linked(ALICE, BOB)).start(STREAMS, context=CONTEXT)
    to = bob(credentials=[linked(BOB, "*")])
    with pytest.raises(PeerError) as caught:
        drive(to.receive(first, context=CONTEXT), {FetchCertificate: lambda _: octets})
    assert caught.value.number in (ErrorNumber.INVALID_CERT, ErrorNumber.AUTH_FAILURE)
    drive(to.receive(first, context=CONTEXT), {FetchCertificate: fetch})


@ANSWERING
@pytest.mark.parametrize("der", [b"", b"not DER" * 100, "mallory"])
def test_wrong_octets_for_the_initiator(method: Method, der: bytes | str) -> None:
    octets = pki.certificate(MALLORY.encode()) if isinstance(der, str) else der
    who = alice(method, credential=linked(ALICE, BOB))
    to = bob(credentials=[linked(BOB, "*")])
    offered = to.receive(who.start(STREAMS, context=CONTEXT), context=CONTEXT)
    response, theirs = drive(offered, {FetchCertificate: fetch}).accept({2: 0xB2})
    assert response is not None
    with pytest.raises(PeerError):
        drive(who.receive(response, context=CONTEXT), {FetchCertificate: lambda _: octets})
    same(drive(who.receive(response, context=CONTEXT), {FetchCertificate: fetch}), theirs)


@SIGNED
def test_nobody_fetches_without_a_handler(method: Method) -> None:
    first = alice(method, credential=linked(ALICE, BOB)).start(STREAMS, context=CONTEXT)
    with pytest.raises(LocalError, match="FetchCertificate"):
        drive(bob(credentials=[linked(BOB, "*")]).receive(first, context=CONTEXT))


@SIGNED
def test_replay_makes_nobody_fetch(method: Method) -> None:
    first = alice(method, credential=linked(ALICE, BOB)).start(STREAMS, context=CONTEXT)
    to = bob(credentials=[linked(BOB, "*")])
    drive(to.receive(first, context=CONTEXT), {FetchCertificate: fetch})
    with pytest.raises(PeerError, match="replay"):
        drive(to.receive(first, context=CONTEXT), {FetchCertificate: fetch})


@ANSWERING
def test_exchange_that_was_given_up_while_fetching(method: Method) -> None:
    who = alice(method, credential=linked(ALICE, BOB))
    first = who.start(STREAMS, context=CONTEXT)
    offered = bob(credentials=[linked(BOB, "*")]).receive(first, context=CONTEXT)
    response, _ = drive(offered, {FetchCertificate: fetch}).accept({2: 0xB2})
    assert response is not None
    asked = who.receive(response, context=CONTEXT)
    who.cancel(first)
    with pytest.raises(PeerError, match="closed meanwhile"):
        drive(asked, {FetchCertificate: fetch})
