"""GStreamer's srtpenc or srtpdec as a peer: a program for the system's own Python.

The first argument is a JSON object with ``direction`` ("protect" or "unprotect"), ``kind`` ("rtp"
or "rtcp"), ``cipher``, ``rtp-auth`` and ``rtcp-auth`` (GStreamer's names), ``key`` (master key
and salt), ``mki`` (both hex, the MKI may be empty), ``ssrc`` and ``roc``; or with ``direction``,
``kind`` and ``caps``, the text of srtpdec's caps, which says all the rest. Standard input
has one packet a line, in hex; standard output gets the packets that come out, in order, and after
the last one a line with a dot.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gi  # type: ignore[import-not-found]  # it belongs to the system's Python

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import (  # type: ignore[import-not-found]  # noqa: E402
    Gst,
    GstApp,  # noqa: F401  # it gives its elements methods
)


def buffer(octets: bytes) -> Any:
    return Gst.Buffer.new_wrapped(octets)


def protecting(options: dict[str, Any]) -> tuple[Any, str, str, Any]:
    """Return the element, the names of its pads, and the caps of what goes in."""
    element = Gst.ElementFactory.make("srtpenc")
    element.set_property("key", buffer(bytes.fromhex(options["key"])))
    if options["mki"]:
        element.set_property("mki", buffer(bytes.fromhex(options["mki"])))
    for layer in ("rtp", "rtcp"):
        Gst.util_set_object_arg(element, f"{layer}-cipher", options["cipher"])
        Gst.util_set_object_arg(element, f"{layer}-auth", options[f"{layer}-auth"])
    kind = options["kind"]
    caps = f"application/x-{kind}, ssrc=(uint){options['ssrc']}"
    if kind == "rtp":
        caps += ", media=audio, clock-rate=8000, payload=96, encoding-name=X"
    return element, f"{kind}_sink_0", f"{kind}_src_0", Gst.Caps.from_string(caps)


def unprotecting(options: dict[str, Any]) -> tuple[Any, str, str, Any]:
    """Return the same for the way back; the key travels in the caps."""
    element = Gst.ElementFactory.make("srtpdec")
    kind = options["kind"]
    if "caps" in options:
        return element, f"{kind}_sink", f"{kind}_src", Gst.Caps.from_string(options["caps"])
    caps = Gst.Caps.from_string(
        f"application/x-s{kind}, ssrc=(uint){options['ssrc']}, roc=(uint){options['roc']}, "
        + ", ".join(
            f"s{layer}-cipher=(string){options['cipher']}, "
            f"s{layer}-auth=(string){options[f'{layer}-auth']}"
            for layer in ("rtp", "rtcp")
        )
    )
    structure = caps.get_structure(0).copy()
    structure.set_value("srtp-key", buffer(bytes.fromhex(options["key"])))
    if options["mki"]:
        structure.set_value("mki", buffer(bytes.fromhex(options["mki"])))
    caps = Gst.Caps.new_empty()
    caps.append_structure(structure)
    return element, f"{kind}_sink", f"{kind}_src", caps


def push(source: Any, octets: bytes, time: int) -> None:
    packet = buffer(octets)
    packet.pts = time
    source.push_buffer(packet)


def main() -> None:
    options = json.loads(sys.argv[1])
    Gst.init(None)
    make = protecting if options["direction"] == "protect" else unprotecting
    element, sink_name, src_name, caps = make(options)
    pipeline = Gst.Pipeline.new()
    source = Gst.ElementFactory.make("appsrc")
    sink = Gst.ElementFactory.make("appsink")
    source.set_property("caps", caps)
    source.set_property("format", Gst.Format.TIME)
    sink.set_property("sync", False)
    sink.set_property("async", False)
    for part in (source, element, sink):
        pipeline.add(part)
    into = element.get_static_pad(sink_name) or element.request_pad_simple(sink_name)
    source.get_static_pad("src").link(into)
    element.get_static_pad(src_name).link(sink.get_static_pad("sink"))
    # srtpdec changes buffers in place and passes on the wrong one while Python still holds a
    # reference; so nothing flows (a live source waits to play) before all are handed over.
    source.set_property("is-live", True)
    pipeline.set_state(Gst.State.PAUSED)
    for at, line in enumerate(sys.stdin):
        push(source, bytes.fromhex(line.strip()), at * 20 * Gst.MSECOND)
    source.end_of_stream()
    pipeline.set_state(Gst.State.PLAYING)
    while (sample := sink.pull_sample()) is not None:
        out = sample.get_buffer()
        print(out.extract_dup(0, out.get_size()).hex())
    print(".")
    pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
