"""SRTP policies of whole exchanges (areas srtp-map and srtp-policy); also unit/policy/test_sp."""

from __future__ import annotations

from typing import Any

import pytest

from mikey import ErrorNumber, Stream
from mikey.errors import PolicyError, ReportedError, UnsupportedError
from mikey.policy import SrtpPolicy
from mikey.session.stream import offered_policies
from tests.naive import encode as e
from tests.naive.vectors import PSK
from tests.rules.psk_parties import (
    CONTEXT,
    MINE,
    STREAMS,
    Craft,
    accepted,
    alice,
    answered,
    bob,
    offer,
    offered,
    policies,
    refused,
)

FULL = dict(e.AES_CM_128_HMAC_SHA1_80)
STRONG = [name for name, policy in SrtpPolicy.presets().items() if not policy.is_weak]


def changed(**changes: int | bytes | None) -> e.Policy:
    """Return the full policy with parameters t0 ... t20 changed, added or (None) left out."""
    params: dict[int, bytes] = dict(FULL)
    for name, value in changes.items():
        params.pop(int(name[1:]), None)
        if value is not None:
            params[int(name[1:])] = value if isinstance(value, bytes) else bytes([value])
    return tuple(params.items())


def policy_of(params: e.Policy, **options: Any) -> SrtpPolicy:
    stream = offered(bob(**options), offer(policies=(params,))).streams[0]
    assert stream.policy is not None
    return stream.policy


def rtp(ssrc: int) -> bytes:
    return b"\x80\x60\x00\x01" + bytes(4) + ssrc.to_bytes(4) + b"media"


@pytest.mark.rule("R3830-6.10.1-8", "R3830-6.10.1-13", "R7714-12-1", "R7714-15-1")
@pytest.mark.parametrize("name", STRONG)
def test_every_policy_keys_media(name: str, emitted: Any) -> None:
    policy = SrtpPolicy.named(name)
    initiator = alice(policies=[policy])
    first = emitted.add(initiator.start(STREAMS, context=CONTEXT))
    answer, theirs = accepted(bob(), first)
    assert answer is not None
    ours = answered(initiator, emitted.add(answer))
    assert ours.crypto_sessions == theirs.crypto_sessions
    for session in ours.crypto_sessions:
        assert session.policy == policy
        assert len(session.keys[0].key) == policy.key_length
        assert len(session.keys[0].salt) == policy.master_salt_length
    packet = ours.srtp_sender(1).protect(rtp(MINE))
    assert len(packet) == len(rtp(MINE)) + policy.srtp_tag_length
    assert theirs.srtp_receiver(1).unprotect(packet) == rtp(MINE)


@pytest.mark.rule("R3830-6.10.1-7")
@pytest.mark.parametrize("number", sorted(FULL))
def test_what_is_absent_has_the_default_of_rfc_3711(number: int) -> None:
    assert policy_of(changed(**{f"t{number}": None})) == SrtpPolicy()
    assert policy_of(((number, FULL[number]),)) == SrtpPolicy()
    assert policy_of(()) == SrtpPolicy()


@pytest.mark.rule("R3830-6.10.1-8")
@pytest.mark.parametrize("octets", [16, 24, 32])
def test_the_key_length_is_that_of_the_master_key(octets: int) -> None:
    _, bundle = accepted(bob(), offer(policies=(changed(t1=octets),)))
    assert [len(session.keys[0].key) for session in bundle.crypto_sessions] == [octets] * 2


@pytest.mark.rule("R3830-6.10.1-8")
def test_each_session_has_the_lengths_of_its_own_policy() -> None:
    gcm: e.Policy = ((0, b"\6"), (1, b"\x20"))
    entries = ((0, MINE, 0), (1, 0, 0))
    _, bundle = accepted(bob(), offer(policies=(changed(), gcm), cs=entries))
    assert [(len(s.keys[0].key), len(s.keys[0].salt)) for s in bundle.crypto_sessions] == [
        (16, 14), (32, 12),
    ]  # fmt: skip


@pytest.mark.rule("R3830-6.10.1-11", "R3830-6.10.1-12", "R3830-6.10.1-13")
@pytest.mark.parametrize(
    "params",
    [
        changed(t99=1),
        changed(t0=3),
        changed(t1=20),
        changed(t2=2),
        changed(t4=12),
        changed(t5=1),
        changed(t6=3),
        changed(t11=3),
        changed(t12=4),
        changed(t13=1),
        changed(t14=b"\1\0"),
        changed(t0=b""),
        (*changed(), (0, b"\1")),
    ],
)
def test_what_is_not_supported_is_error_10_with_our_policies(params: e.Policy) -> None:
    responder = bob()
    first = offer(policies=(params,))
    error = refused(responder, first, ErrorNumber.INVALID_SPPAR, PolicyError)
    message = responder.refuse(error)
    assert message is not None
    assert len(policies(message)) == len(STRONG)
    # The Initiator reads them back and may choose.
    initiator = alice()
    sent = initiator.start(STREAMS, context=CONTEXT)
    reply = e.error_message(sent, [10], policies=[p["params"] for p in policies(message)], psk=PSK)
    with pytest.raises(ReportedError) as caught:
        initiator.receive(reply, context=CONTEXT)
    assert offered_policies(caught.value) == tuple(SrtpPolicy.named(name) for name in STRONG)


def test_lists_of_alternatives_without_end_are_cut() -> None:
    """The message may be a forgery: reading it costs little whatever it holds."""
    initiator = alice()
    sent = initiator.start(STREAMS, context=CONTEXT)
    lists = [((0, b"\1"), (1, b"\x10"), (1, b"\x20"), (11, b"\4"), (11, bytes([n % 11 + 4])))
             for n in range(200)]  # fmt: skip
    with pytest.raises(ReportedError) as caught:
        initiator.receive(e.error_message(sent, [10], policies=lists))
    found = offered_policies(caught.value)
    assert len(found) == len(set(found)) == 2 * 11


@pytest.mark.parametrize("prot_type", [1, 9])
def test_another_security_protocol_is_error_9(prot_type: int) -> None:
    craft = Craft()
    payloads = [*craft.payloads(), e.sp((), no=1, prot_type=prot_type)]
    refused(bob(), craft.message(payloads), ErrorNumber.INVALID_SP, UnsupportedError)


@pytest.mark.rule("R3711-5.2-1")
def test_a_short_tag_is_for_srtp_alone() -> None:
    _, bundle = accepted(bob(), offer(policies=(changed(t11=4),)))
    sender = bundle.srtp_sender(1)
    assert len(sender.protect(rtp(MINE))) == len(rtp(MINE)) + 4
    report = b"\x80\xc9\x00\x01" + MINE.to_bytes(4)
    assert len(sender.protect_rtcp(report)) == len(report) + 4 + 10


@pytest.mark.rule("R7714-15-1x", "R7714-7.1-1", "R7714-8.2-1")
@pytest.mark.parametrize(
    "params",
    [
        ((0, b"\6"), (2, b"\1")),
        ((0, b"\6"), (7, b"\0")),
        ((0, b"\6"), (5, b"\2")),
        ((0, b"\6"), (4, b"\x0e")),
        ((0, b"\6"), (1, b"\x18")),
        ((0, b"\6"), (20, b"\x0c")),
        ((0, b"\1"), (20, b"\x10")),
        changed(t0=6),
    ],
)
def test_policies_that_are_no_gcm(params: e.Policy) -> None:
    refused(bob(), offer(policies=(params,)), ErrorNumber.INVALID_SPPAR, PolicyError)


@pytest.mark.parametrize("params", [changed(t0=0), changed(t7=0), changed(t8=0), changed(t10=0)])
def test_what_does_not_protect_is_refused_unless_named(params: e.Policy) -> None:
    first = offer(policies=(params,))
    refused(bob(), first, ErrorNumber.INVALID_SPPAR, PolicyError)
    weak = policy_of(params, policies=list(_weak()))
    assert weak.is_weak


def _weak() -> list[SrtpPolicy]:
    return [
        SrtpPolicy.NULL_HMAC_SHA1_80,
        SrtpPolicy(srtp_encryption=False),
        SrtpPolicy(srtcp_encryption=False),
        SrtpPolicy(srtp_authentication=False),
    ]


def test_streams_take_the_policies_that_they_name() -> None:
    gcm = SrtpPolicy.AEAD_AES_256_GCM
    streams = [Stream(MINE), Stream(policy=gcm), Stream(MINE + 1, policy=gcm), Stream()]
    first = alice().start(streams, context=CONTEXT)
    verified = offered(bob(), first)
    assert [stream.policy for stream in verified.streams] == [SrtpPolicy(), gcm, gcm, SrtpPolicy()]
    assert len(policies(first)) == 2
