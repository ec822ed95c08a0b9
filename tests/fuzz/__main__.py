"""Fuzz for as long as you like: python -m tests.fuzz [--seconds N] [--seed TEXT] [TARGET ...]

What breaks is printed as hexadecimal; add it to corpus/messages.txt with the fix.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from random import Random

from tests.fuzz.mutations import mutate
from tests.fuzz.targets import targets


def main() -> int:
    """Run the targets in turn; 1 if something broke."""
    everything = targets()
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=20, help="for each target")
    parser.add_argument("--seed", default=str(time.time_ns()))
    parser.add_argument("target", nargs="*", choices=[*everything, []], default=[])
    options = parser.parse_args()
    broken = 0
    for name in options.target or everything:
        target, seeds = everything[name]
        until = time.monotonic() + options.seconds
        number = 0
        for number in itertools.count():
            if time.monotonic() >= until:
                break
            random = Random(f"{options.seed} {number}")
            octets = mutate(random, random.choice(seeds), seeds)
            try:
                target(octets)
            except Exception as error:
                broken += 1
                print(f"{name} {options.seed} {number}: {type(error).__name__}: {error}")
                print(octets.hex())
        print(f"{name}: {number} inputs")
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
