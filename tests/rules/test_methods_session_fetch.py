"""Certificates by URL: a Step on either side, and no way to the network but the caller's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from mikey import (
    Bundle,
    Context,
    ErrorNumber,
    Method,
    PeerError,
    Policy,
    Psk,
    Responder,
    Secret,
    Step,
    TimestampError,
    drive,
)  # fmt: skip
from mikey.credentials import Certified, FetchCertificate, Trust
from mikey.policy import SECOND
from mikey.registry import CertType, DataType, TsType
from mikey.wire import Cert, Err, Message, SrtpIdMap, T
from tests.naive import pki
from tests.naive.vectors import PSK
from tests.rules.method_parties import ALICE, BOB, MALLORY, certified
from tests.rules.psk_parties import CONTEXT, Time, refused
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
def test_without_a_handler_the_peer_is_refused(method: Method) -> None:
    """A program that fetches nothing is not brought down by a message that names a URL."""
    first = alice(method, credential=linked(ALICE, BOB)).start(STREAMS, context=CONTEXT)
    to = bob(credentials=[linked(BOB, "*")])
    error = refused(to, first, ErrorNumber.INVALID_CERT)
    assert to.refuse(error) is not None
    drive(to.receive(first, context=CONTEXT), {FetchCertificate: fetch})


@ANSWERING
def test_without_a_handler_the_answer_is_refused(method: Method) -> None:
    who = alice(method, credential=linked(ALICE, BOB))
    first = who.start(STREAMS, context=CONTEXT)
    response, theirs = answer_of(bob(credentials=[linked(BOB, "*")]), first)
    with pytest.raises(PeerError) as caught:
        drive(who.receive(response, context=CONTEXT))
    assert caught.value.number is ErrorNumber.INVALID_CERT
    same(drive(who.receive(response, context=CONTEXT), {FetchCertificate: fetch}), theirs)


def answer_of(to: Responder, first: bytes) -> tuple[bytes, Bundle]:
    offered = drive(to.receive(first, context=CONTEXT), {FetchCertificate: fetch})
    response, bundle = offered.accept({2: 0xB2})
    assert response is not None
    return response, bundle


def with_url(octets: bytes) -> bytes:
    """Return a message of nobody's with a certificate by URL in it, before its last payload."""
    message = Message.parse(octets)
    url = Cert(CertType.X509_URL, b"http://inside.example.com/")
    *front, last = message.payloads
    return Message.build(message.header, (*front, url, last)).octets


@pytest.mark.rule("R4738-3.8-3")
@pytest.mark.parametrize("method", [Method.PSK, Method.DHHMAC])
def test_no_certificate_is_fetched_where_none_has_a_part(method: Method) -> None:
    to = bob(credentials=[linked(BOB, "*"), Psk(Secret(PSK), BOB, ALICE)])
    who = alice(method)
    first = who.start(STREAMS, context=CONTEXT)
    no_step(lambda: to.receive(with_url(first), context=CONTEXT))
    response, _ = answer_of(to, first)
    no_step(lambda: who.receive(with_url(response), context=CONTEXT))


def no_step(call: Callable[[], object]) -> None:
    """Assert that a message is refused without asking for anything."""
    with pytest.raises(PeerError):
        call()


@pytest.mark.rule("R4738-3.8-3")
@SIGNED
def test_no_certificate_is_fetched_for_somebody_else(method: Method) -> None:
    first = alice(method, credential=linked(ALICE, BOB)).start(STREAMS, context=CONTEXT)
    for credential in (linked(MALLORY, "*"), certified(BOB, MALLORY), Psk(Secret(PSK), BOB, "*")):
        no_step(partial(bob(credentials=[credential]).receive, first, context=CONTEXT))
    other = Context(protocols=("mikey",), initiator=MALLORY)
    no_step(lambda: bob(credentials=[linked(BOB, "*")]).receive(first, context=other))


@pytest.mark.rule("R4738-3.8-3")
@ANSWERING
def test_no_certificate_is_fetched_for_what_answers_nothing(method: Method) -> None:
    """Of a forged answer the Initiator fetches no more than of one that repeats its message."""
    time = Time()
    who = alice(method, time, credential=linked(ALICE, BOB))
    to = bob(time, credentials=[linked(BOB, "*")])
    first = who.start(STREAMS, context=CONTEXT)
    response, _ = answer_of(to, first)
    assert isinstance(who.receive(with_url(response), context=CONTEXT), Step)
    no_step(lambda: who.receive(with_url(first), context=CONTEXT))
    message = Message.parse(response)
    for late in (T(TsType.NTP_UTC, time.ts(7)), T(TsType.COUNTER, b"\0\0\0\1")):
        payloads = [late if isinstance(item, T) else item for item in message.payloads]
        forged = Message.build(message.header, payloads).octets
        no_step(partial(who.receive, forged, context=CONTEXT))
        error = Message.build(
            replace(message.header, data_type=DataType.ERROR, cs_map=SrtpIdMap()),
            (late, Err(ErrorNumber.AUTH_FAILURE), message.payloads[-1]),
        )
        no_step(partial(who.receive, with_url(error.octets), context=CONTEXT))


@SIGNED
def test_message_that_grew_old_while_fetching(method: Method) -> None:
    """Whoever owns the server decides how long it takes: not beyond what is remembered."""
    time = Time()
    first = alice(method, time, credential=linked(ALICE, BOB)).start(STREAMS, context=CONTEXT)
    to = bob(time, credentials=[linked(BOB, "*")])
    early, late = (to.receive(first, context=CONTEXT) for _ in range(2))
    _, bundle = drive(early, {FetchCertificate: fetch}).accept({2: 0xB2})
    to.close(bundle)
    time.advance(2 * Policy().skew / SECOND + 2)
    with pytest.raises(TimestampError):
        drive(late, {FetchCertificate: fetch})


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
