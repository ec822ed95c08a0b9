"""The proof in a message, MAC or signature, and the keys behind it, as far as what is given goes.

`mikey.methods` and `mikey.session` do the work. What would make a receiver refuse an authentic
message (age, a repeated T) is no matter of this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mikey.cli.inspect.by_identity import Identities
from mikey.cli.inspect.related import REQUESTS, RESPONSES, Related
from mikey.cli.inspect.sealed import Sealed, unseal, with_keys
from mikey.cli.inspect.signed import Signatures
from mikey.cli.inspect.verdict import Given, Verdict
from mikey.credentials import ANY
from mikey.credentials.psk_file import PskFile
from mikey.crypto import check_prf
from mikey.errors import AuthenticationError, PeerError
from mikey.methods import dhhmac, pke, psk, sakke
from mikey.methods._common.identities import to_text
from mikey.methods._common.message_keys import MessageKeys
from mikey.methods._common.verification import Parties, appendix, check_v
from mikey.policy import Compat
from mikey.registry import DataType, MacAlg, SignType
from mikey.secret import Secret
from mikey.wire import Dh, Id, Kemac, Message, Pke, Sign, T, V

_MOST_KEYS = 1000
_DHHMAC = frozenset({dhhmac.REQUEST, dhhmac.RESPONSE})

_NO_MAC = "it carries no MAC: nothing proves where it came from"
_NO_RAND = "an update takes its RAND from the first message of its CSB (--request MESSAGE)"
_ALTERED = "another key, or an altered message"


class Verifier:
    """Checks messages with what is `given`; `messages` are all that may belong together.

    `now` (nanoseconds since 1970) is when certificates have to hold. Raises LocalError for
    given certificates that cannot be used.
    """

    def __init__(self, given: Given, messages: Iterable[Message] = (), *, now: int) -> None:
        self._given = given
        self.related = Related(messages)
        self._signatures = Signatures(given.certificates, now)
        self._identities = Identities(given.kmss, given.users)
        self._sealed: dict[bytes, Sealed | str] = {}

    def check(self, message: Message) -> Verdict:
        """Return what can be said of a message."""
        kind = message.header.data_type
        if kind not in REQUESTS and kind not in RESPONSES:
            return Verdict(None, f"messages of type {kind.label} are not verified here")
        request = self.related.request_of(message) if kind in RESPONSES else None
        verdict = self._proof(message, request)
        return replace(verdict, notes=(*verdict.notes, *_echoes(message, request)))

    def _proof(self, message: Message, request: Message | None) -> Verdict:
        kind = message.header.data_type
        last = message.payloads[-1] if message.payloads else None
        if kind is sakke.REQUEST:
            return self._sakke(message)
        if isinstance(last, Sign) and last.s_type is SignType.ECCSI:
            return self._sakke_error(message, request)
        if isinstance(last, Sign):
            verdict = self._signatures.check(message, request, self.related.of(message))
            if message.get(Pke) is None or message.get(Kemac) is None:
                return verdict
            return with_keys(verdict, self._open(message, request))
        if kind is psk.REQUEST:
            return self._psk_request(message)
        if kind in REQUESTS and kind is not dhhmac.REQUEST:
            return Verdict(None, "the last payload of a signed message is SIGN", proof="signature")
        if request is None and kind is not dhhmac.REQUEST:
            return Verdict(None, "a response is checked with its request (--request MESSAGE)")
        if isinstance(last, Kemac) and (kind in _DHHMAC or kind is DataType.ERROR):
            return self._dhhmac(message, request or message)
        if not isinstance(last, V) or last.auth_alg is MacAlg.NULL or request is None:
            return Verdict(None, _NO_MAC)
        if request.header.data_type is pke.REQUEST:
            return self._under_envelope(message, request)
        return self._psk_response(message, request)

    def _sakke(self, message: Message) -> Verdict:
        try:
            sakke.check_request(message, allow_unsigned=True)
        except PeerError as error:
            return Verdict(None, error.reason, proof="signature")
        sign = message.get(Sign)
        if sign is None or sign.s_type is SignType.ECCSI:
            verdict = self._identities.check(message)
        else:
            verdict = self._signatures.check(message, None, self.related.of(message))
        return self._identities.open(message, verdict)

    def _sakke_error(self, message: Message, request: Message | None) -> Verdict:
        """Check the Error message of whom a SAKKE message was sent to."""
        if message.header.data_type is not DataType.ERROR:
            return Verdict(None, "signatures by identity belong to SAKKE", proof="signature")
        if request is None:
            return Verdict(None, "an error is checked with its request (--request MESSAGE)")
        try:
            sakke.check_request(request, allow_unsigned=True)
        except PeerError:
            return Verdict(None, "its request is no sound SAKKE message", proof="signature")
        return self._identities.check(message, request)

    def _psk_request(self, message: Message) -> Verdict:
        try:
            kemac = psk.check_request(message, allow_null=True)
        except PeerError as error:
            return Verdict(None, str(error))
        rand = self.related.rand_of(message)
        if kemac.mac_alg is MacAlg.NULL:
            keys = MessageKeys(None, message.header.prf, message.header.csb_id, rand or b"")
            request = psk.verify_request(message, keys)
            return replace(_opened(request, rand or b""), verified=None, reason=_NO_MAC)
        if rand is None:
            return Verdict(None, _NO_RAND)
        keys_or_why = self._fitting(message, message, rand)
        if isinstance(keys_or_why, Verdict):
            return keys_or_why
        return _opened(psk.verify_request(message, keys_or_why), rand)

    def _psk_response(self, message: Message, request: Message) -> Verdict:
        if request.header.data_type is not psk.REQUEST:
            return Verdict(
                None, f"V has no place in a response to {request.header.data_type.label}"
            )
        rand = self.related.rand_of(request)
        if rand is None:
            return Verdict(None, _NO_RAND)
        keys = self._fitting(message, request, rand)
        if isinstance(keys, Verdict):
            return keys
        opened = _opened(psk.verify_request(request, keys), rand)
        return _check_v(message, request, keys, opened)

    def _dhhmac(self, message: Message, request: Message) -> Verdict:
        rand = self.related.rand_of(request)
        if rand is None:
            return Verdict(None, _NO_RAND)
        if not isinstance(message.payloads[-1], Kemac):
            return Verdict(None, _NO_MAC)
        keys = self._fitting(message, request, rand)
        if isinstance(keys, Verdict):
            return keys
        try:
            dhhmac.verify_request(message, keys)
        except PeerError:
            return Verdict(False, _ALTERED)
        return Verdict(True)

    def _under_envelope(self, message: Message, request: Message) -> Verdict:
        """Check V of a message that answers a PKE request, under the key of its envelope."""
        sealed = self._open(request, None)
        if isinstance(sealed, str):
            why = sealed or "V is made with the envelope key of its request (--key FILE)"
            return Verdict(None, why)
        return _check_v(message, request, sealed.keys, replace(sealed.verdict, verified=True))

    def _open(self, message: Message, request: Message | None) -> Sealed | str:
        """Open an envelope once; RSA-R's RAND may stand in the request."""
        if message.octets not in self._sealed:
            rand = self.related.rand_of(message)
            if rand is None and request is not None:
                rand = self.related.rand_of(request)
            self._sealed[message.octets] = unseal(message, self._given.keys, rand)
        return self._sealed[message.octets]

    def _fitting(self, message: Message, request: Message, rand: bytes) -> MessageKeys | Verdict:
        """Find the secret that the MAC of `request` is made with, else say why there is none.

        `request` is `message` itself if that is one.
        """
        candidates = list(self._kept(request))
        if self._given.secrets is None and not candidates:
            return Verdict(None, "no secret was given (--psk-file)")
        if self._given.secrets is not None:
            candidates += _candidates(self._given.secrets, (request, message))
        if not candidates:
            return Verdict(None, "the PSK file has no key for its identities")
        header = request.header
        try:
            check_prf(header.prf)
        except PeerError as error:
            return Verdict(None, error.reason)
        verify = psk.verify_request if header.data_type is psk.REQUEST else dhhmac.verify_request
        for secret in candidates:
            keys = MessageKeys(secret, header.prf, header.csb_id, rand)
            try:
                verify(request, keys)
            except PeerError:
                continue
            return keys
        if message is request:
            return Verdict(False, _ALTERED)
        return Verdict(None, "no key in the PSK file fits its request")

    def _kept(self, request: Message) -> Iterator[Secret]:
        """Yield the envelope keys that were cached for updates of the CSB (R3830-4.5-5)."""
        if not self._given.keys:
            return
        for message in self.related.of(request):
            if message.get(Pke) is not None and message.get(Kemac) is not None:
                sealed = self._open(message, self.related.request_of(message))
                if isinstance(sealed, Sealed) and sealed.kept is not None:
                    yield sealed.kept


def _opened(request: psk.VerifiedRequest, rand: bytes) -> Verdict:
    """Return the verdict on an authentic request, with its keys if KEMAC opens."""
    try:
        return Verdict(True, key_data=request.key_data(), rand=rand)
    except PeerError as error:
        return Verdict(True, notes=(f"KEMAC cannot be opened: {error.reason}",), rand=rand)


def _check_v(message: Message, request: Message, keys: MessageKeys, opened: Verdict) -> Verdict:
    """Check V in the forms that are in use, the RFC's first."""
    t = request.one(T)
    v = message.one(V)
    parties, known = _parties(message, request)
    bare = "V covers the message and T alone, without identities (R3830-5.2-11)"
    forms = [
        (appendix(parties, t, Compat()), ()),
        (appendix(parties, t, Compat(v_without_identities=True)), (bare,)),
    ]
    if message.header.data_type is DataType.ERROR:
        forms.append((b"", ("V covers the Error message alone (R3830-5.1.2-5)",)))
    for covered, notes in forms:
        try:
            check_v(message, v, keys, covered)
        except AuthenticationError:
            continue
        return replace(opened, notes=(*opened.notes, *notes))
    if not known:
        return Verdict(None, "V covers identities that stand in neither message")
    return Verdict(False, "an altered message, or not the answer to its request")


def _echoes(message: Message, request: Message | None) -> Iterator[str]:
    """Remark on what a response should repeat of its request."""
    if request is None:
        return
    if message.get(T) != request.get(T):
        yield "T differs from that of the request, which a response repeats (R3830-5.2-5)"
    values = message.all(Dh)
    if values and request.get(Dh) is not None and request.get(Dh) != values[-1]:
        yield "DHi differs from that of the request, which a response repeats (RFC 3830 3.3)"


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
