"""The keys of a group, given to each member in an exchange of its own (RFC 3830 8.1)."""

from __future__ import annotations

import pytest

from mikey import (
    Bundle,
    ErrorNumber,
    Group,
    LocalError,
    Method,
    PolicyError,
    SrtpPolicy,
    Stream,
    drive,
)  # fmt: skip
from mikey.credentials import Certified
from mikey.methods._common import envelope
from mikey.methods._common.message_keys import MessageKeys
from mikey.policy.clock import value64
from mikey.wire import GeneralExtension, Kemac, KvSpi, Message, Pke, Rand, Sp, T
from tests.rules.psk_parties import CONTEXT, Time, offer_of, refused
from tests.rules.session_parties import (
    STREAMS,
    alice,
    alices,
    answer,
    bob,
    fails,
    parts,
    prints,
    same,
)

GROUPED = (Method.PSK, Method.PKE, Method.RSA_R)
SOURCES = (Stream(0x51), Stream(0x52))


def member(method: Method, group: Group, time: Time) -> tuple[bytes, Bundle]:
    """Key one more member; return the message with the keys, and the member's bundle."""
    if method is Method.RSA_R:  # the member asks
        who, to = alice(method, time), bob(time)
        offered = offer_of(to, who.start(join=True, context=CONTEXT))
        response, given = offered.accept(group=group)
        assert response is not None
        taken = drive(who.receive(response, context=CONTEXT))
        same(taken, given)
        return response, taken
    who, to = alice(method, time), bob(time)
    first = who.start(group=group, context=CONTEXT)
    response, taken = answer(to, first)
    given = drive(who.receive(response, context=CONTEXT))
    same(given, taken)
    return first, taken


@pytest.mark.rule("R3830-8.1-1", "R4567-4.1.2-10")
def test_every_member_has_the_same_keys() -> None:
    time = Time()
    group = Group.new(SOURCES)
    made = []
    for method in GROUPED * 2:
        time.advance(0.25)
        made.append(member(method, group, time))
    bundles = [bundle for _, bundle in made]
    assert {bundle.csb_id for bundle in bundles} == {group.csb_id}
    assert {bundle.rand for bundle in bundles} == {group.rand}
    assert {bundle.sessions for bundle in bundles} == {bundles[0].sessions}
    assert all(bundle.keys == group.keys for bundle in bundles)
    assert {tuple(prints(bundle)) for bundle in bundles} == {tuple(prints(bundles[0]))}
    assert {tuple(bundle.policies.values()) for bundle in bundles} == {(SrtpPolicy(),)}
    stamps = {parts(octets, T) for octets, _ in made}
    assert len(stamps) == len(made)


@pytest.mark.rule("R3830-8.1-1")
@pytest.mark.parametrize("method", GROUPED)
def test_rand_of_the_group_is_in_each_message(method: Method) -> None:
    group = Group.new(SOURCES)
    octets, _ = member(method, group, Time())
    assert parts(octets, Rand) == (Rand(group.rand),)


@pytest.mark.parametrize("method", GROUPED)
def test_removed_member_lacks_the_new_key(method: Method) -> None:
    time = Time()
    group = Group.new(SOURCES)
    _, before = member(method, group, time)
    time.advance(1)
    _, after = member(method, group.renewed(), time)
    assert set(prints(before)).isdisjoint(prints(after))
    assert (before.csb_id, before.rand) == (after.csb_id, after.rand)
    mkis = [bundle.keys[0].validity for bundle in (before, after)]
    assert [isinstance(mki, KvSpi) for mki in mkis] == [True, True]
    assert mkis[0] != mkis[1]
    packet = bytes.fromhex("80000001000000000000005100") + b"media"
    protected = after.srtp_sender(1).protect(packet)
    assert after.srtp_receiver(1).unprotect(protected) == packet
    with pytest.raises(Exception, match=r".") as caught:
        before.srtp_receiver(1).unprotect(protected)
    assert type(caught.value).__module__ == "mikey.errors"


@pytest.mark.parametrize("method", GROUPED)
def test_late_joiner_has_the_rollover_counter(method: Method) -> None:
    group = Group.new(SOURCES).at({1: 7})
    _, bundle = member(method, group, Time())
    assert [session.roc for session in bundle.crypto_sessions] == [7, 0]
    packet = bytes.fromhex("80000001000000000000005100") + b"media"
    protected = bundle.srtp_sender(1).protect(packet)
    assert bundle.srtp_receiver(1).unprotect(protected) == packet
    with pytest.raises(LocalError):
        group.at({3: 1})


@pytest.mark.rule("R3830-4.3.2-2")
@pytest.mark.parametrize("method", [Method.PSK, Method.PKE])
def test_member_passes_no_keys_on(method: Method) -> None:
    time = Time()
    who, to = alice(method, time), bob(time)
    response, taken = answer(to, who.start(group=Group.new(SOURCES), context=CONTEXT))
    assert parts(response, Kemac) == parts(response, Pke) == ()
    assert taken.keys[0].key.expose() not in response
    time.advance(1)
    with pytest.raises(LocalError, match="by the Initiator of the CSB"):
        alice(method, time).rekey(taken)


@pytest.mark.rule("R3830-5.1.1-2")
@pytest.mark.parametrize("method", [Method.PSK, Method.PKE])
def test_policy_of_a_group_is_taken_or_left(method: Method) -> None:
    group = Group.new(SOURCES, policy=SrtpPolicy.AEAD_AES_128_GCM)
    first = alice(method).start(group=group, context=CONTEXT)
    to = bob(policies=[SrtpPolicy.AES_CM_128_HMAC_SHA1_80])
    refused(to, first, ErrorNumber.INVALID_SPPAR)
    _, other = member(method, group, Time())
    assert {session.policy for session in other.crypto_sessions} == set(group.policies)


@pytest.mark.rule("R3830-5.1.1-2", "R4567-4.1.2-10")
def test_policy_of_a_group_is_not_chosen_in_rsar() -> None:
    who = alice(Method.RSA_R)
    first = who.start(join=True, context=CONTEXT)
    assert parts(first, Sp) == parts(first, Rand) == ()
    unicast = offer_of(bob(), alice(Method.RSA_R).start(STREAMS, context=CONTEXT))
    with pytest.raises(Exception, match="no policies"):
        unicast.accept(group=Group.new(SOURCES))
    two = (Stream(1), Stream(2, policy=SrtpPolicy.AEAD_AES_256_GCM))
    with pytest.raises(LocalError, match="one policy"):
        offer_of(bob(), first).accept(group=Group.new(two))


@pytest.mark.rule("R7714-8.4-1")
def test_gcm_group_has_its_ssrcs_and_a_key_for_each() -> None:
    gcm = SrtpPolicy.AEAD_AES_128_GCM
    group = Group.new(SOURCES, policy=gcm)
    bundles = [member(method, group, Time())[1] for method in GROUPED]
    for bundle in bundles:
        assert [session.ssrc for session in bundle.crypto_sessions] == [0x51, 0x52]
        keys = {bundle.masters(cs_id)[0].key.expose() for cs_id in (1, 2)}
        assert len(keys) == 2
    with pytest.raises(LocalError, match="SSRC"):
        Group.new([Stream(1), Stream()], policy=gcm)


def test_answer_of_the_wrong_kind_is_refused() -> None:
    """Who asked for keys of its own gets no group's, and the other way round."""
    who, to = alice(Method.RSA_R), bob()
    response, _ = offer_of(to, who.start(join=True, context=CONTEXT)).accept()
    assert response is not None
    fails(who, response)


def test_keys_of_a_group_do_not_leak_into_an_answer_without_it() -> None:
    """An answer with the group's keys that failed leaves nothing of them behind."""
    group = Group.new(SOURCES)
    who, to = alice(Method.RSA_R), bob()
    first = who.start((Stream(0xA1),), join=True, context=CONTEXT)
    offered = offer_of(to, first)
    with pytest.raises(LocalError, match="no crypto session 9"):
        offered.accept({9: 1}, group=group)
    response, bundle = offered.accept()
    assert response is not None
    assert parts(response, GeneralExtension) == parts(response, Sp) == ()
    assert bundle.keys != group.keys
    message, credential = Message.parse(response), alices(Method.RSA_R)
    assert isinstance(credential, Certified)
    key, sound = envelope.decrypt_key(message.one(Pke), credential)
    keys = MessageKeys(key, message.header.prf, message.header.csb_id, message.one(Rand).value)
    opened = envelope.unseal(message, keys, value64(message.one(T)), sound=sound)
    assert opened.keys == bundle.keys


@pytest.mark.parametrize("method", [Method.DH_SIGN, Method.DHHMAC, Method.RSA_R])
def test_methods_that_give_no_keys(method: Method) -> None:
    with pytest.raises(LocalError, match="nobody"):
        alice(method).start(group=Group.new(SOURCES))
    if method is not Method.RSA_R:
        with pytest.raises(LocalError, match="RSA-R"):
            alice(method).start(join=True)


def test_group_keys_are_given_to_rsar_requests_alone() -> None:
    offered = offer_of(bob(), alice(Method.PSK).start(STREAMS, context=CONTEXT))
    with pytest.raises(LocalError, match="RSA-R"):
        offered.accept(group=Group.new(SOURCES))


def test_csb_id_of_the_request_is_not_the_groups() -> None:
    group = Group.new(SOURCES)
    first = alice(Method.RSA_R).start(join=True, context=CONTEXT)
    assert Message.parse(first).header.csb_id != group.csb_id


def test_a_member_takes_no_group_whose_packets_are_in_clear() -> None:
    clear = SrtpPolicy.NULL_HMAC_SHA1_80
    group = Group.new([Stream(0xC1, policy=clear)])
    for policies, taken in (((SrtpPolicy(),), False), ((clear,), True)):
        time = Time()
        who = alice(Method.RSA_R, time, policies=policies)
        offered = offer_of(bob(time), who.start(join=True, context=CONTEXT))
        response, _ = offered.accept(group=group)
        assert response is not None
        if taken:
            assert drive(who.receive(response, context=CONTEXT)).crypto_sessions
        else:
            with pytest.raises(PolicyError, match="not acceptable"):
                who.receive(response, context=CONTEXT)
