"""A Secret shows its octets to nobody but who asks for them."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle

import pytest

from mikey import Psk
from mikey.secret import Secret

OCTETS = b"sixteen letters!"


@pytest.mark.parametrize(
    "text",
    [
        repr(Secret(OCTETS)),
        str(Secret(OCTETS)),
        f"{Secret(OCTETS)}",
        f"{Secret(OCTETS)!r:>50}",
        f"{[Secret(OCTETS)]}",
        repr(Psk(Secret(OCTETS), "a@x", "b@x")),
        ascii({"key": Secret(OCTETS)}),
        logging.LogRecord(
            "", 0, "", 0, "%s %r", (Secret(OCTETS), Secret(OCTETS)), None
        ).getMessage(),
    ],
)
def test_no_text_has_the_octets(text: str) -> None:
    assert "<Secret of 16 octets>" in text
    assert "letters" not in text
    assert OCTETS.hex() not in text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle(protocol: int) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(OCTETS), protocol)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps([Psk(Secret(OCTETS), "a@x", "b@x")], protocol)


def test_no_hash_no_json_no_iteration() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Secret(OCTETS))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Psk(Secret(OCTETS), "a@x", "b@x"))
    with pytest.raises(TypeError):
        json.dumps(Secret(OCTETS))
    with pytest.raises(TypeError):
        bytes(Secret(OCTETS))  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        iter(Secret(OCTETS))  # type: ignore[call-overload]
    assert not hasattr(Secret(OCTETS), "__dict__")


def test_a_copy_is_the_same() -> None:
    secret = Secret(OCTETS)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret
    assert dataclasses.asdict(Psk(secret, "a@x", "b@x"))["key"] is secret


def test_equality_and_length() -> None:
    assert Secret(OCTETS) == Secret(bytes(bytearray(OCTETS)))
    assert Secret(OCTETS) != Secret(OCTETS[:-1])
    assert Secret(OCTETS) != OCTETS
    assert Secret(OCTETS).expose() == OCTETS
    assert len(Secret(OCTETS)) == 16
    assert not Secret(b"")


def test_later_changes_of_the_source_change_nothing() -> None:
    source = bytearray(OCTETS)
    secret = Secret(source)  # type: ignore[arg-type]
    source[0] = 0
    assert secret.expose() == OCTETS


@pytest.mark.parametrize("value", [16, "sixteen letters!", None, [1, 2]])
def test_a_secret_is_made_of_octets(value: object) -> None:
    """Above all not of a length, which `bytes` would turn into so many zeros."""
    with pytest.raises(TypeError):
        Secret(value)  # type: ignore[arg-type]
