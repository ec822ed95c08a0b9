"""tshark and the naive decoder agree on PKE, DH-SIGN, DHHMAC and RSA-R; and how far tshark goes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests import independent
from tests.independent import beyond, check_messages, differences
from tests.interop import method_samples, samples, tshark_fields
from tests.interop.tshark import Carrier, Dissection, dissect, dissect_all
from tests.interop.tshark_fields import first_gap
from tests.naive import dhhmac
from tests.naive import encode as e
from tests.naive.decode import CERT, DH, KEMAC, PKE, SIGN, decode, one
from tests.naive.parties import TERMS, XI, changed, types
from tests.naive.vectors import PSK

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("carrier", ["udp", "sip"])
def test_messages_read_to_their_end(carrier: Carrier) -> None:
    messages = method_samples.readable()
    gaps = {name: first_gap(decode(octets)) for name, octets in messages.items()}
    assert not any(gaps.values()), gaps
    check_messages([*messages.values()], carrier)


@pytest.mark.parametrize("carrier", ["udp", "sip"])
def test_messages_that_tshark_cannot_finish(carrier: Carrier) -> None:
    messages = method_samples.unreadable()
    for name, (what, octets) in messages.items():
        gap = first_gap(decode(octets))
        assert gap is not None, name
        assert gap[1].what == what, name
    check_messages([octets for _, octets in messages.values()], carrier)


def test_every_data_type_is_there() -> None:
    found = {decode(octets)[0].fields["data_type"] for octets in method_samples.readable().values()}
    assert found == {0, 2, 3, 4, 5, 6, 7, 8, 9, 10}


@pytest.fixture(scope="module")
def unread() -> dict[str, Dissection]:
    """What tshark makes of the messages that it cannot finish."""
    messages = method_samples.unreadable()
    shown = dissect_all([octets for _, octets in messages.values()])
    return dict(zip(messages, shown, strict=True))


@pytest.mark.parametrize("name", [*method_samples.unreadable()])
def test_gap_is_real(
    name: str, unread: dict[str, Dissection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its entry the message passes, without it tshark and the decoder differ."""
    what, octets = method_samples.unreadable()[name]
    parts = decode(octets)
    assert differences(len(octets), parts, unread[name]) == []
    others = tuple(gap for gap in tshark_fields.UNREADABLE if gap.what != what)
    monkeypatch.setattr(tshark_fields, "UNREADABLE", others)
    assert differences(len(octets), parts, unread[name]) != []


def test_the_last_payload_that_is_shown(unread: dict[str, Dissection]) -> None:
    """All before the gap is read, the payload with the gap is begun, nothing behind it."""
    for name, dissection in unread.items():
        gap = first_gap(decode(method_samples.unreadable()[name][1]))
        assert gap is not None
        assert len(dissection.payloads) == gap[0] + 1, name


def test_what_lies_beyond_a_gap_is_shown_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """PKE and SIGN behind a CHASH, DHr's neighbours, what follows a URL: all are compared."""
    messages = method_samples.unreadable()
    asked: list[bytes] = []

    def record(wanted: Sequence[bytes], carrier: Carrier) -> list[Dissection]:
        asked.extend(wanted)
        return dissect_all(wanted, carrier)

    monkeypatch.setattr(independent, "dissect_all", record)
    check_messages([octets for _, octets in messages.values()])
    rest = dict(zip(messages, asked[len(messages) :], strict=True))
    for name, octets in rest.items():
        before, after = decode(messages[name][1]), decode(octets)
        assert first_gap(after) is None, name
        left_out = [part for part in before if first_gap([part]) is not None]
        assert len(before) - len(after) == len(left_out) > 0
        assert [part.fields for part in after[1:]] == [
            part.fields for part in before[1:] if part not in left_out
        ], name
    assert types(rest["PKE with CHASH 0"])[-2:] == [PKE, SIGN]


def test_a_difference_beyond_a_gap_is_found() -> None:
    octets = method_samples.unreadable()["PKE with CHASH 0"][1]
    parts = decode(octets)
    rest = beyond(octets, parts)
    wrong = changed(rest, len(rest) - 1)
    assert differences(len(rest), decode(rest), dissect(rest)) == []
    assert differences(len(rest), decode(rest), dissect(wrong)) != []


def test_beyond_a_map_that_it_cannot_read() -> None:
    octets = samples.unreadable()["GENERIC-ID map"]
    rest = decode(beyond(octets, decode(octets)))
    assert (rest[0].fields["cs_count"], rest[0].fields["cs_id_map_type"]) == (0, 0)
    assert [part.type for part in rest] == types(octets)


def test_nothing_lies_beyond() -> None:
    whole = method_samples.readable()["PKE"]
    assert beyond(whole, decode(whole)) == b""
    only = e.build(0, [e.t(3, bytes(4))], csb_id=1)
    assert beyond(only, decode(only)) == b""


@pytest.mark.parametrize("name", ["PKE", "DH-SIGN group 1", "DHHMAC group 2", "RSA-R answer"])
def test_a_difference_in_any_part_is_found(name: str) -> None:
    """Hold the dissection of a changed message against the decoding of the right one."""
    octets = method_samples.readable()[name]
    parts = decode(octets)
    places = []
    for part in parts:
        end = part.offset + part.length
        places += [part.offset, end - 1]
        if part.type in (KEMAC, PKE, DH, SIGN, CERT):
            places += range(part.offset, end, 13)
    shown = dissect_all([changed(octets, at) for at in places])
    missed = [
        at
        for at, dissection in zip(places, shown, strict=True)
        if not differences(len(octets), parts, dissection)
    ]
    assert missed == []


def test_the_literal_numbers_of_dhhmac_end_early() -> None:
    """tshark reads Mac alg 0 as no MAC, as RFC 3830 does: 20 octets are left over."""
    octets = dhhmac.offer(TERMS, PSK, XI, group=1, literal=True)
    dissection = dissect(octets)
    last, kemac = dissection.payloads[-1], one(decode(dhhmac.registered(octets)), KEMAC)
    assert (last.name, last.offset, last.length) == ("mikey.kemac", kemac.offset, 5)
    assert dissection.complete
    assert kemac.offset + 5 == len(octets) - 20
    with pytest.raises(ValueError, match="20 octets after"):
        decode(octets)
