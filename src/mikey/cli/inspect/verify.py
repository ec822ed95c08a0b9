"""The MAC of a message, and the keys behind it, as far as the given secrets reach.

`mikey.methods` and `mikey.session` do the work. What would make a receiver refuse an authentic
message (age, a repeated T) is no matter of this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mikey.credentials import ANY
from mikey.credentials.psk_file import PskFile
from mikey.crypto import check_prf
from mikey.errors import AuthenticationError, PeerError
from mikey.methods import psk
from mikey.methods._common.message_keys import MessageKeys
from mikey.methods._common.verification import Parties, appendix, check_v
from mikey.policy import Compat
from mikey.registry import DataType, MacAlg
from mikey.secret import Secret
from mikey.session.identities import to_text
from mikey.wire import Id, KeyData, Message, Rand, Sp, T, V

_VERIFIABLE = frozenset({DataType.PSK_INIT, DataType.PSK_RESP, DataType.ERROR})
_MOST_KEYS = 1000
_MOST_REQUESTS = 1000  # of one CSB


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the MAC is right (None: not known), the `reason` if it is not, what else to know.

    `key_data` is what KEMAC holds, None where it could not be opened; `rand` is that of the CSB.
    """

    verified: bool | None
    reason: str = ""
    notes: tuple[str, ...] = ()
    key_data: tuple[KeyData, ...] | None = None
    rand: bytes = b""


class Verifier:
    """Checks messages against secrets; `messages` are all that may belong together."""

    def __init__(self, secrets: PskFile | None, messages: Iterable[Message] = ()) -> None:
        self._secrets = secrets
        self._requests: dict[int, list[Message]] = {}
        for message in messages:
            if message.header.data_type is psk.REQUEST:
                self._requests.setdefault(message.header.csb_id, []).append(message)

    def check(self, message: Message) -> Verdict:
        """Return what can be said of a message."""
        kind = message.header.data_type
        if kind not in _VERIFIABLE:
            return Verdict(None, f"{kind.label} is no message of the pre-shared key method")
        if kind is psk.REQUEST:
            return self._request(message)
        request = self._request_of(message)
        if request is None:
            return Verdict(None, "a response is checked with its request (--request MESSAGE)")
        return self._response(message, request)

    def _request(self, message: Message) -> Verdict:
        try:
            kemac = psk.check_request(message, allow_null=True)
        except PeerError as error:
            return Verdict(None, str(error))
        rand = self._rand_of(message)
        if kemac.mac_alg is MacAlg.NULL:
            keys = MessageKeys(None, message.header.prf, message.header.csb_id, rand or b"")
            request = psk.verify_request(message, keys)
            return replace(_opened(request, rand or b""), verified=None, reason=_NO_MAC)
        if rand is None:
            return Verdict(
                None,
                "an update takes its RAND from the first message of its CSB (--request MESSAGE)",
            )
        return self._try(message, message, rand)

    def _response(self, message: Message, request: Message) -> Verdict:
        v = message.payloads[-1]
        if not isinstance(v, V) or v.auth_alg is MacAlg.NULL:
            return Verdict(None, _NO_MAC)
        rand = self._rand_of(request)
        if rand is None:
            return Verdict(None, "the RAND of its CSB is not known (--request MESSAGE)")
        verdict = self._try(message, request, rand)
        if message.get(T) != request.get(T):
            note = "T differs from that of the request, which a response repeats (R3830-5.2-5)"
            return replace(verdict, notes=(*verdict.notes, note))
        return verdict

    def _try(self, message: Message, request: Message, rand: bytes) -> Verdict:
        """Try every secret that may be meant; `request` is `message` itself if that is one."""
        if self._secrets is None:
            return Verdict(None, "no secret was given (--psk-file)")
        candidates = list(_candidates(self._secrets, (request, message)))
        if not candidates:
            return Verdict(None, "the PSK file has no key for its identities")
        header = request.header
        try:
            check_prf(header.prf)
        except PeerError as error:
            return Verdict(None, error.reason)
        for secret in candidates:
            keys = MessageKeys(secret, header.prf, header.csb_id, rand)
            try:
                verified = psk.verify_request(request, keys)
            except PeerError:
                continue
            if message is request:
                return _opened(verified, rand)
            return _check_v(message, verified, rand)
        if message is request:
            return Verdict(False, "another key, or an altered message")
        return Verdict(None, "no key in the PSK file fits its request")

    def _request_of(self, response: Message) -> Message | None:
        """Return the request with the CSB ID of a message, that with its T first."""
        same = self._same_csb(response)
        exact = [m for m in same if m.get(T) == response.get(T)]
        return next(iter(exact or same), None)

    def described_by(self, message: Message) -> Message:
        """Return the message that has the security policies of this one's crypto sessions.

        That is itself, its request, or for an update without SP the first of its CSB.
        """
        related = self._same_csb(message)
        exact = [m for m in related if m.get(T) == message.get(T)]
        candidates = (message, *exact, *related)
        return next((m for m in candidates if m.get(Sp) is not None), message)

    def _rand_of(self, message: Message) -> bytes | None:
        """Return the RAND of a message or, of an update, that of its CSB."""
        for candidate in (message, *self._same_csb(message)):
            rand = candidate.get(Rand)
            if rand is not None:
                return rand.value
        return None

    def _same_csb(self, message: Message) -> list[Message]:
        return self._requests.get(message.header.csb_id, [])[:_MOST_REQUESTS]


_NO_MAC = "it carries no MAC: nothing proves where it came from"


def _opened(request: psk.VerifiedRequest, rand: bytes) -> Verdict:
    """Return the verdict on an authentic request, with its keys if KEMAC opens."""
    try:
        return Verdict(True, key_data=request.key_data(), rand=rand)
    except PeerError as error:
        return Verdict(True, notes=(f"KEMAC cannot be opened: {error.reason}",), rand=rand)


def _check_v(message: Message, request: psk.VerifiedRequest, rand: bytes) -> Verdict:
    """Check V in the forms that are in use, the RFC's first."""
    opened = _opened(request, rand)
    t = request.message.one(T)
    v = message.one(V)
    parties, known = _parties(message, request.message)
    bare = "V covers the message and T alone, without identities (R3830-5.2-11)"
    forms = [
        (appendix(parties, t, Compat()), ()),
        (appendix(parties, t, Compat(v_without_identities=True)), (bare,)),
    ]
    if message.header.data_type is DataType.ERROR:
        forms.append((b"", ("V covers the Error message alone (R3830-5.1.2-5)",)))
    for covered, notes in forms:
        try:
            check_v(message, v, request.keys, covered)
        except AuthenticationError:
            continue
        return replace(opened, notes=(*opened.notes, *notes))
    if not known:
        return Verdict(None, "V covers identities that stand in neither message")
    return Verdict(False, "an altered message, or not the answer to its request")


def _parties(response: Message, request: Message) -> tuple[Parties, bool]:
    """Return the identities that V covers (R3830-5.2-8), and whether both are in the messages."""
    ids, own = request.all(Id), response.all(Id)
    idi = ids[0].data if ids else b""
    idr = own[0].data if own else ids[1].data if len(ids) > 1 else b""
    return Parties(idi, idr), bool(idi and idr)


def _candidates(secrets: PskFile, messages: Iterable[Message]) -> Iterator[Secret]:
    """Yield the keys that may be meant: of the identities named, then of `*`, else all."""
    named = [payload for message in messages for payload in message.all(Id)]
    if not named:
        yield from list(secrets.keys.values())[:_MOST_KEYS]
        return
    seen = set()
    for payload in named:
        try:
            identity = to_text(payload)
        except PeerError:
            continue
        if identity in secrets.keys and identity not in seen:
            seen.add(identity)
            yield secrets.keys[identity]
    if ANY in secrets.keys:
        yield secrets.keys[ANY]
