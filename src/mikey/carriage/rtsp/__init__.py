"""MIKEY in RTSP: messages, headers and bodies as text, no sockets (RFC 4567 3.2, 4.2; RFC 7826).

`Framer` cuts what a connection brings into `Request`, `Response` and `Interleaved`, which
`encode` to octets. `Presentation` is the answer to DESCRIBE, `KeyMgmt` and `Transport` carry the
messages of SETUP, `Login` and `Guard` are the two sides of authentication. `first_message` and
`update_message` say what products send in the words of RFC 3830, `choose` tells which profile
fits a server.
"""

from __future__ import annotations

from mikey.carriage.rtsp._choice import Choice, choose, suite_of
from mikey.carriage.rtsp._fields import Range, Session, base_uri
from mikey.carriage.rtsp._framer import Framer, Item
from mikey.carriage.rtsp._guard import Guard, UnauthorizedError
from mikey.carriage.rtsp._headers import Headers
from mikey.carriage.rtsp._keymgmt import (
    KEY_ERROR,
    KEY_FAILURE,
    KeyMgmt,
    mikey_only,
    parse_key_mgmt,
)
from mikey.carriage.rtsp._login import Login
from mikey.carriage.rtsp._messages import REASONS, VERSIONS, Interleaved, Request, Response
from mikey.carriage.rtsp._parameters import (
    CONTENT_TYPE,
    Parameters,
    ask_body,
    key_mgmt_body,
    mikey_body,
    parse_parameters,
)
from mikey.carriage.rtsp._presentation import Presentation, Track, resolve, without_userinfo
from mikey.carriage.rtsp._restate import filetime, first_message, update_message
from mikey.carriage.rtsp._setup import (
    is_key_failure,
    key_mgmt_for,
    levels_in_setup,
    refusal_status,
    refuse,
    take_key_mgmt,
    take_transport,
)
from mikey.carriage.rtsp._transport import Transport, parse_address, parse_transport

__all__ = [
    "CONTENT_TYPE",
    "KEY_ERROR",
    "KEY_FAILURE",
    "REASONS",
    "VERSIONS",
    "Choice",
    "Framer",
    "Guard",
    "Headers",
    "Interleaved",
    "Item",
    "KeyMgmt",
    "Login",
    "Parameters",
    "Presentation",
    "Range",
    "Request",
    "Response",
    "Session",
    "Track",
    "Transport",
    "UnauthorizedError",
    "ask_body",
    "base_uri",
    "choose",
    "filetime",
    "first_message",
    "is_key_failure",
    "key_mgmt_body",
    "key_mgmt_for",
    "levels_in_setup",
    "mikey_body",
    "mikey_only",
    "parse_address",
    "parse_key_mgmt",
    "parse_parameters",
    "parse_transport",
    "refusal_status",
    "refuse",
    "resolve",
    "suite_of",
    "take_key_mgmt",
    "take_transport",
    "update_message",
    "without_userinfo",
]
