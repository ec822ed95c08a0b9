"""The Transport header field (RFC 2326 12.39; RFC 7826 18.54 with MIKEY, C.1.4.1)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any

from mikey.carriage.rtsp._keymgmt import KEY_ERROR, decode_data
from mikey.carriage.rtsp._text import TOKEN, malformed, parameter, quoted, shown, split, unquoted
from mikey.carriage.sdp import SECURE_PROFILES
from mikey.errors import CarriageError, LocalError

_MOST_SPECS = 16
_MOST_PARAMETERS = 32
_PAIR = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)
_TTL = re.compile(r"\d{1,3}", re.ASCII)
_SSRCS = re.compile(r"[0-9A-Fa-f]{1,8}(?: ?/ ?[0-9A-Fa-f]{1,8}){0,15}", re.ASCII)
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9A-Za-z.-]{0,255})):(\d{1,5})", re.ASCII)
_PRINTABLE = re.compile(r"[ -~]*")
_BARE = re.compile(r"[!#-+\--:<-~]+")  # what needs no quotes

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """One way to carry a stream; a request may list several, an answer has one.

    `profile` is "RTP/SAVP", "RTP/SAVPF", "RTP/AVP"...; `lower` "UDP" or "TCP". Pairs of ports and
    channels are (RTP, RTCP). `ssrc` are those of the server's packets. RTSP 2.0 has `dest_addr`
    and `src_addr` ("host:port" each) in place of the ports, and MIKEY messages in `mikey`, which
    stay out of the repr. `others` are parameters that this class does not name.
    """

    profile: str
    lower: str = "UDP"
    multicast: bool = False
    client_port: Pair | None = None
    server_port: Pair | None = None
    port: Pair | None = None
    interleaved: Pair | None = None
    destination: str | None = None
    source: str | None = None
    ttl: int | None = None
    ssrc: tuple[int, ...] = ()
    mode: tuple[str, ...] = ()
    dest_addr: tuple[str, ...] = ()
    src_addr: tuple[str, ...] = ()
    rtcp_mux: bool = False
    mikey: bytes | None = field(default=None, repr=False)
    others: tuple[tuple[str, str | None], ...] = field(default=(), repr=False)

    @property
    def secure(self) -> bool:
        """Whether the profile is SRTP's."""
        return self.profile in SECURE_PROFILES

    def encode(self) -> str:
        """Return the specification; raises LocalError for what does not fit."""
        parts = [f"{self.profile}/{self.lower}" if self.lower != "UDP" else self.profile]
        parts.append("multicast" if self.multicast else "unicast")
        for name in ("destination", "source"):
            if getattr(self, name) is not None:
                parts.append(f"{name}={_value(getattr(self, name))}")
        for name, largest in _PAIRS.items():
            pair = getattr(self, name)
            if pair is not None:
                if not all(0 <= end <= largest for end in pair):
                    raise LocalError(f"Transport: {name} {pair} is out of range")
                parts.append(f"{name}={pair[0]}-{pair[1]}")
        for name in ("dest_addr", "src_addr"):
            if getattr(self, name):
                parts.append(f"{name}=" + "/".join(map(_quoted, getattr(self, name))))
        if self.ttl is not None:
            parts.append(f"ttl={self.ttl}")
        if self.ssrc:
            parts.append("ssrc=" + "/".join(f"{ssrc:08X}" for ssrc in self.ssrc))
        if self.rtcp_mux:
            parts.append("RTCP-mux")
        if self.mode:
            parts.append(f"mode={_quoted(','.join(self.mode))}")
        if self.mikey is not None:
            parts.append(f"MIKEY={base64.b64encode(self.mikey).decode('ascii')}")
        parts += [
            name if value is None else f"{name}={_value(value)}" for name, value in self.others
        ]
        return ";".join(parts)


_PAIRS = {"client_port": 0xFFFF, "server_port": 0xFFFF, "port": 0xFFFF, "interleaved": 0xFF}


def parse_transport(value: str) -> tuple[Transport, ...]:
    """Read the specifications of a Transport header field, by preference.

    Raises CarriageError: 400 for another grammar, 466 for a MIKEY parameter that is no base64.
    """
    specs = [part for part in split(value.replace("\t", " "), ",") if part]
    if not 0 < len(specs) <= _MOST_SPECS:
        raise malformed(f"Transport lists {len(specs)} specifications")
    return tuple(map(_spec, specs))


def parse_address(text: str) -> tuple[str, int]:
    """Read one of `dest_addr` or `src_addr`: the host, "" where it is left out, and the port.

    Raises CarriageError (400) for anything but `host:port`, `[IPv6]:port` and `:port`.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 < int(match[3]) <= _PAIRS["port"]:
        raise malformed(f"Transport has an address without a port: {shown(text)}")
    return match[1] or match[2] or "", int(match[3])


def _spec(text: str) -> Transport:
    name, *parts = [part for part in split(text, ";") if part]
    words = name.split("/")
    if not 2 <= len(words) <= 3 or not all(map(TOKEN.fullmatch, words)):
        raise malformed(f"Transport names no profile: {shown(name)}")
    if not _PRINTABLE.fullmatch(text):
        raise malformed("Transport holds more than printable ASCII")
    if len(parts) > _MOST_PARAMETERS:
        raise malformed(f"Transport has more than {_MOST_PARAMETERS} parameters")
    values: dict[str, Any] = {"profile": "/".join(words[:2]).upper()}
    if len(words) == 3:
        values["lower"] = words[2].upper()
    others: list[tuple[str, str | None]] = []
    for part in parts:
        name, found = parameter(part)
        if not TOKEN.fullmatch(name):
            raise malformed(f"Transport has a parameter without a name: {shown(part)}")
        _read(values, others, name, found, part)
    return Transport(**values, others=tuple(others))


def _read(
    values: dict[str, Any],
    others: list[tuple[str, str | None]],
    name: str,
    value: str | None,
    part: str,
) -> None:
    """Read one parameter into `values`; what is not known goes to `others`."""
    key = name.lower()
    if key in values:
        raise malformed(f"Transport says {shown(name)} twice")
    if key in ("unicast", "multicast"):
        values["multicast"] = key == "multicast"
    elif key == "rtcp-mux":
        values["rtcp_mux"] = True
    elif value is None:
        others.append((name, None))
    elif key in _PAIRS:
        values[key] = _pair(key, value)
    elif key in ("destination", "source"):
        values[key] = value
    elif key == "ttl" and _TTL.fullmatch(value) and int(value) < 256:
        values[key] = int(value)
    elif key == "ssrc" and _SSRCS.fullmatch(value):
        values[key] = tuple(int(ssrc, 16) for ssrc in value.split("/"))
    elif key == "mode":
        values[key] = tuple(mode.strip(" ").upper() for mode in value.split(","))
    elif key in ("dest_addr", "src_addr"):
        listed = part.partition("=")[2]
        values[key] = tuple(map(unquoted, split(listed.strip(" "), "/")))
    elif key == "mikey":
        try:
            values[key] = decode_data(value)
        except CarriageError as error:
            raise CarriageError(error.reason, status=KEY_ERROR) from None
    else:
        others.append((name, value))


def _pair(name: str, value: str) -> Pair:
    match = _PAIR.fullmatch(value)
    if match is None:
        raise malformed(f"Transport: {name} is no pair of numbers")
    first = int(match[1])
    second = int(match[2]) if match[2] else first + 1
    if max(first, second) > _PAIRS[name]:
        raise malformed(f"Transport: {name} is out of range")
    return first, second


def _value(value: str) -> str:
    return value if _BARE.fullmatch(value) else _quoted(value)


def _quoted(value: str) -> str:
    if not _PRINTABLE.fullmatch(value):
        raise LocalError("a Transport parameter holds more than printable ASCII")
    return quoted(value)
