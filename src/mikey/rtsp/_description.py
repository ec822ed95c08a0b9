"""The session description of a server's sources, before its keys (RFC 8866, RFC 2326 C)."""

from __future__ import annotations

from collections.abc import Sequence

from mikey.rtsp.source import Source

__all__ = ["describe"]


def describe(sources: Sequence[Source], *, host: str, number: int, profile: str) -> str:
    """Return the text; `number` tells this description from others, `profile` is "RTP/SAVP"."""
    family = "IP6" if ":" in host else "IP4"
    lines = [
        "v=0",
        f"o=- {number} 1 IN {family} {host}",
        "s=mikey",
        f"c=IN {family} {'::' if family == 'IP6' else '0.0.0.0'}",  # noqa: S104 (RFC 2326 C.1.7)
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
    ]
    for index, source in enumerate(sources):
        lines += [
            f"m={source.kind} 0 {profile} {source.payload_type}",
            f"a=rtpmap:{source.payload_type} {source.rtpmap}",
            *(f"a={line}" for line in source.attributes),
            f"a=control:stream={index}",
        ]
    return "".join(f"{line}\r\n" for line in lines)
