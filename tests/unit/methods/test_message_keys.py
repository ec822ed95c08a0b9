"""The keys that protect messages, against VEC-6 and the naive derivation."""

from __future__ import annotations

import pytest

from mikey import AuthenticationError, EncrAlg, LibraryError, MacAlg, PrfFunc, Secret
from mikey.errors import UnsupportedError
from mikey.methods._common.message_keys import MessageKeys, check_encr
from tests.naive import crypto
from tests.naive.vectors import CSB_ID, PSK, RAND_VALUE, TS

T = int.from_bytes(TS)
PLAIN = bytes(range(24))


def keys(prf: PrfFunc = PrfFunc.MIKEY_1) -> MessageKeys:
    return MessageKeys(Secret(PSK), prf, CSB_ID, RAND_VALUE)


@pytest.mark.rule("R3830-4.1.4-1", "R3830-4.2.3-1")
@pytest.mark.parametrize("prf", [0, 1])
@pytest.mark.parametrize("encr", [0, 1, 2, 3])
@pytest.mark.parametrize("mac", [0, 1, 2])
def test_they_are_those_of_the_naive_side(prf: int, encr: int, mac: int) -> None:
    encr_key, auth_key, salt = crypto.message_keys(
        PSK, CSB_ID, RAND_VALUE, func=prf, encr_alg=encr, mac_alg=mac
    )
    ours = keys(PrfFunc(prf))
    stamp = {"ts_type": 0, "value": TS}
    expected = crypto.encrypt(encr, encr_key, salt, CSB_ID, stamp, PLAIN)
    assert ours.encrypt(EncrAlg(encr), T, PLAIN) == expected
    assert ours.decrypt(EncrAlg(encr), T, expected)[: len(PLAIN)] == PLAIN
    assert ours.encrypt(EncrAlg(encr), T, b"") == b""
    assert ours.mac(MacAlg(mac), PLAIN) == crypto.mac(mac, auth_key, PLAIN)


def test_one_set_of_keys_serves_another_algorithm() -> None:
    """The answer may be authenticated more strongly than the request (R3830-6.9-3)."""
    ours = keys()
    first, second = (ours.mac(MacAlg(alg), PLAIN) for alg in (1, 2))
    assert (len(first), len(second)) == (20, 32)
    assert ours.mac(MacAlg(1), PLAIN) == first


def test_a_mac_is_right_or_raises() -> None:
    ours = keys()
    right = ours.mac(MacAlg.HMAC_SHA_1_160, PLAIN)
    ours.check_mac(MacAlg.HMAC_SHA_1_160, PLAIN, right)
    for wrong in (right[:-1], right + b"\0", bytes(20), b""):
        with pytest.raises(AuthenticationError):
            ours.check_mac(MacAlg.HMAC_SHA_1_160, PLAIN, wrong)


def test_without_a_key_nothing_is_proved_or_derived() -> None:
    null = MessageKeys(None, PrfFunc.MIKEY_1, CSB_ID, RAND_VALUE)
    null.check_mac(MacAlg.NULL, PLAIN, b"")
    with pytest.raises(AuthenticationError):
        null.check_mac(MacAlg.HMAC_SHA_1_160, PLAIN, bytes(20))
    with pytest.raises(LibraryError):
        null.mac(MacAlg.HMAC_SHA_1_160, PLAIN)
    assert null.encrypt(EncrAlg.NULL, T, PLAIN) == PLAIN


def test_unknown_ciphers_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="encryption 9"):
        check_encr(EncrAlg(9))
    with pytest.raises(UnsupportedError):
        keys().decrypt(EncrAlg(9), T, PLAIN)


def test_nothing_shows() -> None:
    assert repr(keys()) == "<MessageKeys of CSB 12345678>"
