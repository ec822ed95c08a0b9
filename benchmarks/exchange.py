"""A whole PSK exchange with its keys, against the bare cryptography that it cannot do without.

The exchange: an I_MESSAGE is made, received, accepted, its response taken, and both sides derive
master key and salt of two crypto sessions. The lower bound is the same HMAC and AES calls with
ready keys and data, done by the `hmac` module and `cryptography`: 14 derivations of two HMACs
each, four MACs, AES-CM twice. The objects of both sides and their credentials exist before, as
in a server; the replay cache works.

Run: python benchmarks/exchange.py [--profile]
"""

from __future__ import annotations

import cProfile
import hmac
import itertools
import pstats
import statistics
import sys
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import mikey

LOOPS = 20
RUNS = 51
TARGET = 250.0

ALICE, BOB = "sip:alice@example.com", "sip:bob@example.com"
CONTEXT = mikey.Context(protocols=("mikey",))
STREAMS = (mikey.Stream(0xDEADBEEF), mikey.Stream())


def make_exchange() -> Callable[[], None]:
    """Return a function that runs one exchange and checks that both sides have the same keys."""
    key = mikey.Secret(bytes(range(16)))
    replay = mikey.ReplayCache(capacity=1_000_000)
    responder = mikey.Responder([mikey.Psk(key, BOB, ALICE)], replay=replay)
    initiator = mikey.Initiator(mikey.Psk(key, ALICE, BOB))

    def exchange() -> None:
        first = initiator.start(STREAMS, context=CONTEXT)
        offer = mikey.drive(responder.receive(first, context=CONTEXT))
        answer, theirs = offer.accept({2: 0xCAFEBABE})
        if answer is None:
            raise SystemExit("no answer")
        ours = mikey.drive(initiator.receive(answer, context=CONTEXT))
        if ours.crypto_sessions != theirs.crypto_sessions:
            raise SystemExit("the two sides have different keys")
        initiator.close(ours)
        responder.close(theirs)

    return exchange


def make_bound() -> Callable[[], None]:
    """Return a function that does the cryptography of one exchange and nothing else."""
    auth_key, encr_key, iv = bytes(20), bytes(16), bytes(16)
    a, label = bytes(20), bytes(25)
    key_data, first, response = bytes(20), bytes(173), bytes(110)

    def bound() -> None:
        for _ in range(14):
            hmac.digest(encr_key, label, "sha1")
            hmac.digest(encr_key, a + label, "sha1")
        for octets in (first, first, response, response):
            hmac.digest(auth_key, octets, "sha1")
        for _ in range(2):
            Cipher(algorithms.AES(encr_key), modes.CTR(iv)).encryptor().update(key_data)

    return bound


def measure(*calls: Callable[[], None]) -> list[float]:
    """Return the median microseconds of processor time of each call; the calls take turns."""
    runs: list[list[float]] = []
    for _ in range(RUNS):
        marks = [time.process_time_ns()]
        for call in calls:
            for _ in range(LOOPS):
                call()
            marks.append(time.process_time_ns())
        runs.append([(end - start) / LOOPS / 1e3 for start, end in itertools.pairwise(marks)])
    return [statistics.median(times) for times in zip(*runs, strict=True)]


def main() -> None:
    """Measure and print."""
    exchange, bound = make_exchange(), make_bound()
    if sys.argv[1:] == ["--profile"]:
        with cProfile.Profile() as profile:
            for _ in range(LOOPS * RUNS):
                exchange()
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
        return
    exchange_us, bound_us = measure(exchange, bound)
    print(f"PSK exchange with keys for two crypto sessions, median of {RUNS} runs, one core")
    print(
        f"exchange {exchange_us:8.1f} us  {exchange_us / bound_us:5.2f} x"
        f"  bare HMAC and AES ({bound_us:.1f} us)   target {TARGET:.0f} us"
    )


if __name__ == "__main__":
    main()
