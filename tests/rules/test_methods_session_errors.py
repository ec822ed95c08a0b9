"""What a Responder answers to what it refuses, method by method (RFC 3830 5.1.2)."""

from __future__ import annotations

import pytest

from mikey import (
    Context,
    ErrorNumber,
    Method,
    PeerError,
    ReportedError,
    SrtpPolicy,
    drive,
    offered_policies,
)  # fmt: skip
from mikey.methods._common.error_message import error_parts
from mikey.methods._common.signature import build_signed
from mikey.policy import Policy
from mikey.registry import DataType, EncrAlg
from mikey.wire import Err, Kemac, Message, Sign, T, V
from tests.rules.method_parties import ALICE, BOB, MALLORY, certified
from tests.rules.psk_parties import CONTEXT, Time, refused
from tests.rules.session_parties import METHODS, STREAMS, alice, answer, bob, fails, parts, run

ACCEPTED = (SrtpPolicy.AEAD_AES_256_GCM, SrtpPolicy.AES_256_CM_HMAC_SHA1_80)
# What authenticates the Error message of a peer that was authenticated.
PROOF = {Method.PSK: V, Method.PKE: V, Method.DH_SIGN: Sign, Method.RSA_R: Sign}


@pytest.mark.rule("R4650-4.1-2")
@METHODS
def test_policies_are_offered_in_the_answer_to_error_10(method: Method) -> None:
    who, to = alice(method), bob(policies=ACCEPTED)
    error = refused(to, who.start(STREAMS, context=CONTEXT), ErrorNumber.INVALID_SPPAR)
    octets = to.refuse(error)
    assert octets is not None
    assert Message.parse(octets).header.data_type is DataType.ERROR
    reported = fails(who, octets)
    assert isinstance(reported, ReportedError)
    assert reported.numbers == (ErrorNumber.INVALID_SPPAR,)
    if method is Method.DHHMAC:  # V has no place in it
        assert not reported.authenticated
        assert parts(octets, V) == parts(octets, Kemac) == ()
        assert offered_policies(reported) == ()
        return
    assert reported.authenticated
    assert len(parts(octets, PROOF[method])) == 1
    assert offered_policies(reported) == ACCEPTED
    again = who.start(STREAMS, context=CONTEXT)
    refused(to, again, ErrorNumber.INVALID_SPPAR)


@pytest.mark.parametrize("method", [Method.DH_SIGN, Method.RSA_R])
def test_error_of_somebody_else_leaves_the_exchange_open(method: Method) -> None:
    """Whoever may answer, it is whom the signalling shows: not Mallory, certified as she is."""
    who, to = alice(method, credential=certified(ALICE, "*")), bob()
    first = Message.parse(who.start(STREAMS, context=CONTEXT))
    shown = Context(protocols=("mikey",), responder=BOB)
    header, payloads = error_parts(first.header, first.one(T), (ErrorNumber.AUTH_FAILURE,), ())
    for name, kind in ((MALLORY, PeerError), (BOB, ReportedError)):
        credential = certified(name, ALICE)
        signed = build_signed(header, (*payloads, *credential.cert_payloads()), credential)
        with pytest.raises(kind) as caught:
            drive(who.receive(signed, context=shown))
        assert isinstance(caught.value, ReportedError) is (name == BOB)
    with pytest.raises(PeerError, match="no exchange"):
        drive(who.receive(answer(to, first.octets)[0], context=shown))


@METHODS
def test_forged_error_leaves_the_exchange_open(method: Method) -> None:
    who, to = alice(method), bob()
    first = who.start(STREAMS, context=CONTEXT)
    message = Message.parse(first)
    header = type(message.header)(DataType.ERROR, message.header.csb_id, message.header.cs_map)
    bare = Message.build(header, (message.one(T), Err(ErrorNumber.INVALID_SPPAR))).octets
    reported = fails(who, bare)
    assert isinstance(reported, ReportedError)
    assert not reported.authenticated
    assert to.refuse(refused(to, bare, None)) is None
    run(who, to, first)


@METHODS
def test_changed_error_is_refused(method: Method) -> None:
    who, to = alice(method), bob(policies=ACCEPTED)
    first = who.start(STREAMS, context=CONTEXT)
    octets = to.refuse(refused(to, first, ErrorNumber.INVALID_SPPAR))
    assert octets is not None
    if method is not Method.DHHMAC:
        assert not isinstance(fails(who, octets[:-1] + bytes([octets[-1] ^ 1])), ReportedError)
    assert isinstance(fails(who, octets), ReportedError)


@pytest.mark.rule("R4650-4.1-2")
@METHODS
def test_failed_authentication_is_answered_bare(method: Method) -> None:
    who, to = alice(method), bob()
    first = who.start(STREAMS, context=CONTEXT)
    error = refused(to, first[:-1] + bytes([first[-1] ^ 1]), ErrorNumber.AUTH_FAILURE)
    octets = to.refuse(error)
    assert octets is not None
    assert parts(octets, Err) == (Err(ErrorNumber.AUTH_FAILURE),)
    assert parts(octets, V) == parts(octets, Sign) == parts(octets, Kemac) == ()
    reported = fails(who, octets)
    assert isinstance(reported, ReportedError)
    assert not reported.authenticated


@pytest.mark.rule("R4650-4.1-2")
@METHODS
def test_answers_are_limited_in_rate(method: Method) -> None:
    time = Time()
    to = bob(time, errors_per_second=2)
    first = alice(method, time).start(STREAMS, context=CONTEXT)
    wrong = first[:-1] + bytes([first[-1] ^ 1])
    answers = [to.refuse(refused(to, wrong, ErrorNumber.AUTH_FAILURE)) for _ in range(5)]
    assert [answer is not None for answer in answers] == [True, True, False, False, False]


@METHODS
def test_stale_timestamp(method: Method) -> None:
    time = Time()
    first = alice(method, time).start(STREAMS, context=CONTEXT)
    time.advance(301)
    to = bob(time)
    assert to.refuse(refused(to, first, ErrorNumber.INVALID_TS)) is not None
    silent = bob(time, policy=Policy(report_timestamps=False))
    assert silent.refuse(refused(silent, first, ErrorNumber.INVALID_TS)) is None


@METHODS
def test_replay_is_not_answered(method: Method) -> None:
    who, to = alice(method), bob()
    first = who.start(STREAMS, context=CONTEXT)
    run(who, to, first)
    assert to.refuse(refused(to, first, None)) is None


@METHODS
def test_response_is_not_answered(method: Method) -> None:
    to = bob()
    response, _ = answer(to, alice(method).start(STREAMS, context=CONTEXT))
    assert to.refuse(refused(to, response, None)) is None


@METHODS
def test_wrong_number_of_sessions_is_authenticated(method: Method) -> None:
    who, to = alice(method), bob()
    context = Context(protocols=("mikey",), lines=4)
    error = refused(
        to, who.start(STREAMS, context=CONTEXT), ErrorNumber.UNSPECIFIED, context=context
    )
    octets = to.refuse(error)
    assert octets is not None
    reported = fails(who, octets)
    assert isinstance(reported, ReportedError)
    assert reported.authenticated is (method is not Method.DHHMAC)


@pytest.mark.rule("R4650-4.1-2")
def test_dhhmac_with_an_encryption_is_refused() -> None:
    who, to = alice(Method.DHHMAC), bob()
    message = Message.parse(who.start(STREAMS, context=CONTEXT))
    kemac = message.one(Kemac)
    payloads = (
        *message.payloads[:-1],
        Kemac(EncrAlg.AES_CM_128, b"", kemac.mac_alg, kemac.mac),
    )
    octets = Message.build(message.header, payloads).octets
    assert to.refuse(refused(to, octets, ErrorNumber.INVALID_EA)) is not None
