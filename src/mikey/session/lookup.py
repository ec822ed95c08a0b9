"""From the identities of a message to the key that proves them (RFC 3830 3.1, 6.7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from mikey.credentials import ANY, NoKey, Psk
from mikey.errors import AuthenticationError, DecodeError, PolicyError
from mikey.methods import psk
from mikey.methods._common.message_keys import MessageKeys
from mikey.methods._common.verification import Parties
from mikey.policy import Context
from mikey.registry import ErrorNumber
from mikey.session.bundle import Bundle
from mikey.session.identities import request_parties, to_id, to_text
from mikey.wire import Id, Message, Rand

Credential = Psk | NoKey

# A message without identities costs a MAC for each key that could be meant; no more than these.
_MOST_CANDIDATES = 16


class Credentials:
    """The credentials of a Responder, by the peer that each is shared with."""

    def __init__(self, credentials: Iterable[Credential]) -> None:
        self._all = tuple(credentials)
        self._by_peer: dict[str, list[Credential]] = {}
        for credential in self._all:
            self._by_peer.setdefault(credential.peer, []).append(credential)
        self.identities = frozenset(credential.identity for credential in self._all)

    def find(
        self, initiator: str | None, responder: str | None, *, null: bool
    ) -> Iterator[Credential]:
        """Yield what may prove a message from `initiator` to `responder` (None: unnamed).

        Credentials for that peer come before, and in place of, those for any; `null` asks for
        those of MIKEY-NULL.
        """
        lists = (self._all,) if initiator is None else (self._for(initiator), self._for(ANY))
        for credentials in lists:
            found = False
            for credential in credentials:
                named = responder is None or credential.identity in (responder, ANY)
                if named and isinstance(credential, NoKey) is null:
                    found = True
                    yield credential
            if found:
                return

    def _for(self, peer: str) -> Sequence[Credential]:
        return self._by_peer.get(peer, ())


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a message says it is from and for, and the credentials that may prove it.

    `idi` and `idr` are its ID payloads; `initiator` and `responder` the names from these or,
    where it has none, from the carrier.
    """

    idi: Id | None
    idr: Id | None
    initiator: str | None
    responder: str | None
    candidates: tuple[Credential, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """An authenticated request, the credential that proved it, and the CSB that it updates."""

    request: psk.VerifiedRequest
    credential: Credential
    known: Bundle | None
    rand: bytes


def find_claim(
    message: Message, credentials: Credentials, context: Context, *, null: bool
) -> Claim:
    """Find the credentials for the identities in a message and its carrier.

    Raises PolicyError (7) for a message to somebody else, before anything costly
    (R3830-9.5-2), and where the carrier shows other identities than the message
    (R4567-8-2).
    """
    own = credentials.identities
    idi, idr = request_parties(message, context, own)
    initiator = _agreed(idi, context.initiator, "from")
    responder = _agreed(idr, context.responder, "for")
    if responder is not None and own.isdisjoint((responder, ANY)):
        raise PolicyError(
            "the message is for another identity", number=ErrorNumber.INVALID_ID, payload="ID"
        )
    found = credentials.find(initiator, responder, null=null)
    return Claim(idi, idr, initiator, responder, tuple(islice(found, _MOST_CANDIDATES)))


def prove(message: Message, claim: Claim, bundles: Mapping[tuple[str, int], Bundle]) -> Proof:
    """Check the MAC with each candidate; an unknown peer fails exactly like a wrong key.

    An update takes its RAND from the CSB (R3830-4.5-1), and only the key that made the CSB
    proves it: MIKEY-NULL updates nothing that a pre-shared key protects. Raises
    AuthenticationError, and DecodeError (12) for an update of a CSB that is not known
    (R3830-4.5-2).
    """
    payload = message.get(Rand)
    header = message.header
    stale = False
    for credential in claim.candidates:
        initiator = claim.initiator or credential.peer
        known = bundles.get((initiator, header.csb_id))
        secret = credential.key if isinstance(credential, Psk) else None
        if payload is not None:
            rand = payload.value
        elif known is None:
            stale = True
            continue
        elif known.message_key == secret:
            rand = known.rand
        else:
            continue
        keys = MessageKeys(secret, header.prf, header.csb_id, rand)
        try:
            request = psk.verify_request(message, keys)
        except AuthenticationError:
            continue
        return Proof(request, credential, known, rand)
    if stale:
        raise DecodeError("the message has no RAND, and its CSB is not known", payload="RAND")
    raise AuthenticationError


def parties_of(claim: Claim, credential: Credential) -> tuple[Parties, Id | None]:
    """Return the identities that V covers, and IDr to send back (R3830-5.2-8).

    What neither message nor carrier names comes from the credential; "*" is nobody.
    """
    initiator = claim.initiator or credential.peer
    responder = claim.responder or credential.identity
    if ANY in (initiator, responder):
        raise PolicyError(
            "the message does not say who is who, and the key is for anybody",
            number=ErrorNumber.INVALID_ID,
            payload="ID",
        )
    idr = claim.idr or to_id(responder)
    return Parties(initiator.encode(), idr.data), idr


def _agreed(payload: Id | None, carried: str | None, which: str) -> str | None:
    """Return the identity that message and carrier agree on; None where neither names one."""
    if payload is None:
        return carried
    named = to_text(payload)
    if carried is not None and carried != named:
        raise PolicyError(
            f"the message is {which} {named}, the signalling says {carried}",
            number=ErrorNumber.INVALID_ID,
            payload="ID",
        )
    return named
