"""Targets for SAKKE messages: of strangers, and of a caller who means no good."""

from __future__ import annotations

from mikey import MapType, Offer, PeerError, Policy, ReplayCache, Responder
from mikey.registry import DataType
from mikey.wire import Message
from tests.rules.sakke_parties import (
    ALICE,
    BOB,
    CAROL,
    CONTEXT,
    Noon,
    alice,
    bob,
    first,
    keys,
    user,
)

_SIGNATURE = 129


def seeds() -> list[bytes]:
    """Return honest messages of every form that one has."""
    forms = [first(alice(map_type=map_type)) for map_type in MapType]
    forms.append(first(alice(credential=user(ALICE, BOB, send_ids=False, send_kms=False))))
    forms.append(first(alice(credential=user(ALICE, CAROL))))
    return forms


class _Bob:
    def __init__(self, peer: str, policy: Policy | None = None) -> None:
        self.responder: Responder = bob(
            Noon(), user(BOB, peer), policy=policy, errors_per_second=10**9
        )

    def take(self, octets: bytes) -> str | None:
        """Return whom an accepted message is from; what is refused changes nothing."""
        self.responder._replay = ReplayCache()
        try:
            offer = self.responder.receive(octets, context=CONTEXT)
            assert isinstance(offer, Offer)
            response, bundle = offer.accept({cs_id: 0xB000 + cs_id for cs_id in offer.open_ids})
        except PeerError as error:
            reply = self.responder.refuse(error)
            assert reply is None or Message.parse(reply).header.data_type is DataType.ERROR
            assert not self.responder._bundles
            return None
        assert response is None
        for session in bundle.crypto_sessions[:3]:
            assert all(len(master.key) == session.policy.key_length for master in session.keys)
        self.responder.close(bundle)
        assert not self.responder._bundles
        return offer.initiator


class Strangers:
    """Nobody has Alice's key: what she did not send is not hers."""

    def __init__(self) -> None:
        self.seeds = seeds()
        self._bob = _Bob(ALICE)

    def __call__(self, octets: bytes) -> None:
        who = self._bob.take(octets)
        assert who is None or octets in self.seeds


class Caller:
    """Alice herself, who signs what she damaged: it is from her whatever it says."""

    def __init__(self) -> None:
        self.seeds = seeds()
        self._bob = _Bob("*")
        signing = keys(ALICE).signing
        assert signing is not None
        self._signing = signing

    def __call__(self, octets: bytes) -> None:
        front = octets[: -_SIGNATURE - 2] + b"\x20\x81"
        nonce = (len(octets) + 1).to_bytes(32)
        who = self._bob.take(front + self._signing.sign(front, lambda _: nonce))
        assert who in (None, ALICE)
