"""A GStreamer RTSP server with SRTP and MIKEY; run by the system's Python, never imported.

    /usr/bin/python3 rtsp_gst_server.py '{"cipher": "aes-128-icm", "auth": "hmac-sha1-80", ...}'

Keys of the options, all optional: `cipher`, `auth` (names of srtpenc), `profile` ("SAVP", "SAVPF",
"AVP"), `frames`, `fps`, `audio` (a second stream), `seqnum` (where sequence numbers start),
`shared` (one run of the media for all clients), `certificate` and `key` (PEM files: rtsps), `user`
and `password` (digest authentication).
Writes a line of JSON for each event: {"port": N} first, then {"rtcp": SSRC} for each report of a
client that was authentic, {"teardown": true} at the end of a session.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import gi  # type: ignore[import-not-found]  # it belongs to the system's Python

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import (  # type: ignore[import-not-found]  # noqa: E402
    Gio,
    GLib,
    Gst,
    GstRtsp,
    GstRtspServer,
)

PROFILES = {
    "AVP": GstRtsp.RTSPProfile.AVP,
    "SAVP": GstRtsp.RTSPProfile.SAVP,
    "SAVPF": GstRtsp.RTSPProfile.SAVPF,
}


def tell(**event: object) -> None:
    os.write(1, f"{json.dumps(event)}\n".encode())  # whole lines: several threads tell


def pipeline(options: dict[str, Any]) -> str:
    frames, fps = options.get("frames", 30), options.get("fps", 200)
    first = options.get("seqnum", -1)
    video = (
        f"videotestsrc is-live=true num-buffers={frames} pattern=smpte ! "
        f"video/x-raw,format=I420,width=176,height=144,framerate={fps}/1 ! jpegenc ! "
        f"rtpjpegpay name=pay0 pt=26 mtu=1200 seqnum-offset={first}"
    )
    audio = (
        "audiotestsrc is-live=true wave=sine freq=440 samplesperbuffer=160 ! "
        "audio/x-raw,format=S16BE,rate=8000,channels=1 ! rtpL16pay name=pay1 pt=97"
    )
    return f"( {video} {audio if options.get('audio') else ''} )"


def configure(options: dict[str, Any], media: GstRtspServer.RTSPMedia) -> None:
    """Choose the ciphers when srtpenc is made, before it has seen a packet."""

    def added(_bin: object, _child: object, element: Gst.Element) -> None:
        kind = element.get_factory().get_name()
        if kind == "srtpenc":
            cipher, auth = options.get("cipher", "aes-128-icm"), options.get("auth", "hmac-sha1-80")
            for name in ("rtp-cipher", "rtcp-cipher"):
                Gst.util_set_object_arg(element, name, cipher)
            for name in ("rtp-auth", "rtcp-auth"):
                Gst.util_set_object_arg(element, name, auth)
        elif kind == "rtpbin":
            element.connect("on-ssrc-active", lambda _b, _s, ssrc: tell(rtcp=ssrc))

    media.get_element().get_parent().connect("deep-element-added", added)


def protect(server: GstRtspServer.RTSPServer, options: dict[str, Any]) -> None:
    """Set up TLS and digest authentication, as far as asked for."""
    auth = GstRtspServer.RTSPAuth.new()
    if "certificate" in options:
        files = options["certificate"], options["key"]
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(*files))
        auth.set_tls_authentication_mode(Gio.TlsAuthenticationMode.NONE)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    if "user" in options:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(options["user"], options["password"], token)
    else:
        auth.set_default_token(token)
    server.set_auth(auth)


def connected(_server: object, client: GstRtspServer.RTSPClient) -> None:
    client.connect("teardown-request", lambda *_: tell(teardown=True))
    client.connect(
        "set-parameter-request",
        lambda _client, context: tell(set_parameter=context.request.get_body()[1].decode()),
    )


def main() -> None:
    options = json.loads(sys.argv[1])
    Gst.init(None)
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service("0")
    if "certificate" in options or "user" in options:
        protect(server, options)
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(pipeline(options))
    factory.set_shared(options.get("shared", False))
    factory.set_profiles(PROFILES[options.get("profile", "SAVP")])
    factory.connect("media-constructed", lambda _factory, media: configure(options, media))
    if "certificate" in options or "user" in options:
        permissions = GstRtspServer.RTSPPermissions.new()
        permissions.add_role("user")
        for name in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role("user", name, True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/test", factory)
    server.connect("client-connected", connected)
    if server.attach(None) == 0:
        raise SystemExit("the server cannot listen")
    tell(port=server.get_bound_port())
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
