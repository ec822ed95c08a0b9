"""Session descriptions of one L16 stream over RTP/SAVP (RFC 8866, RFC 3551 4.5.11)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace

from mikey.aio import Address, AudioFormat
from mikey.carriage.sdp import Description, Direction, Media
from mikey.errors import CarriageError, LocalError

__all__ = ["AudioStream", "Local", "choose", "peer_of"]

PAYLOAD_TYPE = 96
# L16 with payload types of its own (RFC 3551 table 4)
_STATIC = {"10": AudioFormat(44_100, 2), "11": AudioFormat(44_100, 1)}
_SECURE = "RTP/SAVP"
_PORT = re.compile(r"\d{1,9}(?= |$)", re.ASCII)


@dataclass(frozen=True, slots=True)
class AudioStream:
    """What is sent on an m= line: `line` counts from 0."""

    line: int
    audio: AudioFormat
    payload_type: int


@dataclass(frozen=True, slots=True)
class Local:
    """Our side: session ID and version of the o= line, and where we listen."""

    session_id: int
    host: str
    port: int
    version: int = 1

    def next_version(self) -> Local:
        """The same, for the next description of the session (RFC 3264 8)."""
        return replace(self, version=self.version + 1)

    def offer(self, audio: AudioFormat) -> str:
        """An offer to send one stream."""
        stream = AudioStream(0, audio, PAYLOAD_TYPE)
        return self._session() + self._stream(stream, Direction.SENDONLY)

    def answer(self, offer: Description, stream: AudioStream | None) -> str:
        """The answer that hears `stream` (None: none) of an offer and declines all else."""
        text = self._session()
        for media in offer.media:
            if stream is not None and media.index == stream.line:
                text += self._stream(stream, Direction.RECVONLY)
            else:
                text += f"m={media.media} 0 {media.proto} {' '.join(media.formats)}\r\n"
        return text

    def _session(self) -> str:
        where = f"IN IP{6 if ':' in self.host else 4} {self.host}"
        return (
            f"v=0\r\no=- {self.session_id} {self.version} {where}\r\ns=-\r\nc={where}\r\nt=0 0\r\n"
        )

    def _stream(self, stream: AudioStream, direction: Direction) -> str:
        kind = stream.payload_type
        return (
            f"m=audio {self.port} {_SECURE} {kind}\r\n"
            f"a=rtpmap:{kind} {stream.audio.rtpmap}\r\na={direction.value}\r\n"
        )


def choose(offer: Description) -> AudioStream:
    """The first stream of an offer that we can hear. CarriageError (488) if there is none."""
    for media in offer.media:
        if media.media != "audio" or media.proto != _SECURE or media.rejected:
            continue
        for payload_type in media.formats:
            audio = _format(media, payload_type)
            if audio is not None:
                return AudioStream(media.index, audio, int(payload_type))
    raise CarriageError(
        "the offer has no L16 audio of 8 to 48 kHz over RTP/SAVP",
        status=488,
        warnings=((305, "Incompatible media format"),),
    )


def _format(media: Media, payload_type: str) -> AudioFormat | None:
    for rtpmap in media.rtpmaps:
        if str(rtpmap.payload_type) == payload_type:
            if rtpmap.encoding.upper() != "L16":
                return None
            try:
                return AudioFormat(rtpmap.clock_rate, rtpmap.channels)
            except LocalError:
                return None
    return _STATIC.get(payload_type)


def peer_of(description: Description, line: int, host: str) -> tuple[Address, Address]:
    """Where the peer takes RTP and RTCP of an m= line; `host` is our address for it.

    Raises CarriageError (488) if it does not take the stream or says no address that can be
    reached from ours. The name of a host is none: looking it up would let the peer choose whom
    we ask, and make us wait.
    """
    media = description.media[line]
    if media.rejected:
        raise CarriageError("the peer declined the audio stream", status=488)
    if media.address is None:
        raise CarriageError("the description has no c= line", status=488)
    if _version(media.address) != _version(host):
        raise CarriageError(
            f"the c= line has no IPv{_version(host)} address, which {host} could send to",
            status=488,
        )
    port = media.port + 1
    for name, value in media.attributes:
        if name == "rtcp" and (match := _PORT.match(value)):  # RFC 3605
            port = int(match[0])
    if not 0 < port < 65536:
        raise CarriageError("the description has an impossible RTCP port", status=488)
    return (media.address, media.port), (media.address, port)


def _version(address: str) -> int | None:
    """4 or 6; None for what is no IP address."""
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return None
