"""Bundles: what follows from an exchange, and what does not show."""

from __future__ import annotations

import pytest

from mikey import Bundle, LocalError, SrtpPolicy
from tests.naive import encode as e
from tests.naive.vectors import TGK
from tests.rules.psk_parties import MINE, YOURS, accepted, bob, offer


def agreed(**changes: object) -> Bundle:
    return accepted(bob(), offer(**changes))[1]


def test_crypto_sessions_count_from_one() -> None:
    bundle = agreed()
    assert [s.cs_id for s in bundle.crypto_sessions] == [1, 2]
    for cs_id in (0, 3, -1):
        with pytest.raises(LocalError, match=f"no crypto session {cs_id}"):
            bundle.masters(cs_id)


def test_contexts_begin_with_what_was_agreed() -> None:
    bundle = agreed(cs=[(0, MINE, 7), (0, 0, 0)])
    sender, receiver = bundle.srtp_sender(1), bundle.srtp_receiver(1)
    assert (sender.ssrc, sender.roc) == (MINE, 7)
    assert receiver.ssrc == MINE
    packet = b"\x80\0\0\1" + bytes(4) + MINE.to_bytes(4) + b"payload"
    assert receiver.unprotect(sender.protect(packet)) == packet
    other = bundle.srtp_sender(2)
    assert other.ssrc == YOURS


def test_a_fingerprint_tells_keys_apart_and_shows_none() -> None:
    one, same = agreed(), agreed()
    assert one.crypto_sessions[0].fingerprint == same.crypto_sessions[0].fingerprint
    prints = {s.fingerprint for s in one.crypto_sessions}
    prints |= {agreed(keys=[e.key_data(TGK, spi=b"\1")]).crypto_sessions[0].fingerprint}
    assert len(prints) == 3
    assert all(len(text) == 16 and int(text, 16) for text in prints)
    key = one.masters(1)[0].key.expose()
    for text in (repr(one), str(one.crypto_sessions[0]), *prints):
        assert key.hex()[:8] not in text
        assert repr(key) not in text


def test_a_bundle_without_crypto_sessions() -> None:
    bundle = agreed(cs=())
    assert bundle.crypto_sessions == ()
    assert bundle.policies in ({}, {0: SrtpPolicy()})
