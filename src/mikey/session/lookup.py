"""From the identities of a message to the credentials that may prove it (RFC 3830 3.1, 6.7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from mikey.credentials import ANY, Certified, NoKey, Psk, Sakke
from mikey.errors import PolicyError, UnsupportedError
from mikey.methods import dhhmac, sakke
from mikey.methods._common import certificates
from mikey.methods._common.identities import to_id, to_text
from mikey.policy import Context
from mikey.registry import DataType, ErrorNumber, MacAlg
from mikey.session.bundle import Credential, is_blocking
from mikey.session.identities import request_parties
from mikey.values import quick_init
from mikey.wire import Id, Kemac, Message

_PSK_INIT = DataType.PSK_INIT
_KINDS: Mapping[DataType, type[Credential]] = {
    _PSK_INIT: Psk,
    DataType.DHHMAC_INIT: Psk,
    DataType.SAKKE: Sakke,
}

# A message without identities costs a MAC for each key that could be meant; no more than these.
_MOST_CANDIDATES = 16


class Credentials:
    """The credentials of a Responder, by the peer that each is shared with."""

    def __init__(self, credentials: Iterable[Credential]) -> None:
        self._all = tuple(credentials)
        self._by_peer: dict[str, list[Credential]] = {}
        for credential in self._all:
            self._by_peer.setdefault(credential.peer, []).append(credential)
        self.kinds = frozenset(type(credential) for credential in self._all)
        self.identities = frozenset(credential.identity for credential in self._all)
        self.blocking = any(map(is_blocking, self._all))

    def find(
        self, initiator: str | None, responder: str | None, kind: type[Credential]
    ) -> Iterator[Credential]:
        """Yield those of a kind that may prove a message from `initiator` to `responder`.

        None is an unnamed party. Credentials for that peer come before, and in place of, those
        for any.
        """
        lists = (self._all,) if initiator is None else (self._for(initiator), self._for(ANY))
        for credentials in lists:
            found = False
            for credential in credentials:
                named = responder is None or credential.identity in (responder, ANY)
                if named and isinstance(credential, kind):
                    found = True
                    yield credential
            if found:
                return

    def holds(self, credential: Credential) -> bool:
        """Tell whether that very credential is one of these."""
        return any(one is credential for one in self._all)

    def serves(self, credential: Credential, initiator: str, responder: str | None) -> bool:
        """Tell whether `find` yields that very credential."""
        found = self.find(initiator, responder, type(credential))
        return any(one is credential for one in found)

    def _for(self, peer: str) -> Sequence[Credential]:
        return self._by_peer.get(peer, ())


@quick_init
@dataclass(frozen=True, slots=True)
class Claim:
    """Who a message says it is from and for, and the credentials that may prove it.

    `idi` and `idr` are its ID payloads; `initiator` and `responder` the names from these or,
    where it has none, from the carrier. `credentials` are all that there are.
    """

    idi: Id | None
    idr: Id | None
    initiator: str | None
    responder: str | None
    candidates: tuple[Credential, ...]
    credentials: Credentials = field(repr=False)

    def check_initiator(self, credential: Credential, proven: Id) -> None:
        """Check that a credential is the one for whom it proved, where nobody had named him.

        A credential for that peer alone stands in place of those for any, also of a message
        that leaves the name to the certificate. Raises PolicyError (7).
        """
        if self.initiator is None and not self.credentials.serves(
            credential, to_text(proven), self.responder
        ):
            raise PolicyError(
                f"another credential is for {to_text(proven)}",
                number=ErrorNumber.INVALID_ID,
                payload="ID",
            )


def find_claim(
    message: Message,
    credentials: Credentials,
    context: Context,
    fetched: Mapping[str, bytes],
) -> Claim:
    """Find the credentials for the identities in a message and its carrier.

    Raises UnsupportedError (11) for a method that no credential serves, PolicyError (7) for a
    message to somebody else, before anything costly
    (R3830-9.5-2), and where the carrier shows other identities than the message
    (R4567-8-2).
    """
    _check_served(message, credentials)
    own = credentials.identities
    kind = kind_of(message)
    idi: Id | None
    idr: Id | None
    if message.header.data_type is DataType.DHHMAC_INIT:
        idi, idr = dhhmac.request_ids(message)
    elif kind is Sakke:
        idi, idr = sakke.request_ids(message)
    elif kind is Certified:
        idi, idr = certificates.request_ids(message, own, context.initiator, fetched)
    else:
        idi, idr = request_parties(message, context, own)
    initiator = _agreed(idi, context.initiator, "from")
    responder = _agreed(idr, context.responder, "for")
    if responder is not None and own.isdisjoint((responder, ANY)):
        raise PolicyError(
            "the message is for another identity", number=ErrorNumber.INVALID_ID, payload="ID"
        )
    found = tuple(islice(credentials.find(initiator, responder, kind), _MOST_CANDIDATES))
    return Claim(idi, idr, initiator, responder, found, credentials)


def check_addressed(message: Message, credentials: Credentials, context: Context) -> None:
    """Check whom a message is for, before a certificate is fetched that would tell the rest.

    A lone ID may be either party's; only the certificate says whose. Raises what `find_claim`
    raises, and PolicyError (8) where no certificate of ours serves the peer.
    """
    _check_served(message, credentials)
    if len(message.all(Id)) == 1:
        return
    candidates = find_claim(message, credentials, context, {}).candidates
    if not any(_takes_certificates(credential) for credential in candidates):
        raise PolicyError(
            "no certificate of ours fits the message", number=ErrorNumber.INVALID_CERT
        )


def _takes_certificates(credential: Credential) -> bool:
    """Tell whether a credential verifies certificates; that of SAKKE does with a `signer`."""
    return not isinstance(credential, Sakke) or credential.signer is not None


def _check_served(message: Message, credentials: Credentials) -> None:
    kind = kind_of(message)
    # A PSK message may also update, under the envelope key, a CSB that a certificate made
    # (R3830-4.5-5): any credential may serve it.
    serving = {kind}
    if message.header.data_type is DataType.PSK_INIT:
        serving = {Psk, NoKey, Certified}
    if serving.isdisjoint(credentials.kinds):
        number = ErrorNumber.INVALID_DT
        if kind is Sakke:  # R6509-2.2.2-2
            number = ErrorNumber.UNSUPPORTED_MESSAGE
        raise UnsupportedError(
            f"data type {message.header.data_type.label} is not supported: no credential for it",
            number=number,
        )


def kind_of(message: Message) -> type[Credential]:
    """Return the kind of credential that a message is proved with."""
    data_type = message.header.data_type
    if data_type is _PSK_INIT and message.one(Kemac).mac_alg is MacAlg.NULL:
        return NoKey
    return _KINDS.get(data_type, Certified)


def parties_of(claim: Claim, credential: Credential) -> tuple[Id, Id]:
    """Return IDi and IDr (R3830-5.2-8).

    What neither message nor carrier names comes from the credential; "*" is nobody. Raises
    PolicyError (7).
    """
    initiator = claim.initiator or credential.peer
    responder = claim.responder or credential.identity
    if ANY in (initiator, responder):
        raise PolicyError(
            "the message does not say who is who, and the key is for anybody",
            number=ErrorNumber.INVALID_ID,
            payload="ID",
        )
    return claim.idi or to_id(initiator), claim.idr or to_id(responder)


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
