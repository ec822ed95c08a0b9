"""Authentication, the server's side (RFC 7616 3.3, 3.4, 5; RFC 7617)."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from mikey.carriage.rtsp._digest import ALGORITHMS, Digest
from mikey.carriage.rtsp._login import UNAUTHORIZED
from mikey.carriage.rtsp._messages import Request
from mikey.carriage.rtsp._text import TOKEN, malformed, parameter, quoted, split
from mikey.errors import CarriageError
from mikey.policy import SECOND
from mikey.secret import Secret

_TIME = 8
_MARK = 16
_SALT = 8
_NONCE = re.compile(r"[0-9a-f]{64}", re.ASCII)
_COUNT = re.compile(r"[0-9a-fA-F]{8}", re.ASCII)
_MOST_NONCES = 4096


class UnauthorizedError(CarriageError):
    """A request without the right credentials: answer 401 with `challenges`.

    Each of them is the value of a WWW-Authenticate header field.
    """

    def __init__(self, reason: str, challenges: tuple[str, ...]) -> None:
        super().__init__(f"RTSP: {reason}", status=UNAUTHORIZED)
        self.challenges = challenges


class Guard:
    """Checks the Authorization of requests against passwords by user.

    `algorithms` are offered in this order; Basic is offered and taken where the connection is
    `secure`. Nonces are good for `lifetime` nanoseconds. They carry their time and a MAC under a
    key of our own, drawn from `random`, so that a stranger's requests leave nothing behind; of
    those that were used the highest count is remembered, and a count that comes again is refused.
    For many threads.
    """

    def __init__(
        self,
        realm: str,
        users: Mapping[str, Secret],
        *,
        random: Callable[[int], bytes],
        algorithms: Sequence[str] = tuple(ALGORITHMS),
        lifetime: int = 300 * SECOND,
    ) -> None:
        self._realm = realm
        self._users = dict(users)
        self._algorithms = tuple(algorithms)
        self._lifetime = lifetime
        self._random = random
        self._forgotten = -1
        self._key = Secret(random(32))
        self._nobody = Secret(random(16))
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, request: Request, *, now: int, secure: bool = False) -> str:
        """Return the name of the user who sent a request; `now` counts nanoseconds.

        Raises UnauthorizedError (401), CarriageError (400) for a malformed Authorization.
        """
        value = request.headers.get("Authorization")
        if value is None:
            raise self._refusal("authentication is due", now, secure)
        scheme, _, rest = value.strip().partition(" ")
        if scheme.lower() == "basic" and secure:
            return self._basic(rest.strip(), now)
        if scheme.lower() == "digest":
            return self._digest(request, _values(rest), now, secure)
        raise self._refusal("another kind of authentication is due", now, secure)

    def challenges(self, *, now: int, secure: bool = False, stale: bool = False) -> tuple[str, ...]:
        """Return fresh challenges."""
        nonce = self._nonce(now)
        more = ", stale=true" if stale else ""
        realm = quoted(self._realm)
        found = [
            f'Digest realm={realm}, nonce="{nonce}", algorithm={name}, qop="auth"{more}'
            for name in self._algorithms
        ]
        if secure:
            found.append(f"Basic realm={realm}")
        return tuple(found)

    def _basic(self, text: str, now: int) -> str:
        try:
            user, _, password = base64.b64decode(text, validate=True).partition(b":")
        except (binascii.Error, ValueError):
            raise malformed("Authorization is no base64") from None
        name = user.decode("utf-8", "surrogateescape")
        known = self._users.get(name, self._nobody)
        if hmac.compare_digest(known.expose(), password) and name in self._users:
            return name
        raise self._refusal("user or password is wrong", now, secure=True)

    def _digest(self, request: Request, values: dict[str, str], now: int, secure: bool) -> str:
        missing = {"username", "realm", "nonce", "uri", "response"} - values.keys()
        qop, count = values.get("qop"), values.get("nc", "")
        counted = _COUNT.fullmatch(count) and values.get("cnonce")
        if missing or (qop is not None and not counted):
            raise malformed("Authorization lacks a parameter")
        if values["uri"] != request.uri:
            raise malformed("Authorization is for another URI")
        algorithm = values.get("algorithm", "MD5").upper()
        if algorithm not in self._algorithms or qop not in (None, "auth"):
            raise self._refusal("another digest is due", now, secure)
        nonce = values["nonce"]
        if values["realm"] != self._realm or not self._is_ours(nonce):
            raise self._refusal("the nonce is not ours", now, secure)
        name = values["username"]
        digest = Digest(
            algorithm=algorithm, user=name, realm=self._realm, nonce=nonce,
            method=request.method, uri=request.uri, qop=qop, nc=count,
            cnonce=values.get("cnonce", ""),
        )  # fmt: skip
        # Somebody unknown costs the same time as somebody known.
        wanted = digest.response(self._users.get(name, self._nobody)).encode("ascii")
        given = values["response"].lower().encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(wanted, given) or name not in self._users:
            raise self._refusal("user or password is wrong", now, secure)
        if not self._is_fresh(nonce, None if qop is None else int(count, 16), now):
            raise self._refusal("the nonce is used up", now, secure, stale=True)
        return name

    def _nonce(self, now: int) -> str:
        issued = max(0, now).to_bytes(_TIME) + self._random(_SALT)
        return (issued + self._mark(issued)).hex()

    def _mark(self, issued: bytes) -> bytes:
        return hmac.digest(self._key.expose(), issued, "sha256")[:_MARK]

    def _is_ours(self, nonce: str) -> bool:
        if not _NONCE.fullmatch(nonce):
            return False
        octets = bytes.fromhex(nonce)
        return hmac.compare_digest(octets[-_MARK:], self._mark(octets[:-_MARK]))

    def _is_fresh(self, nonce: str, count: int | None, now: int) -> bool:
        """Tell whether a nonce is young enough, and its count higher than the last (RFC 7616 3.3).

        A client of RFC 2069 has no count: it uses the nonce until it is too old.
        """
        issued = _issued(nonce)
        if not 0 <= now - issued <= self._lifetime:
            return False
        if count is None:
            return True
        with self._lock:
            last = self._counts.get(nonce, 0)
            if count <= last or (not last and issued <= self._forgotten):
                return False
            if not last and len(self._counts) >= _MOST_NONCES:
                # What was forgotten could be said again: nonces of that age are used up.
                oldest, _ = self._counts.popitem(last=False)
                self._forgotten = max(self._forgotten, _issued(oldest))
            self._counts[nonce] = count
        return True

    def _refusal(
        self, reason: str, now: int, secure: bool, *, stale: bool = False
    ) -> UnauthorizedError:
        return UnauthorizedError(reason, self.challenges(now=now, secure=secure, stale=stale))


def _issued(nonce: str) -> int:
    return int.from_bytes(bytes.fromhex(nonce)[:_TIME])


def _values(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in split(text, ","):
        name, value = parameter(part)
        if value is None or not TOKEN.fullmatch(name) or name.lower() in values:
            raise malformed("Authorization is no list of parameters")
        values[name.lower()] = value
    return values
