"""One key-mgmt attribute line (RFC 4567 3.1; R4567-3-1, R4567-3.1-1)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from mikey.carriage.sdp._text import Line, malformed

MIKEY = "mikey"
"""The identifier of MIKEY; identifiers are case-sensitive (R4567-3-1)."""

_NAME = "key-mgmt"
# 0*1SP prtcl-id SP keymgmt-data
_VALUE = re.compile(r" ?([A-Za-z0-9]{1,64}) ([!-~]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyMgmt:
    """A key-mgmt line: its protocol and, for MIKEY, the octets of the message.

    `line` is its place among the lines of the text, from 0. The octets of another protocol are
    not looked at: `octets` is empty then. They stay out of the repr, they may hold keys in clear.
    """

    protocol: str
    octets: bytes
    line: int

    def __repr__(self) -> str:
        return f"KeyMgmt({self.protocol!r}, <{len(self.octets)} octets>, line={self.line})"


def parse(line: Line, number: int) -> KeyMgmt | None:
    """Read a line; None if it is no key-mgmt attribute. Raises CarriageError (400)."""
    if line.kind != "a":
        return None
    name, colon, value = line.value.partition(":")
    if name.strip() != _NAME:
        return None
    match = _VALUE.fullmatch(value)
    if name != _NAME or not colon or match is None:
        raise malformed("key-mgmt attribute is not 'key-mgmt:PROTOCOL BASE64'", number)
    protocol, data = match.groups()
    if protocol != MIKEY:
        return KeyMgmt(protocol, b"", number)
    return KeyMgmt(protocol, decode_base64(data, number), number)


def decode_base64(data: str, number: int | None = None) -> bytes:
    """Decode one unbroken padded string of the standard alphabet (RFC 4648 4).

    Raises CarriageError (400), also for pad bits that are not zero: one message has one text.
    """
    try:
        octets = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise malformed("key-mgmt data is no base64", number) from None
    if not octets or base64.b64encode(octets).decode("ascii") != data:
        raise malformed("key-mgmt data is no canonical base64", number)
    return octets


def emit(octets: bytes) -> str:
    """Return the content of the line that carries a MIKEY message, without a line end."""
    return f"a={_NAME}:{MIKEY} {base64.b64encode(octets).decode('ascii')}"
