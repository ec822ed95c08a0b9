"""`mikey rtsp decrypt`: plain RTP out of a capture, with the keys that `keys` printed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import click

from mikey.aio import Counters
from mikey.cli.output import page
from mikey.cli.rtsp.capture import Reader, Writer
from mikey.cli.rtsp.files import Part, not_written
from mikey.cli.rtsp.keyfile import Key, load
from mikey.errors import LocalError, PeerError
from mikey.srtp import Receiver

_VERSION = 0x80
_RTCP = range(192, 224)  # RFC 5761 4: the second octet of RTCP
_SHORTEST = 12
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
  tcpdump -i eth0 -w capture.pcap udp
  mikey rtsp decrypt capture.pcap --keys keys --out plain.pcap

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
    help="Where to write: SRTP as RTP, SRTCP as RTCP, all else as it was.",
)
@click.option("--json", "as_json", is_flag=True, help="The counts as one JSON object.")
def command(*, capture: Path, key_path: Path, out: Path, as_json: bool) -> int:
    """Make plain RTP of the SRTP in a capture (pcap or pcapng, UDP).

    Packets whose SSRC a key is for are verified and decrypted; those that do not verify are left
    as they were, and counted. What goes over TCP is not looked at.
    """
    contexts = _contexts(load(key_path))
    for source_path in (capture, key_path):
        if out.exists() and source_path.exists() and out.samefile(source_path):
            raise LocalError(f"{out}: is read, so it cannot be --out")
    try:
        with capture.open("rb") as source, Part(out) as part:
            with part.open() as target:
                _decrypt(source, str(capture), target, contexts)
            part.keep()
    except OSError as error:
        raise not_written(Path(error.filename or out), error) from None
    _tell(contexts, out, as_json=as_json)
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
) -> None:
    reader = Reader(source, name)
    writer = Writer(target, reader.link)
    for seconds, frame in reader:
        datagram = reader.datagram(frame)
        plain = None if datagram is None else _plain(datagram.payload, contexts)
        if datagram is None or plain is None:
            writer.write(seconds, frame)
        else:
            writer.write(seconds, datagram.replaced(plain))


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


def _tell(contexts: dict[int | None, _Context], out: Path, *, as_json: bool) -> None:
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
        click.echo(json.dumps({"event": "decrypted", "out": str(out), "streams": streams}))
        return
    with page() as console:
        for ssrc, one in contexts.items():
            console.print(
                f"stream {one.keys[0].stream} from the {one.keys[0].sender}, SSRC {_shown(ssrc)}: "
                f"SRTP {one.rtp.verified} decrypted, {one.rtp.rejected} rejected; "
                f"SRTCP {one.rtcp.verified} decrypted, {one.rtcp.rejected} rejected",
                soft_wrap=True,
            )
        console.print(f"written: {out}", markup=False, soft_wrap=True)
