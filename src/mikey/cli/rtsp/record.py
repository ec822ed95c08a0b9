"""Recording without a depayloader of our own: decrypted RTP over loopback to PyAV's SDP demuxer.

The demuxer gets a plain description with one loopback port for each stream, and a thread puts its
packets into a container without transcoding. RTCP goes along: sender reports align the streams,
and a BYE for each stream ends the demuxer.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import socket
import struct
import threading
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mikey.carriage.rtsp import Track
from mikey.cli.rtsp.files import Part
from mikey.errors import LocalError, PeerError

if TYPE_CHECKING:
    import av
    import av.container

__all__ = ["Recorder", "need_media"]

_HOST = "127.0.0.1"
_RECEIVER_REPORT, _BYE = 201, 203
_SILENCE = 5.0  # seconds that the demuxer waits for a packet after the BYE was lost
_REORDERED = 4  # video frames that may be shown before one that was decoded earlier
_STEP = Fraction(1, 25)
_KINDS = ("audio", "video")
_KEPT = ("rtpmap", "fmtp", "framerate", "framesize", "ptime")


def need_media() -> None:
    """Raise the ModuleNotFoundError that names the extra, before anything is begun."""
    importlib.import_module("av")


@dataclass(slots=True)
class _Way:
    """Where the packets of a stream go, their SSRC, and what is added to their timestamps."""

    port: int
    ssrc: int = 0
    shift: int | None = None


class Recorder(Part):
    """A container file that grows; `start`, packets, `finish`, `keep`. Raises LocalError."""

    def __init__(self, target: Path) -> None:
        super().__init__(target)
        self._check()
        self._ways: dict[int, _Way] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        self._muxed = 0
        self._closing = False

    def _check(self) -> None:
        import av

        try:
            av.open(str(self.path), "w").close()
        except (av.FFmpegError, ValueError):
            self.discard()
            raise LocalError(
                f"{self.target}: no container is known by this name (.mkv is one)"
            ) from None

    def start(self, tracks: Sequence[Track]) -> None:
        """Begin to listen for the packets of these streams, as far as they are sound or picture."""
        tracks = [track for track in tracks if track.kind in _KINDS]
        if not tracks:
            raise LocalError(f"{self.target}: no stream is audio or video")
        self._ways = {track.index: _Way(_free_port()) for track in tracks}
        text = _description(tracks, self._ways)
        self._thread = threading.Thread(target=self._work, args=(text,), daemon=True)
        self._thread.start()

    def rtp(self, index: int, packet: bytes) -> None:
        """Hand on a packet."""
        way = self._ways.get(index)
        if way is not None:
            way.ssrc = int.from_bytes(packet[8:12])
            timestamp = int.from_bytes(packet[4:8])
            if way.shift is None:
                # The demuxer takes a first timestamp of 0 for none, and counts from the second.
                way.shift = int(timestamp == 0)
            shifted = (timestamp + way.shift) & 0xFFFFFFFF
            self._send(packet[:4] + shifted.to_bytes(4) + packet[8:], way.port)

    def rtcp(self, index: int, packet: bytes) -> None:
        """Hand on a report of the server."""
        way = self._ways.get(index)
        if way is not None:
            self._send(packet, way.port + 1)

    async def finish(self) -> None:
        """Write what is left; raises PeerError where nothing could be recorded."""
        await asyncio.get_running_loop().run_in_executor(None, self.close)
        if self._error is not None:
            raise self._error
        if not self._muxed:
            raise PeerError("nothing came that could be recorded", number=None)

    def close(self) -> None:
        """Say BYE to the demuxer for every stream, and wait until its thread is done."""
        self._closing = True
        thread, self._thread = self._thread, None
        if thread is not None:
            for way in self._ways.values():
                report = struct.pack(">BBHI", 0x80, _RECEIVER_REPORT, 1, way.ssrc)
                bye = struct.pack(">BBHI", 0x81, _BYE, 1, way.ssrc)
                self._send(report + bye, way.port + 1)
            thread.join(2 * _SILENCE)
            if thread.is_alive():
                self._error = LocalError(f"{self.target}: the demuxer does not end")
        self._socket.close()

    def _send(self, packet: bytes, port: int) -> None:
        try:
            self._socket.sendto(packet, (_HOST, port))
        except OSError:  # the demuxer is behind, or gone: its thread says why
            return

    def _work(self, text: str) -> None:
        import av

        try:
            with (
                av.open(
                    io.BytesIO(text.encode()),
                    "r",
                    format="sdp",
                    options={
                        "protocol_whitelist": "udp,rtp",
                        "localaddr": _HOST,
                        "buffer_size": str(4 << 20),
                        "reorder_queue_size": "0",
                    },
                    timeout=(None, _SILENCE),
                ) as source,
                av.open(str(self.path), "w") as container,
            ):
                self._copy(source, container)
        except (av.FFmpegError, ValueError, OSError) as error:
            self._error = LocalError(f"{self.target}: {_reason(error)}")

    def _copy(
        self, source: av.container.InputContainer, container: av.container.OutputContainer
    ) -> None:
        outputs: dict[int, Any] = {}
        for stream in source.streams:
            if stream.type in _KINDS:
                outputs[stream.index] = container.add_stream_from_template(stream)
        orders = {
            index: _Order(_REORDERED if source.streams[index].type == "video" else 0)
            for index in outputs
        }
        for packet in self._packets(source):
            index = packet.stream.index
            if index not in outputs or not packet.size:
                continue
            order = orders[index]
            if packet.pts is None:
                if order.begun:
                    continue
                packet.pts = 0  # the parser gives the first frame no time: it began the stream
            packet.dts = order.decode_at(packet.pts, _STEP / (packet.time_base or 1))
            # A server may set its clock back; containers refuse what is shown before its decoding.
            packet.pts = max(packet.pts, packet.dts)
            packet.stream = outputs[index]
            container.mux(packet)
            self._muxed += 1

    def _packets(self, source: av.container.InputContainer) -> Iterator[av.Packet[Any]]:
        """Yield packets until the BYE, or until nothing comes after it; a pause is no end."""
        import av

        while True:
            try:
                yield from source.demux()
            except av.error.ExitError:
                if not self._closing:
                    continue
            return


class _Order:
    """Decoding times from presentation times: RTP has none, and containers want them rising.

    A frame is decoded when the earliest of the last `delay` + 1 is shown, as FFmpeg does it.
    """

    def __init__(self, delay: int) -> None:
        self._delay = delay
        self._waiting: list[int] = []
        self._last: int | None = None

    @property
    def begun(self) -> bool:
        """Whether there was a frame."""
        return self._last is not None

    def decode_at(self, pts: int, step: Fraction | float) -> int:
        """Return the decoding time of the next frame; `step` is a frame's time, about."""
        if not self._waiting:
            self._waiting = [pts - round(n * step) for n in range(self._delay, 0, -1)]
        insort(self._waiting, pts)
        dts = min(pts, self._waiting.pop(0))
        if self._last is not None:
            dts = max(dts, self._last + 1)
        self._last = dts
        return dts


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _free_port() -> int:
    """Return an even UDP port of loopback with a free one behind it."""
    for _ in range(64):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second,
        ):
            first.bind((_HOST, 0))
            port: int = first.getsockname()[1]
            if port % 2 or port == 65535:
                continue
            try:
                second.bind((_HOST, port + 1))
            except OSError:
                continue
            return port
    raise LocalError("no two free ports on loopback")


def _description(tracks: Sequence[Track], ways: dict[int, _Way]) -> str:
    lines = [
        "v=0",
        f"o=- 1 1 IN IP4 {_HOST}",
        "s=mikey",
        f"c=IN IP4 {_HOST}",
        "t=0 0",
    ]
    for track in tracks:
        formats = " ".join(track.media.formats)
        lines.append(f"m={track.kind} {ways[track.index].port} RTP/AVP {formats}")
        lines += [f"a={name}:{value}" for name, value in track.media.attributes if name in _KEPT]
    return "".join(f"{line}\r\n" for line in lines)
