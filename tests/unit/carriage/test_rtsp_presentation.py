from __future__ import annotations

import pytest

from mikey.carriage.rtsp import Headers, KeyMgmt, Presentation, Response, resolve
from mikey.errors import CarriageError
from mikey.policy import Context
from tests.unit.carriage.rtsp_texts import DESCRIBE, SETUP, b64, sdp

BASE = "rtsp://127.0.0.1:18554/test/"

GSTREAMER = f"""v=0
o=- 15318241183817230593 1 IN IP4 127.0.0.1
s=Session streamed with GStreamer
i=rtsp-server
t=0 0
a=tool:GStreamer
a=type:broadcast
a=control:*
a=range:npt=now-
m=video 0 RTP/SAVP 26
c=IN IP4 0.0.0.0
a=rtpmap:26 JPEG/90000
a=framerate:30
a=control:stream=0
a=key-mgmt:mikey {b64(DESCRIBE)}
a=ssrc:979787205 cname:user123@host
m=audio 0 RTP/AVP 97 0
a=rtpmap:97 mpeg4-generic/48000/2
a=control:rtsp://127.0.0.1:18554/test/stream=1
"""


def test_what_gstreamer_presents() -> None:
    presentation = Presentation(GSTREAMER, BASE, context=Context(secure=True))
    assert presentation.control == BASE
    video, audio = presentation.tracks
    assert (video.kind, video.profile, video.payload_types) == ("video", "RTP/SAVP", (26,))
    assert (video.control, video.ssrcs, video.secure) == (BASE + "stream=0", (979787205,), True)
    assert (audio.control, audio.payload_types, audio.secure) == (
        BASE + "stream=1", (97, 0), False,
    )  # fmt: skip
    assert (audio.rtpmaps[0].encoding, audio.rtpmaps[0].channels) == ("mpeg4-generic", 2)
    (carried,) = presentation.messages()
    assert carried.octets == DESCRIBE
    assert carried.media == 0
    context = carried.context
    assert (context.place, context.lines, context.protocols) == (video.control, 1, ("mikey",))
    assert context.secure
    assert presentation.message_for(0) == carried
    assert presentation.message_for(1) is None


def test_the_answer_to_describe() -> None:
    response = Response(
        200, headers=Headers({"Content-Base": BASE}), body=GSTREAMER.replace("\n", "\r\n").encode()
    )
    assert Presentation.of(response, "rtsp://other/").tracks[0].control == BASE + "stream=0"


@pytest.mark.rule("R4567-3.2-6")
def test_a_header_counts_only_where_the_description_has_no_key() -> None:
    header = KeyMgmt("mikey", BASE + "stream=0", SETUP).encode()
    both = Response(200, headers=Headers({"KeyMgmt": header}), body=sdp(DESCRIBE).encode())
    (carried,) = Presentation.of(both, BASE).messages()
    assert carried.octets == DESCRIBE
    alone = Response(200, headers=Headers({"KeyMgmt": header}), body=sdp(None, None).encode())
    (carried,) = Presentation.of(alone, BASE).messages()
    assert (carried.octets, carried.media) == (SETUP, 0)
    wrong = KeyMgmt("mikey", BASE + "stream=7", SETUP).encode()
    nowhere = Response(200, headers=Headers({"KeyMgmt": wrong}), body=sdp(None).encode())
    with pytest.raises(CarriageError):
        Presentation.of(nowhere, BASE)


def test_descriptions_as_cameras_write_them() -> None:
    text = GSTREAMER.replace(b64(DESCRIBE), b64(DESCRIBE).rstrip("="))
    text = text.replace("m=video 0 RTP/SAVP 26", "\r\nm=video 0 RTP/SAVP 26 \t")
    text = text.replace("a=key-mgmt:mikey ", "a=key-mgmt: mikey  ") + "\0\r\n\r\n"
    assert Presentation(text, BASE).messages()[0].octets == DESCRIBE
    folded = GSTREAMER.replace(b64(DESCRIBE), b64(DESCRIBE)[:60] + "\n   " + b64(DESCRIBE)[60:])
    assert Presentation(folded, BASE).messages()[0].octets == DESCRIBE


@pytest.mark.parametrize("data", ["!", "AQA=AQ", "A"])
def test_a_key_that_is_no_base64(data: str) -> None:
    with pytest.raises(CarriageError) as caught:
        Presentation(GSTREAMER.replace(b64(DESCRIBE), data), BASE)
    assert caught.value.status == 463


@pytest.mark.parametrize("text", ["", "garbage", "<html>", "v=0\r\nm=video", "v=0\r\n" * 20_000])
def test_what_is_no_description(text: str) -> None:
    with pytest.raises(CarriageError) as caught:
        Presentation(text, BASE)
    assert caught.value.status == 400


@pytest.mark.parametrize("uri", ["", "http://a/", "rtsp://a b", "rtsp://\r\n"])
def test_what_is_no_base(uri: str) -> None:
    with pytest.raises(CarriageError):
        Presentation(GSTREAMER, uri)


@pytest.mark.parametrize(
    ("control", "base", "uri"),
    [
        ("*", "rtsp://a/b", "rtsp://a/b"),
        ("", "rtsp://a/b", "rtsp://a/b"),
        ("trackID=1", "rtsp://a/b", "rtsp://a/b/trackID=1"),
        ("trackID=1", "rtsp://a/b/", "rtsp://a/b/trackID=1"),
        ("/c/d", "rtsps://a:1/b/", "rtsps://a:1/c/d"),
        ("rtsp://x/y", "rtsp://a/b", "rtsp://x/y"),
        ("t", "rtsp://a/b?profile=1", "rtsp://a/b?profile=1/t"),
    ],
)
def test_control_uris(control: str, base: str, uri: str) -> None:
    assert resolve(control, base) == uri


def test_payload_types_that_are_none() -> None:
    """Text of 5000 digits is no number that Python reads."""
    text = GSTREAMER.replace("RTP/SAVP 26", f"RTP/SAVP 26 96x {'1' * 5000}")
    assert Presentation(text, BASE).tracks[0].payload_types == (26,)


def test_a_control_that_is_no_uri() -> None:
    with pytest.raises(CarriageError):
        Presentation(GSTREAMER.replace("stream=0", "stream 0"), BASE)


@pytest.mark.rule("R4567-4.2-1", "R4567-3.2-3")
def test_levels() -> None:
    presentation = Presentation(sdp(None, DESCRIBE, session=SETUP), BASE)
    assert [(c.media, c.octets) for c in presentation.messages()] == [(None, SETUP), (1, DESCRIBE)]
    first, second = presentation.message_for(0), presentation.message_for(1)
    assert first is not None
    assert second is not None
    assert (first.octets, second.octets) == (SETUP, DESCRIBE)  # media level hides the session's
    here = BASE + "stream=1"
    for spec, uri, level in (
        (KeyMgmt("mikey", "", b"x"), BASE + "stream=0", 0),
        (KeyMgmt("mikey", here, b"x"), BASE, 1),
        (KeyMgmt("mikey", here.replace("rtsp:", "RTSP:") + "/", b"x"), BASE, 1),
        (KeyMgmt("mikey", BASE.rstrip("/"), b"x"), here, None),
    ):
        assert presentation.level_of(spec, uri) == level
    with pytest.raises(CarriageError) as caught:
        presentation.level_of(KeyMgmt("mikey", "rtsp://other/", b"x"), here)
    assert caught.value.status == 463


@pytest.mark.rule("R4567-4.2-1")
@pytest.mark.parametrize("more", [f"a=key-mgmt:mikey {b64(SETUP)}", "a=key-mgmt:kink YWJj"])
@pytest.mark.parametrize("before", ["a=ssrc", "m=video"])
def test_one_protocol_a_level(more: str, before: str) -> None:
    text = sdp(DESCRIBE, session=SETUP).replace(before, f"{more}\r\n{before}")
    with pytest.raises(CarriageError) as caught:
        Presentation(text, BASE).messages()
    assert caught.value.status == 463


@pytest.mark.rule("R4567-4.2-4")
def test_without_aggregated_control_keys_are_the_streams_alone() -> None:
    assert Presentation(sdp(DESCRIBE, control=""), BASE).messages()
    presentation = Presentation(sdp(None, session=SETUP, control=""), BASE)
    assert presentation.control is None
    with pytest.raises(CarriageError) as caught:
        presentation.messages()
    assert caught.value.status == 463


def test_no_key_in_a_repr() -> None:
    assert repr(Presentation(GSTREAMER, BASE)) == "<Presentation with 2 streams>"


def test_credentials_stay_out_of_uris() -> None:
    presentation = Presentation(sdp(DESCRIBE), "rtsp://user:word@host/a/")
    assert presentation.uri_of(0) == "rtsp://host/a/stream=0"
    spec = KeyMgmt("mikey", "rtsp://user:word@HOST/a/stream=0", DESCRIBE)
    assert presentation.level_of(spec, "rtsp://host/a") == 0
    for read in (
        lambda: Presentation(sdp(None), "rtsp://user:word@ho st/"),
        lambda: presentation.level_of(
            KeyMgmt("mikey", "rtsp://user:word@host/b", DESCRIBE), "rtsp://host/a"
        ),
    ):
        with pytest.raises(CarriageError) as caught:
            read()
        assert "word" not in str(caught.value)
