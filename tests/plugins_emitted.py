"""The fixture ``emitted``: every message the tests make is checked by other decoders.

``emitted.add(octets)`` holds the naive decoder against the package's at once, in the test that
made the message. tshark is started once, at the end of the session, for all of them; what it
reads otherwise fails the run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from mikey import wire
from tests.independent import check_messages, same_as_ours


class Emitted:
    """The messages of this session, each once."""

    def __init__(self) -> None:
        self.messages: dict[bytes, None] = {}

    def add(self, octets: bytes) -> bytes:
        """Check a message against the naive decoder, keep it for tshark, and hand it back."""
        if octets not in self.messages:
            same_as_ours(octets, wire.Message.parse(octets))
            self.messages[octets] = None
        return octets


@pytest.fixture(scope="session")
def emitted() -> Iterator[Emitted]:
    """Collect emitted messages; at the end of the session tshark reads them all."""
    collected = Emitted()
    yield collected
    # Without tshark its absence is told by tests/interop/test_tshark.py, as a skip or a failure.
    if shutil.which("tshark"):
        check_messages(list(collected.messages))
