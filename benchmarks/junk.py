"""What ten thousand messages of every kind of junk cost a Responder in public-key operations.

Counted are checks of a chain, of a signature and of a CRL, uses of our private key,
exponentiations, envelopes that we make, and pairings. Claims: nothing for what is malformed, stale,
replayed, for another IDr, from an issuer unknown by name or (DHHMAC) with a wrong MAC; for what
is plausible in all this at most one chain and one signature check a message; never a private key,
an exponentiation or a pairing. The Responder has a certificate, a pre-shared key and keys of a
KMS, and has taken one honest message of each method before. The times are for information.

The messages are those of tests/rules/test_junk.py.

Run at the root of the repository: python -m benchmarks.junk [--messages N]
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import islice

from tests.rules import junk

COLUMNS = ("chain", "signature", "crl", "private key", "exponentiation", "envelope", "pairing")


def main() -> None:
    """Count and print; the exit code is 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=10_000, help="of each kind")
    amount = parser.parse_args().messages
    holds = True
    print(f"{amount} messages of each kind", *COLUMNS, "us each", sep="  ")
    for method in junk.METHODS:
        sender = junk.Sender(method)
        for kind in sender.kinds():
            bob = junk.Counted()
            if not bob.take(sender.replayed):
                raise SystemExit("the honest message was refused")
            accepted, spent = 0, 0
            messages = islice(sender.junk(kind), amount)
            with bob.counting() as operations:
                for octets in messages:
                    start = time.perf_counter_ns()
                    accepted += bob.take(octets)
                    spent += time.perf_counter_ns() - start
            cells = [f"{operations[name]:>{len(name)}}" for name in COLUMNS]
            name = f"{method.value} {kind}".ljust(len(f"{amount} messages of each kind"))
            print(name, *cells, f"{spent / amount / 1000:7.1f}", sep="  ")
            allowed = 0 if kind in junk.FREE else amount
            holds &= accepted == 0
            holds &= max(operations["chain"], operations["signature"]) <= allowed
            holds &= set(operations) <= {"chain", "signature"}
    print("every claim holds" if holds else "A CLAIM DOES NOT HOLD")
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
