"""Let tshark dissect MIKEY messages: as datagrams on port 2269, or inside SIP and SDP.

Starting tshark costs far more than a message does, so every call takes a whole list.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple
from xml.etree import ElementTree

from tests.naive.encode import key_mgmt
from tests.peers import need

Carrier = Literal["udp", "sip"]

PORTS: dict[Carrier, int] = {"udp": 2269, "sip": 5060}
LONGEST_DATAGRAM = 65_507


class Leaf(NamedTuple):
    """One field: tshark's name, its value (hex digits, masked and shifted), its printed line."""

    name: str
    value: str
    label: str


class Shown(NamedTuple):
    """One payload in tshark's tree; offset counts from the start of the message."""

    name: str
    offset: int
    length: int
    leaves: tuple[Leaf, ...]


class Dissection(NamedTuple):
    """What tshark showed of one message.

    ``complete``: it reached a last payload (it prints the data type behind the protocol's
    name only then); without it and without ``malformed`` it stopped silently.
    """

    payloads: tuple[Shown, ...]
    malformed: bool
    complete: bool


def dissect(octets: bytes, carrier: Carrier = "udp") -> Dissection:
    """Dissect one message."""
    return dissect_all([octets], carrier)[0]


def dissect_all(messages: Sequence[bytes], carrier: Carrier = "udp") -> list[Dissection]:
    """Dissect all messages in one run of text2pcap and one of tshark."""
    text2pcap, tshark = need("text2pcap"), need("tshark")
    if not messages:
        return []
    datagrams = list(messages) if carrier == "udp" else [*map(invite, messages)]
    if max(map(len, datagrams)) > LONGEST_DATAGRAM:
        raise ValueError("a message is too long for a datagram")
    port = PORTS[carrier]
    with tempfile.TemporaryDirectory() as directory:
        # No preferences of the user's: they could move ports or switch protocols off.
        environment = os.environ | {"HOME": directory, "XDG_CONFIG_HOME": directory}
        capture = str(Path(directory, "messages.pcap"))
        _run(
            [text2pcap, "-q", "-u", f"{port},{port}", "-", capture],
            "".join(map(_hex_dump, datagrams)),
            environment,
        )
        pdml = _run([tshark, "-n", "-r", capture, "-T", "pdml"], "", environment)
    packets = ElementTree.fromstring(pdml).findall("packet")
    if len(packets) != len(messages):
        raise RuntimeError(f"{len(messages)} messages became {len(packets)} packets")
    return [_dissection(packet) for packet in packets]


def invite(octets: bytes) -> bytes:
    """Return a SIP INVITE whose SDP carries the message at session level."""
    sdp = (
        "v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
        f"{key_mgmt(octets)}\r\nm=audio 4000 RTP/SAVP 0\r\n"
    )
    head = (
        "INVITE sip:bob@example.com SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds\r\nMax-Forwards: 70\r\n"
        "From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\n"
        "Call-ID: 1@192.0.2.1\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.1>\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n"
    )
    return (head + sdp).encode()


def _hex_dump(octets: bytes) -> str:
    """Return the form that text2pcap reads; an offset of 0 starts a new packet."""
    return "".join(
        f"{at:06x} {octets[at : at + 16].hex(' ')}\n" for at in range(0, len(octets), 16)
    )


def _run(command: list[str], stdin: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def _dissection(packet: ElementTree.Element) -> Dissection:
    # A run that breaks off leaves its mark beside the protocol or inside it.
    malformed = packet.find(".//proto[@name='_ws.malformed']") is not None
    mikey = packet.find(".//proto[@name='mikey']")
    if mikey is None:
        return Dissection((), malformed, False)
    payloads = mikey.findall("field")
    # In a datagram positions count from the start of the frame, in SDP from that of the message.
    base = int(payloads[0].get("pos", "0")) if payloads else 0
    return Dissection(
        tuple(
            Shown(
                payload.get("name", ""),
                int(payload.get("pos", "0")) - base,
                int(payload.get("size", "0")),
                tuple(_leaves(payload)),
            )
            for payload in payloads
        ),
        malformed,
        ": " in mikey.get("showname", ""),
    )


def _leaves(element: ElementTree.Element) -> list[Leaf]:
    """Return all fields below, in the order of the display; a certificate's are not ours."""
    leaves = []
    for field in element.findall("field"):
        name = field.get("name", "")
        if name.startswith("_ws."):
            continue
        leaves.append(Leaf(name, field.get("value", ""), field.get("showname", "")))
        if name != "mikey.cert.data":
            leaves += _leaves(field)
    return leaves
