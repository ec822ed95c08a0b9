"""Packets to and from pion/srtp: MKIs, AES-256-CM, NULL, a ROC to begin with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mikey.policy import SrtpPolicy
from mikey.srtp import MasterKey, Receiver, Sender
from tests.peers import need_go
from tests.unit.srtp.packets import SSRC, master, reports, stream

pytestmark = pytest.mark.interop

ROC = 0x01020304
MODULE = Path(__file__).parent / "pion"

CASES = pytest.mark.parametrize(
    ("name", "mki"),
    [
        ("AES_CM_128_HMAC_SHA1_80", b""),
        ("AES_CM_128_HMAC_SHA1_80", b"\x01"),
        ("AES_CM_128_HMAC_SHA1_32", b"mki"),
        ("AES_256_CM_HMAC_SHA1_80", b""),
        ("AES_256_CM_HMAC_SHA1_80", bytes(range(128))),
        ("AES_256_CM_HMAC_SHA1_32", b""),
        ("NULL_HMAC_SHA1_80", b""),
        ("NULL_HMAC_SHA1_80", b"\x01\x02"),
        ("AEAD_AES_128_GCM", b""),
        ("AEAD_AES_128_GCM", b"four"),
        ("AEAD_AES_256_GCM", b"\x00"),
    ],
)


def peer(
    direction: str, name: str, key: MasterKey, packets: list[tuple[str, bytes]]
) -> list[bytes]:
    """Run pion over the packets; an error of its own fails the test."""
    secrets = (key.key.expose().hex(), key.salt.expose().hex(), key.mki.hex())
    command = [need_go(MODULE), direction, name, *secrets, str(ROC), f"{SSRC:x}"]
    lines = "".join(f"{kind} {packet.hex()}\n" for kind, packet in packets)
    done = subprocess.run(
        command, input=lines, capture_output=True, text=True, check=True, timeout=60
    )
    return [bytes.fromhex(line) for line in done.stdout.splitlines()]


def plain(name: str) -> list[tuple[str, bytes]]:
    return [("rtp", p) for p in stream(name)] + [("rtcp", p) for p in reports(name)]


@CASES
@pytest.mark.rule("R3830-A.1-2", "R6188-3.1-1")
def test_pion_reads_what_we_send(name: str, mki: bytes) -> None:
    policy = SrtpPolicy.named(name)
    key = master(policy, 1, mki)
    sender = Sender(policy, [key], ssrc=SSRC, roc=ROC)
    packets = plain(name)
    protect = {"rtp": sender.protect, "rtcp": sender.protect_rtcp}
    protected = [(kind, protect[kind](packet)) for kind, packet in packets]
    assert peer("unprotect", name, key, protected) == [packet for _, packet in packets]
    assert sender.roc == ROC + 1


@CASES
def test_we_read_what_pion_sends(name: str, mki: bytes) -> None:
    policy = SrtpPolicy.named(name)
    key = master(policy, 1, mki)
    receiver = Receiver(
        policy, [master(policy, 2, b"\xff" * len(mki)), key] if mki else [key], ssrc=None, roc=ROC
    )
    packets = plain(name)
    open_ = {"rtp": receiver.unprotect, "rtcp": receiver.unprotect_rtcp}
    protected = peer("protect", name, key, packets)
    for (kind, packet), octets in zip(packets, protected, strict=True):
        assert open_[kind](octets) == packet
    assert (receiver.ssrc, receiver.roc, receiver.rejected) == (SSRC, ROC + 1, 0)
