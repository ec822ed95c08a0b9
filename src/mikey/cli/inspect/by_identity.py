"""SAKKE messages: signatures by identity (ECCSI), and what a user's keys open (RFC 6509 2.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mikey.cli.inspect.verdict import Verdict
from mikey.credentials import Kms, SakkeKeys
from mikey.credentials.sakke_file import KeyFile
from mikey.errors import AuthenticationError, PeerError
from mikey.methods._common import signature
from mikey.methods._common.identities import to_text
from mikey.policy.clock import ns_from_t
from mikey.registry import IdRole, KeyType
from mikey.wire import Id, Idr, KeyData, KvNull, Message, Rand, Sakke, Sign, T

_MOST_GIVEN = 100

_UNSIGNED = "it is not signed: nothing proves where it came from"
_ALTERED = "another sender or KMS than it names, or an altered message"
_BARE = "the signature leaves out the two octets of SIGN in front of it (R6509-2.2.1-4)"


class Identities:
    """Checks ECCSI signatures with the public keys of KMSs, and opens what `users` may read."""

    def __init__(self, given: Sequence[Kms], users: Sequence[KeyFile]) -> None:
        held = [keys.kms for user in users for keys in user.keys]
        self._known = tuple({id(kms): kms for kms in (*given, *held)}.values())[:_MOST_GIVEN]
        self._users = tuple(users)

    def check(self, message: Message, request: Message | None = None) -> Verdict:
        """Return the verdict on a message that ends in an ECCSI signature, or in none.

        `request` is what an Error message answers: that was sent to its signer.
        """
        sign = message.get(Sign)
        if sign is None:
            return _verdict(None, _UNSIGNED)
        asked = message if request is None else request
        roles = (IdRole.INITIATOR, IdRole.INITIATOR_KMS)
        if request is not None:
            roles = (IdRole.RESPONDER, IdRole.RESPONDER_KMS)
        name, kms_name = (_text(asked, role) for role in roles)
        if name is None:
            return _verdict(None, "it does not say who it is from")
        candidates = list(self._kmss(asked, kms_name))
        if not candidates:
            which = "" if kms_name is None else f", {kms_name},"
            return _verdict(None, f"its KMS{which} is not known (--kms FILE)")
        for kms in candidates:
            try:
                notes = _fits(message, sign, kms, name, ns_from_t(asked.one(T)))
            except AuthenticationError:
                continue
            except PeerError as error:
                return _verdict(None, f"{name}: {error.reason}")
            return _verdict(True, notes=notes)
        if kms_name is None:
            return _verdict(None, "it names no KMS, and none that was given fits (--kms FILE)")
        return _verdict(False, _ALTERED)

    def open(self, message: Message, verdict: Verdict) -> Verdict:
        """Return a verdict with the key of a message, or with a remark on why it stayed closed."""
        if not self._users:
            return verdict
        period = ""
        for keys in (keys for user in self._users for keys in user.keys):
            if not _is_of_kms(keys, message):
                continue
            at = ns_from_t(message.one(T))
            scheme = keys.kms.scheme
            if keys.period != scheme.period(at):
                period = f": the message is of key period {scheme.label(scheme.period(at))}"
                continue
            try:
                ssv = keys.receiver.decapsulate(message.one(Sakke).data)
            except AuthenticationError:
                continue
            key = KeyData(KeyType.TGK, ssv, None, KvNull())
            return replace(verdict, key_data=(key,), rand=message.one(Rand).value)
        return replace(verdict, notes=(*verdict.notes, f"no --sakke-keys open it{period}"))

    def _kmss(self, message: Message, name: str | None) -> Iterator[Kms]:
        scheme = message.one(Sakke).id_scheme
        for kms in self._known:
            if kms.scheme.number is scheme and name in (None, kms.uri):
                yield kms


def _fits(message: Message, sign: Sign, kms: Kms, name: str, at: int) -> tuple[str, ...]:
    """Return remarks on a signature that is right; AuthenticationError, PolicyError (7)."""
    notes: tuple[str, ...] = ()
    normal = kms.scheme.normal(name)
    if normal != name:
        notes = (f"a receiver would refuse {name}: it is written {normal}",)
    identifier = kms.identifier(name, at)
    covered = signature.unsigned(message)
    try:
        kms.eccsi.verify(identifier, covered, sign.signature)
    except AuthenticationError:
        kms.eccsi.verify(identifier, covered[: -Sign.HEADER_OCTETS], sign.signature)
        return (*notes, _BARE)
    return notes


def _is_of_kms(keys: SakkeKeys, message: Message) -> bool:
    """Tell whether keys are of the KMS and the identifier scheme that a message was made for."""
    named = _text(message, IdRole.RESPONDER_KMS)
    scheme = message.one(Sakke).id_scheme
    return named in (None, keys.kms.uri) and keys.kms.scheme.number is scheme


def _text(message: Message, role: IdRole) -> str | None:
    for idr in message.all(Idr):
        if idr.role is role:
            try:
                return to_text(Id(idr.id_type, idr.data))
            except PeerError:
                return None
    return None


def _verdict(verified: bool | None, reason: str = "", notes: tuple[str, ...] = ()) -> Verdict:
    return Verdict(verified, reason, notes, proof="signature")
