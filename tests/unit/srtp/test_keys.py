"""Several master keys: MKIs, index ranges, rekeying with and without."""

from __future__ import annotations

import sys

import pytest

from mikey.errors import AuthenticationError, LocalError, PolicyError, ReplayError
from mikey.policy import SrtpPolicy
from mikey.srtp import MasterKey, Receiver, Sender
from tests.unit.srtp import reference
from tests.unit.srtp.packets import CM, GCM, SSRC, master, rtcp, rtp

BOTH = pytest.mark.parametrize("policy", [CM, GCM], ids=["CM", "GCM"])


@BOTH
@pytest.mark.rule("R3830-A.1-2")
@pytest.mark.parametrize("mki", [b"\x07", b"mki", bytes(range(255))], ids=len)
def test_the_mki_names_the_key(policy: SrtpPolicy, mki: bytes) -> None:
    other = bytes(len(mki) - 1) + b"\xee"
    masters = [master(policy, 1, mki), master(policy, 2, other)]
    receiver = Receiver(policy, masters, ssrc=SSRC)
    for seq, key in enumerate(masters):
        sender = Sender(policy, [key], ssrc=SSRC, srtcp_index=seq)
        assert receiver.unprotect(sender.protect(rtp(seq))) == rtp(seq)
        assert receiver.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()
    unknown = Sender(policy, [master(policy, 1, b"\xaa" * len(mki))], ssrc=SSRC)
    with pytest.raises(PolicyError, match="MKI is unknown"):
        receiver.unprotect(unknown.protect(rtp(9)))
    with pytest.raises(PolicyError, match="MKI is unknown"):
        receiver.unprotect_rtcp(
            Sender(
                policy, [master(policy, 1, b"\xaa" * len(mki))], ssrc=SSRC, srtcp_index=9
            ).protect_rtcp(rtcp())
        )


@BOTH
def test_rekeying_by_mki_keeps_the_old_key_and_the_roc(policy: SrtpPolicy) -> None:
    old, new = master(policy, 1, b"\x01"), master(policy, 2, b"\x02")
    sender = Sender(policy, [old], ssrc=SSRC)
    receiver = Receiver(policy, [old], ssrc=SSRC)
    receiver.unprotect(sender.protect(rtp(65_535)))
    late, late_rtcp = sender.protect(rtp(65_536)), sender.protect_rtcp(rtcp())
    sender.install([new])
    receiver.install([new])
    protected = sender.protect(rtp(65_537))
    assert b"\x02" in (protected[-1:], protected[-11:-10])
    assert receiver.unprotect(protected) == rtp(65_537)
    assert receiver.unprotect(late) == rtp(65_536)
    assert receiver.unprotect_rtcp(late_rtcp) == rtcp()
    assert (sender.roc, receiver.roc, sender.srtcp_index) == (1, 1, 1)
    with pytest.raises(ReplayError):
        receiver.unprotect(late)


@BOTH
@pytest.mark.parametrize("mki", [True, False])
def test_an_old_key_opens_nothing_after_the_first_packet_under_the_new_one(
    policy: SrtpPolicy, mki: bool
) -> None:
    """Who learned the old key after the rekey can send neither SRTP nor SRTCP with it."""
    old = master(policy, 1, b"\x01" if mki else b"")
    new = master(policy, 2, b"\x02" if mki else b"")
    receiver = Receiver(policy, [old], ssrc=SSRC, roc=1)
    refused = PolicyError if mki else AuthenticationError
    receiver.install([new])

    def sent(key: MasterKey, index: int) -> bytes:
        return Sender(policy, [key], ssrc=SSRC, roc=index >> 16).protect(rtp(index))

    def reported(key: MasterKey, index: int) -> bytes:
        return Sender(policy, [key], ssrc=SSRC, srtcp_index=index).protect_rtcp(rtcp())

    receiver.unprotect(sent(old, 0x1FFFE))
    receiver.unprotect(sent(new, 0x20000))
    assert receiver.unprotect(sent(old, 0x1FFFF)) == rtp(0x1FFFF)
    with pytest.raises(refused):
        receiver.unprotect(sent(old, 0x20001))
    # SRTCP has not switched yet, as far as is known.
    receiver.unprotect_rtcp(reported(old, 4))
    receiver.unprotect_rtcp(reported(new, 6))
    receiver.unprotect_rtcp(reported(old, 5))
    with pytest.raises(refused):
        receiver.unprotect_rtcp(reported(old, 7))
    receiver.unprotect(sent(new, 0x20000 + 127))
    with pytest.raises(refused):
        receiver.unprotect_rtcp(reported(old, 3))
    with pytest.raises(LocalError, match="never used again"):
        receiver.install([old])


def test_keys_that_came_together_are_equals_until_the_next_rekey() -> None:
    pair = [master(seed=seed, mki=bytes([seed])) for seed in (1, 2)]
    third = master(seed=3, mki=b"\x03")
    receiver = Receiver(CM, pair, ssrc=SSRC)
    receiver.install(pair)
    for index in range(400):
        key = pair[index % 2]
        receiver.unprotect(Sender(CM, [key], ssrc=SSRC).protect(rtp(index)))
    receiver.install([third, *pair])
    receiver.unprotect(Sender(CM, [third], ssrc=SSRC).protect(rtp(402)))
    for index, key in enumerate(pair):
        receiver.unprotect(Sender(CM, [key], ssrc=SSRC).protect(rtp(400 + index)))
        with pytest.raises(PolicyError, match="was replaced"):
            receiver.unprotect(Sender(CM, [key], ssrc=SSRC).protect(rtp(403)))


def test_streams_of_one_master_key_rekey_each_at_its_own_moment() -> None:
    old, new = master(seed=1, mki=b"\x01"), master(seed=2, mki=b"\x02")
    senders = [Sender(CM, [old], ssrc=ssrc) for ssrc in (1, 2)]
    receivers = [Receiver(CM, [old], ssrc=ssrc) for ssrc in (1, 2)]
    for receiver in receivers:
        receiver.install([new])
    senders[0].install([new])
    for index in range(300):
        for sender, receiver in zip(senders, receivers, strict=True):
            receiver.unprotect(sender.protect(rtp(index, ssrc=sender.ssrc)))


@BOTH
@pytest.mark.rule("R3711-3.3.1-1")
def test_rekeying_without_mki_is_seamless(policy: SrtpPolicy) -> None:
    """The peers never switch at the same packet: old packets come late, or after the switch."""
    sender = Sender(policy, [master(policy, 1)], ssrc=SSRC, roc=3)
    receiver = Receiver(policy, [master(policy, 1)], ssrc=SSRC, roc=3)
    receiver.unprotect(sender.protect(rtp(10)))
    receiver.install([master(policy, 2)])
    assert receiver.unprotect(sender.protect(rtp(11))) == rtp(11)  # sender has not switched
    late, late_rtcp = sender.protect(rtp(12)), sender.protect_rtcp(rtcp())
    sender.install([master(policy, 2)])
    assert receiver.unprotect(sender.protect(rtp(13))) == rtp(13)
    assert receiver.unprotect(late) == rtp(12)
    assert receiver.unprotect_rtcp(late_rtcp) == rtcp()
    assert receiver.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()
    assert (sender.roc, receiver.roc) == (3, 3)


def test_an_old_key_ends_where_the_new_one_was_seen() -> None:
    sender = Sender(CM, [master(seed=1)], ssrc=SSRC)
    laggard = Sender(CM, [master(seed=1)], ssrc=SSRC)
    receiver = Receiver(CM, [master(seed=1)], ssrc=SSRC)
    receiver.unprotect(sender.protect(rtp(1)))
    sender.install([master(seed=2)])
    receiver.install([master(seed=2)])
    receiver.unprotect(sender.protect(rtp(5)))
    assert receiver.unprotect(laggard.protect(rtp(4))) == rtp(4)
    with pytest.raises(AuthenticationError):
        receiver.unprotect(laggard.protect(rtp(6)))


def test_only_the_last_key_without_mki_survives() -> None:
    receiver = Receiver(CM, [master(seed=1)], ssrc=SSRC)
    for seed in (2, 3):
        receiver.install([master(seed=seed)])
    for seed in (2, 3):
        receiver.unprotect(Sender(CM, [master(seed=seed)], ssrc=SSRC).protect(rtp(seed)))
    with pytest.raises(AuthenticationError):
        receiver.unprotect(Sender(CM, [master(seed=1)], ssrc=SSRC).protect(rtp(1)))


def test_sixteen_keys_with_mki_survive() -> None:
    def sent(seed: int) -> bytes:
        key = master(seed=seed, mki=bytes([seed]))
        return Sender(CM, [key], ssrc=SSRC).protect(rtp(seed))

    receiver = Receiver(CM, [master(seed=0, mki=b"\0")], ssrc=SSRC)
    for seed in range(1, 17):
        receiver.install([master(seed=seed, mki=bytes([seed]))])
    for seed in range(1, 17):  # the newest last: until then each may be the sender's
        receiver.unprotect(sent(seed))
    with pytest.raises(PolicyError, match="MKI is unknown"):
        receiver.unprotect(sent(0))


def test_an_mki_can_be_given_to_another_key() -> None:
    receiver = Receiver(CM, [master(seed=1, mki=b"a")], ssrc=SSRC)
    receiver.install([master(seed=2, mki=b"a")])
    receiver.unprotect(Sender(CM, [master(seed=2, mki=b"a")], ssrc=SSRC).protect(rtp(1)))
    with pytest.raises(AuthenticationError):
        receiver.unprotect(Sender(CM, [master(seed=1, mki=b"a")], ssrc=SSRC).protect(rtp(2)))


@BOTH
@pytest.mark.parametrize("mkis", [(b"a", b"b"), (b"", b"")])
def test_keys_that_are_here_already_stay_as_they_are(
    policy: SrtpPolicy, mkis: tuple[bytes, bytes]
) -> None:
    """What an update leaves, old keys and new, may be installed whole, and again."""
    old, new = master(policy, 1, mkis[0]), master(policy, 2, mkis[1])
    sender = Sender(policy, [old], ssrc=SSRC, lifetime=3)
    receiver = Receiver(policy, [old], ssrc=SSRC)
    sender.install([old])
    receiver.install([old])
    late = sender.protect(rtp(1))
    sender.install([old])  # the packet above counts
    assert sender.packets_left[0] == 2
    for _ in range(2):
        receiver.install([new, old])
    sender.install([new, old])
    under_new = sender.protect(rtp(2))
    reference = Receiver(policy, [new], ssrc=SSRC)
    assert reference.unprotect(under_new) == rtp(2)
    assert receiver.unprotect(under_new) == rtp(2)
    assert receiver.unprotect(late) == rtp(1)


@pytest.mark.rule("R3711-9.2-1", "R3830-6.14-4")
def test_what_cannot_be_installed() -> None:
    for context in (
        Sender(CM, [master(seed=1, mki=b"a")], ssrc=SSRC),
        Receiver(CM, [master(seed=1, mki=b"a")], ssrc=SSRC),
    ):
        for masters, reason in (
            ([], "no master key"),
            ([master(seed=2)], "one length"),
            ([master(seed=2, mki=b"ab")], "one length"),
            ([master(seed=1, mki=b"b")], "never used again"),
        ):
            with pytest.raises(LocalError, match=reason):
                context.install(masters)


@BOTH
@pytest.mark.rule("R3830-A.1-2")
def test_from_and_to_switch_the_key(policy: SrtpPolicy) -> None:
    """Both ends are included, and the switch may lie across a rollover (RFC 3711 8.1.1)."""
    switch = 0x0001_0002
    masters = [
        master(policy, 1, valid_to=switch - 1),
        master(policy, 2, valid_from=switch, valid_to=switch + 1),
        master(policy, 3, valid_from=switch + 2),
    ]
    sender = Sender(policy, masters, ssrc=SSRC)
    receiver = Receiver(policy, masters, ssrc=SSRC)
    for index in range(0xFFFC, switch + 5):
        packet = rtp(index)
        protected = sender.protect(packet)
        number = 0 if index < switch else 1 if index < switch + 2 else 2
        key, salt = masters[number].key.expose(), masters[number].salt.expose()
        assert protected == reference.protect(policy, key, salt, index, packet)
        assert receiver.unprotect(protected) == packet
        # SRTCP follows the SRTP index.
        srtcp = sender.protect_rtcp(rtcp())
        expected = reference.protect_rtcp(policy, key, salt, sender.srtcp_index - 1, rtcp())
        assert srtcp == expected
        assert receiver.unprotect_rtcp(srtcp) == rtcp()


def test_srtcp_at_the_seam_of_two_ranges() -> None:
    """The sender's SRTP may be ahead of what has arrived, and SRTCP may come before any."""
    masters = [master(seed=1, valid_from=5, valid_to=9), master(seed=2, valid_from=10)]
    sender = Sender(CM, masters, ssrc=SSRC)
    receiver = Receiver(CM, masters, ssrc=SSRC)
    assert receiver.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()
    receiver.unprotect(sender.protect(rtp(9)))
    sender.protect(rtp(10))
    assert receiver.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()


def test_no_key_for_the_index() -> None:
    receiver = Receiver(CM, [master(valid_from=10)], ssrc=SSRC)
    packet = Sender(CM, [master()], ssrc=SSRC).protect(rtp(9))
    with pytest.raises(PolicyError, match="index"):
        receiver.unprotect(packet)
    with pytest.raises(LocalError, match="no master key"):
        Sender(CM, [master(valid_from=10)], ssrc=SSRC).protect(rtp(9))


def test_ranges_are_extended_by_install() -> None:
    first, second = master(seed=1), master(seed=2, valid_from=100)
    sender = Sender(CM, [first], ssrc=SSRC)
    receiver = Receiver(CM, [first], ssrc=SSRC)
    sender.install([second])
    receiver.install([second])
    for seq in (1, 99, 100, 101):
        protected = sender.protect(rtp(seq))
        used = first if seq < 100 else second
        assert protected == reference.protect(
            CM, used.key.expose(), used.salt.expose(), seq, rtp(seq)
        )
        assert receiver.unprotect(protected) == rtp(seq)


@BOTH
def test_srtcp_under_an_mki_waits_for_no_range(policy: SrtpPolicy) -> None:
    """The MKI names the key; SRTCP may come before the SRTP index that the range begins with."""
    key = master(policy, 1, b"\x01", valid_from=100)
    sender, receiver = Sender(policy, [key], ssrc=SSRC), Receiver(policy, [key], ssrc=SSRC)
    assert receiver.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()
    with pytest.raises(PolicyError):
        receiver.unprotect(Sender(policy, [master(policy, 1, b"\x01")], ssrc=SSRC).protect(rtp(99)))


@pytest.mark.rule("R3711-9.2-1")
@pytest.mark.parametrize("mki", [b"", b"1"])
def test_a_sender_never_falls_back_on_a_replaced_key(mki: bytes) -> None:
    sender = Sender(CM, [master(seed=1, mki=mki)], ssrc=SSRC, lifetime=3)
    sender.protect(rtp(0))
    sender.install([master(seed=2, mki=mki and b"2")])
    for seq in range(1, 4):
        sender.protect(rtp(seq))
    with pytest.raises(LocalError, match="no master key is left"):
        sender.protect(rtp(4))


@pytest.mark.rule("R3711-9.2-1")
@pytest.mark.parametrize("mki", [b"", b"1"])
def test_a_sender_never_falls_back_on_a_key_that_was_there_for_what_comes_before(
    mki: bytes,
) -> None:
    """It holds the index as well, and its use does not begin where the newer one is used up."""
    old, new = master(seed=1, mki=mki), master(seed=2, mki=mki and b"2", valid_from=100)
    sender = Sender(CM, [old], ssrc=SSRC, lifetime=50, srtcp_lifetime=2)
    receiver = Receiver(CM, [old], ssrc=SSRC)
    for context in (sender, receiver):
        context.install([new])
    for seq in range(100, 150):
        assert receiver.unprotect(sender.protect(rtp(seq))) == rtp(seq)
    for _ in range(2):
        assert receiver.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()
    assert sender.packets_left == (0, 0)
    with pytest.raises(LocalError, match="no master key is left"):
        sender.protect(rtp(150))
    with pytest.raises(LocalError, match="no master key is left"):
        sender.protect_rtcp(rtcp())


@pytest.mark.rule("R3711-9.2-1")
@pytest.mark.parametrize("mki", [b"", b"1"])
def test_a_sender_takes_no_key_again_when_it_is_told_twice(mki: bytes) -> None:
    """`Bundle.masters` is the same after an update that brings no key."""
    old, new = master(seed=1, mki=mki), master(seed=2, mki=mki and b"2")
    sender, receiver = Sender(CM, [old], ssrc=SSRC), Receiver(CM, [new], ssrc=SSRC)
    for seq in range(3):
        sender.install([new, old])
        assert receiver.unprotect(sender.protect(rtp(seq))) == rtp(seq)
    with pytest.raises(LocalError, match="never used again"):
        sender.install([old])


@pytest.mark.rule("R7714-13.1-1")
def test_a_key_whose_mki_is_given_away_is_erased() -> None:
    receiver = Receiver(CM, [master(seed=1, mki=b"a")], ssrc=SSRC)
    sizes = set()
    for seed in range(2, 6):
        receiver.install([master(seed=seed, mki=b"a")])
        sizes.add(sys.getsizeof(receiver))
    assert len(sizes) == 1
