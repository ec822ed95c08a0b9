"""`mikey rtsp play` and `keys` with GStreamer's server, and what they say read by libsrtp's users.

The server runs in TLS with a certificate that is pinned. What `play` dumps is decoded by
GStreamer, what it records by FFmpeg. What `keys` prints is taken as text: the caps go to
srtpdec, the a=crypto line to pylibsrtp, and neither sees a key of ours.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import pylibsrtp
import pytest

from mikey.cli.rtsp.keyfile import Key, load
from mikey.policy import SrtpPolicy
from mikey.srtp import Sender
from tests.asynchronous import asynchronous
from tests.cli.calling import key_file
from tests.cli.rtsping import Rtsp, Said, packets_of
from tests.interop.rtsp_peers import CIPHERS, decoded, gst_server
from tests.peers import need_gstreamer
from tests.tls import make
from tests.unit.srtp.packets import SSRC, master, reports, stream

pytestmark = [pytest.mark.interop, pytest.mark.realtime]

PROGRAM = Path(__file__).with_name("gst_srtp.py")
CRYPTO = re.compile(r"a=crypto:1 (\w+) inline:([A-Za-z0-9+/=]+)", re.ASCII)
PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_256_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}


@pytest.fixture
def rtsp(capsys: pytest.CaptureFixture[str]) -> Rtsp:
    return Rtsp(capsys)


async def said(rtsp: Rtsp, *arguments: str | Path) -> Said:
    """Run a command, which has an event loop of its own, beside the server."""
    return await asyncio.to_thread(rtsp, *arguments)


def srtpdec(caps: str, packets: list[bytes], *, kind: str = "rtp") -> list[bytes]:
    """Return what Debian's srtpdec makes of packets under caps that are text."""
    options = {"direction": "unprotect", "kind": kind, "caps": caps}
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


def rtp(ssrc: int, sequence: int) -> bytes:
    return struct.pack(">BBHII", 0x80, 96, sequence, 160 * sequence, ssrc) + b"payload" * 20


@asynchronous
async def test_play_over_tls_with_a_pin(tmp_path: Path, rtsp: Rtsp) -> None:
    av = pytest.importorskip("av")
    tls = make(tmp_path / "tls")
    dump, film = tmp_path / "out.rtp", tmp_path / "out.mkv"
    options = {"certificate": str(tls.certificate), "key": str(tls.key)}
    async with gst_server({**options, "frames": 1000, "fps": 50, "audio": True}) as server:
        url = f"rtsps://127.0.0.1:{server.port}/test"
        wrong = await said(rtsp, "play", url, "--pin", "00" * 32, "--info", "--json")
        info = await said(rtsp, "play", url, "--pin", tls.pin, "--info", "--for", "0.5", "--json")
        options = {"--for": "1", "--dump": str(dump), "--record": str(film)}
        pairs = [word for pair in options.items() for word in pair]
        full = await said(rtsp, "play", url, "--pin", tls.pin, "--json", *pairs)
    assert (wrong.status, wrong.out) == (1, "")
    assert "not the pinned one" in wrong.line
    for report in (info.told, full.told):
        assert (report["ok"], report["verdict"], report["flow"]) == (True, "verified", "two keys")
        assert report["trust"] == "its certificate is pinned"
        assert report["server"].startswith("GStreamer")
        assert (report["secure"], report["checked"]) == (True, True)
        assert [one["encoding"] for one in report["streams"]] == ["JPEG", "L16"]
        for one in report["streams"]:
            assert one["verified"] > 10
            assert (one["rejected"], one["lost"], one["rtcp_rejected"]) == (0, 0, 0)
    assert (info.err, full.err, info.told["files"]) == ("", "", [])
    assert full.told["files"] == [str(dump), str(film)]
    video = [
        packet
        for length, packet in packets_of(dump)
        if length and int.from_bytes(packet[8:12]) == full.told["streams"][0]["ssrc"]
    ]
    pictures = sum(packet[1] >> 7 for packet in video)
    assert len(video) == full.told["streams"][0]["verified"]
    seen = await decoded(video)
    assert (seen["frames"], seen["bars"]) == (pictures, pictures)
    with av.open(str(film)) as container:
        assert [one.codec_context.name for one in container.streams] == ["mjpeg", "pcm_s16be"]
        frames = list(container.decode(video=0))
    # A picture that was cut off by the end, or began before PLAY, is no frame.
    assert pictures - 1 <= len(frames) <= pictures + 1
    for frame in frames:
        luma = bytes(frame.planes[0])[50 * frame.planes[0].line_size :]
        assert (frame.width, frame.height) == (176, 144)
        assert luma[4] > 150 > 80 > luma[170]  # SMPTE bars go from grey to blue


@pytest.mark.parametrize("name", list(PROFILES))
@asynchronous
async def test_others_take_the_keys_that_are_shown(tmp_path: Path, rtsp: Rtsp, name: str) -> None:
    tls = make(tmp_path / "tls")
    cipher, auth = CIPHERS[name]
    options = {"certificate": str(tls.certificate), "key": str(tls.key)}
    options |= {"cipher": cipher, "auth": auth}
    async with gst_server({**options, "frames": 1000, "fps": 50}) as server:
        url = f"rtsps://127.0.0.1:{server.port}/test"
        shown = await said(rtsp, "keys", url, "--pin", tls.pin, "--show-keys")
    assert (shown.status, shown.err) == (0, "")
    lines = shown.out.splitlines()
    caps = [line.removeprefix("caps ") for line in lines if line.startswith("caps ")]
    cryptos = [match for line in lines if (match := CRYPTO.match(line))]
    keys = load(key_file(tmp_path / "keys", shown.out))
    assert [key.sender for key in keys] == ["server", "client"]
    assert (len(caps), len(cryptos)) == (2, 2)
    for key, text, crypto in zip(keys, caps, cryptos, strict=True):
        assert key.ssrc is not None
        plain = [rtp(key.ssrc, number) for number in range(5)]
        sender = Sender(key.policy, [key.master], ssrc=key.ssrc)
        assert srtpdec(text, [sender.protect(packet) for packet in plain]) == plain
        assert crypto[1] == name
        if key.master.mki:  # which pylibsrtp has not
            continue
        there, back = (
            pylibsrtp.Session(
                pylibsrtp.Policy(
                    key=base64.b64decode(crypto[2]), ssrc_type=way, srtp_profile=PROFILES[name]
                )
            )
            for way in (pylibsrtp.Policy.SSRC_ANY_OUTBOUND, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        )
        sender = Sender(key.policy, [key.master], ssrc=key.ssrc)
        assert [back.unprotect(sender.protect(packet)) for packet in plain] == plain
        assert srtpdec(text, [there.protect(packet) for packet in plain]) == plain


@pytest.mark.parametrize(
    ("name", "short"),
    [*((name, False) for name in CIPHERS), ("AES_CM_128_HMAC_SHA1_32", True)],
)
def test_srtpdec_takes_the_caps_of_every_policy(name: str, short: bool) -> None:
    policy = replace(SrtpPolicy.named(name), short_srtcp_tag=short)
    # libsrtp 2.5 looks for the MKI of SRTCP where the shorter SRTP tag would put it.
    mki = b"" if policy.srtcp_tag_length != policy.tag_length else b"\0\0\0\1"
    key = Key("server", 0, SSRC, 0, policy, master(policy, 1, mki))
    caps = key.caps()
    assert caps is not None
    sender = Sender(policy, [key.master], ssrc=SSRC)
    media, control = stream(name), reports(name)
    assert srtpdec(caps, [sender.protect(packet) for packet in media]) == media
    caps = caps.replace("x-srtp,", "x-srtcp,")
    assert srtpdec(caps, [sender.protect_rtcp(packet) for packet in control], kind="rtcp") == (
        control
    )
