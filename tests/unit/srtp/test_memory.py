"""A context stays small, so that a server can hold very many."""

from __future__ import annotations

import sys

import pytest

from mikey.srtp import Receiver, Sender
from tests.unit.srtp.packets import POLICIES, SSRC, master, rtcp, rtp

LIMIT = 4096  # octets, with session keys for SRTP and SRTCP


@pytest.mark.parametrize("name", POLICIES)
def test_a_context_takes_at_most_4_kib(name: str) -> None:
    policy = POLICIES[name]
    key = master(policy, mki=b"four")
    sender = Sender(policy, [key], ssrc=SSRC)
    receiver = Receiver(policy, [key], ssrc=SSRC)
    before = sys.getsizeof(sender)
    receiver.unprotect(sender.protect(rtp(1)))
    receiver.unprotect_rtcp(sender.protect_rtcp(rtcp()))
    assert before < sys.getsizeof(sender) <= LIMIT
    assert sys.getsizeof(receiver) <= LIMIT


def test_a_window_is_counted() -> None:
    small, large = (
        Receiver(
            POLICIES["AEAD_AES_128_GCM"],
            [master(POLICIES["AEAD_AES_128_GCM"])],
            ssrc=SSRC,
            window=window,
        )
        for window in (64, 1 << 15)
    )
    # One bit per packet, for SRTP and for SRTCP.
    assert sys.getsizeof(large) - sys.getsizeof(small) == 2 * ((1 << 15) - 64) // 8
