"""Whatever a message holds, inspect names every octet of it, and each by what stands there."""

from __future__ import annotations

import io
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from mikey.cli.inspect import as_json, as_text
from mikey.cli.inspect.fields import Field
from mikey.cli.inspect.payloads import Described
from mikey.cli.inspect.report import Report, inspect
from mikey.cli.inspect.sources import Found
from mikey.errors import PeerError
from mikey.secret import Secret
from mikey.wire import Message
from tests.naive import vectors
from tests.property.strategies import messages, mutated

NOW = 1_161_351_786_500_000_000


def one(octets: bytes) -> Report:
    (only,) = inspect([Found("here", octets)], now=NOW)
    return only


def leaves(fields: tuple[Field, ...]) -> list[Field]:
    flat: list[Field] = []
    for field in fields:
        flat += leaves(field.fields) if field.fields else [field]
    return flat


def check_places(payload: Described, octets: bytes) -> None:
    """Fields stand one behind the other, fill their payload, and are what stands there."""
    position = payload.offset
    used = 0
    for field in leaves(payload.fields):
        here = octets[field.offset : field.offset + field.length]
        number = int.from_bytes(here)
        if field.mask is None:
            assert (used, field.offset) == (0, position)
            value = field.value.expose() if isinstance(field.value, Secret) else field.value
            assert value in (number, here) if field.length else value in (b"", None)
            position += field.length
        else:  # parts of the same octets, from the highest bit to the lowest
            assert field.offset == position
            assert not used & field.mask
            used |= field.mask
            shift = (field.mask & -field.mask).bit_length() - 1
            assert field.value == (number & field.mask) >> shift
            if used == (1 << 8 * field.length) - 1:
                position += field.length
                used = 0
    assert position == payload.offset + payload.length


def check(report: Report, octets: bytes) -> None:
    described = [part for part in (report.header, *report.payloads) if part is not None]
    assert [part.offset for part in described] == [
        0,
        *(part.offset + part.length for part in described[:-1]),
    ][: len(described)]
    for part in described:
        check_places(part, octets)


@settings(
    max_examples=100,  # messages take long to draw
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(messages())
def test_every_octet_has_a_name(message: Message) -> None:
    report = one(message.octets)
    check(report, message.octets)
    assert len(report.payloads) == len(message.payloads)
    if report.error is None:
        end = report.payloads[-1]
        assert end.offset + end.length == len(message.octets)
    else:  # keys in clear that are none
        assert any(payload.fault for payload in report.payloads)


@settings(
    max_examples=100,  # messages take long to draw
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data())
def test_damage_is_found_where_the_strict_parser_finds_it(data: st.DataObject) -> None:
    octets = data.draw(mutated(data.draw(messages()).octets))
    report = one(octets)
    check(report, octets)
    if report.error is None or any(payload.fault for payload in report.payloads):
        return
    try:
        Message.parse(octets)
    except PeerError as error:
        place = (error.offset, error.reason)
    else:
        place = (None, "")
    assert (report.error.offset, report.error.reason) == place


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(messages().map(lambda m: m.octets), mutated(vectors.OFFER)), st.booleans())
def test_both_outputs_can_show_it(octets: bytes, show_keys: bool) -> None:
    report = one(octets)
    line = as_json.line(report, show_keys=show_keys, explain=True)
    assert json.loads(line)["verified"] is None
    console = Console(file=io.StringIO(), width=80)
    as_text.render(console, report, 1, 1, show_keys=show_keys, explain=True)
