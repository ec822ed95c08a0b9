"""Whether the time of SAKKE and ECCSI tells their secrets: Welch's t, as dudect takes it.

Each operation runs with one fixed secret or with a random one, in random turns; both kinds do
the same with the same public input otherwise. Times are the processor's time of this thread.
Slow calls, in which something else happened, are cropped at several percentiles of all times,
and the largest |t| of these is printed. Beyond 4.5 a difference would be certain; what is a true
difference grows with the number of samples, so repeat what is close, with more.

Run at the root of the repository: python -m benchmarks.sakke_timing [--samples N]
"""

from __future__ import annotations

import argparse
import math
import random
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from mikey import _native

LIMIT = 4.5
CROPS = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
WARM_UP = 50
BATCH = 8
IDENTIFIER = b"2011-02\0tel:+447700900123\0"

Call = Callable[[], object]
"""An operation with its input ready."""


class Operations:
    """The operations under test: each takes whether the secret is the fixed one."""

    def __init__(self) -> None:
        self.master = below(128)
        self.z = _native.sakke_public_key(self.master)
        self.sender = _native.SakkePublicKey(self.z)
        rsk = _native.sakke_receiver_key(self.master, IDENTIFIER)
        self.receiver = _native.SakkeReceiverKey(self.z, IDENTIFIER, rsk)
        self.ssv = bytes(16)
        self.data = self.sender.encapsulate(IDENTIFIER, self.ssv)
        self.ksak = below(32)
        kpak = _native.eccsi_public_key(self.ksak)
        pair = _native.eccsi_make_pair(self.ksak, IDENTIFIER, below(32))
        self.signer = _native.EccsiSigningKey(kpak, IDENTIFIER, *pair)
        self.one = (1).to_bytes(128)
        self.one_nonce = (1).to_bytes(32)

    def encapsulate(self, fixed: bool) -> Call:
        """The secret is the SSV, and with it r."""
        ssv = fresh(self.ssv) if fixed else secrets.token_bytes(16)
        return lambda: self.sender.encapsulate(IDENTIFIER, ssv)

    def decapsulate(self, fixed: bool) -> Call:
        """The secret is the SSV in the data, and with it w and r."""
        data = fresh(self.made(fixed))
        return lambda: self.receiver.decapsulate(data)

    def made(self, fixed: bool) -> bytes:
        """Return fixed or random data. Both kinds encapsulate, which leaves the caches alike."""
        other = self.sender.encapsulate(IDENTIFIER, secrets.token_bytes(16))
        return self.data if fixed else other

    def encapsulate_batch(self, fixed: bool) -> Call:
        """The secret is the SSV, and with it the eight r."""
        ssv = fresh(self.ssv) if fixed else secrets.token_bytes(16)
        names = [IDENTIFIER + bytes((lane,)) for lane in range(BATCH)]
        return lambda: self.sender.encapsulate_many(names, ssv)

    def decapsulate_batch(self, fixed: bool) -> Call:
        """The secret is the SSV in all the data, and with it w and r."""
        data = self.made(fixed)
        batch = [fresh(data) for _ in range(BATCH)]
        return lambda: self.receiver.decapsulate_many(batch)

    def make_rsk(self, fixed: bool) -> Call:
        """The secret is the master secret z."""
        master = fresh(self.one) if fixed else below(128)
        return lambda: _native.sakke_receiver_key(master, IDENTIFIER)

    def make_public_key(self, fixed: bool) -> Call:
        """The secret is the master secret z."""
        master = fresh(self.one) if fixed else below(128)
        return lambda: _native.sakke_public_key(master)

    def sign(self, fixed: bool) -> Call:
        """The secret is j."""
        nonce = fresh(self.one_nonce) if fixed else below(32)
        return lambda: self.signer.sign(b"message", nonce)

    def make_pair(self, fixed: bool) -> Call:
        """The secret is v."""
        nonce = fresh(self.one_nonce) if fixed else below(32)
        return lambda: _native.eccsi_make_pair(self.ksak, IDENTIFIER, nonce)


def below(octets: int) -> bytes:
    """Return a random number below the order of either group."""
    return b"\x01" + secrets.token_bytes(octets - 1)


def fresh(octets: bytes) -> bytes:
    """Return the octets in an object of their own, or they alone would stay in the cache."""
    return bytes(bytearray(octets))


def collect(prepare: Callable[[bool], Call], samples: int) -> dict[bool, list[int]]:
    """Return the nanoseconds of calls with the fixed secret and with random ones.

    All inputs are ready before the first call: what makes them would leave other caches behind
    for one kind than for the other.
    """
    kinds = [True] * (samples // 2) + [False] * (samples - samples // 2)
    random.shuffle(kinds)
    calls = [(kind, prepare(kind)) for kind in kinds]
    for _, call in calls[:WARM_UP]:
        call()
    times: dict[bool, list[int]] = {True: [], False: []}
    for kind, call in calls:
        start = time.thread_time_ns()
        call()
        times[kind].append(time.thread_time_ns() - start)
    return times


def welch(one: Sequence[int], other: Sequence[int]) -> float:
    """Return Welch's t of two samples."""
    difference = statistics.fmean(one) - statistics.fmean(other)
    spread = sum(statistics.variance(part) / len(part) for part in (one, other))
    return difference / math.sqrt(spread) if spread else 0.0


def largest(times: dict[bool, list[int]]) -> float:
    """Return the t with the largest size over all crops."""
    everything = sorted(times[True] + times[False])
    results = []
    for crop in CROPS:
        limit = everything[int(crop * len(everything)) - 1]
        one, other = ([ns for ns in times[kind] if ns <= limit] for kind in (True, False))
        if min(len(one), len(other)) > 1:
            results.append(welch(one, other))
    return max(results, key=abs)


def main() -> None:
    """Measure and print; the exit code is 1 if a t is beyond the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--samples", type=int, default=2000, help="calls of each operation")
    samples = parser.parse_args().samples
    if samples < 10:
        parser.error("at least 10 samples")
    operations, beyond = Operations(), False
    print(f"{'operation':18}{'median us':>11}{'t':>8}   of {samples} calls; limit {LIMIT}")
    for name, prepare in (
        ("encapsulate", operations.encapsulate),
        ("decapsulate", operations.decapsulate),
        ("encapsulate 8", operations.encapsulate_batch),
        ("decapsulate 8", operations.decapsulate_batch),
        ("make RSK", operations.make_rsk),
        ("make public key", operations.make_public_key),
        ("ECCSI sign", operations.sign),
        ("ECCSI make pair", operations.make_pair),
    ):
        times = collect(prepare, samples)
        t = largest(times)
        beyond |= abs(t) > LIMIT
        median = statistics.median(times[True] + times[False]) / 1000
        print(f"{name:18}{median:11.1f}{t:+8.2f}")
    sys.exit(1 if beyond else 0)


if __name__ == "__main__":
    main()
