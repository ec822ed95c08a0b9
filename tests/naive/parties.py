"""Alice and Bob with their keys, and the terms of an exchange between them, for many tests.

They continue VEC-2 and VEC-6 to VEC-11: the same CSB ID, RAND, T, names and keys.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.naive import encode as e
from tests.naive import pki
from tests.naive.decode import decode
from tests.naive.exchange import Terms
from tests.naive.rsar import Grant
from tests.naive.vectors import CSB_ID, IDI, IDR, RAND_VALUE, TGK, TS

ENVELOPE_KEY = bytes(range(0x30, 0x40))
KEYS = [e.key_data(TGK)]
MINE, YOURS = 0xDEADBEEF, 0xCAFEBABE

TERMS = Terms(CSB_ID, (0, TS), RAND_VALUE, IDI, IDR, ((0, MINE, 0), (0, 0, 0)))
LATER = TERMS._replace(ts=(0, TS[:-1] + b"\1"), update=True)

XI, XR = 0x123456789ABCDEF << 200, 0xFEDCBA987654321 << 196

ALICE, BOB = pki.signer(IDI), pki.signer(IDR)
ALICE_PUBLIC, BOB_PUBLIC = ALICE.key.public_key(), BOB.key.public_key()

# RSA-R: what Bob grants to one, and to a group whose members only listen.
RESPONDER_RAND = bytes(range(0x90, 0xA0))
GROUP_CSB_ID = 0x0A0B0C0D
UNICAST = Grant(ENVELOPE_KEY, KEYS, ((0, MINE, 0), (0, YOURS, 0)))
LISTENER = TERMS._replace(rand=None, cs=(), policies=(), sdp_ids=None)
GROUP = Grant(ENVELOPE_KEY, KEYS, ((0, YOURS, 9),), RESPONDER_RAND, GROUP_CSB_ID)


def types(octets: bytes) -> list[int]:
    """Return the payload types of a message."""
    return [part.type for part in decode(octets)]


def changed(octets: bytes, at: int) -> bytes:
    """Return the octets with one bit of one of them turned."""
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]


def rejects_any_change(octets: bytes, accept: Callable[[bytes], object], step: int = 7) -> None:
    """Assert that ``accept`` takes the octets, and raises ValueError when one is changed."""
    accept(octets)
    for at in [*range(0, len(octets), step), len(octets) - 1]:
        with pytest.raises(ValueError, match=r"."):
            accept(changed(octets, at))
