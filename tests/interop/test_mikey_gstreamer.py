"""Our messages read by GStreamer's gstmikey, and its messages read by us."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mikey import (
    Clock,
    Context,
    Initiator,
    KeyType,
    NoKey,
    Responder,
    Secret,
    SrtpPolicy,
    Stream,
    drive,
)  # fmt: skip
from mikey.carriage.rtsp import Presentation, choose, first_message
from mikey.carriage.sdp import Description
from mikey.policy import PROFILES
from mikey.wire import KeyData, KvSpi, Message, Sp, SpParam
from tests.peers import need_gstreamer
from tests.unit.carriage import rtsp_texts as t

pytestmark = pytest.mark.interop

PROGRAM = Path(__file__).with_name("gst_mikey.py")
TLS = Context(secure=True)
NAMES = {
    "AES_CM_128_HMAC_SHA1_80": ("aes-128-icm", "hmac-sha1-80"),
    "AES_CM_128_HMAC_SHA1_32": ("aes-128-icm", "hmac-sha1-32"),
    "AES_256_CM_HMAC_SHA1_80": ("aes-256-icm", "hmac-sha1-80"),
    "AES_256_CM_HMAC_SHA1_32": ("aes-256-icm", "hmac-sha1-32"),
    "AEAD_AES_128_GCM": ("aes-128-gcm", "null"),
    "AEAD_AES_256_GCM": ("aes-256-gcm", "null"),
}


def gstreamer(*requests: dict[str, Any]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [need_gstreamer(), str(PROGRAM)],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


SENT = [
    ("onvif-cm", "AES_CM_128_HMAC_SHA1_80"),
    ("live555", "AES_CM_128_HMAC_SHA1_80"),
    ("mediamtx", "AES_CM_128_HMAC_SHA1_80"),
    ("gst-legacy", "AES_CM_128_HMAC_SHA1_80"),
    ("gst-legacy", "AES_256_CM_HMAC_SHA1_80"),
    ("gst-sha1-32", "AES_CM_128_HMAC_SHA1_32"),
    ("gst-sha1-32", "AES_256_CM_HMAC_SHA1_32"),
    ("gst-gcm", "AEAD_AES_128_GCM"),
    ("gst-gcm", "AEAD_AES_256_GCM"),
]


def test_gstreamer_reads_what_each_profile_sends() -> None:
    keys, requests = [], []
    for profile, name in SENT:
        policy = SrtpPolicy.named(name)
        alice = Initiator(NoKey("rtsp:server", "rtsp:client", PROFILES[profile]), policies=[policy])
        first = alice.start([Stream(1000, roc=3)], context=TLS, respond=False)
        (master,) = alice.early_bundle(first).masters(1)
        keys.append(master.key.expose() + master.salt.expose())
        requests.append({"sdp": Description(t.sdp(None)).attach(first, 0)})
    for (profile, name), key, read in zip(SENT, keys, gstreamer(*requests), strict=True):
        cipher, auth = NAMES[name]
        assert read["srtp-key"] == key.hex(), profile
        assert (read["srtp-cipher"], read["srtp-auth"]) == (cipher, auth), profile
        assert (read["srtcp-cipher"], read["srtcp-auth"]) == (cipher, auth), profile


def test_gstreamer_takes_a_short_tag_in_the_rfcs_form_for_a_long_one() -> None:
    """Q1: why `gst-sha1-32` exists."""
    (read,) = gstreamer({"sdp": t.sdp(t.message(t.CM_RFC | {11: 4}))})
    assert read["srtp-auth"] == "hmac-sha1-80"


@pytest.mark.parametrize("name", NAMES)
def test_we_read_what_gstreamer_makes(name: str) -> None:
    policy = SrtpPolicy.named(name)
    cipher, auth = NAMES[name]
    key = bytes(range(1, policy.key_length + policy.master_salt_length + 1))
    caps = (
        f"application/x-srtp, srtp-key=(buffer){key.hex()}, srtp-cipher=(string){cipher}, "
        f"srtp-auth=(string){auth}, srtcp-cipher=(string){cipher}, srtcp-auth=(string){auth}"
    )
    (made,) = gstreamer({"caps": caps, "ssrc": 1000, "roc": 7})
    octets = base64.b64decode(made["message"])
    choice = choose(octets)
    assert choice.profile in ("gst-legacy", "gst-sha1-32", "gst-gcm")
    presentation = Presentation(t.sdp(octets), "rtsp://camera/", context=TLS)
    (carried,) = presentation.messages()
    clock = Clock()
    bob = Responder([NoKey("rtsp:client", "rtsp://camera/", choice.compat)], clock=clock)
    said = first_message(carried.octets, compat=choice.compat, clock=clock)
    _, bundle = drive(bob.receive(said, context=carried.context)).accept()
    (session,) = bundle.crypto_sessions
    assert (session.ssrc, session.roc, session.policy.name) == (1000, 7, name)
    (master,) = session.keys
    assert master.key.expose() + master.salt.expose() == key
    # The policy that this profile makes us send is GStreamer's own, octet for octet.
    alice = Initiator(NoKey("a", "b", choice.compat), policies=[policy])
    ours = Message.parse(alice.start([Stream(1)], context=TLS, respond=False))
    assert ours.one(Sp) == _without_tag(Message.parse(octets).one(Sp), ours.one(Sp))


def _without_tag(theirs: Sp, ours: Sp) -> Sp:
    """Return their policy with parameter 11 as ours has it: GStreamer ignores it."""
    tag = tuple(param for param in ours.params if param.param == 11)
    return Sp(theirs.policy_no, theirs.prot_type, (*map(SpParam._make, theirs.params), *tag))


def test_an_mki_is_carried() -> None:
    compat = PROFILES["onvif-cm"]
    key = KeyData(KeyType.TEK, Secret(t.KEY + t.SALT), None, KvSpi(b"abcd"))
    alice = Initiator(NoKey("a", "b", compat))
    first = alice.start([Stream(1000)], context=TLS, respond=False, keys=[key])
    (read,) = gstreamer({"sdp": t.sdp(first)})
    assert read["srtp-key"] == (t.KEY + t.SALT).hex()
