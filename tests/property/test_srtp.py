"""SRTP on any packet, any stream, any order: against the reference and a model of the stream."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.errors import LocalError, PolicyError, ReplayError
from mikey.policy import SrtpPolicy
from mikey.srtp import Receiver, Sender
from tests.unit.srtp import reference
from tests.unit.srtp.packets import CM, POLICIES, master, rtcp, rtp

UINT32 = st.integers(0, (1 << 32) - 1)
POLICY = st.sampled_from([*POLICIES.values()])
MKI = st.binary(max_size=8)
WORDS = st.integers(0, 12).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n))
RTCP_BODY = WORDS | st.integers(0, 400).map(lambda n: b"word" * n)
PAYLOAD = st.binary(max_size=70) | st.integers(0, 2000).map(lambda n: b"\xa5" * n)


@st.composite
def rtp_packets(draw: st.DrawFn, seq: int, ssrc: int) -> bytes:
    return rtp(
        seq,
        draw(PAYLOAD),
        ssrc=ssrc,
        csrcs=tuple(draw(st.lists(UINT32, max_size=15))),
        extension=draw(st.none() | WORDS),
        padding=draw(st.sampled_from([0, 0, 1, 4, 255])),
        marker=draw(st.booleans()),
    )


@given(st.data(), POLICY, UINT32, UINT32, st.integers(0, 65_535), MKI)
def test_srtp_is_what_the_rfcs_say(
    data: st.DataObject, policy: SrtpPolicy, ssrc: int, roc: int, seq: int, mki: bytes
) -> None:
    key = master(policy, data.draw(st.integers(0, 9)), mki)
    sender = Sender(policy, [key], ssrc=ssrc, roc=roc)
    receiver = Receiver(policy, [key], ssrc=None, roc=roc)
    packet = data.draw(rtp_packets(seq, ssrc))
    protected = sender.protect(packet)
    secrets = key.key.expose(), key.salt.expose()
    assert protected == reference.protect(policy, *secrets, roc << 16 | seq, packet, mki)
    assert receiver.unprotect(protected) == packet
    assert (receiver.ssrc, receiver.roc) == (ssrc, roc)


@given(POLICY, UINT32, st.integers(0, (1 << 31) - 1), RTCP_BODY, MKI)
def test_srtcp_is_what_the_rfcs_say(
    policy: SrtpPolicy, ssrc: int, index: int, body: bytes, mki: bytes
) -> None:
    key = master(policy, 1, mki)
    packet = rtcp(body, ssrc=ssrc)
    protected = Sender(policy, [key], ssrc=ssrc, srtcp_index=index).protect_rtcp(packet)
    secrets = key.key.expose(), key.salt.expose()
    assert protected == reference.protect_rtcp(policy, *secrets, index, packet, mki)
    assert Receiver(policy, [key], ssrc=None).unprotect_rtcp(protected) == packet


STEP = st.integers(1, 3) | st.integers(1, 200) | st.sampled_from([127, 128, 129, 20_000, 32_000])


@given(
    st.sampled_from([name for name, p in POLICIES.items() if p.srtp_tag_length]),
    UINT32.filter(lambda roc: roc < (1 << 32) - 64),
    st.integers(0, 65_535),
    st.lists(st.tuples(STEP, st.integers(0, 150), st.booleans()), max_size=60),
)
def test_loss_reordering_and_duplicates(
    name: str, roc: int, seq: int, steps: list[tuple[int, int, bool]]
) -> None:
    """A model that knows the true indices predicts what the receiver takes.

    Each step sends on, maybe with a gap; a packet arrives `late` packets after it was sent, if
    at all, and maybe twice.
    """
    policy = POLICIES[name]
    sender = Sender(policy, [master(policy)], ssrc=1, roc=roc)
    receiver = Receiver(policy, [master(policy)], ssrc=1, roc=roc)
    first = index = roc << 16 | seq
    arrivals: list[tuple[int, int, bytes]] = []
    for number, (gap, late, twice) in enumerate(steps):
        packet = sender.protect(rtp(index, ssrc=1))
        if number == 0 or late != 150:
            arrivals.append((number + (late if number else 0), index, packet))
        if twice:
            arrivals.append((number + 2 * late, index, packet))
        index += gap
    seen: set[int] = set()
    for _, index, packet in sorted(arrivals):
        highest = max(seen, default=first)
        if abs(highest - index) >= 32_768:
            continue  # no receiver can estimate this index (RFC 3711 3.3.1)
        refused = index in seen or (seen and index <= highest - 128)
        try:
            assert receiver.unprotect(packet) == rtp(index, ssrc=1)
            assert not refused
            seen.add(index)
        except ReplayError:
            assert refused
        assert receiver.roc == max(seen, default=index) >> 16
    assert receiver.verified == len(seen)


@given(
    st.sampled_from(["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"]),
    st.integers(0, 0x2_0000),
    st.lists(st.tuples(STEP, st.integers(0, 150), st.booleans(), st.booleans()), max_size=60),
    st.integers(0, 12),
)
def test_new_keys_lose_no_packet_and_old_ones_open_no_new_packet(
    name: str, first: int, steps: list[tuple[int, int, bool, bool]], most: int
) -> None:
    """As above, with a new key at some steps, which the receiver has had since before.

    Somebody who has the old keys sends a packet of his own under one after each that arrives.
    """
    policy = POLICIES[name]
    keys = [master(policy, 0, b"\0")]
    sender = Sender(policy, keys, ssrc=1, roc=first >> 16)
    receiver = Receiver(policy, keys, ssrc=1, roc=first >> 16)
    index, arrivals = first, []
    for number, (gap, late, rekeys, twice) in enumerate(steps):
        if rekeys and len(keys) <= most:
            keys.append(master(policy, len(keys), bytes([len(keys)])))
            sender.install(keys[-1:])
        packet = sender.protect(rtp(index, ssrc=1))
        for after in (late, 2 * late)[: 1 + twice]:
            place = number + (after if number else 0)
            arrivals.append((place, index, len(keys) - 1, packet))
        index += gap
    for key in keys[1:]:
        receiver.install([key])
    seen: dict[int, int] = {}
    for _, index, generation, packet in sorted(arrivals):
        highest = max(seen, default=first)
        if abs(highest - index) >= 32_768:
            continue
        refused = index in seen or (seen and index <= highest - 128)
        try:
            assert receiver.unprotect(packet) == rtp(index, ssrc=1)
            assert not refused
            seen[index] = generation
        except ReplayError:
            assert refused
        newest, highest = max(seen.values()), max(seen)
        for old in {0, newest - 1} & set(range(newest)):
            forger = Sender(policy, [keys[old]], ssrc=1, roc=(highest + 1) >> 16)
            with pytest.raises(PolicyError):
                receiver.unprotect(forger.protect(rtp(highest + 1, ssrc=1)))
    assert receiver.verified == len(seen)


@given(st.lists(st.integers(0, 65_535), max_size=80))
def test_a_sender_uses_no_index_twice(numbers: list[int]) -> None:
    """Whatever sequence numbers a caller gives, no two packets share a key stream."""
    policy = POLICIES["AEAD_AES_128_GCM"]
    sender = Sender(policy, [master(policy)], ssrc=1)
    streams = set()
    sent = 0
    for seq in numbers:
        packet = rtp(seq, bytes(16), ssrc=1)
        try:
            protected = sender.protect(packet)
        except LocalError:
            continue
        sent += 1
        streams.add(protected[12:28])
    assert len(streams) == sent == sender.packets


@pytest.mark.rule("R3711-4.3.1-1", "R3711-4.3.2-1", "R3711-4.3.1-2")
@given(st.integers(0, 24), st.integers(0, (1 << 48) - 2), st.integers(0, (1 << 31) - 2))
def test_the_derivation_rate_changes_the_keys_at_its_multiples(
    exponent: int, index: int, srtcp_index: int
) -> None:
    """R3711-4.3.1-1, and 4.3.2-1 with a 48-bit r: the label stays where it is."""
    policy = replace(CM, key_derivation_rate=1 << exponent)
    key = master()
    secrets = key.key.expose(), key.salt.expose()
    sender = Sender(policy, [key], ssrc=1, roc=index >> 16, srtcp_index=srtcp_index)
    receiver = Receiver(policy, [key], ssrc=1, roc=index >> 16)
    for at in (index, index + 1):
        packet = rtp(at, ssrc=1)
        protected = sender.protect(packet)
        assert protected == reference.protect(policy, *secrets, at, packet)
        assert receiver.unprotect(protected) == packet
    for at in (srtcp_index, srtcp_index + 1):
        protected = sender.protect_rtcp(rtcp(b"body", ssrc=1))
        expected = reference.protect_rtcp(policy, *secrets, at, rtcp(b"body", ssrc=1))
        assert protected == expected
        assert receiver.unprotect_rtcp(protected) == rtcp(b"body", ssrc=1)
