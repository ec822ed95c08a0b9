"""rtsp:// and rtsps:// URLs, with the user in them kept apart (RFC 2326 3.2, RFC 7826 4.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

from mikey.errors import LocalError
from mikey.secret import Secret
from mikey.text import bracketed

__all__ = ["Url"]

_PORTS = {"rtsp": 554, "rtsps": 322}


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """Where a presentation is; `uri` is what goes on the wire, without user and password."""

    scheme: str
    host: str
    port: int
    path: str
    user: str | None = field(default=None)
    password: Secret | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URL; raises LocalError, whose text repeats nothing of it but the scheme."""
        try:
            parts = urlsplit(text)
        except ValueError:
            raise LocalError("the URL is not rtsp://host[:port]/path") from None
        if parts.scheme.lower() not in _PORTS or not parts.hostname:
            raise LocalError("the URL does not begin with rtsp:// or rtsps:// and a host")
        try:
            port = _PORTS[parts.scheme.lower()] if parts.port is None else parts.port
        except ValueError:
            port = 0
        if not port:
            raise LocalError("the port of the URL is no number from 1 to 65535")
        host = parts.hostname
        try:
            usable = len(host.encode("idna")) > 0 and host.isprintable() and " " not in host
        except UnicodeError:  # an empty label, or one of more than 63 characters
            usable = False
        if not usable:
            raise LocalError("the host of the URL is no name and no address")
        rest = parts.path + (f"?{parts.query}" if parts.query else "")
        if not (rest.isascii() and rest.isprintable()) or " " in rest:
            raise LocalError("the path of the URL is not plain ASCII (use %20 and the like)")
        password = None if parts.password is None else Secret(unquote(parts.password).encode())
        return cls(
            scheme=parts.scheme.lower(),
            host=host,
            port=port,
            path=rest,
            user=None if parts.username is None else unquote(parts.username),
            password=password,
        )

    @property
    def secure(self) -> bool:
        """Whether it is RTSP over TLS."""
        return self.scheme == "rtsps"

    @property
    def uri(self) -> str:
        """The URI of requests."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{bracketed(self.host)}{port}{self.path}"

    def __str__(self) -> str:
        return self.uri
