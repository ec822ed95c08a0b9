"""Alice, Bob and others with keys of two KMSs, made from fixed master secrets."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from mikey import (
    Bundle,
    Clock,
    Context,
    Initiator,
    ReplayCache,
    Responder,
    Secret,
    Stream,
)  # fmt: skip
from mikey.credentials import Kms, Sakke, SakkeKeys, TelMonthly
from mikey.crypto import eccsi, sakke
from mikey.policy import SECOND
from mikey.registry import SignType
from mikey.wire import Message, Payload, Sign, encode
from tests.rules.psk_parties import Time, offer_of

ALICE, BOB, CAROL = (f"tel:+4477009000{n:02d}" for n in (1, 2, 3))
HOME, ABROAD = "kms.example.org", "kms.example.net"
NOW = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()) * SECOND
CONTEXT = Context(protocols=("mikey",))
STREAMS = (Stream(0xA1), Stream())
TEL = TelMonthly()


def octets(seed: str) -> Any:
    """Return a source of octets that is the same each time."""
    return Random(seed).randbytes


@functools.cache
def masters(uri: str, generation: int = 0) -> tuple[Secret, Secret]:
    """Return z and KSAK of a KMS."""
    random = octets(f"{uri} {generation}")
    return sakke.make_master(random), eccsi.make_master(random)


@functools.cache
def kms(uri: str = HOME, scheme: Any = TEL, generation: int = 0, period: int | None = None) -> Kms:
    z, ksak = masters(uri, generation)
    return Kms(uri, sakke.make_public_key(z), eccsi.make_public_key(ksak), scheme, period)


@functools.cache
def keys(
    who: str,
    at: int = NOW,
    uri: str = HOME,
    *,
    scheme: Any = TEL,
    device: str = "",
    generation: int = 0,
    period: int | None = None,
) -> SakkeKeys:
    """Return the keys of somebody for the key period of a time."""
    public = kms(uri, scheme, generation, period)
    z, ksak = masters(uri, generation)
    identifier = public.identifier(who, at)
    rsk = sakke.make_receiver_key(z, identifier)
    ssk, pvt = eccsi.make_pair(ksak, identifier, octets(f"{who} {device}"))
    return SakkeKeys(
        public,
        scheme.period(at),
        sakke.ReceiverKey(public.sakke, identifier, rsk),
        eccsi.SigningKey(public.eccsi, identifier, ssk, pvt),
    )


def user(who: str, peer: str = "*", **options: Any) -> Sakke:
    """Return a credential; `keys` are by default those of this month from the home KMS."""
    options.setdefault("keys", (keys(who),))
    return Sakke(identity=who, peer=peer, **options)


class Noon(Time):
    """Noon of 23 November 2026, until a test moves it."""

    def __init__(self, now: int = NOW) -> None:
        super().__init__()
        self.now = now


def alice(
    time: Time | None = None, *, credential: Sakke | None = None, **options: Any
) -> Initiator:
    options.setdefault("clock", Clock(time or Noon()))
    return Initiator(credential or user(ALICE, BOB), **options)


def bob(time: Time | None = None, *credentials: Sakke, **options: Any) -> Responder:
    options.setdefault("clock", Clock(time or Noon()))
    options.setdefault("replay", ReplayCache())
    return Responder(credentials or [user(BOB)], **options)


def taken(to: Responder, message: bytes, context: Context = CONTEXT) -> Bundle:
    """Return what the Responder makes of a message, its SSRCs chosen; there is no answer."""
    offer = offer_of(to, message, context)
    ours = {cs_id: 0xB0 + cs_id for cs_id in offer.open_ids}
    response, bundle = offer.accept(ours)
    assert response is None
    return bundle


def first(
    who: Initiator | None = None, streams: Sequence[Stream] = STREAMS, **options: Any
) -> bytes:
    options.setdefault("context", CONTEXT)
    return (who or alice()).start(streams, **options)


def same_keys(ours: Bundle, theirs: Bundle) -> None:
    """Assert that both derive the same keys for the same crypto sessions."""
    assert ours.crypto_sessions
    for mine, yours in zip(ours.crypto_sessions, theirs.crypto_sessions, strict=True):
        assert mine.cs_id == yours.cs_id
        assert mine.keys == yours.keys
        assert mine.policy == yours.policy


def without(credential: Sakke, **changes: Any) -> Sakke:
    return replace(credential, **changes)


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * SECOND  # type: ignore[misc,arg-type]


def signed(message: Message, payloads: Sequence[Payload], sender: Sakke | None = None) -> bytes:
    """Return the payloads behind the header of a message, signed by Alice."""
    front = encode(message.header, (*payloads, Sign(SignType.ECCSI, bytes(129))))[:-129]
    signing = (sender or user(ALICE)).keys[0].signing
    assert signing is not None
    return front + signing.sign(front, octets("j"))


def changed(octets_: bytes, kind: type[Payload], new: Payload | None) -> bytes:
    """Return a message with its first payload of a kind replaced or left out, signed again."""
    message = Message.parse(octets_)
    payloads: list[Payload] = [p for p in message.payloads if not isinstance(p, Sign)]
    place = next(i for i, p in enumerate(payloads) if isinstance(p, kind))
    payloads[place : place + 1] = [] if new is None else [new]
    return signed(message, payloads)
