"""Descriptions that nobody answers (RFC 4567 4.1.3)."""

from __future__ import annotations

import pytest

from mikey.carriage.sdp import Description, announce, announced
from mikey.errors import CarriageError, LocalError, PeerError
from mikey.session import drive
from mikey.wire import GeneralExtension, Message
from tests.rules.sdp_pair import Pair
from tests.unit.carriage.sdp_texts import AUDIO, with_lines


@pytest.mark.rule("R4567-4.1.3-1")
def test_an_announcement_asks_for_no_response_and_has_no_list() -> None:
    pair = Pair()
    text = announce(Description(AUDIO), pair.alice, {0: 7})
    message = Message.parse(Description(text).message())
    assert not message.header.v
    assert message.all(GeneralExtension) == ()
    (carried,) = announced(Description(text))
    offer = drive(pair.bob.receive(carried.octets, context=carried.context))
    answer, bundle = offer.accept()
    assert answer is None
    first = pair.alice.early_bundle(carried.octets)
    assert bundle.masters(1) == first.masters(1)


@pytest.mark.rule("R4567-4.1.3-1")
def test_exactly_one_protocol() -> None:
    pair = Pair()
    with pytest.raises(LocalError, match="keyp1"):
        announce(Description(with_lines(AUDIO, "a=key-mgmt:keyp1 x")), pair.alice, {0: 7})
    text = with_lines(announce(Description(AUDIO), pair.alice, {0: 7}), "a=key-mgmt:keyp1 x")
    with pytest.raises(CarriageError, match="more than one"):
        announced(Description(text))


@pytest.mark.rule("R4567-4.1.3-1")
def test_messages_that_need_a_response_are_refused() -> None:
    pair = Pair()
    offered = Description(AUDIO).offer(pair.alice, {0: 7})
    with pytest.raises(CarriageError, match="needs a response"):
        announced(Description(offered.text))


def test_octets_that_are_no_message() -> None:
    with pytest.raises(PeerError):
        announced(Description(Description(AUDIO).attach(b"\1\2\3")))
