"""What becomes of a key that an update took the place of (RFC 3711 9.2), with every method."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mikey import Bundle, LocalError, Method, PolicyError
from mikey.registry import CacheType
from tests.rules.psk_parties import CONTEXT
from tests.rules.session_parties import exchange, run
from tests.unit.srtp.packets import rtp

SSRC = 0xA1  # of the stream that the Initiator sends
METHODS = pytest.mark.parametrize(
    "method", [Method.PSK, Method.PKE, Method.DH_SIGN, Method.DHHMAC, Method.RSA_R]
)


def updates(method: Method) -> Iterator[tuple[Bundle, Bundle, Bundle]]:
    """Yield the Initiator's first bundle, and both after new keys and after another update."""
    who, to, before, _ = exchange(method, cache=CacheType.CACHE_CSB)
    ours, theirs = run(who, to, who.rekey(before, context=CONTEXT))
    yield before, ours, theirs
    yield before, *run(who, to, who.rekey(ours, new_keys=False, context=CONTEXT))


@METHODS
@pytest.mark.rule("R3711-9.2-1")
def test_a_receiver_that_is_made_after_an_update_ends_the_key_from_before(method: Method) -> None:
    for before, ours, theirs in updates(method):
        old, new = before.srtp_sender(1), ours.srtp_sender(1)
        receiver = theirs.srtp_receiver(1)
        assert theirs.masters(1)[1:] == before.masters(1)
        for sender, seq in ((old, 1), (new, 3), (old, 2)):
            assert receiver.unprotect(sender.protect(rtp(seq, ssrc=SSRC))) == rtp(seq, ssrc=SSRC)
        with pytest.raises(PolicyError, match="was replaced"):
            receiver.unprotect(old.protect(rtp(4, ssrc=SSRC)))


@METHODS
@pytest.mark.rule("R3711-9.2-1")
def test_a_sender_that_is_made_after_an_update_does_not_fall_back(method: Method) -> None:
    for _, ours, _ in updates(method):
        sender = ours.srtp_sender(1, lifetime=2)
        for seq in range(2):
            sender.protect(rtp(seq, ssrc=SSRC))
        with pytest.raises(LocalError, match="no master key is left"):
            sender.protect(rtp(2, ssrc=SSRC))
