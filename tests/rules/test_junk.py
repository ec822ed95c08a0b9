"""What messages cost that nobody has to mean: cheap checks come before public-key work.

`python -m benchmarks.junk` counts the same for ten thousand messages.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from mikey import Method
from tests.rules import junk

MESSAGES = 200
CASES = [(method, kind) for method in junk.METHODS for kind in junk.Sender(method).kinds()]


def cost(method: Method, kind: str) -> Counter[str]:
    """Send junk of a kind to Bob, who took one honest message before."""
    sender, bob = junk.Sender(method), junk.Counted()
    assert bob.take(sender.replayed)
    messages = islice(sender.junk(kind), MESSAGES)
    with bob.counting() as operations:
        for octets in messages:
            assert not bob.take(octets)
    return operations


@pytest.mark.parametrize(("method", "kind"), CASES)
@pytest.mark.rule("R3830-5.3-1", "R3830-9.5-2", "R6509-2.2.2-1")
def test_junk(method: Method, kind: str) -> None:
    operations = cost(method, kind)
    if kind in junk.FREE:
        assert not operations
    assert operations["chain"] <= MESSAGES
    assert operations["signature"] <= MESSAGES
    assert set(operations) <= {"chain", "signature"}


@pytest.mark.parametrize("method", junk.METHODS)
def test_the_counters_see_an_honest_exchange(method: Method) -> None:
    """Otherwise zero would mean nothing."""
    sender, bob = junk.Sender(method), junk.Counted()
    with bob.counting() as operations:
        assert bob.take(sender.replayed)
    expected = {
        Method.PKE: {"chain": 1, "signature": 1, "private key": 1},
        Method.DH_SIGN: {"chain": 1, "signature": 1, "private key": 1, "exponentiation": 2},
        Method.RSA_R: {"chain": 1, "signature": 1, "private key": 1, "envelope": 1},
        Method.DHHMAC: {"exponentiation": 2},
        Method.SAKKE: {"signature": 1, "pairing": 1},
    }
    assert operations == expected[method]


@pytest.mark.parametrize("method", junk.SIGNED)
def test_a_chain_is_checked_once_however_often_it_comes(method: Method) -> None:
    """A known certificate and a wrong signature: one signature check each, and no chain."""
    assert cost(method, "wrong signature") == {"signature": MESSAGES}


@pytest.mark.parametrize("method", junk.SIGNED)
def test_an_untrusted_key_verifies_nothing(method: Method) -> None:
    """The name of our authority on a certificate that it did not make."""
    assert cost(method, "wrong issuer") == {"chain": MESSAGES}


@pytest.mark.parametrize("method", junk.SIGNED)
def test_certificates_of_nobody_known_are_not_tried(method: Method) -> None:
    """Several that could be meant, none of an issuer whom we know: no key is tried on SIGN."""
    sender, bob = junk.Sender(method), junk.Counted()
    octets = next(sender.junk("unknown issuer"))
    with bob.counting() as operations:
        crowded = junk.with_certificates(octets, more=junk.mallorys(4, "mallory"))
        assert not bob.take(crowded)
    assert not operations


@pytest.mark.parametrize("method", junk.SIGNED)
def test_a_key_that_was_tried_is_not_tried_again(method: Method) -> None:
    """Alice's own message, with another certificate in front that could be hers by its names."""
    sender, bob = junk.Sender(method), junk.Counted()
    crowded = junk.with_certificates(sender.replayed, more=junk.mallorys(1, "root"))
    with bob.counting() as operations:
        assert bob.take(junk.signed_by_alice(crowded))
    assert (operations["chain"], operations["signature"]) == (1, 2)


@pytest.mark.parametrize("method", junk.SIGNED)
def test_the_trials_of_several_certificates_are_bounded(method: Method) -> None:
    """Where names leave several, their keys are tried on the signature: two of them at most."""
    sender, bob = junk.Sender(method), junk.Counted()
    octets = next(sender.junk("wrong issuer"))
    with bob.counting() as operations:
        crowded = junk.with_certificates(octets, more=junk.mallorys(4, "root"))
        assert not bob.take(crowded)
    assert operations["chain"] <= 1
    assert operations["signature"] <= 2
    assert set(operations) <= {"chain", "signature"}
