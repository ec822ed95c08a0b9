"""RTSP whose streams MIKEY keys: a client, and a small server for testing clients.

RFC 2326, RFC 4567 4.2, RFC 7616; ONVIF Streaming; the products by profile (`policy.PROFILES`).

A client, in one step:

    from mikey import rtsp

    def packet(stream: rtsp.MediaStream, rtp: bytes) -> None: ...   # each packet, in clear

    async with rtsp.playing(
        "rtsps://admin@camera/stream",
        password=Secret(b"..."),
        tls=rtsp.Tls(pin="ab12..."),                 # or ca=Path(...), or insecure=True
        options=rtsp.Options(only=["video"], transport="tcp"),
        handlers=rtsp.Handlers(on_rtp=packet),
    ) as session:
        await session.wait()                          # until BYE, or an error

or in several: `Client.connect`, `Client.options`, `Client.describe` (a
`carriage.rtsp.Presentation`), `setup` (a `Session`), `Session.play`, `pause`, `rekey`,
`ask_keys`, `teardown`. `session.choice` is the profile with its reason, `session.flow` whose
key protects what; each of `session.streams` is a `MediaStream` with `kind`, `encoding`,
`policy`, `transport`, `ssrc`, `roc`, the counters `rtp` and `rtcp` (verified, rejected, sent),
`expected`, `lost`, `last_error`, `incoming_key` and `outgoing_key`.

A server, for one presentation under one URL:

    async with await rtsp.Server.open(
        [rtsp.bars(), rtsp.tone()],                   # or Source of your own
        port=8554,
        options=rtsp.ServerOptions(profile="gst-legacy"),
        tls=rtsp.ServerTls(certificate, key),
    ) as server:
        print(server.url)
        for client in server.clients: await client.rekey()

With a `Certified` as `Settings.credential` and `ServerOptions.credential` both speak RTSP 2.0 and
key by RSA-R, inside TLS (RFC 7826 C.1.4.1).

Errors are `RtspError` and its kinds (all `PeerError`) for what comes from outside, LocalError for
options and misuse. Keys in clear (MIKEY-NULL) pass inside TLS; outside only with
`Policy(allow_null=True)`, in `Settings.policy` and `ServerOptions.policy`.
"""

from __future__ import annotations

from mikey.rtsp._connecting import certificate_pin
from mikey.rtsp._serving import Serving
from mikey.rtsp.client import Client, Settings
from mikey.rtsp.errors import (
    ClosedError,
    NoAnswerError,
    RedirectedError,
    RefusedError,
    RtspError,
    UntrustedError,
)
from mikey.rtsp.pattern import bars, tone
from mikey.rtsp.playing import Options, playing, setup
from mikey.rtsp.server import Server, ServerOptions
from mikey.rtsp.session import Session
from mikey.rtsp.source import Source, Unit
from mikey.rtsp.stream import Handlers, MediaStream
from mikey.rtsp.tls import ServerTls, Tls
from mikey.rtsp.url import Url

__all__ = [
    "Client",
    "ClosedError",
    "Handlers",
    "MediaStream",
    "NoAnswerError",
    "Options",
    "RedirectedError",
    "RefusedError",
    "RtspError",
    "Server",
    "ServerOptions",
    "ServerTls",
    "Serving",
    "Session",
    "Settings",
    "Source",
    "Tls",
    "Unit",
    "UntrustedError",
    "Url",
    "bars",
    "certificate_pin",
    "playing",
    "setup",
    "tone",
]
