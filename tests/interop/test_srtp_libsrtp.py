"""Packets to and from libsrtp, in the four profiles its binding knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mikey.policy import SrtpPolicy
from mikey.srtp import Receiver, Sender
from tests.peers import missing
from tests.unit.srtp.packets import SSRC, master, reports, stream

if TYPE_CHECKING:
    import pylibsrtp
else:
    try:
        import pylibsrtp
    except ImportError:
        pylibsrtp = None

pytestmark = pytest.mark.interop

PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": "SRTP_PROFILE_AES128_CM_SHA1_80",
    "AES_CM_128_HMAC_SHA1_32": "SRTP_PROFILE_AES128_CM_SHA1_32",
    "AEAD_AES_128_GCM": "SRTP_PROFILE_AEAD_AES_128_GCM",
    "AEAD_AES_256_GCM": "SRTP_PROFILE_AEAD_AES_256_GCM",
}
NAMES = pytest.mark.parametrize("name", PROFILES)


def session(name: str, *, inbound: bool) -> pylibsrtp.Session:
    if pylibsrtp is None:
        missing("pylibsrtp is not installed")
    key = master(SrtpPolicy.named(name))
    policy = pylibsrtp.Policy(
        key=key.key.expose() + key.salt.expose(),
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND
        if inbound
        else pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=getattr(pylibsrtp.Policy, PROFILES[name]),
    )
    return pylibsrtp.Session(policy)


@NAMES
@pytest.mark.rule("R3711-4.3.1-1", "R7714-12-1")
def test_libsrtp_reads_our_srtp(name: str) -> None:
    policy = SrtpPolicy.named(name)
    ours, theirs = Sender(policy, [master(policy)], ssrc=SSRC), session(name, inbound=True)
    for packet in stream(name):
        assert theirs.unprotect(ours.protect(packet)) == packet
    assert ours.roc == 1


@NAMES
def test_libsrtp_writes_what_we_write(name: str) -> None:
    policy = SrtpPolicy.named(name)
    ours, theirs = Sender(policy, [master(policy)], ssrc=SSRC), session(name, inbound=False)
    receiver = Receiver(policy, [master(policy)], ssrc=None)
    for packet in stream(name):
        protected = theirs.protect(packet)
        assert protected == ours.protect(packet)
        assert receiver.unprotect(protected) == packet
    assert (receiver.ssrc, receiver.roc) == (SSRC, 1)


@NAMES
@pytest.mark.rule("R3711-4.3.2-1", "R3711-5.2-1")
def test_libsrtp_reads_our_srtcp(name: str) -> None:
    """The _32 profile too: its SRTCP tag has 80 bits all the same."""
    policy = SrtpPolicy.named(name)
    ours, theirs = Sender(policy, [master(policy)], ssrc=SSRC), session(name, inbound=True)
    for packet in reports(name):
        assert theirs.unprotect_rtcp(ours.protect_rtcp(packet)) == packet


@NAMES
@pytest.mark.rule("R3711-4.3.2-1", "R3711-5.2-1")
def test_libsrtp_writes_the_srtcp_we_write(name: str) -> None:
    policy = SrtpPolicy.named(name)
    # libsrtp counts the index up before the first packet, RFC 3711 3.4 after it.
    ours = Sender(policy, [master(policy)], ssrc=SSRC, srtcp_index=1)
    theirs = session(name, inbound=False)
    receiver = Receiver(policy, [master(policy)], ssrc=None)
    for packet in reports(name):
        protected = theirs.protect_rtcp(packet)
        assert protected == ours.protect_rtcp(packet)
        assert receiver.unprotect_rtcp(protected) == packet
