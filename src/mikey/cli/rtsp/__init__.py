"""`mikey rtsp`: play, serve and diagnose streams whose keys MIKEY brings (RFC 4567, ONVIF)."""

from __future__ import annotations

import click

from mikey.cli.commands import Commands, Entry

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "play": Entry("mikey.cli.rtsp.play", "Play a URL: check it, dump it, record it."),
    "serve": Entry("mikey.cli.rtsp.serve", "Serve a test pattern or a file, for testing clients."),
    "doctor": Entry("mikey.cli.rtsp.doctor", "Find out what works with a server, and why not."),
    "keys": Entry("mikey.cli.rtsp.keys", "Print the keys of a session for other programs."),
    "decrypt": Entry("mikey.cli.rtsp.decrypt", "Make plain RTP of a capture, with its keys."),
}


@click.group(
    cls=Commands,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  mikey rtsp play rtsps://camera/stream --info --pin 5f0c...
  mikey rtsp play rtsps://admin@camera/stream --ca root.pem --record out.mkv
  mikey rtsp doctor rtsps://camera/stream
  mikey rtsp serve --test-pattern --tls --listen 127.0.0.1:8322
  mikey rtsp keys rtsps://camera/stream --pin 5f0c... --show-keys --out keys
  mikey rtsp decrypt capture.pcap --keys keys --out plain.pcap

'mikey rtsp COMMAND --help' tells the rest; docs/howto-rtsp.md explains it.""",
)
def command() -> None:
    """RTSP with SRTP whose keys MIKEY brings: cameras, servers and players as they really are."""
