"""Answering what went wrong (RFC 3830 5.1.2)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from mikey.errors import PeerError
from mikey.methods._common.error_message import build_error
from mikey.policy import SECOND
from mikey.registry import DataType, ErrorNumber
from mikey.session.proofs import Proof
from mikey.values import quick_init
from mikey.wire import Hdr, Sp, T, walk

RESPONSES = frozenset(
    {
        DataType.PSK_RESP,
        DataType.PKE_RESP,
        DataType.DH_RESP,
        DataType.DHHMAC_RESP,
        DataType.RSA_R_RESP,
    }
)
"""Data types of messages that answer: nothing is said of them to the peer (R3830-5.1.2-10)."""


@quick_init
@dataclass(frozen=True, slots=True)
class Origin:
    """The message that an error speaks of, as far as `Responder.refuse` needs it.

    No repr shows `octets`: keys can stand there in clear.
    """

    octets: bytes = field(repr=False)
    proof: Proof | None = None


class TokenBucket:
    """At most `rate` answers a second, in bursts of as many (R3830-5.1.2-9)."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._tokens = rate * SECOND
        self._filled_at: int | None = None
        self._lock = threading.Lock()

    def take(self, now: int) -> bool:
        """Take one answer at `now` (ns); False if none is left."""
        with self._lock:
            if self._filled_at is not None:
                gained = max(0, now - self._filled_at) * self._rate
                self._tokens = min(self._rate * SECOND, self._tokens + gained)
            self._filled_at = now
            if self._tokens < SECOND:
                return False
            self._tokens -= SECOND
            return True


def error_message(
    origin: Origin, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...]
) -> bytes | None:
    """Return the Error message for `origin`, None where none may be sent.

    There is none for an Error message (R3830-5.1.2-9) or a response, and none for a message
    whose T cannot be read, since the Responder makes no timestamp (R3830-5.1.2-3). Without
    authentication of the peer it is bare and offers nothing (R3830-5.1.2-7).
    """
    found = _header_and_t(origin.octets)
    if found is None:
        return None
    header, t = found
    if header.data_type is DataType.ERROR or header.data_type in RESPONSES:
        return None
    if origin.proof is None:
        return build_error(header, t, numbers)
    return origin.proof.error(numbers, offered)


def _header_and_t(octets: bytes) -> tuple[Hdr, T] | None:
    """Read as far as T; the damage may lie behind it."""
    header: Hdr | None = None
    try:
        for item in walk(octets):
            if isinstance(item.payload, Hdr):
                header = item.payload
            elif isinstance(item.payload, T) and header is not None:
                return header, item.payload
    except PeerError:
        pass
    return None
