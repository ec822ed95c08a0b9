"""GStreamer decodes JPEG out of RTP packets; run by the system's Python, never imported.

Standard input has one packet a line, in hex. Writes one line of JSON: the frames decoded, and how
many of them show the bars.
"""

from __future__ import annotations

import json
import sys

import gi  # type: ignore[import-not-found]  # it belongs to the system's Python

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import (  # type: ignore[import-not-found]  # noqa: E402
    Gst,
    GstApp,  # noqa: F401  # it gives its elements methods
)
from rtsp_bars import shows_bars  # type: ignore[import-not-found]  # noqa: E402  # beside it

CAPS = "application/x-rtp,media=video,clock-rate=90000,encoding-name=JPEG,payload=26"


def main() -> None:
    Gst.init(None)
    pipeline = Gst.parse_launch(
        f"appsrc name=source caps={CAPS} format=time ! rtpjpegdepay ! jpegdec ! videoconvert "
        "! video/x-raw,format=RGB ! appsink name=sink sync=false max-buffers=10000"
    )
    source, sink = pipeline.get_by_name("source"), pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    for line in sys.stdin:
        source.push_buffer(Gst.Buffer.new_wrapped(bytes.fromhex(line)))
    source.end_of_stream()
    frames = bars = 0
    while (sample := sink.try_pull_sample(5 * Gst.SECOND)) is not None:
        structure = sample.get_caps().get_structure(0)
        ok, mapped = sample.get_buffer().map(Gst.MapFlags.READ)
        if ok:
            size = structure.get_value("width"), structure.get_value("height")
            bars += shows_bars(mapped.data, *size)
            sample.get_buffer().unmap(mapped)
        frames += 1
    pipeline.set_state(Gst.State.NULL)
    print(json.dumps({"frames": frames, "bars": bars}))


if __name__ == "__main__":
    main()
