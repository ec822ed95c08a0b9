"""Levels, contexts and key-mgmt lines of a description."""

from __future__ import annotations

import pytest

from mikey.carriage.sdp import Description
from mikey.errors import CarriageError, LocalError
from mikey.policy import Context, SrtpPolicy
from mikey.session import Stream
from tests.naive import vectors
from tests.unit.carriage.sdp_texts import ANSWER_64, AUDIO, CALL, OFFER_64, with_lines

LINE = f"a=key-mgmt:mikey {OFFER_64}"
OTHER = f"a=key-mgmt:mikey {ANSWER_64}"


@pytest.mark.rule("R4567-4.1.1-1", "R4567-4.1.1-3")
def test_a_line_is_added_at_its_level_and_nothing_else_changes() -> None:
    session = Description(CALL).attach(vectors.OFFER)
    assert session == with_lines(CALL, LINE)
    assert Description(session).attach(vectors.ANSWER, 0) == with_lines(
        session, OTHER, before="m=text"
    )
    assert Description(CALL).attach(vectors.OFFER, 2) == CALL + LINE + "\r\n"


def test_a_line_is_replaced_where_it_stands() -> None:
    text = with_lines(CALL, LINE, "a=later")
    assert Description(text).attach(vectors.ANSWER) == text.replace(LINE, OTHER)
    assert Description(text).detach() == with_lines(CALL, "a=later")


def test_a_line_stands_behind_those_of_other_protocols() -> None:
    text = with_lines(AUDIO, "a=key-mgmt:keyp1 AQ==")
    assert Description(text).attach(vectors.OFFER) == with_lines(text, LINE)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_are_those_of_the_text(end: str) -> None:
    text = CALL.replace("\r\n", end)
    assert Description(text).attach(vectors.OFFER, 2) == text + LINE + end
    assert Description(text + end).attach(vectors.OFFER, 2) == text + LINE + end + end
    bare = text.removesuffix(end)
    assert Description(bare).attach(vectors.OFFER, 2) == bare + end + LINE
    assert Description("v=0").attach(vectors.OFFER) == f"v=0\r\n{LINE}"


@pytest.mark.rule("R4567-4.1.1-2")
def test_messages_with_their_contexts() -> None:
    known = Context(initiator="sip:alice@example.org", secure=True)
    text = with_lines(CALL, LINE)
    text = with_lines(text, "a=key-mgmt:keyp1 AQ==", OTHER, before="m=text")
    session, media = Description(text, context=known).messages()
    assert (session.octets, session.media) == (vectors.OFFER, None)
    assert session.context == Context(
        protocols=("mikey", "keyp1", "mikey"),
        initiator="sip:alice@example.org",
        secure=True,
        place="session",
        lines=1,
        all_lines=3,
    )
    assert (media.octets, media.media) == (vectors.ANSWER, 0)
    assert media.context.place == "media 1"
    assert (media.context.lines, media.context.all_lines) == (1, 1)


@pytest.mark.rule("R4567-4.1.4-1", "R4567-4.1.4-2")
def test_the_protocol_list_has_one_entry_per_line_in_order() -> None:
    text = with_lines(CALL, "a=key-mgmt:keyp2 x", LINE, "a=key-mgmt:keyp1 x")
    text = with_lines(text, LINE, "a=key-mgmt:keyp1 x", before="m=text")
    assert Description(text).protocols == ("keyp2", "mikey", "keyp1", "mikey", "keyp1")


@pytest.mark.rule("R4567-4.1.2-1", "R4567-4.1.4-1")
def test_the_list_is_complete_before_the_message_is_made() -> None:
    assert Description(AUDIO).context.protocols == ("mikey",)
    text = with_lines(AUDIO, "a=key-mgmt:keyp1 x")
    assert Description(text).context.protocols == ("keyp1", "mikey")
    assert Description(text).context_at(0).protocols == ("keyp1", "mikey")
    both = Description(text).planned([None, 0])
    assert both.context.protocols == ("keyp1", "mikey", "mikey")
    assert both.attached({None: b"\1", 0: b"\2"}).protocols == both.protocols


def test_the_context_of_a_lone_media_level_message() -> None:
    description = Description(Description(CALL).attach(vectors.OFFER, 2))
    assert description.message() == vectors.OFFER
    assert description.context.place == "media 3"


@pytest.mark.rule("R4567-7.1-3")
def test_lines_that_a_session_level_message_governs() -> None:
    assert Description(CALL).governed() == (0, 2)
    assert Description(CALL.replace("m=video 52230", "m=video 0")).governed() == (0, 2)
    own = Description(with_lines(CALL, LINE, before="m=text"))
    assert own.governed() == (2,)
    assert own.governed(0) == (0,)
    assert own.governed(1) == ()
    # A line of another protocol makes the session's void as well (RFC 4567 3.1).
    foreign = Description(with_lines(CALL, "a=key-mgmt:keyp1 x", before="m=text"))
    assert foreign.governed() == (2,)


def test_lines_without_a_message() -> None:
    assert Description(CALL).unkeyed_lines == (0, 2)
    assert Description(with_lines(CALL, LINE)).unkeyed_lines == ()
    assert Description(with_lines(CALL, LINE, before="m=text")).unkeyed_lines == (2,)
    text = with_lines(CALL, LINE, before="m=text").replace("m=video 52230", "m=video 0")
    assert Description(text).unkeyed_lines == ()


@pytest.mark.rule("R4567-7.1-1", "R4567-7.1-2")
def test_streams_of_an_offer() -> None:
    description = Description(CALL)
    assert description.streams({0: 7, 2: 9}) == (
        Stream(ssrc=7),
        Stream(),
        Stream(ssrc=9),
        Stream(),
    )
    assert description.streams({2: 9}, media=2) == (Stream(ssrc=9), Stream())
    # Two for each line whatever its direction: the video is recvonly.
    assert len(description.streams({})) == 4


def test_a_stream_tells_roc_and_policy() -> None:
    gcm = SrtpPolicy.AEAD_AES_128_GCM
    mine = Stream(ssrc=7, roc=3, policy=gcm)
    assert Description(AUDIO).streams({0: mine}) == (mine, Stream(policy=gcm))


@pytest.mark.parametrize(("ssrcs", "media"), [({1: 7}, None), ({0: 7}, 2), ({}, 1), ({}, 9)])
def test_streams_of_lines_that_are_not_keyed(ssrcs: dict[int, int], media: int | None) -> None:
    with pytest.raises(LocalError):
        Description(CALL).streams(ssrcs, media=media)


@pytest.mark.rule("R4567-4.1.2-4")
@pytest.mark.parametrize("before", ["m=audio", "m=text"])
def test_two_messages_at_one_level_are_refused(before: str) -> None:
    description = Description(with_lines(CALL, LINE, "a=key-mgmt:keyp1 x", OTHER, before=before))
    with pytest.raises(CarriageError, match="two MIKEY messages") as caught:
        description.messages()
    assert caught.value.status == 488
    with pytest.raises(CarriageError):
        description.message()


@pytest.mark.rule("R4567-4.1.2-7")
@pytest.mark.parametrize("lines", [[], ["a=key-mgmt:keyp1 x"], [f"a=key-mgmt:Mikey {OFFER_64}"]])
def test_no_message_is_refused(lines: list[str]) -> None:
    with pytest.raises(CarriageError, match="no MIKEY key management") as caught:
        Description(with_lines(CALL, *lines)).message()
    assert caught.value.status == 488


def test_several_levels_are_no_single_message() -> None:
    description = Description(CALL).attached({None: b"\1", 2: b"\2"})
    with pytest.raises(CarriageError, match="several levels"):
        description.message()


def test_attach_leaves_other_levels_alone() -> None:
    text = with_lines(CALL, LINE, "a=x", OTHER, before="m=text")
    assert Description(text).attach(vectors.OFFER) == with_lines(text, LINE)


def test_attached_leaves_exactly_the_given_messages() -> None:
    text = with_lines(with_lines(CALL, LINE), OTHER, before="m=text")
    assert str(Description(text).attached({2: vectors.OFFER})) == CALL + LINE + "\r\n"
    twice = with_lines(CALL, LINE, "a=x", OTHER)
    assert str(Description(twice).attached({None: b"\1"})) == with_lines(
        CALL, "a=key-mgmt:mikey AQ==", "a=x"
    )


@pytest.mark.parametrize("media", [-1, 3])
def test_a_level_that_is_not_there(media: int) -> None:
    with pytest.raises(LocalError, match="no m= line"):
        Description(CALL).attach(b"\1", media)
