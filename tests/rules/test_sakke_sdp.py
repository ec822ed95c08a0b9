"""MIKEY-SAKKE in offer and answer: the offer has a line, the answer has none (RFC 4567, 6509)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mikey import (
    CarriageError,
    Context,
    ErrorNumber,
    LocalError,
    PeerError,
    Policy,
    PolicyError,
    ReportedError,
    SrtpPolicy,
    Stream,
)  # fmt: skip
from mikey.carriage import sdp
from mikey.carriage.sdp import Description, Sender
from mikey.registry import ExtensionType, ProtType
from mikey.wire import GeneralExtension, GenericId, GenericIdMap, Message, Sign
from tests.rules.sakke_parties import BOB, CAROL, Noon, alice, bob, signed, user

TEXT = (
    "v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/SAVP 0\r\nm=video 4002 RTP/SAVP 31\r\n"
)
MINE, YOURS = {0: 0x11, 1: 0x22}, {0: 0x33, 1: 0x44}


@pytest.mark.rule("R4567-4.1.2-11", "R6509-2.1-1")
def test_the_answer_carries_no_line() -> None:
    """The one method of which R4567-4.1.2-11 does not ask for a line in the answer."""
    who, to = alice(), bob()
    offered = Description(TEXT).offer(who, MINE)
    assert len(Description(offered.text).key_mgmt) == 1
    theirs = Description(offered.text).answer(to, Description(TEXT), YOURS)
    assert Description(theirs.text).key_mgmt == ()
    assert theirs.text == TEXT
    ours = offered.receive(who, Description(theirs.text))
    for line in (0, 1):
        for sender in Sender:
            mine, cs_id = ours.find(line, sender)
            yours, their_cs_id = theirs.find(line, sender)
            assert cs_id == their_cs_id == 2 * line + 1 + (sender is Sender.RESPONDER)
            assert mine.masters(cs_id) == yours.masters(cs_id)


@pytest.mark.rule("R4567-7.1-1", "R4567-7.1-2", "R6509-2.2.1-7")
def test_two_blocks_for_each_line() -> None:
    """2k-1 with our SSRC, 2k with Session Data of no octets; each with its MKI."""
    offered = Description(TEXT).offer(alice(mki_length=4), MINE)
    header = Message.parse(offered.messages[None]).header
    mki = b"\0\0\0\1"
    assert header.cs_map == GenericIdMap(
        (
            GenericId(1, ProtType.SRTP, (0,), b"\0\0\0\x11", mki),
            GenericId(2, ProtType.SRTP, (0,), b"", mki),
            GenericId(3, ProtType.SRTP, (0,), b"\0\0\0\x22", mki),
            GenericId(4, ProtType.SRTP, (0,), b"", mki),
        )
    )


def test_what_the_answerer_sends_binds_to_its_first_authentic_packet() -> None:
    who, to = alice(), bob()
    offered = Description(TEXT).offer(who, MINE)
    theirs = Description(offered.text).answer(to, Description(TEXT), YOURS)
    ours = offered.receive(who, Description(theirs.text))
    bundle, cs_id = ours.find(0, Sender.RESPONDER)
    assert bundle.crypto_sessions[cs_id - 1].ssrc is None
    receiver = bundle.srtp_receiver(cs_id)
    rtp = bytes.fromhex("80000001 00000000 00000033") + b"hello"
    packet = theirs.bundles[0].srtp_sender(cs_id).protect(rtp)
    damaged = packet[:-1] + bytes([packet[-1] ^ 1])
    with pytest.raises(PeerError):
        receiver.unprotect(damaged)
    assert receiver.ssrc is None
    assert receiver.unprotect(packet) == rtp
    assert receiver.ssrc == 0x33


@pytest.mark.rule("R4567-7-1", "R4567-4.1.4-1", "R4567-7-2")
def test_the_list_of_protocols_is_signed() -> None:
    text = TEXT.replace("m=audio", "a=key-mgmt:other YWJj\r\nm=audio", 1)
    offered = Description(text).offer(alice(), MINE)
    extension = Message.parse(offered.messages[None]).one(GeneralExtension)
    assert (extension.ext_type, extension.data) == (ExtensionType.SDP_IDS, b"other;mikey")
    stripped = offered.text.replace("a=key-mgmt:other YWJj\r\n", "")
    with pytest.raises(PolicyError):
        Description(stripped).receive(bob())
    Description(offered.text).receive(bob())


@pytest.mark.rule("R4567-4.1.4-3")
def test_a_list_is_due_where_there_is_a_signature() -> None:
    offered = Description(TEXT).offer(alice(), MINE)
    message = Message.parse(offered.messages[None])
    rest = [p for p in message.payloads if not isinstance(p, Sign | GeneralExtension)]
    bare = Description(TEXT).attach(signed(message, rest))
    with pytest.raises(PolicyError):
        Description(bare).receive(bob())
    nobody = user(BOB)
    anonymous = alice(credential=replace(user(CAROL, BOB), anonymous=True))
    text = Description(TEXT).offer(anonymous, MINE).text
    to = bob(Noon(), nobody, policy=Policy(allow_unsigned=True))
    assert Description(text).receive(to).offers[0].initiator == ""


@pytest.mark.rule("R4567-4.1.2-11")
def test_a_line_in_the_answer_is_an_error_or_none() -> None:
    """A MIKEY Error message tells why (R4567-4.1.2-5); all else is no answer to SAKKE."""
    who, to = alice(), bob(policies=[SrtpPolicy.AEAD_AES_128_GCM])
    offered = Description(TEXT).offer(who, MINE)
    with pytest.raises(PolicyError) as caught:
        Description(offered.text).receive(to)
    error = to.refuse(caught.value)
    assert error is not None
    refusal = Description(Description(TEXT).attach(error))
    with pytest.raises(ReportedError) as reported:
        offered.receive(who, refusal)
    assert reported.value.numbers == (ErrorNumber.INVALID_SPPAR,)
    again = Description(TEXT).offer(who, MINE)
    with pytest.raises(PeerError):
        again.receive(who, Description(again.text))
    third = Description(TEXT).offer(who, MINE)
    with pytest.raises(CarriageError, match="another CSB"):
        third.receive(who, refusal)


@pytest.mark.parametrize(
    ("responder", "number"),
    [
        (lambda: bob(Noon(), user(CAROL)), ErrorNumber.INVALID_ID),
        (lambda: bob(Noon(), user(BOB, CAROL)), ErrorNumber.AUTH_FAILURE),
        (lambda: bob(policies=[SrtpPolicy.AEAD_AES_128_GCM]), ErrorNumber.INVALID_SPPAR),
    ],
    ids=["not for us", "unknown caller", "no policy"],
)
def test_a_refusal_is_488_with_an_error(responder: object, number: ErrorNumber) -> None:
    to = responder()  # type: ignore[operator]
    offered = Description(TEXT).offer(alice(), MINE)
    with pytest.raises(PeerError) as caught:
        Description(offered.text).receive(to)
    assert caught.value.number is number
    assert sdp.refusal(caught.value).status == 488
    assert to.refuse(caught.value) is not None


@pytest.mark.rule("R4567-7.1-1")
def test_crypto_sessions_of_other_numbers() -> None:
    message = Message.parse(Description(TEXT).offer(alice(), MINE).messages[None])
    cs_map = message.header.cs_map
    assert isinstance(cs_map, GenericIdMap)
    blocks = [replace(block, cs_id=block.cs_id + 3) for block in cs_map.sessions]
    moved = GenericIdMap(tuple(blocks))
    rest = [p for p in message.payloads if not isinstance(p, Sign)]
    odd = signed(Message(replace(message.header, cs_map=moved), (), (), b""), rest)
    with pytest.raises(CarriageError, match="are not 1, 2"):
        Description(Description(TEXT).attach(odd)).receive(bob())


@pytest.mark.rule("R4567-4.1.2-13")
def test_a_later_offer_is_a_new_exchange() -> None:
    """SAKKE has no update: new keys are a new CSB, and no keys are no line."""
    time = Noon()
    who, to = alice(time), bob(time)
    first = Description(TEXT).offer(who, MINE)
    agreed = Description(first.text).answer(to, Description(TEXT), YOURS)
    ours = first.receive(who, Description(agreed.text))
    with pytest.raises(LocalError, match="no update"):
        Description(TEXT).update(who, {None: ours.bundles[0]})
    assert Description(TEXT).kept_lines(Description(agreed.text)) == (0, 1)
    time.advance(1)
    second = Description(TEXT).offer(who, MINE)
    renewed = Description(second.text).answer(to, Description(TEXT), YOURS)
    assert renewed.bundles[0].csb_id != agreed.bundles[0].csb_id


def test_one_way_descriptions() -> None:
    text = sdp.announce(Description(TEXT), alice(), {0: Stream(0x11)})
    carried = sdp.announced(Description(text))[0]
    offer = bob().receive(carried.octets, context=carried.context)
    assert not hasattr(offer, "resume")


def test_messages_at_the_level_of_a_line() -> None:
    who, to = alice(), bob()
    offered = Description(TEXT).offer(who, MINE, media_levels=[1])
    theirs = Description(offered.text).answer(to, Description(TEXT), YOURS)
    ours = offered.receive(who, Description(theirs.text))
    assert {keyed.media for keyed in ours.keyed} == {None, 1}
    for line in (0, 1):
        mine, cs_id = ours.find(line, Sender.INITIATOR)
        assert mine.masters(cs_id) == theirs.find(line, Sender.INITIATOR)[0].masters(cs_id)


def test_the_context_of_the_carrier_counts() -> None:
    shown = Context(initiator=CAROL)
    offered = Description(TEXT).offer(alice(), MINE)
    with pytest.raises(PolicyError) as caught:
        Description(offered.text, context=shown).receive(bob())
    assert caught.value.number is ErrorNumber.INVALID_ID
