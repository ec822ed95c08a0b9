"""What the lines of an m= section say to callers."""

from __future__ import annotations

import pytest

from mikey.carriage.sdp import Description, Direction, RtpMap
from mikey.errors import CarriageError
from tests.unit.carriage.sdp_texts import AUDIO, CALL


def test_media_of_a_call() -> None:
    audio, text, video = Description(CALL).media
    assert (audio.media, audio.port, audio.proto, audio.formats) == (
        "audio",
        49000,
        "RTP/SAVP",
        ("98", "0"),
    )
    assert audio.rtpmaps == (RtpMap(98, "AMR", 8000),)
    assert audio.address == "192.0.2.1"
    assert audio.direction is Direction.SENDRECV
    assert ("rtcp", "49009") in audio.attributes
    assert (video.address, video.direction) == ("192.0.2.9", Direction.RECVONLY)
    assert [media.secure for media in (audio, text, video)] == [True, False, True]
    assert video.name == "media 3"


def test_direction_of_the_session_serves_media_without_one() -> None:
    audio, _, video = Description(CALL.replace("t=0 0\r\n", "t=0 0\r\na=sendonly\r\n")).media
    assert (audio.direction, video.direction) == (Direction.SENDONLY, Direction.RECVONLY)


def test_port_counts_and_channels() -> None:
    text = AUDIO.replace("49000", "0/2").replace("L16/8000", "L16/44100/2")
    (audio,) = Description(text).media
    assert (audio.port, audio.port_count, audio.rejected) == (0, 2, True)
    assert audio.rtpmaps == (RtpMap(98, "L16", 44100, 2),)


def test_an_rtpmap_that_cannot_be_read_is_left_out() -> None:
    (audio,) = Description(AUDIO.replace("98 L16/8000", "98 L16")).media
    assert audio.rtpmaps == ()


def test_no_address_at_all() -> None:
    (audio,) = Description(AUDIO.replace("c=IN IP4 192.0.2.1\r\n", "")).media
    assert audio.address is None


@pytest.mark.parametrize("proto", ["RTP/AVP", "UDP/TLS/RTP/SAVP", "RTP/SAVPX", "rtp/savp"])
def test_profiles_that_are_not_keyed(proto: str) -> None:
    assert Description(AUDIO.replace("RTP/SAVP", proto)).secure_lines == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("m=audio 49000 RTP/SAVP 98", "m="),
        ("m=audio 49000 RTP/SAVP 98", "m=audio 49000 RTP/SAVP"),
        ("m=audio 49000 RTP/SAVP 98", "m=audio  49000 RTP/SAVP 98"),
        ("49000", "65536"),
        ("49000", "-1"),
        ("49000", "4\u0669"),
        ("c=IN IP4 192.0.2.1", "c=IN IP4"),
    ],
)
def test_malformed_lines(old: str, new: str) -> None:
    with pytest.raises(CarriageError) as caught:
        Description(AUDIO.replace(old, new))
    assert caught.value.status == 400
