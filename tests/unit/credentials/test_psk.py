"""Pre-shared keys: what is refused, and that a refusal shows no key."""

from __future__ import annotations

import traceback

import pytest

from mikey.credentials import ANY, NoKey, Psk
from mikey.errors import LocalError
from mikey.secret import Secret

ME, YOU = "sip:alice@example.com", "sip:bob@example.com"
HALF = b"thirty-two octets of one half..."


@pytest.mark.rule("R3830-4.1.2-5")
@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (b"", "at least 16 octets"),
        (b"fifteen letters", "at least 16 octets"),
        (HALF * 2, "twice"),
        (HALF + HALF[::-1] + HALF, "twice"),
    ],
)
def test_keys_that_are_refused_are_not_shown(key: bytes, reason: str) -> None:
    with pytest.raises(LocalError, match=reason) as caught:
        Psk(Secret(key), ME, YOU)
    shown = "".join(traceback.TracebackException.from_exception(caught.value).format())
    for part in (key.decode(), key.hex()):
        assert not key or part not in shown


@pytest.mark.parametrize("key", [bytes(16), "6f1ed002ab5595859014ebf0951522d9"])
def test_a_key_that_is_no_secret_is_refused_and_not_shown(key: object) -> None:
    with pytest.raises(LocalError, match=r"a Secret: Secret\(octets\)") as caught:
        Psk(key, ME, YOU)  # type: ignore[arg-type]
    assert str(key) not in str(caught.value)


@pytest.mark.parametrize(
    "key", [bytes(16), HALF, HALF[:31] * 2, HALF + HALF[:31], bytes(range(192))]
)
def test_keys_that_are_good(key: bytes) -> None:
    assert Psk(Secret(key), ME, YOU).key.expose() == key


@pytest.mark.parametrize(
    ("identity", "peer", "reason"),
    [
        ("", YOU, "names both"),
        (ME, "", "names both"),
        (ME, "sip:" + "b" * 65536, "65535"),
        (ME, "sip:" + "\N{SNOWMAN}" * 22000, "65535"),
        (ME + "\r\nVia: x", YOU, "printable"),
        (ME, "\ud800", "printable"),
    ],
)
def test_identities_that_no_message_carries(identity: str, peer: str, reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        Psk(Secret(bytes(16)), identity, peer)
    with pytest.raises(LocalError, match=reason):
        NoKey(identity, peer)


def test_any() -> None:
    psk = Psk(Secret(bytes(16)), ANY, ANY)
    assert (psk.identity, psk.peer) == ("*", "*")
