"""Several credentials in one Responder: what one of them protects, no other one touches.

Bob has two authorities. One certified Alice; the other certifies whoever asks, Mallory also
under the name of Alice.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from mikey import ErrorNumber, Method, PeerError, PolicyError, Psk, Responder, Secret
from mikey.credentials import Certified, SoftwareKey, Trust
from mikey.methods._common import signature
from mikey.registry import HashFunc
from mikey.session.bundle import Credential, Role
from mikey.wire import Chash, Id, Message, Payload
from tests.naive import pki
from tests.naive.vectors import PSK
from tests.rules.method_parties import ALICE, BOB, certified
from tests.rules.psk_parties import CONTEXT, Time, offer_of, refused
from tests.rules.session_parties import STREAMS, alice, bob, run

BOB_TWO = "sip:bob@two.example.com"
SIGNED = pytest.mark.parametrize("method", [Method.PKE, Method.DH_SIGN, Method.RSA_R])
UPDATED = pytest.mark.parametrize("method", [Method.PKE, Method.DH_SIGN])


@functools.cache
def careless() -> pki.Issuer:
    return pki.authority("an authority without care")


@functools.cache
def careless_trust() -> Trust:
    return Trust([careless().der])


def second_bob(me: str = BOB, peer: str = "*") -> Certified:
    """Return Bob's other credential, with which he believes the careless authority."""
    owner = f"{me} with another key"
    return certified(
        me,
        peer,
        key=SoftwareKey(pki.key(owner)),
        chain=(pki.certificate(me.encode(), owner=owner),),
        trust=careless_trust(),
    )


def imposter(whom: Certified) -> Certified:
    """Return what Mallory has for `whom`: a certificate of the careless one that says Alice."""
    key = pki.key("mallory as alice")
    der = pki.issue(
        "mallory", key.public_key(), careless(), careless().key,
        names=pki.identity_names(ALICE.encode()),
    )  # fmt: skip
    return Certified(
        key=SoftwareKey(key),
        chain=(der,),
        identity=ALICE,
        peer=whom.identity,
        trust=Trust([pki.root().der, pki.middle().der]),
        peer_certificate=whom.chain[0],
    )


def resigned(
    octets: bytes,
    credential: Certified,
    *,
    without: Sequence[Payload] = (),
    behind: Sequence[Payload] = (),
) -> bytes:
    """Return a message without some payloads and with others at its end, signed again."""
    message = Message.parse(octets)
    kept = [item for item in message.payloads[:-1] if item not in without]
    return signature.build_signed(message.header, (*kept, *behind), credential)


@SIGNED
@pytest.mark.parametrize("turned", [False, True])
def test_nameless_message_does_not_evade_the_credential_for_the_peer(
    method: Method, turned: bool
) -> None:
    """Who leaves its name out is still asked for what is due from whom it proves to be."""
    time = Time()
    careful, anybody = certified(BOB, ALICE), second_bob()
    to = bob(time, credentials=[anybody, careful] if turned else [careful, anybody])
    mallory = imposter(anybody)
    first = alice(method, time, credential=mallory).start(STREAMS, context=CONTEXT)
    named = Message.parse(first).all(Id)[:1]
    caught = fails_at(to, resigned(first, mallory, without=named))
    assert caught.number in (ErrorNumber.INVALID_ID, ErrorNumber.INVALID_CERT)
    fails_at(to, first)
    who = alice(method, time)
    run(who, to, who.start(STREAMS, context=CONTEXT))


def fails_at(to: Responder, octets: bytes) -> PeerError:
    with pytest.raises(PeerError) as caught:
        offer_of(to, octets)
    return caught.value


@UPDATED
@pytest.mark.parametrize("identity", [BOB, BOB_TWO])
def test_another_trust_updates_no_bundle(method: Method, identity: str) -> None:
    """Mallory's certificate is good for Bob's second credential, and Alice's CSB is not of it."""
    time = Time()
    other = second_bob(identity)
    to = bob(time, credentials=[certified(BOB, "*"), other])
    who = alice(method, time, mki_length=1)
    _, theirs = run(who, to, who.start(STREAMS, context=CONTEXT))
    mallory = imposter(other)
    liar = alice(method, time, credential=mallory, mki_length=1)
    time.advance(1)
    liar.start(STREAMS, context=CONTEXT)
    bundle = replace(theirs, peer=identity, identity=ALICE, role=Role.INITIATOR)
    update = liar.rekey(bundle, context=CONTEXT)
    if method is Method.PKE:  # CHASH says for which of Bob's certificates the envelope is
        certificate = other.encryption_certificate
        assert certificate is not None
        chash = Chash(HashFunc.SHA_256, certificate.digest(HashFunc.SHA_256))
        update = resigned(update, mallory, behind=(chash,))
    caught = fails_at(to, update)
    assert caught.number in (ErrorNumber.UNSPECIFIED, ErrorNumber.INVALID_CERT)


@pytest.mark.parametrize("method", [Method.PSK, Method.DHHMAC])
@pytest.mark.parametrize("identity", [BOB, BOB_TWO])
def test_another_key_updates_no_bundle(method: Method, identity: str) -> None:
    """A key for everybody, under another name of Bob's, is not the one that made the CSB."""
    time = Time()
    shared = Secret(b"known to everybody")
    mine: list[Credential] = [Psk(Secret(PSK), BOB, ALICE), Psk(shared, BOB_TWO, "*")]
    to = bob(time, credentials=mine)
    who = alice(method, time, mki_length=1)
    _, theirs = run(who, to, who.start(STREAMS, context=CONTEXT))
    liar = alice(method, time, credential=Psk(shared, ALICE, identity), mki_length=1)
    time.advance(1)
    bundle = replace(
        theirs, peer=identity, identity=ALICE, role=Role.INITIATOR, credential=liar._credential
    )
    fails_at(to, liar.rekey(bundle, context=CONTEXT))


@pytest.mark.parametrize("method", [Method.PSK, Method.DHHMAC])
def test_update_under_another_name_of_ours(method: Method) -> None:
    """One key for all names of Bob's: an update is for the name that the CSB was made with."""
    time = Time()
    to = bob(time, credentials=[Psk(Secret(PSK), "*", ALICE)])
    who = alice(method, time, mki_length=1)
    ours, _ = run(who, to, who.start(STREAMS, context=CONTEXT))
    time.advance(1)
    who._credential = Psk(Secret(PSK), ALICE, BOB_TWO)
    update = who.rekey(replace(ours, peer=BOB_TWO), context=CONTEXT)
    refused(to, update, ErrorNumber.UNSPECIFIED, PolicyError)
