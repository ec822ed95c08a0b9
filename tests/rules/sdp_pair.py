"""Two parties with one key and one clock, for tests of offer and answer."""

from __future__ import annotations

from itertools import count

from mikey.credentials import Psk
from mikey.policy import Clock, Compat
from mikey.secret import Secret
from mikey.session import Initiator, Responder

ALICE = "sip:alice@example.com"
BOB = "sip:bob@example.com"
KEY = Secret(bytes(range(16)))
NOW = 1_800_000_000_000_000_000


class Pair:
    """Alice, who offers, and Bob, who answers; `octets` of randomness come from a counter."""

    def __init__(self, *, key: Secret = KEY, compat: Compat | None = None) -> None:
        numbers = count(1)
        compat = compat or Compat()

        def octets(length: int) -> bytes:
            return b"".join(next(numbers).to_bytes(2) for _ in range(length))[-length:]

        self.alice = Initiator(
            Psk(KEY, ALICE, BOB, compat), clock=Clock(lambda: NOW), random=octets, mki_length=1
        )
        self.bob = Responder([Psk(key, BOB, ALICE, compat)], clock=Clock(lambda: NOW))
