"""What holds for every message: it comes back as it went, and no octets do more than fail."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Protocol, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.errors import DecodeError, PeerError
from mikey.registry import DataType, PayloadType
from mikey.wire import (
    Bcast,
    CsbIdExtension,
    Hdr,
    Id,
    Item,
    KeyData,
    KeyIds,
    Message,
    Opaque,
    Payload,
    Reader,
    SdpIds,
    Writer,
    encode,
    encode_id_and_key_data,
    encode_key_data,
    parse_id_and_key_data,
    parse_key_data,
    walk,
)
from tests.property import strategies as wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DataObject

_R = TypeVar("_R")

START = bytes.fromhex("01000500 00000001 00 00".replace(" ", ""))


class SubFormat(Protocol):
    def encode(self) -> bytes: ...


def tried(call: Callable[[], _R]) -> _R | PeerError:
    """What the call returns, or the PeerError it raises; anything else fails the test."""
    try:
        return call()
    except PeerError as error:
        return error


def walked(octets: bytes) -> tuple[list[Item], PeerError | None]:
    """What the walk yields, and what it ends with."""
    items: list[Item] = []
    try:
        for item in walk(octets):
            items.append(item)
    except PeerError as error:
        return items, error
    return items, None


def check_any_octets(octets: bytes) -> None:
    """Octets parse and come back, or raise PeerError; the walk and the parse agree."""
    items, failure = walked(octets)
    message = tried(lambda: Message.parse(octets))
    if isinstance(message, PeerError):
        assert message.number is not None
        assert message.offset is not None
        assert 0 <= message.offset <= len(octets)
        assert message.payload
        if failure:
            assert str(message) == str(failure)
        return
    assert failure is None
    assert encode(message.header, message.payloads) == octets
    assert Message.build(message.header, message.payloads) == message
    assert [item.payload for item in items] == [message.header, *message.payloads]
    assert tuple((item.offset, item.length) for item in items) == message.spans


@pytest.mark.rule("R3830-6-6", "R3830-5.2-3")
@given(wire.messages())
def test_a_message_comes_back_as_it_went(message: Message) -> None:
    again = Message.parse(message.octets)
    assert again == message
    assert encode(again.header, again.payloads) == message.octets


@given(wire.messages())
def test_spans_tile_the_octets(message: Message) -> None:
    end = 0
    for offset, length in message.spans:
        assert offset == end
        end += length
    assert end == len(message.octets)
    assert len(message.spans) == 1 + len(message.payloads)


@given(wire.payloads())
def test_a_payload_comes_back_as_it_went(payload: Payload) -> None:
    writer = Writer("payload")
    payload.encode(writer)
    reader = Reader(bytes(writer.octets), "payload")
    if isinstance(payload, Opaque):
        assert Opaque.parse(reader, payload.payload_type) == payload
    else:
        assert type(payload).parse(reader) == payload
    assert reader.remaining == 0


@given(wire.headers())
def test_a_header_comes_back_as_it_went(header: Hdr) -> None:
    writer = Writer("HDR")
    header.encode(writer, PayloadType.T)
    reader = Reader(bytes(writer.octets), "HDR")
    assert Hdr.parse(reader) == header
    assert reader.remaining == 0


@given(st.lists(wire.key_data(), max_size=4).map(tuple), st.booleans())
def test_key_data_comes_back_as_it_went(keys: tuple[KeyData, ...], key_wrap: bool) -> None:
    octets = encode_key_data(keys, key_wrap=key_wrap)
    assert parse_key_data(octets, key_wrap=key_wrap) == keys
    if key_wrap:
        assert len(octets) % 8 == 0


@given(wire.ids(), st.lists(wire.key_data(), max_size=4).map(tuple), st.booleans())
def test_id_and_key_data_come_back_as_they_went(
    identity: Id, keys: tuple[KeyData, ...], key_wrap: bool
) -> None:
    octets = encode_id_and_key_data(identity, keys, key_wrap=key_wrap)
    assert parse_id_and_key_data(octets, key_wrap=key_wrap) == (identity, keys)


@given(wire.key_ids() | wire.csb_id_extensions() | wire.bcasts() | wire.sdp_ids())
def test_an_extension_comes_back_as_it_went(
    value: KeyIds | CsbIdExtension | Bcast | SdpIds,
) -> None:
    assert type(value).parse(value.encode()) == value


@pytest.mark.rule("R3830-6.1-3")
@given(st.data())
def test_mutated_messages_parse_or_fail_cleanly(data: DataObject) -> None:
    message = data.draw(wire.messages())
    check_any_octets(data.draw(wire.mutated(message.octets)))


@given(wire.messages(), st.integers(0, 2**32 - 1))
def test_many_spoiled_octets_parse_or_fail_cleanly(message: Message, seed: int) -> None:
    """Twenty injuries for each message, as drawing messages is what costs: 20 000 in CI."""
    random = Random(seed)
    for _ in range(20):
        octets = bytearray(message.octets)
        for _ in range(random.randint(1, 3)):
            octets[random.randrange(len(octets))] = random.randrange(256)
        check_any_octets(bytes(octets[: random.choice([len(octets), random.randrange(600)])]))


@given(st.binary(max_size=200))
def test_any_octets_parse_or_fail_cleanly(octets: bytes) -> None:
    check_any_octets(octets)


@given(st.sampled_from(list(DataType)), st.binary(max_size=200))
def test_any_octets_behind_a_header_parse_or_fail_cleanly(
    data_type: DataType, octets: bytes
) -> None:
    check_any_octets(START[:1] + bytes([data_type]) + START[2:] + octets)


SUB_FORMATS: list[Callable[[bytes], SubFormat]] = [
    KeyIds.parse,
    CsbIdExtension.parse,
    Bcast.parse,
    SdpIds.parse,
]


@pytest.mark.parametrize("parse", SUB_FORMATS)
@given(octets=st.binary(max_size=40))
def test_any_extension_data_parses_or_fails_cleanly(
    parse: Callable[[bytes], SubFormat], octets: bytes
) -> None:
    value = tried(lambda: parse(octets))
    if isinstance(value, PeerError):
        assert type(value) is DecodeError
        return
    assert value.encode() == octets


@given(octets=st.binary(max_size=60), key_wrap=st.booleans())
def test_any_key_data_parses_or_fails_cleanly(octets: bytes, key_wrap: bool) -> None:
    keys = tried(lambda: parse_key_data(octets, key_wrap=key_wrap))
    if isinstance(keys, PeerError):
        assert keys.number == 12
        return
    assert encode_key_data(keys, key_wrap=key_wrap) == octets


@given(data=st.data(), key_wrap=st.booleans())
def test_mutated_id_and_key_data_parse_or_fail_cleanly(data: DataObject, key_wrap: bool) -> None:
    keys = data.draw(st.lists(wire.key_data(), max_size=3))
    octets = encode_id_and_key_data(data.draw(wire.ids()), keys, key_wrap=key_wrap)
    damaged = data.draw(wire.mutated(octets))
    found = tried(lambda: parse_id_and_key_data(damaged, key_wrap=key_wrap))
    if isinstance(found, PeerError):
        assert found.number == 12
        return
    assert encode_id_and_key_data(*found, key_wrap=key_wrap) == damaged
