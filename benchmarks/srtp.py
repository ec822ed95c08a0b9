"""SRTP packets per second against libsrtp (pylibsrtp), and the memory of a context.

Claim: protect and unprotect are at least 1.5 times as fast as libsrtp's, on one core, for
AES-CM-128 with HMAC-SHA1-80 and for AES-GCM-128, at 160 and 1200 octets of payload, with all that
a call from Python costs; and a context takes at most 4 KiB. Both sides get the same packets in
turns, batch by batch, so that a busy machine slows both; the medians count.
"""

from __future__ import annotations

import argparse
import secrets
import statistics
import struct
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pylibsrtp

from mikey.policy import SrtpPolicy
from mikey.secret import Secret
from mikey.srtp import MasterKey, Receiver, Sender

SSRC = 0x1234ABCD
BATCH = 200
CLAIMED_RATIO = 1.5
CLAIMED_MEMORY = 4096
PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AEAD_AES_128_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
}

Packets = Sequence[bytes]
Transform = Callable[[bytes], bytes]


@dataclass
class Side:
    """One implementation at work: what it does, and the nanoseconds a packet took, by batch."""

    protect: Transform
    unprotect: Transform
    protecting: list[float] = field(default_factory=list)
    unprotecting: list[float] = field(default_factory=list)

    def run(self, packets: Packets, protected: Packets) -> None:
        """Protect a batch, and take in the same batch as another sender protected it."""
        self.protecting.append(_timed(self.protect, packets))
        self.unprotecting.append(_timed(self.unprotect, protected))


def _timed(transform: Transform, packets: Packets) -> float:
    """Return nanoseconds per packet; like on a socket, each result is gone before the next."""
    start = time.perf_counter_ns()
    for packet in packets:
        transform(packet)
    return (time.perf_counter_ns() - start) / len(packets)


def ours(policy: SrtpPolicy, key: MasterKey) -> tuple[Side, int]:
    """Return our side, and the octets of the larger context, all its keys derived."""
    sender = Sender(policy, [key], ssrc=SSRC)
    receiver = Receiver(policy, [key], ssrc=SSRC)
    report = struct.pack("!BBHI", 0x80, 201, 1, SSRC)
    receiver.unprotect_rtcp(sender.protect_rtcp(report))
    receiver.unprotect(sender.protect(_packet(0, 0)))
    memory = max(sys.getsizeof(sender), sys.getsizeof(receiver))
    return Side(sender.protect, receiver.unprotect), memory


def theirs(name: str, key: MasterKey) -> Side:
    """Return libsrtp's side."""

    def session(ssrc_type: int) -> pylibsrtp.Session:
        secret = key.key.expose() + key.salt.expose()
        return pylibsrtp.Session(
            pylibsrtp.Policy(key=secret, ssrc_type=ssrc_type, srtp_profile=PROFILES[name])
        )

    sending = session(pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    receiving = session(pylibsrtp.Policy.SSRC_ANY_INBOUND)
    return Side(sending.protect, receiving.unprotect)


def _packet(seq: int, octets: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, seq, 160 * seq & 0xFFFFFFFF, SSRC) + bytes(octets)


def compare(name: str, octets: int, batches: int) -> tuple[list[float], int]:
    """Print a row per direction; return the ratios and the octets of a context."""
    policy = SrtpPolicy.named(name)
    key = MasterKey(
        Secret(secrets.token_bytes(policy.key_length)),
        Secret(secrets.token_bytes(policy.master_salt_length)),
    )
    us, memory = ours(policy, key)
    them = theirs(name, key)
    prepare = Sender(policy, [key], ssrc=SSRC).protect
    for batch in range(batches):
        first = 1 + batch * BATCH
        packets = [_packet((first + n) & 0xFFFF, octets) for n in range(BATCH)]
        protected = [prepare(packet) for packet in packets]
        us.run(packets, protected)
        them.run(packets, protected)
    last = _packet((1 + batches * BATCH) & 0xFFFF, octets)
    if us.unprotect(them.protect(last)) != last:
        raise SystemExit("a packet did not come back as it was")
    ratios = []
    for what, mine, other in (
        ("protect", us.protecting, them.protecting),
        ("unprotect", us.unprotecting, them.unprotecting),
    ):
        rates = [1e9 / statistics.median(times) for times in (mine, other)]
        ratios.append(rates[0] / rates[1])
        print(
            f"{name:24} {octets:5} {what:10} {rates[0]:12,.0f} {rates[1]:12,.0f} {ratios[-1]:7.2f}"
        )
    return ratios, memory


def main() -> None:
    """Run the comparison; the exit code is 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--batches", type=int, default=100, help=f"batches of {BATCH} packets")
    batches = parser.parse_args().batches
    print(f"{'policy':24} {'octets':>5} {'':10} {'mikey/s':>12} {'libsrtp/s':>12} {'ratio':>7}")
    ratios: list[float] = []
    memory = 0
    for name in PROFILES:
        for octets in (160, 1200):
            more, size = compare(name, octets, batches)
            ratios += more
            memory = max(memory, size)
    largest = max(memory, *(context_size(name) for name in SrtpPolicy.presets()))
    print(f"smallest ratio {min(ratios):.2f} (claim: {CLAIMED_RATIO})")
    print(f"largest context {largest} octets (claim: {CLAIMED_MEMORY})")
    sys.exit(0 if min(ratios) >= CLAIMED_RATIO and largest <= CLAIMED_MEMORY else 1)


def context_size(name: str) -> int:
    """Return the octets of the larger context of a policy."""
    policy = SrtpPolicy.named(name)
    key = MasterKey(Secret(bytes(policy.key_length)), Secret(bytes(policy.master_salt_length)))
    return ours(policy, key)[1]


if __name__ == "__main__":
    main()
