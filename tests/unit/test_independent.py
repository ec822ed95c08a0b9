"""The comparison of the package's messages with the naive decoder finds what differs."""

from __future__ import annotations

import pytest

from mikey import wire
from tests.independent import same_as_ours, same_keys_as_ours
from tests.naive import encode as e
from tests.naive.decode import decode_keys
from tests.naive.vectors import ANSWER, OFFER, TGK
from tests.peers import missing, need
from tests.plugins_emitted import Emitted


def test_the_same_message() -> None:
    same_as_ours(OFFER, wire.Message.parse(OFFER))


# The CSB ID, an SSRC, T, RAND, an ID, an SP value, the extension, the ciphertext, the MAC.
@pytest.mark.parametrize("at", [4, 12, 30, 42, 60, 111, 144, 155, 192])
def test_another_message(at: int) -> None:
    other = bytearray(OFFER)
    other[at] ^= 0x40
    message = wire.Message.build(*_parts(wire.Message.parse(OFFER)))
    with pytest.raises(AssertionError):
        same_as_ours(bytes(other), message)


def test_another_payload() -> None:
    """Not only the octets are compared: so are the values and the spans."""
    ours, theirs = wire.Message.parse(OFFER), wire.Message.parse(ANSWER)
    for wrong in (
        wire.Message(theirs.header, ours.payloads, ours.spans, OFFER),
        wire.Message(ours.header, theirs.payloads, ours.spans, OFFER),
        wire.Message(ours.header, ours.payloads, theirs.spans, OFFER),
        wire.Message(ours.header, ours.payloads[::-1], ours.spans, OFFER),
    ):
        with pytest.raises(AssertionError):
            same_as_ours(OFFER, wrong)


def test_keys() -> None:
    octets = e.chain([e.key_data(TGK, spi=b"\1"), e.key_data(TGK, 3, salt=bytes(14))])
    keys = wire.parse_key_data(octets)
    same_keys_as_ours(decode_keys(octets), keys)
    with pytest.raises(AssertionError):
        same_keys_as_ours(decode_keys(octets), keys[::-1])


def test_emitted_keeps_each_message_once() -> None:
    emitted = Emitted()
    assert emitted.add(OFFER) == emitted.add(OFFER) == OFFER
    emitted.add(ANSWER)
    assert list(emitted.messages) == [OFFER, ANSWER]


def test_a_missing_peer_skips_or_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIKEY_REQUIRE_PEERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-peer is not installed"):
        need("no-such-peer")
    monkeypatch.setenv("MIKEY_REQUIRE_PEERS", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-peer is not installed"):
        need("no-such-peer")
    with pytest.raises(pytest.fail.Exception, match="a reason"):
        missing("a reason")


def _parts(message: wire.Message) -> tuple[wire.Hdr, tuple[wire.Payload, ...]]:
    return message.header, message.payloads
