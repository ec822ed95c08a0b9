"""Envelopes: KEMAC and PKE of the public-key methods, opened with a private key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mikey.cli.inspect.related import csb_id_of
from mikey.cli.inspect.signed import sender_of
from mikey.cli.inspect.verdict import Verdict
from mikey.credentials import SoftwareKey
from mikey.crypto import blocks_cancel, check_prf
from mikey.errors import AuthenticationError, PeerError
from mikey.methods._common import envelope
from mikey.methods._common.message_keys import MessageKeys
from mikey.policy.clock import value64
from mikey.registry import CacheType
from mikey.secret import Secret
from mikey.wire import Kemac, Message, Pke, T


@dataclass(frozen=True, slots=True)
class Sealed:
    """What came out of an envelope: the keys of the messages under it, and what they open.

    `kept` is the envelope key if both sides cache it: updates are made under it.
    """

    keys: MessageKeys
    verdict: Verdict
    kept: Secret | None = field(repr=False)


def unseal(message: Message, keys: Sequence[SoftwareKey], rand: bytes | None) -> Sealed | str:
    """Open the envelope of a message, or say why not; the text is empty if there is no key."""
    if not keys:
        return ""
    if rand is None:
        return "the RAND of its CSB is not known (--request MESSAGE)"
    try:
        check_prf(message.header.prf)
        pke, kemac = message.one(Pke), message.one(Kemac)
        envelope.check_algorithms(kemac)
        t = value64(message.one(T))
    except PeerError as error:
        return f"the envelope cannot be opened: {error.reason}"
    csb_ids = dict.fromkeys((csb_id_of(message), message.header.csb_id))
    for key in keys:
        if len(pke.data) != key.size:
            continue
        env_key = key.decrypt(pke.data)
        if blocks_cancel(env_key.expose()):
            continue
        for csb_id in csb_ids:
            under = MessageKeys(env_key, message.header.prf, csb_id, rand)
            try:
                opened = envelope.unseal(message, under, t, sound=True)
            except AuthenticationError:
                continue
            except PeerError as error:
                return f"KEMAC cannot be read: {error.reason}"
            notes = _identity(message, opened)
            verdict = Verdict(
                None,
                notes=notes,
                key_data=opened.keys,
                rand=rand,
                csb_id=csb_id_of(message),
                identity=opened.identity,
            )
            kept = None if pke.c is CacheType.NO_CACHE else env_key
            return Sealed(under, verdict, kept)
    return "no --key opens its envelope"


def _identity(message: Message, opened: envelope.Opened) -> tuple[str, ...]:
    claimed = sender_of(message)
    if claimed is not None and claimed != opened.identity:
        return ("the identity inside KEMAC is not that of the sender (R3830-3.2-5)",)
    return ()


def with_keys(verdict: Verdict, sealed: Sealed | str) -> Verdict:
    """Return a verdict on a signature with what the envelope held, or why it stayed closed."""
    if isinstance(sealed, str):
        return replace(verdict, notes=(*verdict.notes, sealed)) if sealed else verdict
    inside = sealed.verdict
    return replace(
        verdict,
        notes=(*verdict.notes, *inside.notes),
        key_data=inside.key_data,
        rand=inside.rand,
        csb_id=inside.csb_id,
        identity=inside.identity,
    )
