"""The key-mgmt attribute: its grammar, read and written."""

from __future__ import annotations

import base64

import pytest

from mikey.carriage.sdp import Agreed, Description, Offered
from mikey.errors import CarriageError
from tests.naive import vectors
from tests.unit.carriage.sdp_texts import AUDIO, OFFER_64, with_lines


@pytest.mark.rule("R4567-3.1-1", "R4567-3-2")
def test_the_line_that_is_emitted() -> None:
    text = Description(AUDIO).attach(vectors.OFFER)
    assert text == with_lines(AUDIO, f"a=key-mgmt:mikey {OFFER_64}")
    assert Description(text).message() == vectors.OFFER


@pytest.mark.rule("R4567-3.1-1")
@pytest.mark.parametrize("octets", [b"\1", b"\1\2", b"\1\2\3", bytes(range(256)) * 4])
def test_base64_is_one_padded_string(octets: bytes) -> None:
    line = next(
        line
        for line in Description(AUDIO).attach(octets).split("\r\n")
        if line.startswith("a=key-mgmt")
    )
    assert line == "a=key-mgmt:mikey " + base64.b64encode(octets).decode()


@pytest.mark.rule("R4567-3.1-1")
def test_one_space_behind_the_colon_is_accepted() -> None:
    text = with_lines(AUDIO, f"a=key-mgmt: mikey {OFFER_64}")
    assert Description(text).message() == vectors.OFFER
    assert str(Description(text)) == text


@pytest.mark.rule("R4567-3.1-1")
@pytest.mark.parametrize(
    "line",
    [
        "a=key-mgmt",
        "a=key-mgmt:",
        "a=key-mgmt:mikey",
        "a=key-mgmt:mikey ",
        "a=key-mgmt :mikey AQ==",
        "a= key-mgmt:mikey AQ==",
        "a=key-mgmt:  mikey AQ==",
        "a=key-mgmt:\tmikey AQ==",
        "a=key-mgmt:mikey  AQ==",
        "a=key-mgmt:mikey\tAQ==",
        "a=key-mgmt:mikey AQ== ",
        "a=key-mgmt:mikey AQIDBA== AQ==",
        "a=key-mgmt:mi-key AQ==",
        "a=key-mgmt:mikey AQ",
        "a=key-mgmt:mikey AQ=",
        "a=key-mgmt:mikey AR==",
        "a=key-mgmt:mikey AQ==AQ==",
        "a=key-mgmt:mikey A-_=",
        "a=key-mgmt:mikey A",
        "a=key-mgmt:mikey ====",
        "a=key-mgmt:mikey \u00e9\u00e9\u00e9\u00e9",
        "a=key-mgmt:m\u0131key AQ==",
    ],
)
def test_other_forms_are_malformed(line: str) -> None:
    with pytest.raises(CarriageError) as caught:
        Description(with_lines(AUDIO, line))
    assert caught.value.status == 400


def test_identifiers_are_case_sensitive() -> None:
    description = Description(with_lines(AUDIO, f"a=key-mgmt:MIKEY {OFFER_64}"))
    assert description.protocols == ("MIKEY",)
    assert description.levels == ()


def test_names_that_only_begin_alike_are_other_attributes() -> None:
    description = Description(with_lines(AUDIO, "a=key-mgmt-more:mikey AQ==", "a=Key-Mgmt:x"))
    assert description.key_mgmt == ()


def test_data_of_other_protocols_is_not_read() -> None:
    description = Description(with_lines(AUDIO, "a=key-mgmt:keyp1 not*base64"))
    assert description.protocols == ("keyp1",)


def test_the_repr_shows_no_message() -> None:
    description = Description(Description(AUDIO).attach(vectors.OFFER))
    shown = f"{description!r} {description.key_mgmt!r} {description.messages()!r}"
    assert OFFER_64[:12] not in shown
    assert repr(vectors.OFFER)[2:12] not in shown


def test_what_offer_and_answer_hold_shows_no_message() -> None:
    """With NULL encryption a message holds its keys in the clear."""
    description = Description(AUDIO)
    text = description.attach(vectors.OFFER)
    for shown in (repr(Agreed(text, ())), repr(Offered(description, {None: vectors.OFFER}))):
        assert OFFER_64[:12] not in shown
        assert repr(vectors.OFFER)[2:12] not in shown
