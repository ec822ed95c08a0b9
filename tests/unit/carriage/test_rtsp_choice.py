from __future__ import annotations

import pytest

from mikey import Initiator, Psk, Secret, SrtpPolicy, Stream
from mikey.carriage.rtsp import choose
from mikey.policy import PROFILES, KeyFlow
from mikey.registry import KeyType
from tests.unit.carriage import rtsp_texts as t


@pytest.mark.parametrize(
    ("message", "server", "profile", "why"),
    [
        (t.DESCRIBE, "GStreamer RTSP server", "gst-legacy", "calls itself gstreamer"),
        (t.DESCRIBE, None, "gst-legacy", "parameter 3"),
        (t.message(t.CM_GST | {3: 4}), None, "gst-sha1-32", "SHA1_32"),
        (t.message(t.GCM_GST, key=bytes(28)), "GStreamer RTSP server", "gst-gcm", "GCM"),
        (t.message(t.GCM_GST, key=bytes(28)), None, "gst-gcm", "GCM"),
        (t.message(t.GCM_NX, key=bytes(28)), None, "gst-gcm", "one TEK"),
        (t.message(t.GCM_ONVIF, key=t.KEY, salt=bytes(12)), None, "onvif-gcm", "apart"),
        (t.message(t.CM_RFC, spi=b"\0\0\0\1"), "Hikvision", "onvif-cm", "AES-CM"),
        (t.message(t.CM_RFC) + bytes(1), None, "onvif-cm", "AES-CM"),
        (t.message(t.CM_LIVE555, spi=b"abcd"), "LIVE555 Streaming Media", "live555", "live555"),
        (t.message(t.CM_RFC), "gortsplib", "mediamtx", "gortsplib"),
        (t.message(None), None, "onvif-cm", ""),
        (None, "GStreamer RTSP server", "gst-legacy", "gstreamer"),
        (None, "Axis", "onvif-cm", "no MIKEY key"),
        (b"garbage", None, "onvif-cm", ""),
    ],
)
def test_the_profile_and_why(
    message: bytes | None, server: str | None, profile: str, why: str
) -> None:
    choice = choose(message, server=server)
    assert choice.profile == profile
    assert why in choice.reason
    assert "\n" not in choice.reason
    assert choice.compat == PROFILES[profile]


def test_what_we_offer_tells_the_cipher_where_nothing_else_does() -> None:
    gcm = (SrtpPolicy.AEAD_AES_128_GCM,)
    assert choose(None, policies=gcm).profile == "onvif-gcm"
    assert choose(None, server="GStreamer", policies=gcm).profile == "gst-gcm"


def test_gstreamer_with_an_mki_gets_one_from_us() -> None:
    choice = choose(t.message(t.CM_GST, spi=b"\0\0\0\1"))
    assert choice.profile == "gst-legacy"
    assert choice.compat.mki_length == 4
    assert "MKI of 4 octets" in choice.reason


def test_a_protected_message_is_the_rfcs() -> None:
    key = Psk(Secret(bytes(range(16))), "sip:a@example.com", "sip:b@example.com")
    choice = choose(Initiator(key).start([Stream(1)]), server="GStreamer")
    assert choice.profile == "rfc"
    assert choice.compat.flow is KeyFlow.ANSWER
    assert choice.compat.key_type is KeyType.TGK
