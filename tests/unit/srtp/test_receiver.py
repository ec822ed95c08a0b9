"""Receiver: binding, counting, late joining, and that refused packets leave no trace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mikey.errors import (
    AuthenticationError,
    DecodeError,
    LocalError,
    PeerError,
    PolicyError,
    ReplayError,
)
from mikey.srtp import Receiver, Sender
from tests.unit.srtp.packets import CM, GCM, SSRC, master, rtcp, rtp


def pair(*, ssrc: int | None = SSRC, roc: int = 0, window: int = 128) -> tuple[Sender, Receiver]:
    return (
        Sender(CM, [master()], ssrc=SSRC, roc=roc),
        Receiver(CM, [master()], ssrc=ssrc, roc=roc, window=window),
    )


@pytest.mark.rule("R3830-6.1.1-6")
def test_binds_to_the_first_authentic_packet() -> None:
    sender, receiver = pair(ssrc=None)
    good = sender.protect(rtp(1))
    stranger = Sender(CM, [master(seed=2)], ssrc=7).protect(rtp(1, ssrc=7))
    with pytest.raises(AuthenticationError):
        receiver.unprotect(stranger)
    assert receiver.ssrc is None
    assert repr(receiver) == "<Receiver of any SSRC, AES_CM_128_HMAC_SHA1_80, ROC 0>"
    receiver.unprotect(good)
    assert receiver.ssrc == SSRC
    # Authentic, and of another stream: the context takes one.
    other = Sender(CM, [master()], ssrc=7)
    for refused in (
        lambda: receiver.unprotect(other.protect(rtp(2, ssrc=7))),
        lambda: receiver.unprotect_rtcp(other.protect_rtcp(rtcp(ssrc=7))),
    ):
        with pytest.raises(PolicyError, match="SSRC"):
            refused()
    assert (receiver.verified, receiver.rejected) == (1, 3)


def test_binds_by_srtcp_too() -> None:
    sender, receiver = pair(ssrc=None)
    assert receiver.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()
    assert receiver.ssrc == SSRC


def test_a_foreign_ssrc_costs_no_cryptography() -> None:
    """The SSRC is refused before the tag is looked at."""
    _, receiver = pair()
    with pytest.raises(PolicyError) as caught:
        receiver.unprotect(rtp(1, ssrc=9) + bytes(10))
    assert caught.value.number is None


def test_replay() -> None:
    sender, receiver = pair()
    packet, control = sender.protect(rtp(1)), sender.protect_rtcp(rtcp())
    receiver.unprotect(packet)
    receiver.unprotect_rtcp(control)
    with pytest.raises(ReplayError, match="before"):
        receiver.unprotect(packet)
    with pytest.raises(ReplayError, match="before"):
        receiver.unprotect_rtcp(control)


@pytest.mark.parametrize("window", [64, 128, 1000, 1 << 15])
def test_the_window_is_as_wide_as_asked(window: int) -> None:
    sender, receiver = pair(window=window)
    first = 40_000
    late = Sender(CM, [master()], ssrc=SSRC)
    too_old, oldest = (late.protect(rtp(first - window + n)) for n in (0, 1))
    receiver.unprotect(sender.protect(rtp(first)))
    with pytest.raises(ReplayError, match="window"):
        receiver.unprotect(too_old)
    receiver.unprotect(oldest)


@pytest.mark.parametrize("window", [0, 63, (1 << 15) + 1])
def test_a_window_has_at_least_64_packets(window: int) -> None:
    with pytest.raises(LocalError, match="window"):
        pair(window=window)


@pytest.mark.rule("R3711-3.3.1-1")
def test_a_late_joiner_takes_the_roc_from_key_management() -> None:
    sender, receiver = pair(roc=0x8000_0001)
    assert receiver.roc == 0x8000_0001
    assert receiver.unprotect(sender.protect(rtp(65_535))) == rtp(65_535)
    assert receiver.unprotect(sender.protect(rtp(65_536))) == rtp(65_536)
    assert receiver.roc == sender.roc == 0x8000_0002
    with pytest.raises(AuthenticationError):
        Receiver(CM, [master()], ssrc=SSRC).unprotect(sender.protect(rtp(65_537)))


def test_a_packet_from_before_the_rollover_is_still_taken() -> None:
    sender, receiver = pair()
    packets = [sender.protect(rtp(seq)) for seq in (65_534, 65_535, 65_536, 65_537)]
    for at in (0, 3, 1, 2):
        receiver.unprotect(packets[at])
    assert (receiver.roc, receiver.verified) == (1, 4)


def test_the_first_packets_may_come_late() -> None:
    """There is no ROC before 0: a jump of more than half the numbers goes ahead, not back."""
    sender, receiver = pair()
    for seq in (10, 65_530):
        assert receiver.unprotect(sender.protect(rtp(seq))) == rtp(seq)
    assert (receiver.roc, sender.roc) == (0, 0)


@pytest.mark.parametrize("length", range(22))
def test_too_short_for_srtp(length: int) -> None:
    _, receiver = pair()
    with pytest.raises(DecodeError) as caught:
        receiver.unprotect(rtp(1)[:length].ljust(length, b"\0"))
    assert caught.value.number is None
    with pytest.raises(DecodeError):
        receiver.unprotect_rtcp(rtcp()[:length].ljust(length, b"\0"))
    assert receiver.rejected == 2


def test_not_version_2() -> None:
    _, receiver = pair()
    with pytest.raises(DecodeError, match="version"):
        receiver.unprotect(b"\x00" + rtp(1)[1:] + bytes(10))
    with pytest.raises(DecodeError, match="version"):
        receiver.unprotect_rtcp(b"\xc0" + rtcp()[1:] + bytes(14))


def test_each_packet_may_choose_to_be_encrypted() -> None:
    """The E flag says it, and it is authentic (RFC 3711 3.4)."""
    for policy in (CM, GCM):
        open_policy = replace(policy, srtcp_encryption=False)
        in_clear = Sender(open_policy, [master(policy)], ssrc=SSRC)
        encrypted = Sender(policy, [master(policy)], ssrc=SSRC, srtcp_index=1)
        for receiving in (policy, open_policy):
            receiver = Receiver(receiving, [master(policy)], ssrc=SSRC)
            for sender in (in_clear, encrypted):
                packet = sender.protect_rtcp(rtcp(b"four" * 5))
                assert receiver.unprotect_rtcp(packet) == rtcp(b"four" * 5)


def test_without_authentication_there_is_no_replay_protection() -> None:
    """RFC 3711 3.3.2: replay protection is only possible with integrity protection."""
    policy = replace(CM, srtp_authentication=False)
    packet = Sender(policy, [master()], ssrc=SSRC).protect(rtp(1))
    receiver = Receiver(policy, [master()], ssrc=SSRC)
    assert receiver.unprotect(packet) == receiver.unprotect(packet) == rtp(1)


def test_refusals_are_peer_errors_and_counted() -> None:
    _, receiver = pair()
    for count, octets in enumerate((b"", rtp(1), rtp(1) + bytes(10)), start=1):
        with pytest.raises(PeerError):
            receiver.unprotect(octets)
        assert (receiver.verified, receiver.rejected) == (0, count)
