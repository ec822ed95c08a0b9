"""Authenticating a request by its method (RFC 3830 3, 5.3; RFC 4650 3; RFC 4738 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from mikey.credentials import ANY, Certified, Psk, Sakke, SakkeKeys
from mikey.crypto import check_prf
from mikey.errors import (
    AuthenticationError,
    DecodeError,
    PeerError,
    PolicyError,
    UnsupportedError,
)
from mikey.methods import dhhmac, dhsign, pke, psk, rsar, sakke
from mikey.methods._common.exchange import Surroundings
from mikey.methods._common.identities import to_id, to_text
from mikey.methods._common.message_keys import MessageKeys
from mikey.policy import Context, Policy
from mikey.registry import DataType, ErrorNumber
from mikey.secret import Secret
from mikey.session.bundle import Bundle, Credential
from mikey.session.lookup import Claim, kind_of, parties_of
from mikey.session.proofs import (
    DhhmacProof,
    DhSignProof,
    PkeProof,
    Proof,
    PskProof,
    RsaRProof,
    SakkeProof,
    proven,
)
from mikey.values import quick_init
from mikey.wire import Id, Message, Rand

# A message with a good signature makes us use no more private keys than these.
_MOST_KEYS = 4

Bundles = Mapping[tuple[str, int], Bundle]


def check_form(message: Message, context: Context, policy: Policy) -> None:
    """Do the checks that cost no cryptography.

    Raises UnsupportedError (11) for a data type that is not implemented, and what the method's
    `check_request` raises.
    """
    kind = message.header.data_type
    if kind is DataType.PSK_INIT:
        psk.check_request(message, allow_null=context.secure or policy.allow_null)
    elif kind is DataType.PKE_INIT:
        pke.check_request(message)
    elif kind is DataType.DH_INIT:
        dhsign.check_request(message, groups=policy.dh_groups)
    elif kind is DataType.DHHMAC_INIT:
        dhhmac.check_request(message, groups=policy.dh_groups)
    elif kind is DataType.RSA_R_INIT:
        rsar.check_request(message)
    elif kind is DataType.SAKKE:
        sakke.check_request(message, allow_unsigned=policy.allow_unsigned)
    else:
        raise UnsupportedError(
            f"data type {kind.label} is not supported", number=ErrorNumber.INVALID_DT
        )


def verify(
    message: Message, claim: Claim, bundles: Bundles, around: Surroundings
) -> tuple[Proof, Bundle | None]:
    """Authenticate a message that passed `check_form`; return the proof and the CSB it updates.

    An unknown peer fails exactly like a wrong key. Raises AuthenticationError, PeerError (7, 8)
    for certificates, DecodeError (12) for an update of a CSB that is not known (R3830-4.5-2),
    and PolicyError (12) for one by another method than made the CSB, or to another identity of
    ours: what one credential protects is not another's to change.
    """
    check_prf(message.header.prf)
    proof, known = _VERIFY[message.header.data_type](message, claim, bundles, around)
    if known is not None and message.get(Rand) is None:
        if proof.name != known.method:
            raise PolicyError(f"a CSB made by {known.method} is not updated by {proof.name}")
        if to_text(proof.idr) != known.identity:
            raise PolicyError(f"a CSB of {known.identity} is updated by a message to another")
    return proof, known


def _psk(
    message: Message, claim: Claim, bundles: Bundles, _around: Surroundings
) -> tuple[Proof, Bundle | None]:
    """Try the keys; an update may also stand under the envelope key of its CSB."""
    stale = False
    for credential, key, known in _psk_candidates(message, claim, bundles):
        rand = _rand(message, known)
        if rand is None:
            stale = True
            continue
        if message.get(Rand) is None and (known is None or known.message_key != key):
            continue  # only the key of a CSB updates it
        keys = MessageKeys(key, message.header.prf, message.header.csb_id, rand)
        try:
            request = psk.verify_request(message, keys)
        except AuthenticationError:
            continue
        initiator, idr = parties_of(claim, credential)
        name = psk.NAME if key is not None else "NULL"
        if isinstance(credential, Certified) and known is not None:
            name = known.method
        proof = PskProof(
            request=request,
            credential=credential,
            message_key=key,
            name=name,
            initiator=initiator,
            idr=idr,
            rand=rand,
        )
        return proof, known
    raise _stale() if stale else AuthenticationError()


def _psk_candidates(
    message: Message, claim: Claim, bundles: Bundles
) -> list[tuple[Credential, Secret | None, Bundle | None]]:
    csb_id = message.header.csb_id
    found: list[tuple[Credential, Secret | None, Bundle | None]] = []
    for credential in claim.candidates:
        known = bundles.get((claim.initiator or credential.peer, csb_id))
        key = credential.key if isinstance(credential, Psk) else None
        found.append((credential, key, known))
    enveloped = bundles.get((claim.initiator or "", csb_id))
    if enveloped is None or not isinstance(enveloped.credential, Certified):
        return found
    # Never for the NULL MAC, which proves nothing under any key.
    if enveloped.message_key is not None and kind_of(message) is Psk:
        found.append((enveloped.credential, enveloped.message_key, enveloped))
    return found


def _dhhmac(
    message: Message, claim: Claim, bundles: Bundles, _around: Surroundings
) -> tuple[Proof, Bundle | None]:
    stale = False
    for credential in claim.candidates:
        if not isinstance(credential, Psk):
            continue
        known = bundles.get((claim.initiator or credential.peer, message.header.csb_id))
        rand = _rand(message, known)
        if rand is None:
            stale = True
            continue
        if message.get(Rand) is None and not _made(known, credential):
            continue
        keys = MessageKeys(credential.key, message.header.prf, message.header.csb_id, rand)
        try:
            request = dhhmac.verify_request(message, keys)
        except AuthenticationError:
            continue
        initiator, idr = parties_of(claim, credential)
        proof = DhhmacProof(
            request=request, credential=credential, initiator=initiator, idr=idr, rand=rand
        )
        return proof, known
    raise _stale() if stale else AuthenticationError()


def _dhsign(
    message: Message, claim: Claim, bundles: Bundles, around: Surroundings
) -> tuple[Proof, Bundle | None]:
    signed = _signed(message, claim, bundles, claim.candidates)
    request = dhsign.verify_request(message, signed.credential, around, initiator=signed.initiator)
    claim.check_initiator(signed.credential, request.initiator)
    proof = DhSignProof(
        request=request, credential=signed.credential, idr=signed.idr, rand=signed.rand
    )
    return proof, signed.known


def _pke(
    message: Message, claim: Claim, bundles: Bundles, around: Surroundings
) -> tuple[Proof, Bundle | None]:
    """With several keys those that CHASH and the envelope's length allow (R3830-6.8-6)."""
    fitting = tuple(
        c for c in claim.candidates if isinstance(c, Certified) and pke.fits(message, c)
    )
    signed = _signed(message, claim, bundles, fitting)
    if signed.known is not None and signed.known.message_key is not None:
        raise PolicyError("the envelope key was kept: its CSB is updated under it")

    def request(credential: Certified) -> pke.VerifiedRequest:
        verified = pke.verify_request(
            message, credential, around, initiator=signed.initiator, rand=signed.rand
        )
        claim.check_initiator(credential, verified.initiator)
        return verified

    proof = PkeProof(
        request=request(signed.credential),
        credential=signed.credential,
        idr=signed.idr,
        rand=signed.rand,
        others=tuple((c, partial(request, c)) for c in signed.others[: _MOST_KEYS - 1]),
    )
    return proof, signed.known


def _rsar(
    message: Message, claim: Claim, bundles: Bundles, around: Surroundings
) -> tuple[Proof, Bundle | None]:
    """A second RSA-R run for a live CSB is no update (R4738-3.6-14)."""
    credential = _one(claim.candidates)
    if bundles.get((claim.initiator or credential.peer, message.header.csb_id)) is not None:
        raise PolicyError("a new CSB has the ID of a live one", payload="HDR")
    request = rsar.verify_request(
        message, credential, around, initiator=_named(claim), idr=_idr(claim, credential)
    )
    claim.check_initiator(credential, request.initiator)
    proof = RsaRProof(request=request, credential=credential, idr=_idr(claim, credential))
    return proof, None


def _sakke(
    message: Message, claim: Claim, bundles: Bundles, around: Surroundings
) -> tuple[Proof, Bundle | None]:
    """Every message begins a CSB: there is no update."""
    credential, keys = _sakke_keys(message, claim, around)
    named = _named(claim)
    if named is None and credential.peer != ANY:
        named = to_id(credential.peer)
    request = sakke.verify_request(message, credential, keys, around, initiator=named)
    if request.initiator is not None:
        claim.check_initiator(credential, request.initiator)
    proof = SakkeProof(request=request, idr=claim.idr or to_id(credential.identity))
    return proof, bundles.get((proven(proof), message.header.csb_id))


def _sakke_keys(message: Message, claim: Claim, around: Surroundings) -> tuple[Sakke, SakkeKeys]:
    """Return the first credential that has keys for the message; nothing is verified."""
    error: PeerError = AuthenticationError()
    for credential in claim.candidates:
        if isinstance(credential, Sakke):
            try:
                return credential, sakke.find_keys(message, credential, around)
            except PeerError as reason:
                error = reason
    raise error


@quick_init
@dataclass(frozen=True, slots=True)
class _Signed:
    """What a signed message is verified with; `others` are further credentials that fit it."""

    credential: Certified
    others: tuple[Certified, ...]
    initiator: Id | None
    idr: Id
    known: Bundle | None
    rand: bytes


def _signed(
    message: Message,
    claim: Claim,
    bundles: Bundles,
    candidates: tuple[Credential, ...],
) -> _Signed:
    certified = tuple(c for c in candidates if isinstance(c, Certified))
    credential = _one(certified)
    known = bundles.get((claim.initiator or credential.peer, message.header.csb_id))
    # The credential that made a CSB updates it: whom another one trusts is not asked. That of an
    # adopted CSB is an Initiator's, and none of ours.
    if known is not None and claim.credentials.holds(known.credential):
        certified = tuple(c for c in certified if c is known.credential)
        credential = _one(certified)
    rand = _rand(message, known)
    if rand is None:
        raise _stale()
    return _Signed(credential, certified[1:], _named(claim), _idr(claim, credential), known, rand)


def _one(candidates: tuple[Credential, ...]) -> Certified:
    """Return the credential of a signed message; our first one that it may be for."""
    for credential in candidates:
        if isinstance(credential, Certified):
            return credential
    raise PolicyError("no certificate of ours fits the message", number=ErrorNumber.INVALID_CERT)


def _named(claim: Claim) -> Id | None:
    if claim.idi is not None or claim.initiator is None:
        return claim.idi
    return to_id(claim.initiator)


def _idr(claim: Claim, credential: Certified) -> Id:
    responder = claim.responder or credential.identity
    if responder == ANY:
        raise PolicyError("the message is for nobody by name", number=ErrorNumber.INVALID_ID)
    return claim.idr or to_id(responder)


def _made(known: Bundle | None, credential: Psk) -> bool:
    """Tell whether a CSB was made with the key of `credential`."""
    made = None if known is None else known.credential
    return isinstance(made, Psk) and made.key == credential.key


def _rand(message: Message, known: Bundle | None) -> bytes | None:
    """Return the RAND of the exchange: an update takes it from its CSB (R3830-4.5-1)."""
    payload = message.get(Rand)
    if payload is not None:
        return payload.value
    return None if known is None else known.rand


def _stale() -> DecodeError:
    return DecodeError("the message has no RAND, and its CSB is not known", payload="RAND")


_VERIFY: Mapping[
    DataType,
    Callable[[Message, Claim, Bundles, Surroundings], tuple[Proof, Bundle | None]],
] = {
    DataType.PSK_INIT: _psk,
    DataType.PKE_INIT: _pke,
    DataType.DH_INIT: _dhsign,
    DataType.DHHMAC_INIT: _dhhmac,
    DataType.RSA_R_INIT: _rsar,
    DataType.SAKKE: _sakke,
}
