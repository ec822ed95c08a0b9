"""How a call ends: by word of the peer, or because nothing of it is heard any more."""

from __future__ import annotations

import asyncio
import contextlib

from mikey.aio import MediaSession
from mikey.sip import Call

__all__ = ["ended"]

_SILENCE = 20.0  # seconds without an authentic packet after which a call is given up
_LOOK = 1.0  # seconds between two looks whether one came


async def ended(call: Call, media: MediaSession, *, heard_first: bool) -> str:
    """Wait until a call is over, return why; a peer that fell silent is hung up on.

    Both SRTP and SRTCP are signs of life. With `heard_first` a peer that sends neither, as some
    that only listen, is not given up; only one that did before.
    """
    heard, silent = 0, 0.0
    while silent < _SILENCE:
        before, heard = heard, media.rtp.verified + media.rtcp.verified
        silent = silent + _LOOK if heard == before and (heard or not heard_first) else 0.0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK):
                return await call.ended()
    await call.bye()
    return f"nothing authentic came for {_SILENCE:g} s"
