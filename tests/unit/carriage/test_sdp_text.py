"""Lines of a description go back together unchanged."""

from __future__ import annotations

import pytest

from mikey.carriage.sdp import Description, decode, encode
from mikey.errors import CarriageError, LocalError
from tests.unit.carriage.sdp_texts import AUDIO, CALL


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("tail", ["", "\r\n", "\n\n"])
def test_text_is_kept(end: str, tail: str) -> None:
    text = CALL.replace("\r\n", end) + tail
    assert str(Description(text)) == text


def test_last_line_may_lack_its_end() -> None:
    text = CALL.removesuffix("\r\n")
    assert str(Description(text)) == text


def test_mixed_line_ends_are_kept() -> None:
    text = CALL.replace("t=0 0\r\n", "t=0 0\n")
    assert str(Description(text)) == text


def test_separators_of_unicode_are_no_line_ends() -> None:
    text = AUDIO.replace("s=-", "s=a\u2028b\x0bc\x85d")
    assert str(Description(text)) == text
    assert len(Description(text).media) == 1


def test_octets_that_are_no_utf_8_come_back() -> None:
    octets = AUDIO.encode().replace(b"s=-", b"s=caf\xe9")
    assert encode(str(Description(decode(octets)))) == octets


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\r\n",
        "garbage",
        "v=1\r\n",
        "\r\nv=0\r\n",
        AUDIO.replace("v=0\r\n", ""),
        AUDIO.replace("s=-", "s=-\ra=key-mgmt:mikey AQ=="),
        AUDIO.replace("s=-", "s=\0"),
        AUDIO.replace("s=-", "=-"),
        AUDIO.replace("s=-", " s=-"),
        AUDIO.replace("s=-\r\n", "\r\n"),
        AUDIO + "\r",
        AUDIO.replace("s=-", "s=\ud800"),
        AUDIO + "a=" + "x" * 65536,
        AUDIO + "a=" + "\u00e9" * 33000,
        AUDIO + "m=audio 5004 RTP/AVP 0\r\n" * 127,
    ],
)
def test_text_that_is_no_description_is_malformed(text: str) -> None:
    with pytest.raises(CarriageError) as caught:
        Description(text)
    assert caught.value.status == 400


def test_an_error_names_the_line() -> None:
    with pytest.raises(CarriageError, match="line 3"):
        Description("v=0\r\ns=-\r\nnothing\r\n")


def test_octets_are_no_text_yet() -> None:
    with pytest.raises(LocalError, match="decode"):
        Description(CALL.encode())  # type: ignore[arg-type]
    assert str(Description(decode(CALL.encode()))) == CALL
