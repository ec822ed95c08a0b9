"""MIKEY in RTSP: messages, headers and bodies as text, no sockets (RFC 4567 3.2, 4.2; RFC 7826).

`Framer` cuts what a connection brings into `Request`, `Response` and `Interleaved`, which
`encode` to octets.
"""

from __future__ import annotations

from mikey.carriage.rtsp._framer import Framer, Item
from mikey.carriage.rtsp._headers import Headers
from mikey.carriage.rtsp._messages import REASONS, Interleaved, Request, Response

__all__ = ["REASONS", "Framer", "Headers", "Interleaved", "Item", "Request", "Response"]
