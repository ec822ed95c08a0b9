"""Diffie-Hellman in the native core against `cryptography`, and two threads against one.

Claims: in the group of 1536 bits a shared secret takes at most 1.5 times what `cryptography`'s
deprecated `dh` (OpenSSL) takes for an exponent of the same 256 bits, range check and all; two
threads do at least 1.8 times the work of one. Both sides run in turns, so that a busy machine
slows both, and the medians count. OpenSSL makes its own keys of about 200 bits in this group.

Printed besides: Welch's t between the times of one fixed and of random exponents, without the
slowest tenth. Beyond 4.5 the time would tell something about the exponent.

Run: python benchmarks/modp.py [--runs N]
"""

from __future__ import annotations

import argparse
import math
import random
import secrets
import statistics
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric import dh as other

from mikey.crypto import dh
from mikey.registry import DhGroup
from mikey.secret import Secret

CLAIMED_RATIO = 1.5
CLAIMED_SCALING = 1.8
BATCH = 100
ROUNDS = 9

Work = Callable[[], object]


def timed(work: Work) -> float:
    """Return the microseconds of one call."""
    start = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - start) / 1000


def peers(group: DhGroup) -> tuple[Work, Work, Work, Work]:
    """Return our and their shared secret, with one exponent, and our and their key pair."""
    modulus, octets = dh.GROUPS[group]
    # The highest bit set, so that nobody's exponent is shorter.
    exponent = Secret((secrets.randbits(256) | 1 << 255).to_bytes(dh.EXPONENT_OCTETS))
    _, peer = dh.make_keypair(group, secrets.token_bytes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        numbers = other.DHParameterNumbers(modulus, dh.GENERATOR)
        x = int.from_bytes(exponent.expose())
        public = other.DHPublicNumbers(pow(dh.GENERATOR, x, modulus), numbers)
        key = other.DHPrivateNumbers(x, public).private_key()
        theirs = other.DHPublicNumbers(int.from_bytes(peer), numbers).public_key()
        parameters = numbers.parameters()
    if key.exchange(theirs).rjust(octets, b"\0") != dh.shared(group, exponent, peer).expose():
        raise SystemExit("the two shared secrets differ")
    return (
        lambda: dh.shared(group, exponent, peer),
        lambda: key.exchange(theirs),
        lambda: dh.make_keypair(group, secrets.token_bytes),
        parameters.generate_private_key,
    )


def compare(name: str, ours: Work, theirs: Work, runs: int) -> float:
    """Print the medians of two calls made in turns; return how many times theirs ours takes."""
    pairs = [(timed(ours), timed(theirs)) for _ in range(runs)]
    mine = statistics.median(pair[0] for pair in pairs)
    other_one = statistics.median(pair[1] for pair in pairs)
    print(f"{name:24} {mine:9.1f} {other_one:12.1f} {mine / other_one:7.2f}")
    return mine / other_one


def scaling(work: Work) -> float:
    """Return the work of two threads in the time one takes for its own, the best of rounds."""

    def batch() -> None:
        for _ in range(BATCH):
            work()

    def both() -> None:
        threads = [threading.Thread(target=batch) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    rounds = [(timed(batch), timed(both)) for _ in range(ROUNDS)]
    one, two = min(pair[0] for pair in rounds), min(pair[1] for pair in rounds)
    return 2 * one / two


def welch(work: Callable[[bytes], object], runs: int) -> float:
    """Return Welch's t between the times for an exponent of 1 and for random ones."""
    fixed = (1).to_bytes(dh.EXPONENT_OCTETS)
    exponents = [fixed] * runs + [secrets.token_bytes(dh.EXPONENT_OCTETS) for _ in range(runs)]
    # Each in an object of its own, or the one that is used again would stay in the cache.
    samples = [(i < runs, bytes(bytearray(octets))) for i, octets in enumerate(exponents)]
    random.shuffle(samples)
    times: dict[bool, list[float]] = {True: [], False: []}
    for kind, octets in samples:
        start = time.perf_counter_ns()
        work(octets)
        times[kind].append((time.perf_counter_ns() - start) / 1000)
    limit = sorted(times[True] + times[False])[2 * runs * 9 // 10]
    one, two = (_moments([t for t in part if t < limit]) for part in times.values())
    return (one[0] - two[0]) / math.sqrt(one[1] + two[1])


def _moments(times: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the variance of the mean."""
    return statistics.fmean(times), statistics.variance(times) / len(times)


def main() -> None:
    """Run the comparison; the exit code is 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=500, help="calls of each kind")
    runs = parser.parse_args().runs
    print(f"{'microseconds':24} {'mikey':>9} {'cryptography':>12} {'ratio':>7}")
    ratios = {}
    for group in DhGroup:
        ours, theirs, our_pair, their_pair = peers(group)
        ratios[group] = compare(f"{group.name} shared secret", ours, theirs, runs)
        compare(f"{group.name} key pair", our_pair, their_pair, runs)
    group = DhGroup.OAKLEY_5
    ratio = ratios[group]
    ours, _, our_pair, _ = peers(group)
    factors = [scaling(ours), scaling(our_pair)]
    print(f"two threads: {factors[0]:.2f} shared secret, {factors[1]:.2f} key pair")
    _, peer = dh.make_keypair(group, secrets.token_bytes)
    for name, work in (
        ("shared secret", lambda octets: dh.shared(group, Secret(octets), peer)),
        ("key pair", lambda octets: dh.make_keypair(group, lambda _: octets)),
    ):
        print(f"Welch's t of {2 * runs} calls: {welch(work, runs):+.2f} {name}")
    print(f"ratio {ratio:.2f} (claim: {CLAIMED_RATIO}), ", end="")
    print(f"smallest scaling {min(factors):.2f} (claim: {CLAIMED_SCALING})")
    sys.exit(0 if ratio <= CLAIMED_RATIO and min(factors) >= CLAIMED_SCALING else 1)


if __name__ == "__main__":
    main()
