"""MIKEY inside other protocols' text: SDP, RTSP, and the bodies of SIP (RFC 4567).

Nothing here opens a socket: text comes in and goes out.
"""

from __future__ import annotations

from mikey.carriage import rtsp, sdp

__all__ = ["rtsp", "sdp"]
