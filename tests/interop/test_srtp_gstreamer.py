"""Packets to and from GStreamer's srtpenc and srtpdec: AES-256-CM, GCM, MKIs."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mikey.policy import SrtpPolicy
from mikey.srtp import MasterKey, Receiver, Sender
from tests.peers import need_gstreamer
from tests.unit.srtp.packets import SSRC, master, reports, stream

pytestmark = pytest.mark.interop

PROGRAM = Path(__file__).with_name("gst_srtp.py")
CIPHERS = {
    "AES_CM_128_HMAC_SHA1_80": ("aes-128-icm", "hmac-sha1-80"),
    "AES_CM_128_HMAC_SHA1_32": ("aes-128-icm", "hmac-sha1-32"),
    "AES_256_CM_HMAC_SHA1_80": ("aes-256-icm", "hmac-sha1-80"),
    "AES_256_CM_HMAC_SHA1_32": ("aes-256-icm", "hmac-sha1-32"),
    "NULL_HMAC_SHA1_80": ("null", "hmac-sha1-80"),
    "AEAD_AES_128_GCM": ("aes-128-gcm", "null"),
    "AEAD_AES_256_GCM": ("aes-256-gcm", "null"),
}
CASES = pytest.mark.parametrize(
    ("name", "mki"),
    [
        ("AES_CM_128_HMAC_SHA1_80", b"\x01\x02"),
        ("AES_CM_128_HMAC_SHA1_32", b""),
        ("AES_256_CM_HMAC_SHA1_80", b""),
        ("AES_256_CM_HMAC_SHA1_80", b"mki!"),
        # No MKI here: libsrtp 2.5 looks for that of SRTCP where the shorter SRTP tag would put it
        # (mended by its pull request 733).
        ("AES_256_CM_HMAC_SHA1_32", b""),
        ("AEAD_AES_128_GCM", b""),
        ("AEAD_AES_256_GCM", b"\x07"),
    ],
)


def peer(
    direction: str,
    kind: str,
    name: str,
    key: MasterKey,
    packets: list[bytes],
    *,
    short: bool = False,
) -> list[bytes]:
    """Run the packets through one of GStreamer's elements."""
    cipher, auth = CIPHERS[name]
    options = {
        "direction": direction,
        "kind": kind,
        "cipher": cipher,
        "rtp-auth": auth,
        # GStreamer would cut the SRTCP tag to 32 bits as well, which RFC 3711 5.2 forbids.
        "rtcp-auth": auth if short else auth.replace("32", "80"),
        "key": key.key.expose().hex() + key.salt.expose().hex(),
        "mki": key.mki.hex(),
        "ssrc": SSRC,
        "roc": 0,
    }
    done = subprocess.run(
        [need_gstreamer(), str(PROGRAM), json.dumps(options)],
        input="".join(f"{packet.hex()}\n" for packet in packets),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    *lines, end = done.stdout.splitlines()
    assert end == ".", done.stderr
    return [bytes.fromhex(line) for line in lines]


@CASES
def test_gstreamer_reads_what_we_send(name: str, mki: bytes) -> None:
    policy = SrtpPolicy.named(name)
    key = master(policy, 1, mki)
    sender = Sender(policy, [key], ssrc=SSRC)
    media, control = stream(name), reports(name)
    protected = [sender.protect(packet) for packet in media]
    assert peer("unprotect", "rtp", name, key, protected) == media
    protected = [sender.protect_rtcp(packet) for packet in control]
    assert peer("unprotect", "rtcp", name, key, protected) == control


@CASES
def test_we_read_what_gstreamer_sends(name: str, mki: bytes) -> None:
    policy = SrtpPolicy.named(name)
    key = master(policy, 1, mki)
    receiver = Receiver(policy, [key], ssrc=None)
    media, control = stream(name), reports(name)
    protected = peer("protect", "rtp", name, key, media)
    assert [receiver.unprotect(packet) for packet in protected] == media
    protected = peer("protect", "rtcp", name, key, control)
    assert [receiver.unprotect_rtcp(packet) for packet in protected] == control
    assert (receiver.ssrc, receiver.roc, receiver.rejected) == (SSRC, 1, 0)


@pytest.mark.parametrize("name", ["AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_32"])
def test_the_short_tag_that_srtcp_has_in_gstreamers_rtsp(name: str) -> None:
    policy = replace(SrtpPolicy.named(name), short_srtcp_tag=True)
    key = master(policy, 1, b"")
    control = reports(name)
    sender, receiver = Sender(policy, [key], ssrc=SSRC), Receiver(policy, [key], ssrc=None)
    protected = [sender.protect_rtcp(packet) for packet in control]
    assert peer("unprotect", "rtcp", name, key, protected, short=True) == control
    protected = peer("protect", "rtcp", name, key, control, short=True)
    assert [receiver.unprotect_rtcp(packet) for packet in protected] == control
