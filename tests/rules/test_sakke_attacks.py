"""What attackers of MIKEY-SAKKE may try who have keys of their own, or none (docs/attacks.md)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mikey import Clock, Group, Initiator, Policy, Stream, drive
from mikey.errors import AuthenticationError, DecodeError, PolicyError
from mikey.registry import CertType, ErrorNumber, IdRole, IdType, MapType, SignType
from mikey.session import Offer, Step
from mikey.wire import Cert, Idr, Message, Payload, Sign, encode
from tests.rules.psk_parties import offer_of, refused
from tests.rules.sakke_parties import (
    ABROAD,
    ALICE,
    BOB,
    CAROL,
    CONTEXT,
    HOME,
    Noon,
    alice,
    bob,
    first,
    keys,
    kms,
    octets,
    signed,
    taken,
    user,
)


def posing() -> bytes:
    """Return a message to Bob from an "Alice" whom the KMS abroad made, not Alice's own."""
    false = user(ALICE, BOB, keys=(keys(ALICE, uri=ABROAD),), domains=(kms(),), peer_kms=HOME)
    return first(alice(credential=false))


@pytest.mark.rule("R6509-2.1.2-1", "R6509-2.2.1-5")
@pytest.mark.parametrize("peer_kms", [HOME, None], ids=["said", "own"])
def test_a_kms_vouches_for_its_own_users_alone(peer_kms: str | None) -> None:
    """Of a peer by name Bob believes the peer's KMS, however many others he knows."""
    knows_both = user(BOB, ALICE, domains=(kms(ABROAD),), peer_kms=peer_kms)
    refused(bob(None, knows_both), posing(), ErrorNumber.AUTH_FAILURE, PolicyError)
    assert taken(bob(None, knows_both), first()).peer == ALICE
    anybody = user(BOB, domains=(kms(ABROAD),), peer_kms=HOME)
    refused(bob(None, anybody), posing(), ErrorNumber.AUTH_FAILURE, PolicyError)
    abroad = user(BOB, ALICE, domains=(kms(ABROAD),), peer_kms=ABROAD)
    assert taken(bob(None, abroad), posing()).peer == ALICE
    refused(bob(None, abroad), first(), ErrorNumber.AUTH_FAILURE, PolicyError)


@pytest.mark.rule("R6509-2.1.2-1")
def test_a_credential_for_alice_stands_in_place_of_those_for_anybody() -> None:
    to = bob(None, user(BOB, domains=(kms(ABROAD),)), user(BOB, ALICE))
    refused(to, posing(), ErrorNumber.AUTH_FAILURE, PolicyError)


@pytest.mark.rule("R6509-2.1.2-1")
def test_who_vouches_is_shown_where_several_may() -> None:
    to = bob(None, user(BOB, domains=(kms(ABROAD),)))
    offers = [offer_of(to, message) for message in (first(), posing())]
    assert [offer.initiator for offer in offers] == [ALICE, ALICE]
    assert [offer.initiator_kms for offer in offers] == [HOME, ABROAD]
    bare = encode(
        (message := Message.parse(first())).header,
        [p for p in message.payloads if not isinstance(p, Sign)],
    )
    unsigned = offer_of(bob(policy=Policy(allow_unsigned=True)), bare)
    assert unsigned.initiator_kms is None


def with_certificate(sign: Sign | None) -> bytes:
    """Return Alice's message with the URL of a certificate, and what is to be its SIGN."""
    message = Message.parse(first())
    payloads: list[Payload] = [p for p in message.payloads if not isinstance(p, Sign)]
    payloads.append(Cert(CertType.X509_URL, b"http://internal.example.org/delete?all"))
    return encode(message.header, [*payloads, *([] if sign is None else [sign])])


@pytest.mark.rule("R3830-5.3-1")
def test_nothing_is_fetched_where_no_certificate_plays_a_part() -> None:
    """Who takes no certificates, or no signature at all, is not sent anywhere."""
    by_rsa = with_certificate(Sign(SignType.RSA_PKCS_1_V1_5, bytes(256)))
    error = refused(bob(), by_rsa, ErrorNumber.INVALID_CERT, PolicyError)
    assert error.reason
    unsigned = bob(policy=Policy(allow_unsigned=True)).receive(
        with_certificate(None), context=CONTEXT
    )
    assert not isinstance(unsigned, Step)


@pytest.mark.rule("R4563-5-1x")
@pytest.mark.parametrize("lines", [128, 1000])
def test_more_lines_than_one_message_has_crypto_sessions(lines: int) -> None:
    """An Empty map under an SDP text of many m= lines: CS IDs end at 255."""
    message = first(alice(map_type=MapType.EMPTY))
    wide = replace(CONTEXT, lines=lines)
    refused(bob(), message, ErrorNumber.UNSPECIFIED, PolicyError, wide)
    bundle = taken(bob(), message, replace(CONTEXT, lines=127))
    assert len(bundle.crypto_sessions) == 254


@pytest.mark.rule("R6509-2.2.1-5", "R6509-2.2.1-3")
def test_a_member_of_a_group_is_not_its_sender() -> None:
    """Carol has the key, RAND and CSB ID of Alice's group: what she sends on is from Carol."""
    team = Group.new([Stream(0x57D10)], tgk_length=16, random=octets("team"))
    honest = Initiator(user(ALICE, BOB), clock=Clock(Noon())).start(group=team, context=CONTEXT)
    carols = Initiator(user(CAROL, BOB), clock=Clock(Noon())).start(group=team, context=CONTEXT)
    to = bob()
    assert taken(to, honest).peer == ALICE
    assert taken(to, carols).peer == CAROL
    message = Message.parse(carols)
    hers = Idr(IdRole.INITIATOR, IdType.URI, ALICE.encode())
    payloads = [hers if isinstance(p, Idr) and p.role == 1 else p for p in message.payloads[:-1]]
    forged = signed(message, payloads, user(CAROL))
    refused(bob(), forged, ErrorNumber.AUTH_FAILURE, AuthenticationError)


@pytest.mark.rule("R6509-2.4-2")
def test_a_live_csb_takes_no_other_key() -> None:
    """The CSB ID of a call that is up, from its own Initiator: SAKKE has no update."""
    team = Group.new([Stream(0x57D10)], tgk_length=16, random=octets("team"))
    to = bob()
    time = Clock(Noon())
    taken(to, Initiator(user(ALICE, BOB), clock=time).start(group=team, context=CONTEXT))
    other = team.renewed(octets("other"))
    message = Initiator(user(ALICE, BOB), clock=time).start(group=other, context=CONTEXT)
    refused(to, message, ErrorNumber.UNSPECIFIED, PolicyError)


@pytest.mark.rule("R6509-2.2.1-3", "R6509-6-1")
def test_dropping_the_signature_drops_the_name() -> None:
    """A downgrade that policy allows leaves a caller without a name, and without credit for one."""
    message = Message.parse(first())
    bare = encode(message.header, message.payloads[:-1])
    refused(bob(), bare, ErrorNumber.UNSUPPORTED_MESSAGE, DecodeError)
    offer = drive(bob(policy=Policy(allow_unsigned=True)).receive(bare, context=CONTEXT))
    assert isinstance(offer, Offer)
    assert offer.initiator == ""
