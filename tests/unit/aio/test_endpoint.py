"""The sockets of RTP and RTCP."""

from __future__ import annotations

import pytest

from mikey.aio import RtpEndpoint
from tests.asynchronous import asynchronous


@asynchronous
async def test_packets_that_the_system_does_not_take_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """asyncio would keep them all."""
    sent: list[bytes] = []
    async with await RtpEndpoint.open("127.0.0.1") as endpoint:
        transport = endpoint._rtp._transport
        assert transport is not None
        monkeypatch.setattr(transport, "sendto", lambda octets, _to: sent.append(octets))
        endpoint.send_rtp(b"1", ("127.0.0.1", 9))
        endpoint._rtp.pause_writing()
        endpoint.send_rtp(b"2", ("127.0.0.1", 9))
        endpoint._rtp.resume_writing()
        endpoint.send_rtp(b"3", ("127.0.0.1", 9))
    assert sent == [b"1", b"3"]
