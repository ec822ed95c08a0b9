"""Master keys end: after their packets, at the end of the index space (RFC 3711 9.2)."""

from __future__ import annotations

import pytest

from mikey.errors import LocalError, PolicyError
from mikey.policy import SrtpPolicy
from mikey.srtp import SRTCP_LIFETIME, Receiver, Sender
from tests.unit.srtp.packets import CM, GCM, SSRC, master, rtcp, rtp

LAST_ROC = (1 << 32) - 1


@pytest.mark.rule("R3711-9.2-1", "R3830-9.2-1", "R7714-13.1-1")
@pytest.mark.parametrize("policy", [CM, GCM], ids=["CM", "GCM"])
def test_the_srtp_index_never_goes_round_under_one_key(policy: SrtpPolicy) -> None:
    sender = Sender(policy, [master(policy)], ssrc=SSRC, roc=LAST_ROC)
    receiver = Receiver(policy, [master(policy)], ssrc=SSRC, roc=LAST_ROC)
    assert sender.packets_left == (1 << 16, SRTCP_LIFETIME)
    assert receiver.unprotect(sender.protect(rtp(65_535))) == rtp(65_535)
    assert sender.packets_left[0] == 0
    with pytest.raises(LocalError, match="no master key is left"):
        sender.protect(rtp(0))
    # A new key, and the index runs on.
    sender.install([master(policy, seed=2)])
    receiver.install([master(policy, seed=2)])
    assert receiver.unprotect(sender.protect(rtp(0))) == rtp(0)
    assert (sender.roc, receiver.roc) == (0, 0)


@pytest.mark.rule("R3711-9.2-1", "R7714-13.1-1")
@pytest.mark.parametrize("policy", [CM, GCM], ids=["CM", "GCM"])
def test_the_srtcp_index_never_goes_round_under_one_key(policy: SrtpPolicy) -> None:
    sender = Sender(policy, [master(policy)], ssrc=SSRC, srtcp_index=SRTCP_LIFETIME - 1)
    receiver = Receiver(policy, [master(policy)], ssrc=SSRC)
    assert receiver.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()
    assert sender.packets_left[1] == 0
    with pytest.raises(LocalError, match="no master key is left"):
        sender.protect_rtcp(rtcp())
    sender.install([master(policy, seed=2)])
    receiver.install([master(policy, seed=2)])
    assert sender.srtcp_index == 0
    assert receiver.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()


@pytest.mark.rule("R3711-9.2-1")
def test_a_peer_that_overruns_the_index_is_refused() -> None:
    """The second sender stands for a peer that goes on under the used-up key."""
    receiver = Receiver(CM, [master()], ssrc=SSRC, roc=LAST_ROC)
    receiver.unprotect(Sender(CM, [master()], ssrc=SSRC, roc=LAST_ROC).protect(rtp(65_535)))
    overrun = Sender(CM, [master()], ssrc=SSRC).protect(rtp(0))
    with pytest.raises(PolicyError, match="lifetime"):
        receiver.unprotect(overrun)
    assert receiver.roc == LAST_ROC


def test_a_shorter_lifetime() -> None:
    sender = Sender(CM, [master()], ssrc=SSRC, lifetime=3, srtcp_lifetime=2)
    for seq in (100, 101, 102):
        sender.protect(rtp(seq))
    with pytest.raises(LocalError, match="no master key is left"):
        sender.protect(rtp(103))
    for _ in range(2):
        sender.protect_rtcp(rtcp())
    with pytest.raises(LocalError, match="no master key is left"):
        sender.protect_rtcp(rtcp())
    assert (sender.packets, sender.srtcp_index, sender.packets_left) == (3, 2, (0, 0))


def test_a_receiver_counts_the_lost_packets_too() -> None:
    sender = Sender(CM, [master()], ssrc=SSRC)
    receiver = Receiver(CM, [master()], ssrc=SSRC, lifetime=10, srtcp_lifetime=1)
    receiver.unprotect(sender.protect(rtp(100)))
    receiver.unprotect(sender.protect(rtp(109)))
    with pytest.raises(PolicyError, match="lifetime"):
        receiver.unprotect(sender.protect(rtp(110)))
    receiver.unprotect_rtcp(sender.protect_rtcp(rtcp()))
    with pytest.raises(PolicyError, match="lifetime"):
        receiver.unprotect_rtcp(sender.protect_rtcp(rtcp()))


def test_the_next_key_takes_over() -> None:
    masters = [master(seed=1, mki=b"1"), master(seed=2, mki=b"2")]
    sender = Sender(CM, masters, ssrc=SSRC, lifetime=2)
    receiver = Receiver(CM, masters, ssrc=SSRC)
    protected = [sender.protect(rtp(seq)) for seq in range(4)]
    assert [p[-11:-10] for p in protected] == [b"1", b"1", b"2", b"2"]
    assert [receiver.unprotect(p) for p in protected] == [rtp(seq) for seq in range(4)]
    with pytest.raises(LocalError, match="no master key is left"):
        sender.protect(rtp(4))


@pytest.mark.rule("R3711-9.2-1")
def test_the_hook_is_called_once_before_the_limit() -> None:
    calls: list[tuple[int, int]] = []
    sender = Sender(
        CM,
        [master()],
        ssrc=SSRC,
        lifetime=10,
        rekey_margin=3,
        on_rekey_needed=lambda: calls.append(sender.packets_left),
    )
    for seq in range(10):
        sender.protect(rtp(seq))
    assert calls == [(2, SRTCP_LIFETIME)]


def test_the_hook_minds_srtcp_too() -> None:
    calls: list[int] = []
    sender = Sender(
        CM,
        [master()],
        ssrc=SSRC,
        srtcp_lifetime=5,
        rekey_margin=2,
        on_rekey_needed=lambda: calls.append(sender.srtcp_index),
    )
    for _ in range(5):
        sender.protect_rtcp(rtcp())
    assert calls == [4]


def test_the_hook_may_install_the_keys_itself() -> None:
    seeds = iter(range(2, 100))

    def rekey() -> None:
        new = [master(seed=next(seeds))]
        sender.install(new)
        receiver.install(new)

    sender = Sender(CM, [master()], ssrc=SSRC, lifetime=4, rekey_margin=1, on_rekey_needed=rekey)
    receiver = Receiver(CM, [master()], ssrc=SSRC)
    for seq in range(20):
        assert receiver.unprotect(sender.protect(rtp(seq))) == rtp(seq)
    assert next(seeds) == 6  # keys 2 to 5 followed the first


def test_what_the_hook_raises_comes_out_and_nothing_is_sent() -> None:
    def fail() -> None:
        raise RuntimeError("no key management")

    sender = Sender(CM, [master()], ssrc=SSRC, lifetime=4, rekey_margin=4, on_rekey_needed=fail)
    sender.protect(rtp(1))
    with pytest.raises(RuntimeError, match="no key management"):
        sender.protect(rtp(2))
    assert sender.packets == 1
    sender.protect(rtp(2))  # it was asked once


def test_a_range_ends_a_key_as_well() -> None:
    calls: list[None] = []
    sender = Sender(
        CM,
        [master(valid_from=0, valid_to=4)],
        ssrc=SSRC,
        rekey_margin=2,
        on_rekey_needed=lambda: calls.append(None),
    )
    for seq in range(5):
        sender.protect(rtp(seq))
    assert len(calls) == 1
    with pytest.raises(LocalError, match="no master key is left"):
        sender.protect(rtp(5))
