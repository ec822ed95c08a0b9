"""Offer and answer with real exchanges (RFC 4567 4.1, 7.1)."""

from __future__ import annotations

import pytest

from mikey.carriage.sdp import Agreed, Description, Offered, Sender, refusal
from mikey.errors import AuthenticationError, CarriageError, LocalError, PeerError, ReportedError
from mikey.policy import Context
from mikey.registry import DataType, ErrorNumber, ExtensionType
from mikey.secret import Secret
from mikey.session import Stream
from mikey.wire import GeneralExtension, Message
from tests.naive import vectors
from tests.rules.sdp_pair import Pair
from tests.unit.carriage.sdp_texts import AUDIO, CALL, with_lines

OURS = {0: 0x1111, 2: 0x2222}
THEIRS = {0: 0x3333, 2: 0x4444}
LEVELS = [(), (0,), (2,), (0, 2)]

ANSWER = CALL.replace("o=alice", "o=bob").replace("192.0.2.1", "192.0.2.77")


def call(pair: Pair, offered: Offered, answer: str = ANSWER) -> tuple[Agreed, Agreed]:
    """Bring an offer to its end; return what Alice and Bob agreed on."""
    theirs = Description(offered.text).answer(pair.bob, Description(answer), THEIRS)
    return offered.receive(pair.alice, Description(theirs.text)), theirs


@pytest.mark.rule(
    "R4567-4-1", "R4567-4.1.1-1", "R4567-4.1.1-2", "R4567-4.1.1-3", "R4567-4.1.1-4", "R4567-4-2"
)
@pytest.mark.parametrize("levels", LEVELS)
def test_both_ends_have_the_same_keys_for_the_same_streams(levels: tuple[int, ...]) -> None:
    pair = Pair()
    offered = Description(CALL).offer(pair.alice, OURS, media_levels=levels)
    alice, bob = call(pair, offered)
    for line in (0, 2):
        for sender, ssrcs in ((Sender.INITIATOR, OURS), (Sender.RESPONDER, THEIRS)):
            (bundle, cs_id), (other, other_id) = alice.find(line, sender), bob.find(line, sender)
            assert cs_id == other_id
            assert bundle.masters(cs_id) == other.masters(cs_id)
            assert bundle.crypto_sessions[cs_id - 1].ssrc == ssrcs[line]
    # The answer has its messages at the levels of the offer, and nothing else is added.
    assert Description(bob.text).levels == Description(offered.text).levels
    assert Description(offered.text).detach() == CALL
    assert Description(bob.text).detach() == ANSWER


@pytest.mark.rule("R4567-4.1.2-11")
@pytest.mark.parametrize("levels", LEVELS)
def test_offers_ask_for_a_response(levels: tuple[int, ...]) -> None:
    offered = Description(CALL).offer(Pair().alice, OURS, media_levels=levels)
    for octets in offered.messages.values():
        header = Message.parse(octets).header
        assert (header.data_type, header.v) == (DataType.PSK_INIT, True)


@pytest.mark.rule("R4567-3.1-2", "R4567-7.1-1")
def test_each_level_is_an_exchange_of_its_own() -> None:
    pair = Pair()
    offered = Description(CALL).offer(pair.alice, OURS, media_levels=(2,))
    headers = [Message.parse(octets).header for octets in offered.messages.values()]
    assert len({header.csb_id for header in headers}) == 2
    assert [header.cs_map.count for header in headers] == [2, 2]
    alice, _ = call(pair, offered)
    assert [[slot.media for slot in keyed.slots] for keyed in alice.keyed] == [[0, 0], [2, 2]]


@pytest.mark.rule("R4567-4.1.4-1", "R4567-4.1.4-2", "R4567-7-1", "R4567-4.1.2-1")
def test_every_message_authenticates_the_complete_list() -> None:
    text = with_lines(CALL, "a=key-mgmt:keyp1 AQ==")
    offered = Description(text).offer(Pair().alice, OURS, media_levels=(2,))
    for octets in offered.messages.values():
        (extension,) = Message.parse(octets).all(GeneralExtension)
        assert extension == GeneralExtension(ExtensionType.SDP_IDS, b"keyp1;mikey;mikey")


@pytest.mark.rule("R4567-7-2", "R4567-4.1.4-2")
@pytest.mark.parametrize(
    "change",
    [
        ("a=key-mgmt:keyp1 AQ==\r\n", ""),
        ("a=key-mgmt:keyp1 AQ==\r\n", "a=key-mgmt:keyp2 AQ==\r\n"),
        ("m=text", "a=key-mgmt:keyp1 AQ==\r\nm=text"),
    ],
)
def test_a_protocol_removed_from_the_offer_is_noticed(change: tuple[str, str]) -> None:
    pair = Pair()
    text = with_lines(CALL, "a=key-mgmt:keyp1 AQ==")
    offered = Description(text).offer(pair.alice, OURS)
    with pytest.raises(PeerError, match="not those that its sender listed"):
        Description(offered.text.replace(*change)).receive(pair.bob)


@pytest.mark.rule("R4567-4.1.2-3")
def test_one_failure_refuses_the_whole() -> None:
    pair = Pair()
    offered = Description(CALL).offer(pair.alice, OURS, media_levels=(2,))
    damaged = bytearray(offered.messages[2])
    damaged[-1] ^= 1
    spoiled = offered.description.attached({**offered.messages, 2: bytes(damaged)})
    with pytest.raises(AuthenticationError) as caught:
        spoiled.answer(pair.bob, Description(ANSWER), THEIRS)
    assert refusal(caught.value).status == 488


@pytest.mark.rule("R4567-4.1.2-3")
def test_what_succeeded_is_closed_when_a_later_part_fails() -> None:
    pair = Pair()
    offered = Description(CALL).offer(pair.alice, OURS, media_levels=(2,))
    received = Description(offered.text).receive(pair.bob)
    received.offers[1].accept()  # so that it cannot be accepted again
    with pytest.raises(LocalError, match="answered before"):
        received.accept(Description(ANSWER), THEIRS)
    # The CSB at session level is forgotten: an update of it finds nothing.
    bundle = pair.alice.early_bundle(offered.messages[None])
    offered.cancel(pair.alice)
    update = pair.alice.rekey(bundle, context=Description(CALL).context)
    with pytest.raises(PeerError, match="CSB is not known"):
        pair.bob.receive(update, context=Description(CALL).context)


@pytest.mark.rule("R3830-6.1.1-5")
def test_an_offer_that_chooses_our_ssrc_is_refused() -> None:
    pair = Pair()
    streams = [Stream(ssrc) for ssrc in (1, 2, 3, 4)]
    description = Description(CALL)
    first = pair.alice.start(streams, context=description.planned([None]).context)
    received = Description(description.attach(first)).receive(pair.bob)
    with pytest.raises(CarriageError, match="SSRC of what we send") as caught:
        received.accept(Description(ANSWER), THEIRS)
    assert caught.value.status == 488


@pytest.mark.rule("R4567-4.1.2-3")
def test_the_offerer_gives_up_all_exchanges_if_one_answer_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = Pair()
    closed: list[int] = []
    monkeypatch.setattr(pair.alice, "close", lambda bundle: closed.append(bundle.csb_id))
    offered = Description(CALL).offer(pair.alice, OURS, media_levels=(2,))
    theirs = Description(offered.text).answer(pair.bob, Description(ANSWER), THEIRS)
    good = {carried.media: carried.octets for carried in Description(theirs.text).messages()}
    damaged = good[2][:-1] + bytes([good[2][-1] ^ 1])
    with pytest.raises(AuthenticationError):
        offered.receive(pair.alice, Description(ANSWER).attached({**good, 2: damaged}))
    for octets in good.values():
        with pytest.raises(PeerError, match="no exchange is open"):
            pair.alice.receive(octets)
    assert closed == [Message.parse(good[None]).header.csb_id]  # the one that had succeeded


@pytest.mark.rule("R4567-4.1.2-11", "R4567-4.1.1-3")
@pytest.mark.parametrize("levels", LEVELS)
def test_an_answer_without_its_line_is_a_failure(levels: tuple[int, ...]) -> None:
    pair = Pair()
    offered = Description(CALL).offer(pair.alice, OURS, media_levels=levels)
    theirs = Description(offered.text).answer(pair.bob, Description(ANSWER), THEIRS)
    carried = Description(theirs.text).messages()
    for missing in carried:
        kept = {one.media: one.octets for one in carried if one is not missing}
        with pytest.raises(CarriageError, match="answer has no MIKEY message at") as caught:
            offered.receive(pair.alice, Description(ANSWER).attached(kept))
        assert caught.value.status == 488


@pytest.mark.rule("R4567-4.1.1-3")
def test_an_answer_at_another_level_is_a_failure() -> None:
    pair = Pair()
    offered = Description(CALL).offer(pair.alice, OURS)
    theirs = Description(offered.text).answer(pair.bob, Description(ANSWER), THEIRS)
    octets = Description(theirs.text).message()
    with pytest.raises(CarriageError, match="at media 1 level"):
        offered.receive(pair.alice, Description(Description(theirs.text).attach(octets, 0)))


@pytest.mark.rule("R4567-4.1.1-3")
def test_answers_that_changed_places_are_a_failure() -> None:
    pair = Pair()
    offered = Description(CALL).offer(pair.alice, OURS, media_levels=(2,))
    theirs = Description(offered.text).answer(pair.bob, Description(ANSWER), THEIRS)
    first, second = (carried.octets for carried in Description(theirs.text).messages())
    with pytest.raises(CarriageError, match="another CSB"):
        offered.receive(pair.alice, Description(ANSWER).attached({None: second, 2: first}))


@pytest.mark.rule("R4567-4.1.2-11")
def test_an_offer_that_asks_for_no_response_is_refused() -> None:
    pair = Pair()
    mine = Description(AUDIO)
    first = pair.alice.start(mine.streams({0: 7}), context=mine.context, respond=False)
    with pytest.raises(CarriageError, match="asks for no response"):
        Description(mine.attach(first)).receive(pair.bob)


def test_methods_without_a_response_can_be_allowed() -> None:
    pair = Pair()
    mine = Description(AUDIO)
    first = pair.alice.start(mine.streams({0: 7}), context=mine.context, respond=False)
    received = Description(mine.attach(first)).receive(pair.bob, require_response=False)
    agreed = received.accept(Description(AUDIO), {0: 9})
    assert agreed.text == AUDIO
    assert len(agreed.bundles) == 1


@pytest.mark.rule("R4567-8-3")
def test_an_answer_that_declines_security_is_a_failure() -> None:
    pair = Pair()
    offered = Description(CALL).offer(pair.alice, OURS)
    theirs = Description(offered.text).answer(pair.bob, Description(ANSWER), THEIRS)
    with pytest.raises(CarriageError, match="declines RTP/SAVPF for RTP/AVPF"):
        offered.receive(pair.alice, Description(theirs.text.replace("RTP/SAVPF", "RTP/AVPF")))


@pytest.mark.rule("R4567-8-3")
@pytest.mark.parametrize(
    ("old", "new"), [("RTP/SAVPF", "RTP/AVP"), ("m=video", "m=image"), ("m=text", "s=")]
)
def test_our_own_answer_keeps_to_the_offer(old: str, new: str) -> None:
    pair = Pair()
    offered = Description(CALL).offer(pair.alice, OURS)
    with pytest.raises(LocalError):
        Description(offered.text).answer(pair.bob, Description(ANSWER.replace(old, new)), THEIRS)


@pytest.mark.rule("R4567-7.1-5", "R4567-7.1-3")
def test_a_rejected_line_keeps_its_sessions() -> None:
    pair = Pair()
    offered = Description(CALL).offer(pair.alice, OURS)
    theirs = Description(offered.text).answer(
        pair.bob, Description(ANSWER.replace("m=audio 49000", "m=audio 0")), {2: 0x4444}
    )
    alice = offered.receive(pair.alice, Description(theirs.text))
    assert alice.find(2, Sender.RESPONDER)[1] == 4
    assert alice.bundles[0].crypto_sessions[3].ssrc == 0x4444


@pytest.mark.rule("R4567-4.1.2-12")
def test_a_secure_line_without_a_message_is_refused_unless_rejected() -> None:
    pair = Pair()
    text = with_lines(CALL, "a=key-mgmt:keyp1 AQ==", before="m=text")
    offered = Description(text).offer(pair.alice, {2: 0x2222})
    received = Description(offered.text).receive(pair.bob)
    with pytest.raises(CarriageError, match="media 1 is of a secure profile"):
        received.accept(Description(ANSWER), {2: 0x4444})
    rejecting = Description(ANSWER.replace("m=audio 49000", "m=audio 0"))
    assert received.accept(rejecting, {2: 0x4444}).find(2, Sender.INITIATOR)[1] == 1


def test_an_ssrc_for_a_line_that_is_not_keyed() -> None:
    pair = Pair()
    with pytest.raises(LocalError, match="no MIKEY message keys media 2"):
        Description(CALL).offer(pair.alice, {1: 7})
    offered = Description(CALL).offer(pair.alice, OURS)
    with pytest.raises(LocalError, match="no MIKEY message keys media 2"):
        Description(offered.text).answer(pair.bob, Description(ANSWER), {1: 7})


def test_an_offer_needs_a_line_to_key() -> None:
    with pytest.raises(LocalError, match="media 2 is no m= line of profile"):
        Description(CALL).offer(Pair().alice, {}, media_levels=(1,))
    with pytest.raises(LocalError, match="to key"):
        Description(AUDIO.replace("SAVP", "AVP")).offer(Pair().alice, {})


@pytest.mark.rule("R4567-4.1.1-2", "R4567-4.1.2-8")
def test_a_wrong_key_is_an_authentication_failure() -> None:
    pair = Pair(key=Secret(bytes(16)))
    offered = Description(CALL).offer(pair.alice, OURS)
    with pytest.raises(AuthenticationError) as caught:
        Description(offered.text).receive(pair.bob)
    assert refusal(caught.value).warnings[0][0] == 306


def test_identities_of_the_signalling_reach_the_exchange() -> None:
    pair = Pair()
    offered = Description(CALL).offer(pair.alice, OURS)
    context = Context(initiator="sip:eve@example.com")
    with pytest.raises(PeerError, match="the signalling says sip:eve"):
        Description(offered.text, context=context).receive(pair.bob)


def test_a_rejection_goes_on_negotiating_with_error_messages() -> None:
    pair = Pair()
    offered = Description(CALL).offer(pair.alice, OURS, media_levels=(2,))
    received = Description(offered.text).receive(pair.bob)
    answer = Description(received.reject(Description(ANSWER), ErrorNumber.INVALID_SPPAR))
    assert answer.levels == (None, 2)
    with pytest.raises(ReportedError) as caught:
        offered.receive(pair.alice, answer)
    assert caught.value.authenticated
    assert caught.value.numbers == (ErrorNumber.INVALID_SPPAR,)


@pytest.mark.rule("R4567-4.1.2-8", "R4567-4.1.2-13")
@pytest.mark.parametrize("new_keys", [True, False])
def test_a_reoffer_updates_the_keys_or_keeps_them(new_keys: bool) -> None:
    pair = Pair()
    alice, bob = call(pair, Description(CALL).offer(pair.alice, OURS, media_levels=(2,)))
    again = Description(bob.text).update(
        pair.alice, {keyed.media: keyed.bundle for keyed in alice.keyed}, new_keys=new_keys
    )
    assert Description(again.text).levels == (None, 2)
    later, theirs = call(pair, again)
    for line in (0, 2):
        for sender in Sender:
            (old, cs_id), (new, _) = alice.find(line, sender), later.find(line, sender)
            other, _ = theirs.find(line, sender)
            assert new.csb_id == old.csb_id
            assert new.masters(cs_id) == other.masters(cs_id)
            assert (new.masters(cs_id)[0] == old.masters(cs_id)[0]) is not new_keys


@pytest.mark.rule("R4567-4.1.2-8")
def test_keys_change_only_when_the_reoffer_is_complete() -> None:
    pair = Pair()
    alice, _ = call(pair, Description(CALL).offer(pair.alice, OURS))
    (keyed,) = alice.keyed
    before = keyed.bundle.masters(1)
    again = Description(CALL).update(pair.alice, {None: keyed.bundle})
    Description(again.text).receive(pair.bob)
    again.cancel(pair.alice)
    assert keyed.bundle.masters(1) == before
    # Bob did not accept: the next update is still one of the first keys.
    third = Description(CALL).update(pair.alice, {None: keyed.bundle})
    assert call(pair, third)[0].bundles[0].masters(1)[1] == before[0]


def test_an_update_leaves_no_stale_message_in_the_text() -> None:
    pair = Pair()
    alice, _ = call(pair, Description(CALL).offer(pair.alice, OURS, media_levels=(2,)))
    text = str(Description(CALL).attached({None: vectors.OFFER, 0: vectors.OFFER}))
    again = Description(text).update(pair.alice, {2: alice.keyed[1].bundle})
    assert Description(again.text).levels == (2,)


@pytest.mark.rule("R4567-7.1-4")
@pytest.mark.parametrize("count", [1, 2])
def test_peers_that_make_fewer_sessions(count: int) -> None:
    pair = Pair()
    mine = Description(CALL)
    first = pair.alice.start(mine.streams({})[:count], context=mine.context)
    bob = Description(mine.attach(first)).answer(pair.bob, Description(ANSWER), THEIRS)
    assert bob.find(0, Sender.INITIATOR) == bob.find(0, Sender.RESPONDER)
    assert bob.find(2, Sender.RESPONDER)[1] == count


@pytest.mark.rule("R4567-7.1-4")
def test_streams_under_one_key_need_different_ssrcs() -> None:
    pair = Pair()
    mine = Description(CALL)
    first = pair.alice.start(mine.streams({})[:1], context=mine.context)
    received = Description(mine.attach(first)).receive(pair.bob)
    with pytest.raises(LocalError, match="different SSRCs"):
        received.accept(Description(ANSWER), {0: 5, 2: 5})


@pytest.mark.rule("R4567-7.1-4", "R3830-6.1.1-9")
def test_an_offerer_who_has_our_ssrc_under_the_one_key() -> None:
    """Both would send with one key stream."""
    pair = Pair()
    mine = Description(CALL)
    ours = next(iter(THEIRS.values()))
    first = pair.alice.start([Stream(ours)], context=mine.context)
    received = Description(mine.attach(first)).receive(pair.bob)
    with pytest.raises(CarriageError, match="our SSRC"):
        received.accept(Description(ANSWER), THEIRS)


@pytest.mark.rule("R4567-7.1-4")
@pytest.mark.parametrize("count", [3, 5])
def test_other_counts_are_error_12(count: int) -> None:
    pair = Pair()
    mine = Description(CALL)
    streams = (mine.streams({}) * 2)[:count]
    first = pair.alice.start(streams, context=mine.context)
    with pytest.raises(PeerError) as caught:
        Description(mine.attach(first)).receive(pair.bob)
    assert caught.value.number is ErrorNumber.UNSPECIFIED
