"""Keys in the bodies of SET_PARAMETER and GET_PARAMETER (ONVIF Streaming, GStreamer).

mikey: AQAF...                                       ONVIF, both directions
mikey                                                ONVIF, asking for the current key
KeyMgmt: prot=mikey;uri="rtsp://...";data="AQAF..."  GStreamer
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mikey.carriage.rtsp._headers import Headers
from mikey.carriage.rtsp._keymgmt import NAME, KeyMgmt, decode_data, parse_key_mgmt
from mikey.carriage.rtsp._text import TOKEN, malformed
from mikey.carriage.sdp import MIKEY

CONTENT_TYPE = "text/parameters"

_MOST = 64
_END = re.compile(r"\r?\n")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a body says: keys that it sets, and the names of parameters in it.

    `key_mgmt` has KeyMgmt lines and headers, and each `mikey:` line with `uri` "". `asks_for_mikey`
    is a bare `mikey`; `unknown` are the other names, to be answered with 451.
    """

    key_mgmt: tuple[KeyMgmt, ...]
    asks_for_mikey: bool = False
    unknown: tuple[str, ...] = field(default=(), repr=False)


def parse_parameters(body: bytes, headers: Headers | None = None) -> Parameters:
    """Read a body, and the KeyMgmt header fields of its message, which some put there instead.

    Raises CarriageError: 400 for lines that are no parameters, 463 for broken base64.
    """
    found = list(parse_key_mgmt(() if headers is None else headers.all(NAME)))
    asks, unknown = False, []
    for line in _lines(body):
        name, colon, value = line.partition(":")
        name = name.strip()
        if not TOKEN.fullmatch(name):
            raise malformed("a body of parameters has a line without a name")
        key, value = name.lower(), value.strip()
        if key == MIKEY and value:
            found.append(KeyMgmt(MIKEY, "", decode_data(value)))
        elif key == MIKEY:
            asks = True
        elif key == NAME.lower() and colon:
            found += parse_key_mgmt([value])
        else:
            unknown.append(name)
    return Parameters(tuple(found), asks, tuple(unknown))


def mikey_body(message: bytes) -> bytes:
    """Return ONVIF's body of a rekey, or of the answer to `ask_body`."""
    return b"mikey: " + base64.b64encode(message) + b"\r\n"


def key_mgmt_body(spec: KeyMgmt) -> bytes:
    """Return GStreamer's body of a rekey."""
    return f"{NAME}: {spec.encode(blanks=False)}\r\n".encode("ascii")


def ask_body() -> bytes:
    """Return ONVIF's body of GET_PARAMETER, which asks for the current key and ROC."""
    return b"mikey\r\n"


def _lines(body: bytes) -> Iterable[str]:
    """Return the lines, folded ones joined."""
    lines: list[str] = []
    for raw in _END.split(body.decode("utf-8", "surrogateescape")):
        if raw[:1] in (" ", "\t") and lines:
            lines[-1] += " " + raw.strip()
        elif raw.strip():
            lines.append(raw.strip())
        if len(lines) > _MOST:
            raise malformed(f"more than {_MOST} parameters")
    return lines
