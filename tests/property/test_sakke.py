"""What changes an authentic SAKKE message makes it worthless."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mikey import PeerError
from tests.property.strategies import mutated
from tests.rules.sakke_parties import bob, first, taken


@cache
def honest() -> bytes:
    return first()


@pytest.mark.rule("R6509-2.2.1-3", "R6507-5.2.2-1")
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_changed_message_is_taken(data: st.DataObject) -> None:
    octets = data.draw(mutated(honest()))
    if octets == honest():
        taken(bob(), octets)
        return
    with pytest.raises(PeerError):
        taken(bob(), octets)


@pytest.mark.rule("R6509-2.2.1-4")
def test_no_bit_of_it_may_turn() -> None:
    """One of each octet, the two in front of the signature among them."""
    taken(bob(), honest())
    for at, octet in enumerate(honest()):
        changed = honest()[:at] + bytes([octet ^ 1 << at % 8]) + honest()[at + 1 :]
        with pytest.raises(PeerError):
            taken(bob(), changed)
