"""Damaged packets: refused with a PeerError, and nothing remembers them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.errors import PeerError
from mikey.policy import SrtpPolicy
from mikey.srtp import Receiver, Sender
from tests.unit.srtp.packets import AUTHENTICATED, SSRC, master, rtcp, rtp

State = tuple[int | None, int, int]


def state(receiver: Receiver) -> State:
    return (receiver.ssrc, receiver.roc, receiver.verified)


def kinds(policy: SrtpPolicy, mki: bytes) -> list[tuple[bytes, bytes, bool]]:
    """One packet of each kind: plain, protected, whether it is RTCP."""
    sender = Sender(policy, [master(policy, 1, mki)], ssrc=SSRC, roc=5)
    plain = [
        rtp(100, b"payload"),
        rtp(101, b"x" * 40, csrcs=(1, 2), extension=bytes(8), padding=4, marker=True),
        rtp(102, b""),
    ]
    control = [rtcp(), rtcp(bytes(20))]
    return [(p, sender.protect(p), False) for p in plain] + [
        (p, sender.protect_rtcp(p), True) for p in control
    ]


def fresh(policy: SrtpPolicy, mki: bytes, *, bound: bool) -> Receiver:
    ssrc = SSRC if bound else None
    return Receiver(policy, [master(policy, 1, mki)], ssrc=ssrc, roc=5)


def opener(receiver: Receiver, *, is_rtcp: bool) -> Callable[[bytes], bytes]:
    return receiver.unprotect_rtcp if is_rtcp else receiver.unprotect


EACH = pytest.mark.parametrize(
    ("name", "mki"), [(name, mki) for name in AUTHENTICATED for mki in (b"", b"mki")]
)


@EACH
def test_truncation_at_every_octet(name: str, mki: bytes) -> None:
    policy = AUTHENTICATED[name]
    for plain, protected, is_rtcp in kinds(policy, mki):
        receiver = fresh(policy, mki, bound=False)
        before = state(receiver)
        for length in range(len(protected)):
            with pytest.raises(PeerError):
                opener(receiver, is_rtcp=is_rtcp)(protected[:length])
        assert state(receiver) == before
        assert receiver.rejected == len(protected)
        assert opener(receiver, is_rtcp=is_rtcp)(protected) == plain


@EACH
@pytest.mark.rule("R3711-4.2-1")
def test_every_bit_counts(name: str, mki: bytes) -> None:
    policy = AUTHENTICATED[name]
    for plain, protected, is_rtcp in kinds(policy, mki):
        receiver = fresh(policy, mki, bound=False)
        before = state(receiver)
        for bit in range(8 * len(protected)):
            flipped = bytearray(protected)
            flipped[bit // 8] ^= 0x80 >> bit % 8
            with pytest.raises(PeerError):
                opener(receiver, is_rtcp=is_rtcp)(bytes(flipped))
        assert state(receiver) == before
        assert opener(receiver, is_rtcp=is_rtcp)(protected) == plain


@EACH
@pytest.mark.rule("R3711-4.2-1")
def test_the_roc_is_authenticated(name: str, mki: bytes) -> None:
    policy = AUTHENTICATED[name]
    for _, protected, is_rtcp in kinds(policy, mki):
        wrong = Receiver(policy, [master(policy, 1, mki)], ssrc=SSRC, roc=6)
        if is_rtcp:
            wrong.unprotect_rtcp(protected)  # SRTCP knows no ROC
            continue
        with pytest.raises(PeerError):
            wrong.unprotect(protected)


@given(st.sampled_from([*AUTHENTICATED]), st.binary(max_size=120), st.booleans(), st.booleans())
def test_any_octets(name: str, octets: bytes, is_rtcp: bool, version_2: bool) -> None:
    policy = AUTHENTICATED[name]
    if version_2 and octets:
        octets = bytes([octets[0] & 0x3F | 0x80]) + octets[1:]
    receiver = fresh(policy, b"", bound=False)
    before = state(receiver)
    with pytest.raises(PeerError):
        opener(receiver, is_rtcp=is_rtcp)(octets)
    assert state(receiver) == before


@pytest.mark.parametrize("name", AUTHENTICATED)
def test_forgeries_do_not_move_the_window(name: str) -> None:
    """A forged packet far ahead would otherwise shut out the stream."""
    policy = AUTHENTICATED[name]
    sender = Sender(policy, [master(policy)], ssrc=SSRC)
    receiver = Receiver(policy, [master(policy)], ssrc=SSRC)
    receiver.unprotect(sender.protect(rtp(1)))
    receiver.unprotect_rtcp(sender.protect_rtcp(rtcp()))
    ahead = Sender(policy, [master(policy, seed=2)], ssrc=SSRC, srtcp_index=1 << 20)
    with pytest.raises(PeerError):
        receiver.unprotect(ahead.protect(rtp(30_000)))
    with pytest.raises(PeerError):
        receiver.unprotect_rtcp(ahead.protect_rtcp(rtcp()))
    assert receiver.unprotect(sender.protect(rtp(2))) == rtp(2)
    assert receiver.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()
