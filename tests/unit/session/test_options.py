"""What an Initiator is made with, where it is of the wrong kind."""

from __future__ import annotations

import pytest

from mikey import Initiator, LocalError, Method, Psk, Secret, SrtpPolicy

KEY = Psk(Secret(bytes(range(16))), "sip:alice@example.org", "sip:bob@example.org")


@pytest.mark.parametrize("name", [method.value for method in Method])
def test_the_name_of_a_method_is_no_method(name: str) -> None:
    """A name would pass for no word about the method, and the key then mean PSK."""
    with pytest.raises(LocalError, match="a method is a Method"):
        Initiator(KEY, method=name)  # type: ignore[arg-type]


def test_the_name_of_a_policy_is_no_policy() -> None:
    for name in SrtpPolicy.presets():
        with pytest.raises(LocalError, match="named"):
            Initiator(KEY, policies=(name,))  # type: ignore[arg-type]
