"""Authentication, the client's side (RFC 7616, RFC 7617; RFC 2326 14, RFC 7826 19.1)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mikey.carriage.rtsp._digest import ALGORITHMS, Digest
from mikey.carriage.rtsp._messages import Request, Response
from mikey.carriage.rtsp._text import TOKEN, parameter, quoted, split
from mikey.errors import LocalError
from mikey.secret import Secret

UNAUTHORIZED = 401

_SCHEME = re.compile(r"(Basic|Digest)(?:[ \t]+|$)", re.IGNORECASE)
_MOST = 16
_CNONCE = 16
_STALE = 2  # nonces in a row that a server may call stale at their first use
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a WWW-Authenticate header field: its scheme and parameters."""

    scheme: str
    values: dict[str, str] = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The digest algorithm as `ALGORITHMS` spells it, else as the server does."""
        return self.values.get("algorithm", "MD5").upper()

    @property
    def stale(self) -> bool:
        """Whether the server refuses the nonce, not the password."""
        return self.values.get("stale", "").lower() == "true"


def parse_challenges(values: tuple[str, ...]) -> tuple[Challenge, ...]:
    """Read the challenges of all WWW-Authenticate fields; what is no challenge is left out."""
    found: list[Challenge] = []
    for value in values[:_MOST]:
        for part in split(value, ","):
            match = _SCHEME.match(part)
            if match:
                if len(found) == _MOST:
                    return tuple(found)
                found.append(Challenge(match[1].capitalize(), {}))
                part = part[match.end() :]
            name, text = parameter(part)
            if found and text is not None and TOKEN.fullmatch(name):
                found[-1].values.setdefault(name.lower(), text)
    return tuple(found)


class Login:
    """User and password for one server, and what its challenges said.

    `secure` says that the connection is TLS: only there Basic is offered to be used.
    `random` makes the client nonces. Raises LocalError for a name with a colon, control
    characters or what is no UTF-8.
    """

    def __init__(
        self,
        user: str,
        password: Secret,
        *,
        secure: bool,
        random: Callable[[int], bytes],
    ) -> None:
        if ":" in user or _UNSAFE.search(user):
            raise LocalError("a user name is UTF-8 without colons and control characters")
        self.user = user
        self._password = password
        self._secure = secure
        self._random = random
        self._challenge: Challenge | None = None
        self._count = 0
        self._refusals = 0

    def __repr__(self) -> str:
        return f"<Login of {self.user!r}>"

    @property
    def tried(self) -> bool:
        """Whether the password, or what proves it, was sent at all."""
        return self._challenge is not None

    def challenged(self, response: Response) -> bool:
        """Take the challenge of a 401; tell whether the request should be repeated.

        Not if the last challenge was answered and nothing accepted since (the password is
        wrong), or if nothing in it may be used: neither MD5 nor SHA-256, or Basic outside TLS.
        """
        usable = list(self._usable(response))
        if not usable:
            return False
        if self._challenge is not None and self._count:
            # What worked more than once had a nonce that is used up now, said or not.
            self._refusals = 0 if self._count > 1 else self._refusals + 1
        challenge = min(usable, key=_preference)
        if self._refusals > (_STALE if challenge.stale else 0):
            return False
        self._challenge, self._count = challenge, 0
        return True

    def _usable(self, response: Response) -> Iterator[Challenge]:
        if response.status != UNAUTHORIZED:
            return
        for challenge in parse_challenges(response.headers.all("WWW-Authenticate")):
            if challenge.scheme == "Basic":
                if self._secure:
                    yield challenge
            elif challenge.algorithm in ALGORITHMS and challenge.values.get("nonce"):
                qop = challenge.values.get("qop")
                if qop is None or "auth" in _options(qop):
                    yield challenge

    def authorize(self, request: Request) -> Request:
        """Return the request with its Authorization, unchanged before the first challenge."""
        challenge = self._challenge
        if challenge is None:
            return request
        self._count += 1
        if challenge.scheme == "Basic":
            pair = self.user.encode() + b":" + self._password.expose()
            return request.with_header(
                "Authorization", "Basic " + base64.b64encode(pair).decode("ascii")
            )
        return request.with_header("Authorization", self._digest(challenge, request))

    def _digest(self, challenge: Challenge, request: Request) -> str:
        values = challenge.values
        qop = "auth" if "qop" in values else None
        digest = Digest(
            algorithm=challenge.algorithm,
            user=self.user,
            realm=values.get("realm", ""),
            nonce=values["nonce"],
            method=request.method,
            uri=request.uri,
            qop=qop,
            nc=f"{self._count:08x}",
            cnonce=self._random(_CNONCE).hex() if qop else "",
        )
        parts = [
            f"username={quoted(digest.user)}",
            f"realm={quoted(digest.realm)}",
            f"nonce={quoted(digest.nonce)}",
            f"uri={quoted(digest.uri)}",
            f'response="{digest.response(self._password)}"',
        ]
        if "algorithm" in values:
            parts.append(f"algorithm={digest.algorithm}")
        if "opaque" in values:
            parts.append(f"opaque={quoted(values['opaque'])}")
        if qop:
            parts += [f"qop={qop}", f"nc={digest.nc}", f'cnonce="{digest.cnonce}"']
        return "Digest " + ", ".join(parts)


def _options(qop: str) -> list[str]:
    return [option.strip().lower() for option in qop.split(",")]


def _preference(challenge: Challenge) -> int:
    if challenge.scheme == "Basic":
        return len(ALGORITHMS)
    return list(ALGORITHMS).index(challenge.algorithm)
