"""Messages from RFCs and from the field say what is written down beside them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from mikey.errors import PeerError
from mikey.wire import (
    Kemac,
    Message,
    SpParam,
    SrtpId,
    V,
    encode,
    parse_key_data,
    payload_name,
    payload_type,
    walk,
)
from tests.unit.wire.samples import VECTORS, vector

VALID = [pytest.param(case, id=case["name"]) for case in VECTORS if case["result"] == "valid"]
INVALID = [pytest.param(case, id=case["name"]) for case in VECTORS if case["result"] == "invalid"]


def plain(value: object) -> Any:
    """The value as JSON has it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, SpParam):
        return [value.param, value.value.hex()]
    if isinstance(value, SrtpId):
        return value._asdict()
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value


@pytest.mark.rule("VEC-1", "VEC-7", "VEC-8", "R3830-6-1", "R3830-6.1-5", "R3830-6-6")
@pytest.mark.parametrize("case", VALID)
def test_a_message_says_what_is_written_down(case: dict[str, Any]) -> None:
    octets = bytes.fromhex(case["octets"])
    message = Message.parse(octets)
    assert plain(message.header) == case["header"]
    found = [
        {
            "type": payload_name(payload_type(payload)),
            "offset": message.span(index)[0],
            "length": message.span(index)[1],
            "fields": plain(payload),
        }
        for index, payload in enumerate(message.payloads)
    ]
    assert found == case["payloads"]
    assert encode(message.header, message.payloads) == octets


@pytest.mark.parametrize("case", INVALID)
def test_damage_is_named_by_number_and_place(case: dict[str, Any]) -> None:
    with pytest.raises(PeerError) as caught:
        Message.parse(bytes.fromhex(case["octets"]))
    assert (caught.value.number, caught.value.offset) == (case["error"], case["offset"])


def test_the_rfc_4567_sample_is_as_described() -> None:
    """Facts of VEC-1, in the words of the checklist instead of the vector file."""
    offer = Message.parse(vector("rfc4567-offer"))
    assert len(offer.octets) == 132
    assert offer.header.v
    assert offer.header.csb_id == 0xCD177E50
    assert len(offer.one(Kemac).encr_data) == 36
    answer = Message.parse(vector("rfc4567-answer"))
    assert len(answer.octets) == 71
    assert answer.header.csb_id == offer.header.csb_id
    assert answer.payloads[0] == offer.payloads[0]
    assert len(answer.one(V).ver_data) == 20


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("gstreamer-describe", "452ab9ecb22cb7d78c48c1a2c1e9d0474c907f630c73cab6ee89462a5c67"),
        ("gstreamer-setup", "254a25e9b095d72f953218ed05a31562854526b978796b6d67ebac939d17"),
    ],
)
def test_gstreamer_sends_its_key_in_clear(name: str, key: str) -> None:
    message = Message.parse(vector(name))
    offset, length = message.span(len(message.payloads) - 1)
    assert (offset, length) == (73, 39)
    (tek,) = parse_key_data(message.one(Kemac).encr_data)
    assert tek.key.expose().hex() == key
    assert message.octets.index(tek.key.expose()) == 81


@pytest.mark.parametrize("case", VALID)
def test_no_message_survives_a_cut(case: dict[str, Any]) -> None:
    octets = bytes.fromhex(case["octets"])
    for length in range(len(octets)):
        with pytest.raises(PeerError) as caught:
            Message.parse(octets[:length])
        assert caught.value.number == 12
        assert caught.value.offset is not None
        assert caught.value.offset <= length


@pytest.mark.parametrize("case", VALID)
def test_what_comes_before_a_cut_is_yielded(case: dict[str, Any]) -> None:
    octets = bytes.fromhex(case["octets"])
    whole = list(walk(octets))
    for length in range(len(octets)):
        items = walk(octets[:length])
        due = [item for item in whole if item.offset + item.length <= length]
        assert [next(items) for _ in due] == due
        with pytest.raises(PeerError):
            next(items)
