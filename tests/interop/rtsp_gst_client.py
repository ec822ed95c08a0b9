"""GStreamer's rtspsrc as a client; run by the system's Python, never imported.

    /usr/bin/python3 rtsp_gst_client.py '{"url": "rtsp://...", "protocols": "udp", ...}'

Plays JPEG video to its end and writes one line of JSON: the frames decoded, how many of them
show the bars in their order, the SSRCs whose RTCP was authentic, and what went wrong.
Options: `url`, `protocols` ("udp" or "tcp"), `frames` to wait for, `insecure`, `user-id`,
`user-pw`, `seconds` (the limit), `count` (the sequence numbers of the decrypted packets as well),
`parameter` (a name and a value for SET_PARAMETER at the tenth frame; the status of the answer goes
to `answered`).
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gi  # type: ignore[import-not-found]  # it belongs to the system's Python

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
from gi.repository import (  # type: ignore[import-not-found]  # noqa: E402
    Gio,
    GLib,
    Gst,
)
from rtsp_bars import shows_bars  # type: ignore[import-not-found]  # noqa: E402  # beside it


class Client:
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.result: dict[str, Any] = {"frames": 0, "bars": 0, "rtcp": [], "error": ""}
        self.reports = 0  # that we sent
        self.promise: Gst.Promise | None = None
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(
            "rtspsrc name=src latency=1000 buffer-mode=none do-retransmission=false "
            "! application/x-rtp,media=video ! rtpjpegdepay ! jpegdec ! videoconvert "
            "! video/x-raw,format=RGB ! appsink name=sink sync=false emit-signals=true"
        )
        source = self.source = self.pipeline.get_by_name("src")
        for name in ("protocols", "user-id", "user-pw", "location"):
            if name in options:
                Gst.util_set_object_arg(source, name, options[name])
        if options.get("insecure"):
            source.set_property("tls-validation-flags", Gio.TlsCertificateFlags(0))
        source.connect("new-manager", self.managed)
        if options.get("count"):
            self.result["sequences"] = []
            self.pipeline.connect("deep-element-added", self.added)
        self.pipeline.get_by_name("sink").connect("new-sample", self.sample)

    def added(self, _bin: Gst.Bin, _child: Gst.Bin, element: Gst.Element) -> None:
        """Look at what leaves the decrypter."""
        if element.get_factory().get_name() == "srtpdec":
            pad = element.get_static_pad("rtp_src")
            pad.add_probe(Gst.PadProbeType.BUFFER, self.decrypted)

    def decrypted(self, _pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        header = info.get_buffer().extract_dup(0, 4)
        self.result["sequences"].append(int.from_bytes(header[2:4], "big"))
        return Gst.PadProbeReturn.OK

    def managed(self, _source: Gst.Element, manager: Gst.Element) -> None:
        manager.connect("on-ssrc-active", self.active)
        manager.connect("on-new-ssrc", self.hurry)

    def hurry(self, manager: Gst.Element, session: int, _ssrc: int) -> None:
        """Report often: a test has no seconds to wait for the first one."""
        internal = manager.emit("get-internal-session", session)
        internal.set_property("rtcp-min-interval", 20 * Gst.MSECOND)
        internal.connect("on-sending-rtcp", self.reporting)

    def reporting(self, _session: Gst.Element, _buffer: Gst.Buffer, _early: bool) -> bool:
        self.reports += 1
        return False

    def active(self, _bin: Gst.Element, _session: int, ssrc: int) -> None:
        if ssrc not in self.result["rtcp"]:
            self.result["rtcp"].append(ssrc)

    def sample(self, sink: Gst.Element) -> Gst.FlowReturn:
        sample = sink.emit("pull-sample")
        structure = sample.get_caps().get_structure(0)
        size = structure.get_value("width"), structure.get_value("height")
        ok, mapped = sample.get_buffer().map(Gst.MapFlags.READ)
        if ok:
            self.result["bars"] += shows_bars(mapped.data, *size)
            sample.get_buffer().unmap(mapped)
        self.result["frames"] += 1
        if self.result["frames"] == 10 and "parameter" in self.options:
            self.promise = Gst.Promise.new()
            kind = "text/parameters"
            self.source.emit("set-parameter", *self.options["parameter"], kind, self.promise)
        if self.result["frames"] == self.options.get("frames", 30):
            GLib.timeout_add(20, self.finish)
        return Gst.FlowReturn.OK

    def finish(self) -> bool:
        """End when reports have gone both ways."""
        if self.reports and self.result["rtcp"]:
            # the last report is on its way: the server must not close its port before
            GLib.timeout_add(50, self.loop.quit)
            return False
        return True

    def message(self, _bus: Gst.Bus, message: Gst.Message) -> None:
        if message.type == Gst.MessageType.ERROR:
            error, detail = message.parse_error()
            self.result["error"] = f"{error.message}: {detail}"
            self.loop.quit()
        elif message.type == Gst.MessageType.EOS:
            self.loop.quit()

    def run(self) -> None:
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message", self.message)
        GLib.timeout_add_seconds(self.options.get("seconds", 15), self.loop.quit)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        if self.promise is not None and self.promise.wait() == Gst.PromiseResult.REPLIED:
            self.result["answered"] = self.promise.get_reply().get_value("rtsp-code")
        self.pipeline.set_state(Gst.State.NULL)
        print(json.dumps(self.result), flush=True)


def main() -> None:
    Gst.init(None)
    options = json.loads(sys.argv[1])
    options["location"] = options.pop("url")
    Client(options).run()


if __name__ == "__main__":
    main()
