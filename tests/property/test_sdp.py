"""Any text is read whole or refused, and comes back unchanged."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from mikey.carriage.sdp import Description, decode, encode, place_sessions
from mikey.errors import CarriageError, PeerError
from tests.naive import vectors
from tests.unit.carriage.sdp_texts import CALL

SIGNED = Description(Description(CALL).attach(vectors.OFFER)).attach(vectors.ANSWER, 2)

_lines = st.one_of(
    st.sampled_from(SIGNED.split("\r\n")),
    st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=30),
    st.from_regex(r"[a-z]=[ -~]{0,30}", fullmatch=True),
    st.from_regex(r"a=key-mgmt: ?[a-z]{0,6} [A-Za-z0-9+/=]{0,12}", fullmatch=True),
    st.from_regex(r"m=[a-z]{1,5} [0-9]{1,6} RTP/S?AVP [0-9]{1,3}", fullmatch=True),
)
texts = st.one_of(
    st.text(max_size=200),
    st.lists(st.tuples(_lines, st.sampled_from(["\r\n", "\n"])), max_size=20).map(
        lambda pairs: "v=0\r\n" + "".join(line + end for line, end in pairs)
    ),
)
messages = st.binary(min_size=1, max_size=60)


def use(description: Description) -> None:
    """Ask a description everything; what comes from outside may only raise PeerError."""
    for level in description.levels:
        description.context_at(level)
        description.governed(level)
    try:
        description.messages()
        description.kept_lines(description)
    except PeerError:
        pass


@given(texts)
def test_any_text_is_kept_or_refused(text: str) -> None:
    try:
        description = Description(text)
    except CarriageError:
        return
    assert str(description) == text
    use(description)


@given(st.binary(max_size=300))
def test_any_octets_are_kept_or_refused(octets: bytes) -> None:
    octets = b"v=0\n" + octets
    try:
        description = Description(decode(octets))
    except CarriageError:
        return
    assert encode(str(description)) == octets


@given(st.data())
def test_any_mutation_is_read_or_refused(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(SIGNED) - 1))
    length = data.draw(st.integers(0, 8))
    text = SIGNED[:position] + data.draw(st.text(max_size=8)) + SIGNED[position + length :]
    try:
        description = Description(text)
    except CarriageError:
        return
    assert str(description) == text
    use(description)


@example("v=0\nm=a 0 b 0\na=key-mgmt:p 0", b"\0", b"\1")
@given(texts, messages, messages)
def test_a_message_that_is_attached_is_found_and_leaves_no_trace(
    text: str, first: bytes, second: bytes
) -> None:
    try:
        plain = Description(Description(text).detach())
    except CarriageError:
        return
    once = Description(plain.attach(first))
    assert once.message() == first
    again = Description(once.attach(second))
    assert again.message() == second
    assert [m.attributes for m in again.media] == [m.attributes for m in plain.media]
    # A last line without an end gets one, so that another line can follow.
    assert again.detach().rstrip("\r\n") == str(plain).rstrip("\r\n")


@given(st.sets(st.integers(0, 20)), st.integers(0, 255))
def test_every_governed_line_gets_both_directions(lines: set[int], count: int) -> None:
    governed = sorted(lines)
    try:
        slots = place_sessions(count, governed, 21)
    except PeerError:
        return
    assert all(1 <= slot.cs_id <= count for slot in slots)
    if count and governed:
        assert [slot.media for slot in slots] == [line for line in governed for _ in range(2)]
