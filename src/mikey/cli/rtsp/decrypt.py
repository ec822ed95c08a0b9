"""`mikey rtsp decrypt`: plain RTP out of a capture, with the keys that `keys` printed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import click

from mikey.aio import Counters
from mikey.carriage.rtsp import Interleaved
from mikey.cli.output import page
from mikey.cli.rtsp.capture import LONGEST_PAYLOAD, Reader, Segment, Writer
from mikey.cli.rtsp.files import Part, not_written
from mikey.cli.rtsp.interleaved import Connections
from mikey.cli.rtsp.keyfile import Key, load
from mikey.errors import LocalError, PeerError
from mikey.srtp import Receiver

_VERSION = 0x80
_RTCP = range(192, 224)  # RFC 5761 4: the second octet of RTCP
_SHORTEST = 12
_PORT = 50000  # of channel 0; tshark knows no protocol at this port and the 255 above it
_SSRC = {True: slice(4, 8), False: slice(8, 12)}


@dataclass(slots=True)
class _Context:
    """The keys of one SSRC, or of any, and what was counted under them."""

    keys: list[Key]
    receiver: Receiver
    rtp: Counters
    rtcp: Counters


@click.command(
    epilog="""\b
Examples:
  mikey rtsp keys rtsps://camera/stream --pin 5f0c... --show-keys --out keys --for 10 &
  tcpdump -i eth0 -w capture.pcap host camera
  mikey rtsp decrypt capture.pcap --keys keys --out plain.pcap
  wireshark --enable-heuristic rtp_udp plain.pcap

\b
Exit status: 0 packets were decrypted, 1 none was, or the capture is damaged, 2 usage.""",
)
@click.argument("capture", type=click.Path(path_type=Path), metavar="IN.pcap")
@click.option(
    "--keys",
    "key_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    help="What 'mikey rtsp keys --out' wrote; only its owner may read it.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="OUT.pcap",
    required=True,
    help="Where to write: SRTP as RTP, SRTCP as RTCP, all else as it was. Packets out of TCP are "
    f"added as UDP; port {_PORT} plus the channel stands for the server's.",
)
@click.option("--json", "as_json", is_flag=True, help="The counts as one JSON object.")
def command(*, capture: Path, key_path: Path, out: Path, as_json: bool) -> int:
    """Make plain RTP of the SRTP in a capture (pcap or pcapng).

    Packets whose SSRC a key is for are verified and decrypted; those that do not verify are left
    as they were, and counted. Packets come in UDP or interleaved in RTSP over TCP. Inside TLS
    nothing can be seen of them.
    """
    contexts = _contexts(load(key_path))
    for source_path in (capture, key_path):
        if out.exists() and source_path.exists() and out.samefile(source_path):
            raise LocalError(f"{out}: is read, so it cannot be --out")
    try:
        with capture.open("rb") as source, Part(out) as part:
            with part.open() as target:
                interleaved = _decrypt(source, str(capture), target, contexts)
            part.keep()
    except OSError as error:
        raise not_written(Path(error.filename or out), error) from None
    _tell(contexts, out, interleaved, as_json=as_json)
    return 0 if any(one.rtp.verified or one.rtcp.verified for one in contexts.values()) else 1


def _contexts(keys: Sequence[Key]) -> dict[int | None, _Context]:
    """Return a receiver for each SSRC; several keys of one are a rekeyed stream."""
    by_ssrc: dict[int | None, list[Key]] = {}
    for key in keys:
        by_ssrc.setdefault(key.ssrc, []).append(key)
    contexts = {}
    for ssrc, group in by_ssrc.items():
        if len({key.policy for key in group}) > 1:
            raise LocalError(f"the keys of SSRC {_shown(ssrc)} have different policies")
        masters = [key.master for key in group]
        receiver = Receiver(group[0].policy, masters, ssrc=ssrc, roc=group[0].roc)
        contexts[ssrc] = _Context(group, receiver, Counters(), Counters())
    return contexts


def _decrypt(
    source: BinaryIO, name: str, target: BinaryIO, contexts: dict[int | None, _Context]
) -> int:
    """Write the capture in clear; return how many packets were found in TCP and written as UDP."""
    reader = Reader(source, name)
    writer = Writer(target, reader.link)
    connections = Connections()
    interleaved, seconds = 0, 0.0
    for seconds, frame in reader:
        datagram = reader.datagram(frame)
        plain = None if datagram is None else _plain(datagram.payload, contexts)
        if datagram is not None and plain is not None:
            writer.write(seconds, datagram.replaced(plain))
            continue
        writer.write(seconds, frame)
        segment = None if datagram is not None else reader.segment(frame)
        if segment is not None:
            for added in _datagrams(segment, connections.take(segment), contexts):
                writer.write(seconds, added)
                interleaved += 1
    for segment, items in connections.finish():
        for added in _datagrams(segment, items, contexts):
            writer.write(seconds, added)
            interleaved += 1
    return interleaved


def _datagrams(
    segment: Segment, items: Sequence[Interleaved], contexts: dict[int | None, _Context]
) -> Iterator[bytes]:
    """Yield frames with the packets in clear that came in TCP."""
    for item in items:
        plain = _plain(item.data, contexts) if len(item.data) <= LONGEST_PAYLOAD else None
        if plain is not None:
            yield segment.datagram(_PORT + item.channel).replaced(plain)


def _plain(packet: bytes, contexts: dict[int | None, _Context]) -> bytes | None:
    """Return the packet in clear, None for one that is none of ours or does not verify."""
    if len(packet) < _SHORTEST or packet[0] & 0xC0 != _VERSION:
        return None
    control = packet[1] in _RTCP
    ssrc = int.from_bytes(packet[_SSRC[control]])
    context = contexts.get(ssrc, contexts.get(None))
    if context is None:
        return None
    counters = context.rtcp if control else context.rtp
    try:
        receiver = context.receiver
        plain = receiver.unprotect_rtcp(packet) if control else receiver.unprotect(packet)
    except PeerError:
        counters.rejected += 1
        return None
    counters.verified += 1
    return plain


def _shown(ssrc: int | None) -> str:
    return "any" if ssrc is None else f"0x{ssrc:08x}"


def _tell(
    contexts: dict[int | None, _Context], out: Path, interleaved: int, *, as_json: bool
) -> None:
    if as_json:
        streams = [
            {
                "ssrc": ssrc,
                "sender": one.keys[0].sender,
                "stream": one.keys[0].stream,
                "rtp": asdict(one.rtp),
                "rtcp": asdict(one.rtcp),
            }
            for ssrc, one in contexts.items()
        ]
        told = {"event": "decrypted", "out": str(out), "interleaved": interleaved}
        click.echo(json.dumps({**told, "streams": streams}))
        return
    with page() as console:
        for ssrc, one in contexts.items():
            console.print(
                f"stream {one.keys[0].stream} from the {one.keys[0].sender}, SSRC {_shown(ssrc)}: "
                f"SRTP {one.rtp.verified} decrypted, {one.rtp.rejected} rejected; "
                f"SRTCP {one.rtcp.verified} decrypted, {one.rtcp.rejected} rejected",
                soft_wrap=True,
            )
        if interleaved:
            console.print(
                f"{interleaved} of them from TCP, added as UDP: port {_PORT} plus the channel "
                "stands for the server's",
                soft_wrap=True,
            )
        console.print(f"written: {out}", markup=False, soft_wrap=True)
