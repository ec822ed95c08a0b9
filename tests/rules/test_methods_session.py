"""Sessions of every method: exchange, update, kept envelope keys, choice of the method."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import permutations

import pytest

from mikey import (
    CacheType,
    Clock,
    Context,
    DecodeError,
    ErrorNumber,
    Group,
    Initiator,
    LocalError,
    Method,
    NoKey,
    PeerError,
    PolicyError,
    Psk,
    Secret,
    SrtpPolicy,
    Stream,
    drive,
)  # fmt: skip
from mikey.credentials import SoftwareKey
from mikey.policy import Policy
from mikey.registry import DataType, DhGroup, ExtensionType, HashFunc
from mikey.wire import Chash, GeneralExtension, Kemac, Message, Pke, Rand, Sp, SrtpIdMap, T
from tests.naive import pki
from tests.naive.vectors import PSK
from tests.rules.method_parties import ALICE, BOB, MALLORY, certified
from tests.rules.psk_parties import CONTEXT, Time, offer_of, refused
from tests.rules.session_parties import (
    ANSWERED,
    CERTIFIED,
    KEPT,
    METHODS,
    STREAMS,
    alice,
    alices,
    answer,
    bob,
    bobs,
    exchange,
    fails,
    parts,
    prints,
    run,
    same,
)

UPDATED = [Method.PSK, Method.PKE, Method.DH_SIGN, Method.DHHMAC]


@METHODS
def test_exchange(method: Method) -> None:
    _, _, ours, theirs = exchange(method)
    assert ours.method == method.value
    assert [session.ssrc for session in ours.crypto_sessions] == [0xA1, 0xB2]
    assert len(set(prints(ours))) == 2
    assert ours.keys == theirs.keys


@pytest.mark.rule("R3830-9.1-2")
@METHODS
def test_keys_are_fresh_and_strong(method: Method) -> None:
    first, second = exchange(method)[2], exchange(method)[2]
    keys = [bundle.keys[0].key.expose() for bundle in (first, second)]
    assert keys[0] != keys[1]
    assert min(map(len, keys)) >= 16
    assert first.rand != second.rand


@pytest.mark.rule("R3830-9.1-2")
@pytest.mark.parametrize("method", [Method.DH_SIGN, Method.DHHMAC])
@pytest.mark.parametrize("group", [DhGroup.OAKLEY_1, DhGroup.OAKLEY_2])
def test_weak_groups_need_a_policy(method: Method, group: DhGroup) -> None:
    with pytest.raises(LocalError, match="dh_groups"):
        alice(method, dh_group=group)
    weak = Policy(dh_groups=frozenset({group}))
    who = alice(method, dh_group=group, policy=weak)
    refused(bob(), who.start(STREAMS, context=CONTEXT), ErrorNumber.INVALID_DH)
    run(who, bob(policy=weak), who.start(STREAMS, context=CONTEXT))


@pytest.mark.parametrize("method", UPDATED)
@pytest.mark.parametrize("new_keys", [True, False])
def test_update(method: Method, new_keys: bool) -> None:
    who, to, ours, _ = exchange(method)
    streams = (Stream(0xA1), Stream(0xB2), Stream(0xA3), Stream())
    octets = who.rekey(ours, streams=streams, new_keys=new_keys, context=CONTEXT)
    assert parts(octets, Rand) == ()
    updated, _ = run(who, to, octets)
    assert (prints(updated)[:2] == prints(ours)) is not new_keys
    assert len(updated.keys) == 1 + new_keys
    assert [session.ssrc for session in updated.crypto_sessions] == [0xA1, 0xB2, 0xA3, 0xB4]
    assert updated.rand == ours.rand
    again, _ = run(who, to, who.rekey(updated, context=CONTEXT))
    assert prints(again) != prints(updated)


@pytest.mark.rule("R3830-4.5-5", "R3830-3.2-10")
@pytest.mark.parametrize("method", [Method.PKE, Method.RSA_R])
@pytest.mark.parametrize("cache", KEPT)
def test_kept_envelope_key_updates_as_psk(method: Method, cache: CacheType) -> None:
    who, to, ours, theirs = exchange(method, cache=cache)
    assert ours.message_key is not None
    assert ours.message_key == theirs.message_key
    for _ in range(3):
        octets = who.rekey(ours, context=CONTEXT)
        assert Message.parse(octets).header.data_type is DataType.PSK_INIT
        updated, _ = run(who, to, octets)
        assert updated.method == method.value
        assert prints(updated) != prints(ours)
        assert updated.message_key == ours.message_key
        ours = updated


@pytest.mark.rule("R3830-6.3-3")
@pytest.mark.parametrize("method", [Method.PKE, Method.RSA_R])
def test_envelope_key_is_not_kept_unless_said(method: Method) -> None:
    _, _, ours, theirs = exchange(method)
    assert ours.message_key is None
    assert theirs.message_key is None


@pytest.mark.rule("R3830-6.3-3")
@pytest.mark.parametrize("cache", KEPT)
def test_kept_envelope_key_serves_its_own_csb_only(cache: CacheType) -> None:
    time = Time()
    _, to, ours, _ = exchange(Method.PKE, time, cache=cache)
    assert ours.message_key is not None
    stranger = Initiator(Psk(ours.message_key, ALICE, BOB), clock=Clock(time))
    refused(to, stranger.start(STREAMS, context=CONTEXT), ErrorNumber.AUTH_FAILURE)


@pytest.mark.rule("R3830-3.2-10")
def test_closed_csb_has_no_updates() -> None:
    who, to, ours, theirs = exchange(Method.PKE, cache=CacheType.CACHE)
    octets = who.rekey(ours, context=CONTEXT)
    to.close(theirs)
    refused(to, octets, ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.rule("R3830-4.5-5")
def test_public_key_update_under_a_kept_key_is_refused() -> None:
    time = Time()
    who, to, ours, _ = exchange(Method.PKE, time, cache=CacheType.CACHE)
    octets = who.rekey(replace(ours, message_key=None), context=CONTEXT)
    assert Message.parse(octets).header.data_type is DataType.PKE_INIT
    refused(to, octets, ErrorNumber.UNSPECIFIED, PolicyError)


@pytest.mark.rule("R4738-3.6-14")
def test_rsar_has_no_second_run() -> None:
    time = Time()
    who, to, ours, _ = exchange(Method.RSA_R, time)
    with pytest.raises(LocalError, match="no update"):
        who.rekey(ours, context=CONTEXT)
    time.advance(1)
    csb_id = ours.csb_id.to_bytes(4)
    again = alice(Method.RSA_R, time, random=lambda n: csb_id if n == 4 else bytes(range(n))).start(
        STREAMS, context=CONTEXT
    )
    assert Message.parse(again).header.csb_id == ours.csb_id
    refused(to, again, ErrorNumber.UNSPECIFIED, PolicyError)


@pytest.mark.rule("R4738-3.4-3")
@pytest.mark.parametrize("lines", [1, 3])
def test_rsar_responder_defines_the_map(lines: int) -> None:
    context = Context(protocols=("mikey",), lines=lines)
    who, to = alice(Method.RSA_R), bob()
    first = who.start((), context=context)
    cs_map = Message.parse(first).header.cs_map
    assert isinstance(cs_map, SrtpIdMap)
    assert cs_map.sessions == ()
    ours, _ = run(who, to, first, context)
    assert [s.ssrc for s in ours.crypto_sessions] == [0xB1 + i for i in range(2 * lines)]


@pytest.mark.rule("R4738-3.6-1")
def test_rsar_responder_chooses_the_policy() -> None:
    offered = (SrtpPolicy.AEAD_AES_128_GCM, SrtpPolicy.AES_CM_128_HMAC_SHA1_32)
    who = alice(Method.RSA_R, policies=offered)
    ours, _ = run(who, bob(policies=offered[1:]), who.start(STREAMS, context=CONTEXT))
    assert {session.policy for session in ours.crypto_sessions} == {offered[1]}


@pytest.mark.rule("R3830-6.11-2")
def test_rsar_answer_has_a_long_rand_too() -> None:
    who = alice(Method.RSA_R, policy=Policy(minimum_rand=17))
    first = who.start(join=True, context=CONTEXT)
    response, _ = offer_of(bob(), first).accept(group=Group.new([Stream(5)]))
    assert response is not None
    error = fails(who, response)
    assert error.number is None
    assert "RAND" in str(error)


@pytest.mark.rule("R3830-6.8-6")
def test_responder_tries_each_of_its_keys() -> None:
    other = certified(BOB, "*", key=SoftwareKey(pki.key("bob 2")), chain=(
        pki.certificate(BOB.encode(), owner="bob 2"), pki.middle().der))  # fmt: skip
    for credentials in ([other, certified(BOB, "*")], [certified(BOB, "*"), other]):
        who = alice(Method.PKE, cache=CacheType.CACHE)
        first = who.start(STREAMS, context=CONTEXT)
        assert parts(first, Chash) == ()
        to = bob(credentials=credentials)
        ours, theirs = run(who, to, first)
        assert theirs.credential is credentials[credentials[0] is other]
        run(who, to, who.rekey(ours, context=CONTEXT))
    third = alice(Method.PKE).start(STREAMS, context=CONTEXT)
    refused(bob(credentials=[other]), third, ErrorNumber.AUTH_FAILURE)


class Untouched:
    """A key to sign with, which nothing may be decrypted with."""

    blocking = False

    def __init__(self, owner: str) -> None:
        self.key = SoftwareKey(pki.key(owner))
        self.size = self.key.size

    def sign(self, octets: bytes, *, hash: str, pss: bool) -> bytes:  # noqa: A002
        return self.key.sign(octets, hash=hash, pss=pss)

    def decrypt(self, ciphertext: bytes) -> Secret:
        raise AssertionError("the envelope is for another key")


@pytest.mark.rule("R3830-6.8-3", "R3830-6.8-4")
@pytest.mark.parametrize("chash", [HashFunc.SHA_1, HashFunc.SHA_256])
def test_initiator_tells_which_key_the_envelope_is_for(chash: HashFunc) -> None:
    other = certified(BOB, "*", key=Untouched("bob 2"), chain=(
        pki.certificate(BOB.encode(), owner="bob 2"), pki.middle().der))  # fmt: skip
    certificate = pki.certificate(BOB.encode())
    credential = certified(ALICE, BOB, peer_certificate=certificate, chash=chash)
    time = Time()
    who = alice(Method.PKE, time, credential=credential)
    to = bob(time, credentials=[other, certified(BOB, "*")])
    first = who.start(STREAMS, context=CONTEXT)
    (named,) = parts(first, Chash)
    assert isinstance(named, Chash)
    assert named.hash_func is chash
    assert named.value == hashlib.new(chash.name.replace("_", ""), certificate).digest()
    ours, _ = run(who, to, first)
    # An update says it again, for its envelope is a new one (R3830-4.5-3).
    update = who.rekey(ours, context=CONTEXT)
    assert parts(update, Chash) == (named,)
    run(who, to, update)
    refused(bob(credentials=[other]), alice(Method.PKE, credential=credential).start(STREAMS),
            ErrorNumber.INVALID_CERT)  # fmt: skip


def test_a_hash_that_nobody_knows_names_no_certificate() -> None:
    with pytest.raises(LocalError, match="unassigned 9"):
        certified(ALICE, BOB, chash=HashFunc(9))


def test_one_responder_serves_every_method_at_once() -> None:
    time = Time()
    to = bob(time)
    pairs = []
    for method in ANSWERED:
        who = alice(method, time)
        pairs.append(run(who, to, who.start(STREAMS, context=CONTEXT)))
    assert [theirs.method for _, theirs in pairs] == [method.value for method in ANSWERED]
    assert len({ours.csb_id for ours, _ in pairs}) == len(ANSWERED)
    for ours, theirs in pairs:
        same(ours, theirs)


@METHODS
def test_method_without_a_credential_is_refused(method: Method) -> None:
    wrong = [c for c in bobs() if isinstance(c, Psk) is (method in CERTIFIED)]
    first = alice(method).start(STREAMS, context=CONTEXT)
    if method is Method.PSK:  # a certificate may have left a key to update under
        refused(bob(credentials=wrong), first, ErrorNumber.AUTH_FAILURE)
    else:
        refused(bob(credentials=wrong), first, ErrorNumber.INVALID_DT)


@METHODS
def test_message_for_somebody_else(method: Method) -> None:
    carol = "sip:carol@example.com"
    first = alice(method, credential=alices(method, carol)).start(STREAMS, context=CONTEXT)
    refused(bob(), first, ErrorNumber.INVALID_ID)


@METHODS
def test_initiator_in_the_signalling_is_the_one_in_the_message(method: Method) -> None:
    first = alice(method).start(STREAMS, context=CONTEXT)
    seen = replace(CONTEXT, initiator=MALLORY)
    refused(bob(), first, ErrorNumber.INVALID_ID, context=seen)


@METHODS
def test_responder_in_the_signalling_is_the_one_that_answers(method: Method) -> None:
    who = alice(method)
    response, _ = answer(bob(), who.start(STREAMS, context=CONTEXT))
    with pytest.raises(PolicyError, match="the signalling says"):
        who.receive(response, context=replace(CONTEXT, responder=MALLORY))
    assert drive(who.receive(response, context=replace(CONTEXT, responder=BOB))).peer == BOB


@pytest.mark.rule("R4650-4.4-1")
@METHODS
def test_list_of_protocols_is_protected(method: Method) -> None:
    """The list stands in front of what authenticates; another list in the carrier is refused."""
    carrier = Context(protocols=("mikey", "other"))
    first = alice(method).start(STREAMS, context=carrier)
    lists = [x for x in parts(first, GeneralExtension) if isinstance(x, GeneralExtension)]
    assert [(x.ext_type, x.data) for x in lists] == [(ExtensionType.SDP_IDS, b"mikey;other")]
    assert not isinstance(Message.parse(first).payloads[-1], GeneralExtension)
    refused(bob(), first, ErrorNumber.UNSPECIFIED, PolicyError)
    offer_of(bob(), alice(method).start(STREAMS, context=carrier), carrier)
    missing = alice(method).start(STREAMS)
    refused(bob(), missing, ErrorNumber.UNSPECIFIED, PolicyError)
    altered = first.replace(b"mikey;other", b"mikey;othes")
    refused(bob(), altered, ErrorNumber.AUTH_FAILURE, context=Context(protocols=("mikey", "othes")))


@METHODS
def test_what_each_message_is_made_of(method: Method) -> None:
    first = alice(method).start(STREAMS, context=CONTEXT)
    assert len(parts(first, T)) == len(parts(first, Rand)) == len(parts(first, Sp)) == 1
    assert len(parts(first, Kemac)) == (method in (Method.PSK, Method.PKE, Method.DHHMAC))
    assert len(parts(first, Pke)) == (method is Method.PKE)


def test_wrong_pre_shared_key_is_an_authentication_failure() -> None:
    for method in (Method.PSK, Method.DHHMAC):
        first = alice(method).start(STREAMS, context=CONTEXT)
        stranger = bob(credentials=[Psk(Secret(PSK[::-1]), BOB, ALICE)])
        refused(stranger, first, ErrorNumber.AUTH_FAILURE)


@pytest.mark.rule("R3830-4.5-2")
@pytest.mark.parametrize(("method", "other"), list(permutations(UPDATED, 2)))
def test_a_csb_is_updated_by_the_method_that_made_it(method: Method, other: Method) -> None:
    """Alice has all credentials, and so may whoever got hold of one of them."""
    time = Time()
    who, to, ours, _ = exchange(method, time)
    time.advance(1)
    key = None if other in CERTIFIED else Secret(PSK)
    disguised = replace(ours, method=other.value, message_key=key)
    stranger = alice(other, time, mki_length=1)
    with pytest.raises(PeerError):
        offer_of(to, stranger.rekey(disguised, context=CONTEXT))
    time.advance(1)
    run(who, to, who.rekey(ours, context=CONTEXT))


@pytest.mark.rule("R3830-4.5-2", "R3830-6.2-13")
@pytest.mark.parametrize("cache", list(CacheType)[:3])
def test_nothing_unprotected_updates_what_a_certificate_made(cache: CacheType) -> None:
    """Also where MIKEY-NULL is allowed: its MAC proves nobody."""
    time = Time()
    policy = Policy(allow_null=True)
    who = alice(Method.PKE, time, cache=cache)
    to = bob(time, policy=policy, credentials=[*bobs(), NoKey(BOB, ALICE)])
    ours, _ = run(who, to, who.start(STREAMS, context=CONTEXT))
    time.advance(1)
    stranger = Initiator(NoKey(ALICE, BOB), clock=Clock(time), policy=policy)
    update = stranger.rekey(replace(ours, message_key=None), context=CONTEXT)
    with pytest.raises(PeerError):
        offer_of(to, update)
    time.advance(1)
    run(who, to, who.rekey(ours, context=CONTEXT))
