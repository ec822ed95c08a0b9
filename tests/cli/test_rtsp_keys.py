"""`mikey rtsp keys` and `decrypt`: against libsrtp, which protects what we decrypt."""

from __future__ import annotations

import base64
import io
import re
import struct
from pathlib import Path

import dpkt
import pylibsrtp
import pytest

from mikey.cli.rtsp.capture import Reader
from mikey.cli.rtsp.keyfile import Key, load, text_of
from mikey.errors import LocalError
from mikey.policy import SrtpPolicy
from mikey.secret import Secret
from mikey.srtp import MasterKey, Sender
from tests.cli.calling import key_file
from tests.cli.rtsping import Rtsp, serving

SSRC = 0x3A665DC5
MASTER, SALT = bytes(range(16)), bytes(range(100, 114))


def key(mki: bytes = b"", policy: SrtpPolicy = SrtpPolicy.AES_CM_128_HMAC_SHA1_80) -> Key:
    master = bytes(range(policy.key_length))
    salt = bytes(range(100, 100 + policy.master_salt_length))
    return Key("server", 0, SSRC, 0, policy, MasterKey(Secret(master), Secret(salt), mki))


def rtp(sequence: int) -> bytes:
    return struct.pack(">BBHII", 0x80, 96, sequence, sequence * 160, SSRC) + b"payload" * 20


def framed(payload: bytes, *, six: bool = False) -> bytes:
    """Return an Ethernet frame with a UDP datagram, by dpkt."""
    udp = dpkt.udp.UDP(sport=5000, dport=6000, data=payload, ulen=8 + len(payload))
    ip: dpkt.Packet
    if six:
        ip = dpkt.ip6.IP6(src=b"\0" * 15 + b"\1", dst=b"\0" * 15 + b"\1", nxt=17, data=udp)
        ip.plen = 8 + len(payload)
        return bytes(dpkt.ethernet.Ethernet(type=0x86DD, data=ip))
    ip = dpkt.ip.IP(src=b"\x7f\0\0\1", dst=b"\x7f\0\0\1", p=17, data=udp)
    ip.len = 28 + len(payload)
    return bytes(dpkt.ethernet.Ethernet(type=0x0800, data=ip))


def capture(path: Path, frames: list[bytes], *, ng: bool = False) -> Path:
    with path.open("wb") as file:
        writer = dpkt.pcapng.Writer(file) if ng else dpkt.pcap.Writer(file)
        for number, frame in enumerate(frames):
            writer.writepkt(frame, ts=1000 + number / 100)
    return path


def payloads(path: Path) -> list[bytes]:
    """Read a capture by dpkt, checksums included."""
    found = []
    with path.open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            ip = dpkt.ethernet.Ethernet(frame).data
            assert bytes(dpkt.ethernet.Ethernet(frame)) == frame
            found.append(bytes(ip.data.data))
    return found


@pytest.mark.parametrize("ng", [False, True])
@pytest.mark.parametrize("six", [False, True])
def test_what_libsrtp_protected_is_decrypted(
    tmp_path: Path, rtsp: Rtsp, ng: bool, six: bool
) -> None:
    policy = pylibsrtp.Policy(key=MASTER + SALT, ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    session = pylibsrtp.Session(policy)
    plain = [rtp(number) for number in range(65530, 65536)] + [rtp(number) for number in range(6)]
    report = struct.pack(">BBHIQIII", 0x80, 200, 6, SSRC, 1, 2, 3, 4)
    protected = [*(session.protect(one) for one in plain), session.protect_rtcp(report)]
    damaged = bytearray(protected[3])
    damaged[20] ^= 1
    other = rtp(7).replace(SSRC.to_bytes(4), b"abcd")
    frames = [framed(one, six=six) for one in (*protected, bytes(damaged), other)]
    source = capture(tmp_path / "in.pcap", [*frames, b"\0" * 14, b""], ng=ng)
    keys = key_file(tmp_path / "keys", text_of([key()], "a test"))
    said = rtsp("decrypt", source, "--keys", keys, "--out", tmp_path / "out.pcap")
    assert said.status == 0, said.err
    assert "SRTP 12 decrypted, 1 rejected; SRTCP 1 decrypted, 0 rejected" in said.out
    with (tmp_path / "out.pcap").open("rb") as file:
        frames_out = [frame for _, frame in dpkt.pcap.Reader(file)]
    assert len(frames_out) == len(frames) + 2
    found = [bytes(dpkt.ethernet.Ethernet(one).data.data.data) for one in frames_out[:15]]
    assert found == [*plain, report, bytes(damaged), other]
    for one in frames_out[:13]:
        ip = dpkt.ethernet.Ethernet(one).data
        if six:
            before, ip.data.sum = ip.data.sum, 0
            assert (
                before
                == dpkt.ethernet.Ethernet(framed(bytes(ip.data.data), six=True)).data.data.sum
            )
        else:
            assert dpkt.in_cksum(bytes(ip)[:20]) == 0
    assert (tmp_path / "out.pcap").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", sorted(SrtpPolicy.presets()))
def test_the_file_says_every_policy(tmp_path: Path, name: str) -> None:
    mine = key(b"\0\0\0\1", SrtpPolicy.named(name))
    (read,) = load(key_file(tmp_path / "keys", text_of([mine], "a test")))
    assert read == mine


def test_a_crypto_line_as_rfc_4568_has_it() -> None:
    line = key(b"\0\0\1\2").crypto()
    assert line is not None
    match = re.fullmatch(r"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:([^|]+)\|258:4", line)
    assert match is not None
    assert base64.b64decode(match[1]) == MASTER + SALT
    assert "|" not in str(key().crypto())


@pytest.mark.realtime
def test_keys_go_to_a_file_of_their_own(tmp_path: Path, rtsp: Rtsp) -> None:
    out = tmp_path / "keys"
    with serving("--profile", "gst-legacy") as server:
        refused = rtsp("keys", *server.trusted)
        shown = rtsp("keys", *server.trusted, "--show-keys", "--only", "video")
        written = rtsp("keys", *server.trusted, "--show-keys", "--out", out)
        again = rtsp("keys", *server.trusted, "--show-keys", "--out", out)
    assert refused.status == 2
    assert refused.out == ""
    assert "--show-keys" in refused.line
    assert (shown.status, written.status, written.out) == (0, 0, "")
    assert shown.out.count("\nkey ") == 2
    assert "\ncaps application/x-srtp, ssrc=(uint)" in shown.out
    assert "\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" in shown.out
    assert out.stat().st_mode & 0o777 == 0o600
    assert [(one.sender, one.stream) for one in load(out)] == [
        ("server", 0),
        ("client", 0),
        ("server", 1),
        ("client", 1),
    ]
    assert again.status == 2
    assert "--force" in again.line


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "holds no key"),
        ("key nobody 0 ssrc=any", "line 1: not 'key SENDER STREAM"),
        ("# a\n" + key().line().replace("ssrc=", "ssrc=x"), "line 2: a value"),
        (key().line().replace("80 ", "81 "), "no SRTP policy is named"),
        (key().line().replace("salt=64", "salt="), "the master salt has 13 octets"),
        (key().line().replace("tag=10", "tag=4"), "has no such srtcp_tag"),
        (key().line().replace("tag=10", "tag=ten"), "has no such srtcp_tag"),
    ],
)
def test_a_key_file_that_is_none(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(LocalError) as caught:
        load(key_file(tmp_path / "keys", text))
    assert reason in str(caught.value)
    assert MASTER.hex() not in str(caught.value)


def test_bad_input_of_decrypt(tmp_path: Path, rtsp: Rtsp) -> None:
    keys = key_file(tmp_path / "keys", key().line())
    sound = capture(tmp_path / "in.pcap", [framed(rtp(1))])
    text = tmp_path / "text"
    text.write_text("no capture")
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(sound.read_bytes()[:-5])
    out = tmp_path / "out.pcap"
    open_keys = tmp_path / "open"
    open_keys.write_text(key().line())
    open_keys.chmod(0o644)
    for arguments, status, reason in (
        ((text, "--keys", keys, "--out", out), 2, "no capture"),
        ((tmp_path / "none", "--keys", keys, "--out", out), 2, "No such file"),
        ((sound, "--keys", open_keys, "--out", out), 2, "chmod 600"),
        ((sound, "--keys", keys, "--out", tmp_path / "no" / "x"), 2, "No such file"),
    ):
        said = rtsp("decrypt", *arguments)
        assert said.status == status, said
        assert reason in said.line
        assert not out.exists()
    nothing = rtsp("decrypt", sound, "--keys", keys, "--out", out)
    assert nothing.status == 1  # the packet is plain already: it does not verify
    assert "SRTP 0 decrypted, 1 rejected" in nothing.out
    out.unlink()
    rtsp("decrypt", cut, "--keys", keys, "--out", out)
    assert {path.name for path in tmp_path.iterdir()} >= {"cut.pcap"}
    assert not [path for path in tmp_path.iterdir() if ".part" in path.name]


def test_what_is_read_is_not_written(tmp_path: Path, rtsp: Rtsp) -> None:
    keys = key_file(tmp_path / "keys", key().line())
    source = capture(tmp_path / "in.pcap", [framed(rtp(1))])
    before = {path: path.read_bytes() for path in (keys, source)}
    for out in (source, keys, tmp_path / "no" / ".." / "in.pcap"):
        said = rtsp("decrypt", source, "--keys", keys, "--out", out)
        assert said.status == 2
    assert "in.pcap: is read" in rtsp("decrypt", source, "--keys", keys, "--out", source).line
    assert {path: path.read_bytes() for path in before} == before


def test_a_large_frame_is_within_what_the_header_promises(tmp_path: Path, rtsp: Rtsp) -> None:
    """Loopback has such frames, and libpcap cuts what is longer than the header's limit."""
    keys = key_file(tmp_path / "keys", key().line())
    large = framed(b"x" * 9000)
    source = capture(tmp_path / "in.pcap", [large])
    rtsp("decrypt", source, "--keys", keys, "--out", tmp_path / "out.pcap")
    octets = (tmp_path / "out.pcap").read_bytes()
    assert octets.endswith(large)
    (limit,) = struct.unpack_from("=I", octets, 16)
    assert limit >= len(large)


def test_a_time_that_no_capture_can_hold(tmp_path: Path, rtsp: Rtsp) -> None:
    keys = key_file(tmp_path / "keys", key().line())
    source, out = tmp_path / "in.pcapng", tmp_path / "out.pcap"
    with source.open("wb") as file:
        dpkt.pcapng.Writer(file).writepkt(framed(rtp(1)), ts=2.0**33)
    said = rtsp("decrypt", source, "--keys", keys, "--out", out)
    assert said.status == 1
    assert "before 1970 or after 2106" in said.line
    assert not out.exists()


def test_frames_that_hold_no_datagram() -> None:
    whole = framed(rtp(1))
    file = io.BytesIO()
    dpkt.pcap.Writer(file).writepkt(whole)
    reader = Reader(io.BytesIO(file.getvalue()), "x")
    datagram = reader.datagram(whole)
    assert datagram is not None
    assert datagram.payload == rtp(1)
    for length in range(len(whole)):
        assert reader.datagram(whole[:length]) is None


def test_a_short_tag_of_srtcp_is_kept(tmp_path: Path) -> None:
    policy = SrtpPolicy(tag_length=4, short_srtcp_tag=True)
    (read,) = load(key_file(tmp_path / "keys", key(policy=policy).line()))
    assert read.policy.srtcp_tag_length == 4
    sender = Sender(read.policy, [read.master], ssrc=SSRC)
    assert len(sender.protect_rtcp(b"\x80\xc9\0\1" + SSRC.to_bytes(4))) == 8 + 4 + 4
