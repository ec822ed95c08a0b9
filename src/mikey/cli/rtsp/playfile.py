"""Files as sources of a server: WAV as L16, all else as it is, packetized by PyAV's RTP muxer."""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mikey import rtsp
from mikey.aio import read_wav
from mikey.aio.l16 import Packetizer
from mikey.aio.rtp import HEADER_LENGTH, is_rtcp
from mikey.errors import LocalError

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream

__all__ = ["sources_of"]

_FIRST_DYNAMIC = 96
_MOST_REORDERED = 16  # frames before one that is shown earlier (H.264 A.3.1, H.265 A.4)
_PACKET = 1200  # octets of RTP: with tag, MKI and headers below every MTU


def sources_of(path: Path) -> tuple[rtsp.Source, ...]:
    """Return a source for each stream of a file that RTP can carry; raises LocalError."""
    if path.suffix.lower() == ".wav":
        return (_speech(path),)
    return _media(path)


def _speech(path: Path) -> rtsp.Source:
    recording = read_wav(path)
    audio = recording.audio
    payloads = tuple(Packetizer(audio).payloads(recording.samples))

    async def play() -> AsyncIterator[rtsp.Unit]:
        for turn in itertools.count():
            first = turn * recording.frames
            for before, payload in payloads:
                at = first + before
                yield rtsp.Unit(payload, at, at / audio.rate, marker=at == 0)

    return rtsp.Source(kind="audio", payload_type=97, rtpmap=audio.rtpmap, play=play)


@dataclass(frozen=True, slots=True)
class _Form:
    """How RTP carries a codec: the name with its rate, and what a receiver has to know."""

    rtpmap: str
    fmtp: str = ""
    payload_type: int | None = None


def _media(path: Path) -> tuple[rtsp.Source, ...]:
    import av

    found: list[rtsp.Source] = []
    try:
        with av.open(str(path), "r") as container:
            for stream in container.streams:
                form = _form(stream)
                if form is not None:
                    found.append(_source(path, stream, form, _FIRST_DYNAMIC + len(found)))
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(path, error) from None
    if not found:
        raise LocalError(f"{path}: no stream that is sent as it is ({', '.join(_FORMS)})")
    return tuple(found)


def _unreadable(path: Path, error: Exception) -> LocalError:
    return LocalError(f"{path}: {getattr(error, 'strerror', None) or error}")


def _source(path: Path, stream: Stream, form: _Form, dynamic: int) -> rtsp.Source:
    import av

    number = form.payload_type if form.payload_type is not None else dynamic
    index, rate = stream.index, int(form.rtpmap.split("/")[1])

    async def play() -> AsyncIterator[rtsp.Unit]:
        at, timestamp = 0.0, 0
        while True:
            last = None
            try:
                for unit in _units(path, index, number, at, timestamp):
                    last = unit
                    yield unit
            except (av.FFmpegError, OSError) as error:
                raise _unreadable(path, error) from None
            if last is None:
                return
            # The next turn begins one frame later, about.
            at = last.at + 0.04
            timestamp = round(at * rate)
            await asyncio.sleep(0)

    return rtsp.Source(
        kind=stream.type,
        payload_type=number,
        rtpmap=form.rtpmap,
        play=play,
        attributes=(f"fmtp:{number} {form.fmtp}",) if form.fmtp else (),
    )


class _Packets(io.RawIOBase):
    """What the muxer writes to: each write is one packet."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[bytes] = []

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: object) -> int:
        """Keep a packet of RTP; the muxer's own reports are left out."""
        packet = bytes(data)  # type: ignore[call-overload]
        if len(packet) > HEADER_LENGTH and not is_rtcp(packet):
            self.waiting.append(packet)
        return len(packet)


def _units(
    path: Path, index: int, payload_type: int, start: float, timestamp: int
) -> Iterator[rtsp.Unit]:
    """Yield the packets of one turn of a stream, from `start` seconds on."""
    import av

    sink = _Packets()
    with (
        av.open(str(path), "r") as source,
        av.open(
            sink,
            "w",
            format="rtp",
            options={
                "packetsize": str(_PACKET),
                "payload_type": str(payload_type),
                "strict": "experimental",  # VP9 is, for this muxer
            },
        ) as muxer,
    ):
        stream = source.streams[index]
        output = muxer.add_stream_from_template(stream)
        began: float | None = None
        first: int | None = None
        for packet in _timed(source.demux(stream)):
            if packet.dts is None or packet.time_base is None:
                continue
            time = float(packet.dts * packet.time_base)
            began = time if began is None else began
            packet.stream = output
            muxer.mux(packet)
            for octets in sink.waiting:
                said = int.from_bytes(octets[4:8])
                first = said if first is None else first
                yield rtsp.Unit(
                    octets[HEADER_LENGTH:],
                    (said - first + timestamp) & 0xFFFFFFFF,
                    start + max(0.0, time - began),
                    marker=bool(octets[1] & 0x80),
                )
            sink.waiting.clear()


def _timed(packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    """Yield the packets of a stream that have octets, each with a decoding time.

    Matroska has none, and its reader finds them out only after the first frames of a stream whose
    frames are out of order: those are put before the first that has one.
    """
    early: list[Packet[Any]] = []
    begun = False
    for packet in packets:
        if not packet.size:
            continue
        if packet.dts is not None:
            step = packet.duration or 1
            for place, one in enumerate(early):
                one.dts = packet.dts - step * (len(early) - place)
            yield from early
            early.clear()
            begun = True
            yield packet
        elif not begun and len(early) < _MOST_REORDERED:
            early.append(packet)


def _form(stream: Stream) -> _Form | None:
    make = _FORMS.get(stream.codec_context.name) if stream.codec_context is not None else None
    return None if make is None else make(stream)


def _h264(stream: Stream) -> _Form:
    sets = ",".join(base64.b64encode(one).decode() for one in _parameter_sets(_extra(stream)))
    more = f";sprop-parameter-sets={sets}" if sets else ""
    return _Form("H264/90000", f"packetization-mode=1{more}")


def _h265(stream: Stream) -> _Form:
    """Name VPS, SPS and PPS (RFC 7798 7.1)."""
    names = {32: "vps", 33: "sps", 34: "pps"}
    sets = _hevc_sets(_extra(stream))
    told = (
        f"sprop-{name}=" + ",".join(base64.b64encode(one).decode() for one in sets[kind])
        for kind, name in names.items()
        if sets.get(kind)
    )
    return _Form("H265/90000", ";".join(told))


def _aac(stream: Stream) -> _Form | None:
    config = _extra(stream)
    if not config:  # ADTS: the muxer needs what stands in front of every frame there
        return None
    channels = getattr(stream, "channels", 2)
    rate = getattr(stream, "sample_rate", 0)
    return _Form(
        f"MPEG4-GENERIC/{rate}/{channels}",
        "profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;"
        f"config={config.hex()}",
    )


def _l16(stream: Stream) -> _Form:
    channels = getattr(stream, "channels", 1)
    return _Form(f"L16/{getattr(stream, 'sample_rate', 0)}/{channels}")


def _extra(stream: Stream) -> bytes:
    return bytes(stream.codec_context.extradata or b"")


def _parameter_sets(avcc: bytes) -> Sequence[bytes]:
    """Return SPS and PPS of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3).

    None of one that is cut off: a receiver finds them in the stream as well.
    """
    if avcc[:1] != b"\x01":
        return ()
    found, at = [], 5
    for _ in range(2):
        count = int.from_bytes(avcc[at : at + 1]) & 0x1F
        at += 1
        for _ in range(count):
            length = int.from_bytes(avcc[at : at + 2])
            found.append(avcc[at + 2 : at + 2 + length])
            at += 2 + length
    return found if at <= len(avcc) else ()


def _hevc_sets(hvcc: bytes) -> dict[int, list[bytes]]:
    """Return the parameter sets of an HEVCDecoderConfigurationRecord by type (14496-15 8.3.3.1).

    As of H.264: none of one that is cut off.
    """
    if hvcc[:1] != b"\x01":
        return {}
    found: dict[int, list[bytes]] = {}
    at = 23
    for _ in range(int.from_bytes(hvcc[22:23])):
        kind, count = (
            int.from_bytes(hvcc[at : at + 1]) & 0x3F,
            int.from_bytes(hvcc[at + 1 : at + 3]),
        )
        at += 3
        for _ in range(count):
            length = int.from_bytes(hvcc[at : at + 2])
            found.setdefault(kind, []).append(hvcc[at + 2 : at + 2 + length])
            at += 2 + length
    return found if at <= len(hvcc) else {}


_FORMS: dict[str, Callable[[Stream], _Form | None]] = {
    "mjpeg": lambda _: _Form("JPEG/90000", payload_type=26),
    "h264": _h264,
    "hevc": _h265,
    "vp8": lambda _: _Form("VP8/90000"),
    "vp9": lambda _: _Form("VP9/90000"),
    "aac": _aac,
    "libopus": lambda _: _Form("opus/48000/2"),
    "opus": lambda _: _Form("opus/48000/2"),
    "pcm_s16be": _l16,
    "pcm_alaw": lambda _: _Form("PCMA/8000", payload_type=8),
    "pcm_mulaw": lambda _: _Form("PCMU/8000", payload_type=0),
}
