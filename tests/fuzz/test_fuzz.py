"""Damaged input of every kind: at least 10 000 a target in CI, a few hundred otherwise."""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import corpus
from tests.fuzz.mutations import mutate
from tests.fuzz.targets import Target, targets

TARGETS = targets()
ROUNDS = 10_000 if os.environ.get("CI") else 400


def run(target: Target, octets: bytes, seed: str) -> None:
    """Run a target; a failure shows the input and how it came about."""
    try:
        target(octets)
    except Exception as error:
        raise AssertionError(f"{seed}: {octets.hex()}: {type(error).__name__}: {error}") from error


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.rule("R3830-6.1-3", "R3830-6.1-4", "R3830-5.3-5", "R3830-6-6")
def test_mutations(name: str) -> None:
    target, seeds = TARGETS[name]
    for number, octets in enumerate(seeds):
        run(target, octets, f"{name} seed {number}")
    for number in range(ROUNDS):
        random = Random(f"{name} {number}")
        octets = mutate(random, random.choice(seeds), seeds)
        run(target, octets, f"{name} {number}")


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_edits_that_can_be_shrunk(name: str, data: st.DataObject) -> None:
    target, seeds = TARGETS[name]
    octets = bytearray(data.draw(st.one_of(st.sampled_from(seeds), st.binary(max_size=64))))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(octets)))
        gone = data.draw(st.sampled_from((0, 1, 2, 4, 64)))
        octets[at : at + gone] = data.draw(st.binary(max_size=8))
    run(target, bytes(octets), name)


@pytest.mark.parametrize("name", corpus.messages())
def test_every_message_of_the_corpus_on_every_target(name: str) -> None:
    for target, _ in TARGETS.values():
        run(target, corpus.messages()[name], name)
