"""MIKEY inside other protocols' text: SDP now, RTSP and SIP bodies with their servers (RFC 4567).

Nothing here opens a socket: text comes in and goes out.
"""

from __future__ import annotations

from mikey.carriage import sdp

__all__ = ["sdp"]
