"""The KeyMgmt header field (RFC 4567 3.2).

    KeyMgmt: prot=mikey; uri="rtsp://host/stream"; data="AQAF..."

Read as products write it: blanks or none, any order, quotes or none, folded lines, base64
without its padding or with blanks inside. Written in one form.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mikey.carriage.rtsp._text import TOKEN, malformed, parameter, quoted, split
from mikey.carriage.sdp import MIKEY
from mikey.errors import CarriageError, LocalError

NAME = "KeyMgmt"

KEY_FAILURE = 463
"""RTSP 1.0's status where key management failed (R4567-3.2-5)."""

KEY_ERROR = 466
"""RTSP 2.0's number of the same failure; its 463 is Destination Prohibited."""

_KMPID = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)
_URI = re.compile(r"[!-~]*")
_BLANKS = re.compile(r"[ \t\r\n]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)
_MOST = 32
_KNOWN = ("prot", "uri", "data")


@dataclass(frozen=True, slots=True)
class KeyMgmt:
    """One key-mgmt-spec: the protocol, the control URI it is for, the octets of the message.

    `uri` "" is the context of the request. The data of another protocol is not looked at:
    `data` is empty then. It stays out of the repr, it may hold keys in clear.
    """

    protocol: str
    uri: str
    data: bytes = field(repr=False)

    def encode(self, *, blanks: bool = True) -> str:
        """Return the value of the header field; `blanks` stand behind each semicolon.

        Raises LocalError for what does not fit.
        """
        if not _KMPID.fullmatch(self.protocol) or not _URI.fullmatch(self.uri) or not self.data:
            raise LocalError("a KeyMgmt header has a protocol, a URI without blanks and a message")
        data = base64.b64encode(self.data).decode("ascii")
        separator = "; " if blanks else ";"
        return separator.join(
            (f"prot={self.protocol}", f"uri={quoted(self.uri)}", f"data={quoted(data)}")
        )


def parse_key_mgmt(values: Iterable[str]) -> tuple[KeyMgmt, ...]:
    """Read the values of all KeyMgmt header fields of a message, in order.

    Raises CarriageError: 400 for another grammar, 463 for data that is no base64.
    """
    found: list[KeyMgmt] = []
    for value in values:
        for spec in split(value, ","):
            if len(found) == _MOST:
                raise malformed(f"more than {_MOST} key-mgmt specifications")
            found.append(_spec(spec))
    return tuple(found)


def mikey_only(specs: Iterable[KeyMgmt]) -> tuple[KeyMgmt, ...]:
    """Return the specifications of MIKEY.

    Raises CarriageError (463) for two of one context: they are no alternatives (R4567-4.1.2-4).
    """
    mikey = tuple(spec for spec in specs if spec.protocol == MIKEY)
    if len({spec.uri for spec in mikey}) < len(mikey):
        raise CarriageError("RTSP: two MIKEY messages for one URI", status=KEY_FAILURE)
    return mikey


def decode_data(text: str) -> bytes:
    """Decode base64 with or without padding, blanks inside are skipped.

    Raises CarriageError (463).
    """
    text = _BLANKS.sub("", text)
    if _BASE64.fullmatch(text):
        bare = text.rstrip("=")
        try:
            return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
        except binascii.Error:
            pass
    raise CarriageError("RTSP: key management data is no base64", status=KEY_FAILURE)


def _spec(text: str) -> KeyMgmt:
    values: dict[str, str] = {}
    for part in split(text, ";"):
        if not part:  # behind the last semicolon
            continue
        name, value = parameter(part)
        name = name.lower()
        if not TOKEN.fullmatch(name) or value is None:
            raise malformed('KeyMgmt is not \'prot=...; uri="..."; data="..."\'')
        if name in values:
            raise malformed(f"KeyMgmt says {name} twice" if name in _KNOWN else "KeyMgmt repeats")
        values[name] = value
    protocol = values.get("prot", "")
    uri = values.get("uri", "")
    if not _KMPID.fullmatch(protocol):
        raise malformed("KeyMgmt names no protocol")
    if not _URI.fullmatch(uri):
        raise malformed("KeyMgmt has a URI with blanks")
    if protocol != MIKEY:
        return KeyMgmt(protocol, uri, b"")
    if "data" not in values:
        raise malformed("KeyMgmt has no data")
    return KeyMgmt(protocol, uri, decode_data(values["data"]))
