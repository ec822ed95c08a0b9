"""Sender: what it protects, what it refuses."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mikey.errors import LocalError
from mikey.policy import SrtpPolicy
from mikey.secret import Secret
from mikey.srtp import MasterKey, Receiver, Sender
from tests.unit.srtp.packets import CM, GCM, POLICIES, SSRC, master, rtcp, rtp


def sender(policy: SrtpPolicy = CM, **options: Any) -> Sender:
    return Sender(policy, [master(policy)], ssrc=SSRC, **options)


def test_says_where_it_stands() -> None:
    it = sender(roc=7, srtcp_index=3)
    assert (it.ssrc, it.roc, it.srtcp_index, it.packets, it.policy) == (SSRC, 7, 3, 0, CM)
    it.protect(rtp(65535))
    it.protect(rtp(0))
    it.protect_rtcp(rtcp())
    assert (it.roc, it.srtcp_index, it.packets) == (8, 4, 2)
    assert repr(it) == "<Sender of SSRC 0xcafebabe, AES_CM_128_HMAC_SHA1_80, ROC 8>"
    with pytest.raises(TypeError):
        copy.copy(it)  # two senders of one stream would use the same indices


def test_no_packet_is_sent_twice() -> None:
    """The same index under the same key is a two-time pad (RFC 3711 9.1)."""
    it = sender(GCM)
    it.protect(rtp(10))
    with pytest.raises(LocalError, match="sent before"):
        it.protect(rtp(10, b"another"))
    it.protect(rtp(9))  # late, but new
    it.protect(rtp(1000))
    with pytest.raises(LocalError, match="too old"):
        it.protect(rtp(11))
    assert it.packets == 3


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "12 octets"),
        (rtp(1)[:11], "12 octets"),
        (b"\x40" + rtp(1)[1:], "version"),
        (rtp(1, b"", csrcs=(1, 2))[:19], "cut short"),
        (rtp(1, b"", extension=bytes(8))[:15], "cut short"),
        (rtp(1, b"", extension=bytes(8))[:23], "cut short"),
        (rtp(1, ssrc=SSRC ^ 1), "SSRC"),
        (rtp(1, bytes((1 << 20) + 1)), "longer"),
    ],
)
def test_refuses_what_is_no_packet_of_its_stream(octets: bytes, reason: str) -> None:
    it = sender()
    with pytest.raises(LocalError, match=reason):
        it.protect(octets)
    assert it.packets == 0
    it.protect(rtp(1))


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "8 octets"),
        (rtcp()[:7], "8 octets"),
        (b"\x00" + rtcp()[1:], "version"),
        (rtcp(ssrc=SSRC ^ 1), "SSRC"),
        (rtcp(bytes((1 << 20) + 4)), "longer"),
    ],
)
def test_refuses_what_is_no_rtcp_of_its_stream(octets: bytes, reason: str) -> None:
    it = sender()
    with pytest.raises(LocalError, match=reason):
        it.protect_rtcp(octets)
    assert it.srtcp_index == 0


def test_takes_octets_only() -> None:
    with pytest.raises(TypeError):
        sender().protect("text")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"ssrc": 1 << 32}, "ssrc"),
        ({"ssrc": -1}, "ssrc"),
        ({"roc": 1 << 32}, "roc"),
        ({"srtcp_index": 1 << 31}, "srtcp_index"),
        ({"lifetime": 0}, "lifetime"),
        ({"lifetime": (1 << 48) + 1}, "lifetime"),
        ({"srtcp_lifetime": (1 << 31) + 1}, "srtcp_lifetime"),
        ({"rekey_margin": -1}, "rekey_margin"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        Sender(CM, [master()], **{"ssrc": SSRC, **options})


@pytest.mark.parametrize("name", POLICIES)
def test_keys_must_have_the_lengths_of_the_policy(name: str) -> None:
    policy = POLICIES[name]
    good = master(policy)
    for bad in (
        MasterKey(Secret(good.key.expose() + b"x"), good.salt),
        MasterKey(good.key, Secret(good.salt.expose()[:-1])),
    ):
        with pytest.raises(LocalError, match="octets"):
            Sender(policy, [bad], ssrc=SSRC)
        with pytest.raises(LocalError, match="octets"):
            Receiver(policy, [bad], ssrc=SSRC)
        with pytest.raises(LocalError, match="octets"):
            Sender(policy, [good], ssrc=SSRC).install([bad])


@pytest.mark.rule("R3830-6.14-4")
def test_keys_that_cannot_be_told_apart() -> None:
    for masters, reason in (
        ([], "no master key"),
        ([master(seed=1), master(seed=2)], "several"),
        ([master(seed=1, mki=b"a"), master(seed=2, mki=b"a")], "same MKI"),
        ([master(seed=1, mki=b"a"), master(seed=2, mki=b"ab")], "one length"),
        ([master(seed=n, mki=bytes([n])) for n in range(17)], "16"),
    ):
        with pytest.raises(LocalError, match=reason):
            Sender(CM, masters, ssrc=SSRC)
        with pytest.raises(LocalError, match=reason):
            Receiver(CM, masters, ssrc=SSRC)


def test_master_key_says_no_secrets_and_checks_itself() -> None:
    key = master(mki=b"\x01")
    assert key.key.expose().hex() not in repr(key)
    assert "Secret of 16" in repr(key)
    assert key == master(mki=b"\x01")
    for bounds in ((-1, None), (None, 1 << 48), (5, 4)):
        with pytest.raises(LocalError, match="48-bit"):
            master(valid_from=bounds[0], valid_to=bounds[1])
    with pytest.raises(LocalError, match="MKI"):
        master(mki=bytes(256))
