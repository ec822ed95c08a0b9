"""What the parts with sockets share: RTP endpoints, audio over SRTP, exchanges beside a loop.

The files `rtp`, `rtcp`, `l16`, `reception` and `playout` do no IO themselves.
"""

from __future__ import annotations

from mikey.aio.counters import Counters
from mikey.aio.driver import Party, drive, run
from mikey.aio.endpoint import Address, RtpEndpoint
from mikey.aio.fetch import FetchLimits, fetch_certificate
from mikey.aio.l16 import AudioFormat
from mikey.aio.media import MediaSession
from mikey.aio.receiving import StreamReceiver
from mikey.aio.wav import Recording, WavWriter, read_wav

__all__ = [
    "Address",
    "AudioFormat",
    "Counters",
    "FetchLimits",
    "MediaSession",
    "Party",
    "Recording",
    "RtpEndpoint",
    "StreamReceiver",
    "WavWriter",
    "drive",
    "fetch_certificate",
    "read_wav",
    "run",
]
