"""Alice and Bob with sessions of every method: a pre-shared key, and certificates.

Names, keys and certificates are those of `method_parties`; time stands until a test moves it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from mikey import (
    Bundle,
    CacheType,
    Clock,
    Context,
    Initiator,
    Method,
    PeerError,
    Psk,
    ReplayCache,
    Responder,
    Secret,
    Stream,
    drive,
)  # fmt: skip
from mikey.session.bundle import Credential
from mikey.wire import Message, Payload
from tests.naive import pki
from tests.naive.vectors import PSK
from tests.rules.method_parties import ALICE, BOB, MALLORY, certified
from tests.rules.psk_parties import CONTEXT, Time, offer_of

CERTIFIED = (Method.PKE, Method.DH_SIGN, Method.RSA_R)
STREAMS = (Stream(0xA1), Stream())
KEPT = (CacheType.CACHE, CacheType.CACHE_CSB)

ANSWERED = tuple(method for method in Method if method is not Method.SAKKE)
METHODS = pytest.mark.parametrize("method", ANSWERED, ids=lambda method: method.value)


def alices(method: Method, peer: str = BOB, me: str = ALICE, key: bytes = PSK) -> Credential:
    """Return what Alice starts exchanges of a method with."""
    if method in CERTIFIED:
        return certified(me, peer, peer_certificate=pki.certificate(peer.encode()))
    return Psk(Secret(key), me, peer)


def bobs(me: str = BOB) -> list[Credential]:
    """Return what Bob serves every method with."""
    return [certified(me, "*"), Psk(Secret(PSK), me, ALICE), Psk(Secret(b"k" * 16), me, MALLORY)]


def alice(
    method: Method,
    time: Time | None = None,
    *,
    credential: Credential | None = None,
    **options: Any,
) -> Initiator:
    options.setdefault("clock", Clock(time or Time()))
    return Initiator(credential or alices(method), method=method, **options)


def bob(time: Time | None = None, **options: Any) -> Responder:
    options.setdefault("clock", Clock(time or Time()))
    options.setdefault("replay", ReplayCache())
    return Responder(options.pop("credentials", None) or bobs(), **options)


def answer(to: Responder, octets: bytes, context: Context = CONTEXT) -> tuple[bytes, Bundle]:
    """Return the answer, with an SSRC for every stream that is Bob's, and Bob's bundle."""
    offered = offer_of(to, octets, context)
    ours = {i: 0xB0 + i for i, stream in enumerate(offered.streams, 1) if not stream.ssrc}
    response, bundle = offered.accept(ours)
    assert response is not None
    return response, bundle


def run(
    who: Initiator, to: Responder, first: bytes, context: Context = CONTEXT
) -> tuple[Bundle, Bundle]:
    """Bring an exchange to its end; both have the same keys and know each other."""
    response, theirs = answer(to, first, context)
    ours = drive(who.receive(response, context=context))
    same(ours, theirs)
    return ours, theirs


def exchange(
    method: Method,
    time: Time | None = None,
    *,
    cache: CacheType = CacheType.NO_CACHE,
    **options: Any,
) -> tuple[Initiator, Responder, Bundle, Bundle]:
    """Return both parties and their bundles after a first exchange."""
    time = time or Time()
    who = alice(method, time, cache=cache, mki_length=1, **options)
    to = bob(time, cache=cache, mki_length=1)
    ours, theirs = run(who, to, who.start(STREAMS, context=CONTEXT))
    return who, to, ours, theirs


def prints(bundle: Bundle) -> list[str]:
    return [session.fingerprint for session in bundle.crypto_sessions]


def same(ours: Bundle, theirs: Bundle) -> None:
    """Assert that two bundles are two ends of one CSB."""
    assert ours.crypto_sessions == theirs.crypto_sessions
    assert ours.crypto_sessions
    assert all(session.keys for session in ours.crypto_sessions)
    assert (ours.identity, ours.peer, ours.csb_id) == (theirs.peer, theirs.identity, theirs.csb_id)
    assert ours.method == theirs.method


def fails(who: Initiator, response: bytes) -> PeerError:
    """Assert that the Initiator takes no bundle from a response."""
    with pytest.raises(PeerError) as caught:
        drive(who.receive(response, context=CONTEXT))
    return caught.value


def parts(octets: bytes, kind: type[Payload]) -> tuple[Payload, ...]:
    return tuple(item for item in Message.parse(octets).payloads if isinstance(item, kind))


def swapped(octets: bytes, kind: type[Payload], others: Iterable[Payload]) -> bytes:
    """Return the message with its payloads of a kind in turn replaced by `others`."""
    message = Message.parse(octets)
    left = iter(others)
    payloads = tuple(
        next(left, item) if isinstance(item, kind) else item for item in message.payloads
    )
    return Message.build(message.header, payloads).octets
