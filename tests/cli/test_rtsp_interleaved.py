"""`mikey rtsp decrypt` and RTP inside RTSP over TCP, whatever the network and the capture lost."""

from __future__ import annotations

import contextlib
import io
import random
import socket
import subprocess
import threading
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dpkt
import pytest

from mikey.cli.rtsp.capture import Reader
from mikey.cli.rtsp.interleaved import Connections
from mikey.cli.rtsp.keyfile import text_of
from mikey.srtp import Sender
from tests.cli.calling import key_file
from tests.cli.rtsping import LIMIT, Rtsp, serving
from tests.cli.test_rtsp_keys import SSRC, key, rtp
from tests.peers import need

SERVER, CLIENT = ("10.0.0.1", 8554), ("10.0.0.2", 41000)
PORT = 50000
TALK = b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 2\r\n\r\n$$"


def segment(
    octets: bytes, sequence: int, *, syn: bool = False, back: bool = False, six: bool = False
) -> bytes:
    """An Ethernet frame with a TCP segment of the server, or back to it, by dpkt."""
    (source, sport), (target, dport) = (CLIENT, SERVER) if back else (SERVER, CLIENT)
    flags = dpkt.tcp.TH_SYN if syn else dpkt.tcp.TH_ACK
    tcp = dpkt.tcp.TCP(sport=sport, dport=dport, seq=sequence % 2**32, flags=flags, data=octets)
    if six:
        addresses = {"src": b"\xfd" + bytes(14) + b"\1", "dst": b"\xfd" + bytes(14) + b"\2"}
        ip: dpkt.Packet = dpkt.ip6.IP6(**addresses, nxt=6, data=tcp, plen=len(bytes(tcp)))
        return bytes(dpkt.ethernet.Ethernet(type=0x86DD, data=ip))
    ip = dpkt.ip.IP(src=socket.inet_aton(source), dst=socket.inet_aton(target), p=6, data=tcp)
    ip.len = len(bytes(ip))
    # Ethernet frames have at least 60 octets: what is behind the packet is padding.
    return bytes(dpkt.ethernet.Ethernet(type=0x0800, data=ip)).ljust(60, b"$")


def cut(stream: bytes, first: int, *, size: int = 700, six: bool = False) -> list[bytes]:
    """A stream as segments of one size."""
    places = range(0, len(stream), size)
    return [segment(stream[at : at + size], first + at, six=six) for at in places]


def framed(packet: bytes, channel: int = 0) -> bytes:
    return b"$" + bytes([channel]) + len(packet).to_bytes(2) + packet


@dataclass
class Camera:
    """Packets of a stream in clear, and as they go over the connection."""

    plain: list[bytes] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, count: int, channel: int = 0) -> Camera:
        sender = Sender(key().policy, [key().master], ssrc=SSRC)
        camera = cls([rtp(number) for number in range(count)])
        camera.frames = [framed(sender.protect(packet), channel) for packet in camera.plain]
        return camera


@dataclass
class Bench:
    """Where a capture is decrypted with the key of the camera."""

    folder: Path
    rtsp: Rtsp

    def decrypt(self, frames: Iterable[bytes]) -> tuple[list[dpkt.ethernet.Ethernet], str]:
        """Return the frames that were added, and what was said; all others are as they were."""
        given = list(frames)
        source, out = self.folder / "in.pcap", self.folder / "out.pcap"
        with source.open("wb") as file:
            writer = dpkt.pcap.Writer(file, snaplen=1 << 18)
            for number, frame in enumerate(given):
                writer.writepkt(frame, ts=1000 + number / 100)
        keys = key_file(self.folder / "keys", text_of([key()], "a test"))
        said = self.rtsp("decrypt", source, "--keys", keys, "--out", out)
        assert not said.err, said.err
        with out.open("rb") as file:
            written = [frame for _, frame in dpkt.pcap.Reader(file)]
        assert [frame for frame in written if frame in set(given)] == given
        parsed = [dpkt.ethernet.Ethernet(one) for one in written if one not in set(given)]
        return parsed, said.out

    def payloads(self, frames: Iterable[bytes]) -> list[bytes]:
        return [bytes(frame.data.data.data) for frame in self.decrypt(frames)[0]]


@pytest.fixture
def bench(tmp_path: Path, rtsp: Rtsp) -> Bench:
    return Bench(tmp_path, rtsp)


@pytest.mark.parametrize("six", [False, True])
@pytest.mark.parametrize("size", [1, 7, 700, 20_000])
def test_packets_between_messages_are_found(bench: Bench, size: int, six: bool) -> None:
    """However the stream was cut; the numbers go round."""
    camera = Camera.of(12, channel=6)
    stream = TALK + b"".join(camera.frames[:5]) + TALK + b"".join(camera.frames[5:])
    first = 2**32 - 100
    frames = [segment(b"", first - 1, syn=True, six=six), *cut(stream, first, size=size, six=six)]
    added, said = bench.decrypt(frames)
    assert [bytes(frame.data.data.data) for frame in added] == camera.plain
    assert "SRTP 12 decrypted, 0 rejected" in said
    assert f"12 of them from TCP, added as UDP: port {PORT} plus the channel" in said
    for frame in added:
        udp = frame.data.data
        assert (udp.sport, udp.dport) == (PORT + 6, CLIENT[1])
        assert udp.ulen == len(bytes(udp))
        if not six:
            assert (frame.data.src, frame.data.dst) == (b"\x0a\0\0\1", b"\x0a\0\0\2")
            assert dpkt.in_cksum(bytes(frame.data)[:20]) == 0


@pytest.mark.parametrize("seed", range(5))
def test_segments_come_in_any_order_and_more_than_once(bench: Bench, seed: int) -> None:
    draw = random.Random(seed)
    camera = Camera.of(60)
    stream = TALK + b"".join(camera.frames)
    pieces, at = [], 0
    while at < len(stream):
        end = at + draw.randrange(1, 900)
        # A retransmission may be cut otherwise, and overlap with its neighbours.
        pieces += [(at, stream[at:end])] * draw.choice([1, 1, 2])
        if draw.random() < 0.3:
            start = max(0, at - draw.randrange(400))
            pieces.append((start, stream[start : end - draw.randrange(0, 200)]))
        at = end
    pieces = sorted(pieces, key=lambda piece: piece[0] + draw.randrange(8000))
    keepalive = (0, stream[:1])
    frames = [segment(octets, 77 + place) for place, octets in [*pieces, keepalive]]
    assert bench.payloads([segment(b"", 76, syn=True), *frames]) == camera.plain


def test_a_capture_that_begins_in_the_middle(bench: Bench) -> None:
    """At any octet: at most the packets that it has in part are not found."""
    camera = Camera.of(8)
    stream = b"".join(camera.frames[:4]) + TALK + b"".join(camera.frames[4:])
    frame = len(camera.frames[0])
    for start in range(1, frame + 5, 9):
        found = bench.payloads(cut(stream[start:], 5000 + start, size=300))
        assert found == camera.plain[-(-start // frame) :]


def test_octets_that_the_capture_lost(bench: Bench) -> None:
    """Those behind are found, also when it is lost to the end that some are missing."""
    camera = Camera.of(400)
    segments = cut(b"".join(camera.frames), 1, size=len(camera.frames[0]))
    del segments[100:103]
    found = bench.payloads([segment(b"", 0, syn=True), *segments])
    assert found == camera.plain[:100] + camera.plain[103:]
    found = bench.payloads([segment(b"", 0, syn=True), *segments[:110]])
    assert found == camera.plain[:100] + camera.plain[103:113]


def test_both_directions_and_a_connection_that_begins_again(bench: Bench) -> None:
    camera = Camera.of(9)
    one, two, three = (b"".join(camera.frames[at : at + 3]) for at in (0, 3, 6))
    frames = [
        segment(b"", 10, syn=True),
        segment(one, 11),
        segment(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" + two, 11, back=True),
        segment(b"", 5_000_000, syn=True),  # the same ports again
        segment(three, 5_000_001),
    ]
    added, _ = bench.decrypt(frames)
    assert [bytes(frame.data.data.data) for frame in added] == camera.plain
    ports = [(frame.data.data.sport, frame.data.data.dport) for frame in added]
    assert ports == [(PORT, 41000)] * 3 + [(41000, PORT)] * 3 + [(PORT, 41000)] * 3


def test_other_connections_and_damage_are_left_alone(bench: Bench) -> None:
    draw = random.Random(7)
    camera = Camera.of(3)
    noise = draw.randbytes(300_000)
    damaged = bytearray(camera.frames[1])
    damaged[40] ^= 1
    truncated = segment(camera.frames[2], 900, back=True)[:-4]
    frames = [
        segment(b"", 0, syn=True, back=True),
        *(segment(noise[at : at + 1000], 1 + at, back=True) for at in range(0, len(noise), 1000)),
        segment(b"", 0, syn=True),
        segment(camera.frames[0] + bytes(damaged) + b"$\0\xff\xff" + bytes(30), 1),
        truncated,
    ]
    added, said = bench.decrypt(frames)
    assert [bytes(frame.data.data.data) for frame in added] == camera.plain[:1]
    assert "SRTP 1 decrypted, 1 rejected" in said


def test_gaps_and_many_connections_take_bounded_memory() -> None:
    def peak(frames: Iterable[bytes]) -> int:
        connections, reader = Connections(), reader_of_ethernet()
        made = list(frames)
        tracemalloc.start()
        for frame in made:
            found = reader.segment(frame)
            assert found is not None
            connections.take(found)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    # Each one octet behind a gap, and of many clients one segment.
    gaps = (segment(bytes(20_000), 1 + 20_001 * number) for number in range(100))
    short = (segment(b"x", 1 + 2 * number) for number in range(600))
    clients = (
        segment(b"$\0\0\x40", 1).replace(b"\x0a\0\0\2", number.to_bytes(4))
        for number in range(5000)
    )
    assert peak(gaps) < 1 << 19
    assert peak(short) < 1 << 19
    assert peak(clients) < 1 << 22


def reader_of_ethernet() -> Reader:
    file = io.BytesIO()
    dpkt.pcap.Writer(file)
    return Reader(io.BytesIO(file.getvalue()), "x")


@pytest.mark.parametrize("six", [False, True])
def test_frames_that_hold_no_segment(six: bool) -> None:
    """What is cut, or says wrong lengths, is none."""
    reader = reader_of_ethernet()
    whole = segment(b"payload of more than the padding", 7, six=six)
    found = reader.segment(whole)
    assert found is not None
    assert (found.payload, found.sequence, found.opens) == (whole[-32:], 7, False)
    for length in range(len(whole)):
        assert reader.segment(whole[:length]) is None
    draw = random.Random(3)
    for _ in range(3000):
        octets = bytearray(whole)
        for _ in range(draw.randrange(1, 4)):
            octets[draw.randrange(14, len(whole) - 32)] = draw.randrange(256)
        other = reader.segment(bytes(octets))
        if other is not None:
            assert other.payload in whole + bytes(octets)
            assert len(other.datagram(PORT).replaced(b"plain")) <= len(octets) + 40


class Tap:
    """Between a client and a server; what goes through is kept, as it came."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.passed: list[tuple[bool, bytes]] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._sockets = [self._listener]

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        self._threads[0].start()
        try:
            yield
        finally:
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
            for thread in self._threads:
                thread.join(LIMIT)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._to))
        self._sockets += [client, server]
        for back, (source, target) in ((True, (client, server)), (False, (server, client))):
            thread = threading.Thread(target=self._pass, args=(source, target, back))
            self._threads.append(thread)
            thread.start()

    def _pass(self, source: socket.socket, target: socket.socket, back: bool) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(1400):
                self.passed.append((back, octets))
                target.sendall(octets)
            target.shutdown(socket.SHUT_WR)

    def capture(self) -> list[bytes]:
        """What passed as TCP segments, both directions opened by a SYN."""
        following = {False: 1000, True: 2000}
        frames = [segment(b"", following[back] - 1, syn=True, back=back) for back in following]
        for back, octets in self.passed:
            frames.append(segment(octets, following[back], back=back))
            following[back] += len(octets)
        return frames


@pytest.mark.realtime
def test_tshark_sees_the_rtp_of_a_session_over_tcp(tmp_path: Path, rtsp: Rtsp) -> None:
    need("tshark")
    keys, source, out = tmp_path / "keys", tmp_path / "in.pcap", tmp_path / "out.pcap"
    with serving(tls=False) as server:
        tap = Tap(int(server.url.rpartition(":")[2].partition("/")[0]))
        url = f"rtsp://127.0.0.1:{tap.port}/{server.url.rpartition('/')[2]}"
        with tap():
            options = ("--allow-null", "--transport", "tcp", "--show-keys", "--for", "2")
            told = rtsp("keys", url, *options, "--out", keys)
        assert told.status == 0, told.err
    with source.open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        for number, frame in enumerate(tap.capture()):
            writer.writepkt(frame, ts=1000 + number / 1000)
    said = rtsp("decrypt", source, "--keys", keys, "--out", out)
    assert said.status == 0, said.err
    assert ", 0 rejected; " in said.out
    fields = ("rtp.ssrc", "rtp.seq", "rtp.p_type", "udp.srcport", "udp.dstport")
    command = [
        "tshark",
        "-r",
        str(out),
        "--enable-heuristic",
        "rtp_udp",
        "-Y",
        "rtp",
        "-T",
        "fields",
    ]
    for name in fields:
        command += ["-e", name]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    packets = [line.split("\t") for line in shown.splitlines()]
    streams = {ssrc: [one for one in packets if one[0] == ssrc] for ssrc, *_ in packets}
    assert len(streams) == 2
    for channel, found in enumerate(sorted(streams.values(), key=lambda one: one[0][3])):
        first = int(found[0][1])
        numbers = [(first + place) % 2**16 for place in range(len(found))]
        assert [int(one[1]) for one in found] == numbers  # none lost, none twice
        assert {(int(one[3]), int(one[4])) for one in found} == {(PORT + 2 * channel, CLIENT[1])}
    reports = ["tshark", "-r", str(out), "-Y", "rtcp && udp", "-T", "fields", "-e", "rtcp.pt"]
    shown = subprocess.run(reports, capture_output=True, text=True, check=True, timeout=60).stdout
    assert {line.partition(",")[0] for line in shown.splitlines()} == {"200", "201"}
