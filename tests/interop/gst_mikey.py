"""GStreamer's MIKEY as a peer: a program for the system's own Python.

Each line of standard input is a JSON object and is answered with one line of JSON: ``sdp`` with
the text of a description is answered with the fields of the caps of its first m= line, ``caps``
(with ``ssrc`` and ``roc``) with the message that GStreamer makes of them, in base64.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gi  # type: ignore[import-not-found]  # it belongs to the system's Python

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import Gst, GstSdp  # type: ignore[import-not-found]  # noqa: E402


def fields_of(text: str) -> dict[str, Any]:
    """Return what GStreamer reads out of a description."""
    _, message = GstSdp.SDPMessage.new()
    result = GstSdp.sdp_message_parse_buffer(text.encode(), message)
    if result != GstSdp.SDPResult.OK:
        return {"error": "no description"}
    caps = Gst.Caps.new_empty_simple("application/x-srtp")
    message.get_media(0).attributes_to_caps(caps)
    structure = caps.get_structure(0)
    found: dict[str, Any] = {}
    for name in ("srtp-cipher", "srtp-auth", "srtcp-cipher", "srtcp-auth"):
        if structure.has_field(name):
            found[name] = structure.get_string(name)
    if structure.has_field("srtp-key"):
        buffer = structure.get_value("srtp-key")
        found["srtp-key"] = buffer.extract_dup(0, buffer.get_size()).hex()
    known, roc = structure.get_uint("roc") if structure.has_field("roc") else (False, 0)
    if known:
        found["roc"] = roc
    return found


def message_of(request: dict[str, Any]) -> dict[str, Any]:
    """Return the message that GStreamer makes of caps."""
    message = GstSdp.MIKEYMessage.new_from_caps(Gst.Caps.from_string(request["caps"]))
    message.add_cs_srtp(0, request["ssrc"], request["roc"])
    return {"message": message.base64_encode()}


def main() -> None:
    Gst.init(None)
    for line in sys.stdin:
        request = json.loads(line)
        answer = fields_of(request["sdp"]) if "sdp" in request else message_of(request)
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
