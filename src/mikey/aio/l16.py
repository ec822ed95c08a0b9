"""L16 audio in RTP (RFC 3551 4.5.11): 16-bit samples, big-endian, channels interleaved."""

from __future__ import annotations

import array
from collections.abc import Iterator
from dataclasses import dataclass

from mikey.errors import LocalError, PeerError

__all__ = ["SAMPLE_WIDTH", "AudioFormat", "Packetizer", "from_l16", "to_l16"]

SAMPLE_WIDTH = 2

_LOWEST_RATE = 8_000
_HIGHEST_RATE = 48_000
_PACKETS_PER_SECOND = 50
# With RTP, SRTP's tag and MKI, UDP and IPv6 it stays below the 1280 octets that every link takes.
_MAX_PAYLOAD = 1_120


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Samples per second and channels. LocalError for what is not 8 to 48 kHz, 1 or 2."""

    rate: int
    channels: int

    def __post_init__(self) -> None:
        if not _LOWEST_RATE <= self.rate <= _HIGHEST_RATE:
            raise LocalError(f"{self.rate} Hz: audio has 8000 to 48000 samples a second")
        if self.channels not in (1, 2):
            raise LocalError(f"{self.channels} channels: audio has one or two")

    @property
    def frame_size(self) -> int:
        """Octets of one sampling instant."""
        return SAMPLE_WIDTH * self.channels

    @property
    def frames_per_packet(self) -> int:
        """20 ms, or less where that would not fit the MTU."""
        return min(self.rate // _PACKETS_PER_SECOND, _MAX_PAYLOAD // self.frame_size)

    @property
    def rtpmap(self) -> str:
        """The value of an rtpmap attribute after the payload type (RFC 8866 6.6)."""
        channels = f"/{self.channels}" if self.channels > 1 else ""
        return f"L16/{self.rate}{channels}"


def to_l16(samples: bytes) -> bytes:
    """Little-endian samples, as WAV files have them, in network order; and the way back."""
    return _swapped(samples)


def from_l16(payload: bytes, audio: AudioFormat) -> bytes:
    """The little-endian samples of a payload. PeerError if it holds no whole frames."""
    if len(payload) % audio.frame_size:
        raise PeerError(
            f"an L16 payload of {len(payload)} octets holds no whole frames", number=None
        )
    return _swapped(payload)


def _swapped(octets: bytes) -> bytes:
    samples = array.array("h")
    samples.frombytes(octets)
    samples.byteswap()
    return samples.tobytes()


@dataclass(frozen=True, slots=True)
class Packetizer:
    """Cuts little-endian samples into L16 payloads."""

    audio: AudioFormat

    def payloads(self, samples: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (frames before it, payload) for each packet in turn."""
        step = self.audio.frames_per_packet * self.audio.frame_size
        for start in range(0, len(samples), step):
            yield start // self.audio.frame_size, to_l16(samples[start : start + step])

    def seconds(self, frames: int) -> float:
        """How long so many frames last."""
        return frames / self.audio.rate
