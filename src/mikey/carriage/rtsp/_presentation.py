"""The answer to DESCRIBE: streams, control URIs and keys (RFC 2326 C.1, RFC 4567 4.2)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mikey.carriage.rtsp._fields import base_uri
from mikey.carriage.rtsp._keymgmt import (
    KEY_FAILURE,
    NAME,
    KeyMgmt,
    decode_data,
    mikey_only,
    parse_key_mgmt,
)
from mikey.carriage.rtsp._messages import Response
from mikey.carriage.rtsp._text import malformed, shown
from mikey.carriage.sdp import MIKEY, Carried, Description, Media, RtpMap, decode
from mikey.errors import CarriageError
from mikey.policy import Context

_KEY_MGMT = re.compile(r"a=[ \t]*key-mgmt[ \t]*:[ \t]*([A-Za-z0-9]{1,64})[ \t]+(.*)", re.DOTALL)
_TYPED = re.compile(r"[a-z]=(?!=)")
MAX_TEXT = 65536
_PAYLOAD_TYPE = re.compile(r"\d{1,3}", re.ASCII)
_SSRC = re.compile(r"(\d{1,10})(?:[ \t]|$)", re.ASCII)
_ABSOLUTE = re.compile(r"rtsps?://[!-~]+", re.IGNORECASE)
_RELATIVE = re.compile(r"[!-~]+")
_USERINFO = re.compile(r"^(rtsps?://)[^/?#@]*@", re.IGNORECASE)
_ORIGIN = re.compile(r"(rtsps?://[^/?#]*)(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Track:
    """One stream of a presentation.

    `index` counts m= lines from 0, `kind` is "video", "audio", "application"...; `control` is
    the URI for SETUP; `ssrcs` are those of a=ssrc lines, in order, each once.
    """

    index: int
    kind: str
    profile: str
    payload_types: tuple[int, ...]
    rtpmaps: tuple[RtpMap, ...]
    control: str
    ssrcs: tuple[int, ...]
    media: Media

    @property
    def secure(self) -> bool:
        """Whether its profile is RTP/SAVP or RTP/SAVPF."""
        return self.media.secure


class Presentation:
    """A session description from an RTSP server.

    `base_uri` is what control URIs are relative to (`base_uri(headers, uri)`); `context` tells
    whether the connection is secure, and the identities. `key_mgmt` are the KeyMgmt headers
    beside the description, which count where that has no key-mgmt line (R4567-3.2-6).
    `control` is the aggregated control URI, None where the description has none.

    Read with the tolerance that servers need: blanks at the end of lines, blank lines between,
    base64 without padding or folded over lines. Raises CarriageError: 400 for text that is no
    session description, 463 for a key-mgmt line whose data is no base64.
    """

    def __init__(
        self,
        text: str,
        base_uri: str,
        *,
        context: Context | None = None,
        key_mgmt: Iterable[KeyMgmt] = (),
    ) -> None:
        if not _ABSOLUTE.fullmatch(base_uri):
            raise malformed(f"{shown(without_userinfo(base_uri))} is no RTSP URI")
        around = replace(context or Context(), optional_list=True)
        self.description = Description(_tidied(text), context=around)
        # What a user put in front of the host is for the server of the connection alone.
        base_uri = self.base_uri = without_userinfo(base_uri)
        session = dict(reversed(self.description.session_attributes))
        control = session.get("control", "").strip()
        self.control = resolve(control, base_uri) if control else None
        self.tracks = tuple(self._track(media) for media in self.description.media)
        specs = mikey_only(key_mgmt)
        if specs and not self.description.key_mgmt:
            messages = {self.level_of(spec, base_uri): spec.data for spec in specs}
            self.description = self.description.attached(messages)

    @classmethod
    def of(
        cls, response: Response, request_uri: str, *, context: Context | None = None
    ) -> Presentation:
        """Return what the answer to DESCRIBE `request_uri` presents."""
        return cls(
            decode(response.body),
            base_uri(response.headers, request_uri),
            context=context,
            key_mgmt=parse_key_mgmt(response.headers.all(NAME)),
        )

    def __repr__(self) -> str:
        return f"<Presentation with {len(self.tracks)} streams>"

    def messages(self) -> tuple[Carried, ...]:
        """Return the MIKEY messages, session level first; () if there are none.

        Raises CarriageError (463) for two key management lines at one level, and for a message
        at session level in a description without aggregated control (R4567-4.2-1, R4567-4.2-4).
        """
        if not self.description.levels:
            return ()
        in_media = [len(media.key_mgmt) for media in self.description.media]
        if max(len(self.description.key_mgmt) - sum(in_media), *in_media, 0) > 1:
            raise CarriageError(
                "RTSP: two key management messages at one level", status=KEY_FAILURE
            )
        found = self.description.messages()
        if self.control is None and any(one.media is None for one in found):
            raise CarriageError(
                "RTSP: a session-level key without an aggregated control URI", status=KEY_FAILURE
            )
        return tuple(
            replace(one, context=replace(one.context, place=self.uri_of(one.media)))
            for one in found
        )

    def message_for(self, index: int) -> Carried | None:
        """Return the message that keys a stream: its own, else that of the session."""
        by_level = {one.media: one for one in self.messages()}
        if self.description.media[index].key_mgmt:  # hides the session's (R4567-3.1-2)
            return by_level.get(index)
        return by_level.get(None)

    def uri_of(self, level: int | None) -> str:
        """Return the control URI of a level: aggregated for None, else that of the stream."""
        if level is None:
            return self.base_uri if self.control is None else self.control
        return self.tracks[level].control

    def level_of(self, spec: KeyMgmt, request_uri: str) -> int | None:
        """Return the level that a KeyMgmt header speaks of (R4567-3.2-3).

        Without `uri` that is the request's. Raises CarriageError (463) if it matches nothing.
        """
        uri = without_userinfo(spec.uri or request_uri)
        wanted = _comparable(uri)
        for track in self.tracks:
            if _comparable(track.control) == wanted:
                return track.index
        if self.control is not None and _comparable(self.control) == wanted:
            return None
        raise CarriageError(f"RTSP: no stream has the control URI {shown(uri)}", status=KEY_FAILURE)

    def _track(self, media: Media) -> Track:
        values = dict(reversed(media.attributes))
        control = values.get("control", "").strip()
        return Track(
            index=media.index,
            kind=media.media,
            profile=media.proto,
            payload_types=tuple(int(f) for f in media.formats if _PAYLOAD_TYPE.fullmatch(f)),
            rtpmaps=media.rtpmaps,
            control=resolve(control, self.base_uri),
            ssrcs=tuple(dict.fromkeys(_ssrcs(media))),
            media=media,
        )


def without_userinfo(uri: str) -> str:
    """Return a URI without `user:password@`."""
    return _USERINFO.sub(r"\1", uri)


def resolve(control: str, base_uri: str) -> str:
    """Return the URI of an a=control value: absolute, "*" for the base, else relative to it.

    Relative ones are put behind the base as they are, with a slash between, which is what
    clients and servers do; a value that begins with a slash belongs to the host. Raises
    CarriageError (400).
    """
    if control in ("", "*"):
        return base_uri
    if not _RELATIVE.fullmatch(control):
        raise malformed(f"control {shown(control)} is no URI")
    if _ABSOLUTE.fullmatch(control):
        return control
    if control.startswith("/"):
        origin = _ORIGIN.match(base_uri)
        return (origin[1] if origin else base_uri) + control
    return base_uri + ("" if base_uri.endswith("/") else "/") + control


def _comparable(uri: str) -> str:
    """Return a URI as servers compare it: scheme and host without case, no slash at the end."""
    match = _ORIGIN.match(uri)
    return f"{match[1].lower()}{match[2].rstrip('/')}" if match else uri.rstrip("/")


def _ssrcs(media: Media) -> Iterator[int]:
    for name, value in media.attributes:
        if name == "ssrc" and (match := _SSRC.match(value)) and int(match[1]) < 1 << 32:
            yield int(match[1])


def _tidied(text: str) -> str:
    """Return the text as RFC 8866 writes it."""
    if len(text) > MAX_TEXT:
        raise malformed(f"a session description is longer than {MAX_TEXT} characters")
    lines: list[str] = []
    hiding = False
    for raw in text.split("\n"):
        line = raw.rstrip("\r \t\0")
        if not line:
            continue
        if hiding and not _TYPED.match(line):  # the base64 of the line before goes on
            lines[-1] += line
            continue
        match = _KEY_MGMT.fullmatch(line)
        hiding = match is not None
        lines.append(line)
    return "".join(f"{_canonical(line)}\r\n" for line in lines)


def _canonical(line: str) -> str:
    match = _KEY_MGMT.fullmatch(line)
    if match is None or match[1] != MIKEY:
        return line
    data = base64.b64encode(decode_data(match[2])).decode("ascii")
    return f"a=key-mgmt:{MIKEY} {data}"
