"""Whole exchanges of the public-key methods against their bare public-key operations.

An exchange: an I_MESSAGE is made, received, accepted, its response taken; both sides have master
keys of two crypto sessions. The bound: the same RSA-2048 operations called in `cryptography`, and
the same exponentiations called in the native core, with nothing around them (benchmarks/modp.py
holds the core against OpenSSL). Both in turns, in processor time of the same run. The objects of
both sides exist before, as in a server, and the peer's chain was verified; what a chain costs
that was not is on a line of its own.

Claims: an exchange, both sides together, takes at most 300 us more than its bound; two threads do
1.4 times the exchanges of one, by the clock. In brackets the overhead between the fastest tenths:
what it is where nothing else disturbs the caches. The last line says what two threads get from
this machine at all: SHA-256 over large buffers, which runs beside Python's lock.

Run at the root of the repository: python -m benchmarks.methods [--runs N] [--profile METHOD]
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import itertools
import os
import pstats
import secrets
import statistics
import sys
import threading
import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from tests import pki

import mikey
from mikey import Certified, Initiator, Method, Psk, Responder, Secret, SoftwareKey, Trust, _native

CLAIMED_OVERHEAD = 300.0
CLAIMED_SCALING = 1.4
METHODS = (Method.PKE, Method.DH_SIGN, Method.DHHMAC, Method.RSA_R)
ALICE, BOB = "sip:alice@example.org", "sip:bob@example.org"
CONTEXT = mikey.Context(protocols=("mikey",))
STREAMS = (mikey.Stream(0xDEADBEEF), mikey.Stream())
GROUP = 0  # OAKLEY 5, 1536 bits

Work = Callable[[], None]

ROOT = pki.authority("root", key=pki.rsa_key("root"))
MIDDLE = pki.authority("intermediate", ROOT, key=pki.rsa_key("intermediate"))
LEAVES = {who: pki.issue(MIDDLE, who, uris=[who]) for who in (ALICE, BOB)}


def certified(me: str, peer: str) -> Certified:
    """Return a credential with an RSA key of 2048 bits, below an intermediate authority."""
    return Certified(
        key=SoftwareKey(LEAVES[me].rsa),
        chain=[LEAVES[me].der, MIDDLE.der],
        identity=me,
        peer=peer,
        trust=Trust([ROOT.der], intermediates=[MIDDLE.der]),
        peer_certificate=LEAVES[peer].der,
    )


def make_exchange(method: Method) -> Work:
    """Return a function that runs one exchange and checks that both sides have the same keys."""
    now = itertools.count(pki.NOW, 1_000_000)
    clock = mikey.Clock(lambda: next(now))
    key = Secret(bytes(range(16)))
    credential: Certified | Psk = Psk(key, ALICE, BOB)
    if method is not Method.DHHMAC:
        credential = certified(ALICE, BOB)
    responder = Responder(
        [certified(BOB, ALICE), Psk(key, BOB, ALICE)],
        clock=clock,
        replay=mikey.ReplayCache(capacity=1_000_000),
    )
    initiator = Initiator(credential, method=method, clock=clock)

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

    exchange()  # verifies the chains
    return exchange


def make_bound(method: Method) -> Work:
    """Return a function that does the public-key operations of one exchange and nothing else."""
    key = LEAVES[ALICE].rsa
    public = key.public_key()
    padding, sha1 = PKCS1v15(), hashes.SHA1()
    octets = bytes(2500)
    signature = key.sign(octets, padding, sha1)
    sealed = public.encrypt(bytes(32), padding)
    peer = _native.modp_generate(GROUP, secrets.token_bytes(32))
    exponent = secrets.token_bytes(32)

    def sign() -> None:
        key.sign(octets, padding, sha1)
        public.verify(signature, octets, padding, sha1)

    def seal() -> None:
        public.encrypt(bytes(32), padding)
        key.decrypt(sealed, padding)

    def agree() -> None:
        for _ in range(2):
            _native.modp_generate(GROUP, exponent)
            _native.modp_power(GROUP, peer, exponent)

    parts: dict[Method, tuple[Work, ...]] = {
        Method.PKE: (sign, seal),
        Method.DH_SIGN: (sign, sign, agree),
        Method.DHHMAC: (agree,),
        Method.RSA_R: (sign, sign, seal),
    }
    chosen = parts[method]

    def bound() -> None:
        for part in chosen:
            part()

    return bound


def sample(runs: int, *calls: Work) -> list[list[float]]:
    """Return the microseconds of processor time of each call, sorted; the calls take turns."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(runs):
        for call, times in zip(calls, taken, strict=True):
            start = time.process_time_ns()
            call()
            times.append((time.process_time_ns() - start) / 1000)
    return [sorted(times) for times in taken]


def scaling(works: tuple[Work, Work], batch: int, rounds: int) -> float:
    """Return how many times the work of one thread two threads do in the same time."""

    def many(work: Work) -> None:
        for _ in range(batch):
            work()

    def clocked(*some: Work) -> float:
        threads = [threading.Thread(target=many, args=[work]) for work in some]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - start

    pairs = [(clocked(works[0]), clocked(*works)) for _ in range(rounds)]
    return 2 * min(one for one, _ in pairs) / min(two for _, two in pairs)


def cold_chain(runs: int) -> float:
    """Return the microseconds that a chain of three RSA certificates takes when it is new."""
    trust = Trust([ROOT.der])
    chain = [LEAVES[BOB].der, MIDDLE.der]

    def verify() -> None:
        trust.replace_crls(())  # forgets the chains that were verified
        trust.verify(chain, now=pki.NOW, identity=BOB)

    return statistics.median(sample(runs, verify)[0])


def _hash(octets: bytes) -> None:
    hashlib.sha256(octets).digest()


def main() -> None:
    """Measure and print; the exit code is 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--profile", type=Method, choices=METHODS)
    options = parser.parse_args()
    if options.profile:
        exchange = make_exchange(options.profile)
        with cProfile.Profile() as profile:
            for _ in range(options.runs):
                exchange()
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
        return
    holds = True
    print(f"RSA-2048, DH of 1536 bits; median us of {options.runs} exchanges, both sides")
    heads = {
        "exchange": 18,
        "bare": 9,
        "ratio": 7,
        "overhead": 10,
        "(quiet)": 10,
        "two threads": 13,
    }
    print("".join(name.rjust(width) for name, width in heads.items()))
    for method in METHODS:
        exchange = make_exchange(method)
        times = sample(options.runs, exchange, make_bound(method))
        ours, bare = map(statistics.median, times)
        quiet = times[0][options.runs // 10] - times[1][options.runs // 10]
        factor = scaling((exchange, make_exchange(method)), options.runs // 2, 5)
        print(
            f"{method.value:9}{ours:9.1f}{bare:9.1f}{ours / bare:7.2f}{ours - bare:10.1f}"
            f"{quiet:10.1f}{factor:12.2f}x"
        )
        holds &= ours - bare <= CLAIMED_OVERHEAD and factor >= CLAIMED_SCALING
    print(
        f"a chain that is not known yet (3 certificates, RSA-2048): {cold_chain(options.runs):.1f}"
    )
    print(f"claims: overhead at most {CLAIMED_OVERHEAD:.0f} us, two threads at least ", end="")
    print(f"{CLAIMED_SCALING}x of one, on {os.cpu_count()} processors")
    hashed = bytes(1 << 18)
    ceiling = scaling((lambda: _hash(hashed), lambda: _hash(hashed)), 200, 5)
    print(f"two threads of SHA-256 on this machine: {ceiling:.2f}x of one")
    print("every claim holds" if holds else "A CLAIM DOES NOT HOLD")
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
