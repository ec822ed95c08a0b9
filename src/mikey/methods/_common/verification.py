"""The V payload of responses and errors (RFC 3830 5.2, 6.9)."""

from __future__ import annotations

from dataclasses import dataclass

from mikey.errors import DecodeError, UnsupportedError
from mikey.methods._common.exchange import refuse_strangers
from mikey.methods._common.message_keys import MessageKeys
from mikey.policy import Compat
from mikey.registry import MacAlg
from mikey.values import quick_init
from mikey.wire import MAC_OCTETS, Dh, Hdr, Kemac, Message, Payload, Pke, Rand, Sign, T, V, encode


@quick_init
@dataclass(frozen=True, slots=True)
class Parties:
    """The identities that V covers: ID data octets, empty where none is known (R3830-5.2-8)."""

    idi: bytes
    idr: bytes


def appendix(parties: Parties, t: T, compat: Compat) -> bytes:
    """Return what V covers behind the message: Identity_i || Identity_r || Timestamp.

    Only the octets of ID data and TS value count (R3830-5.2-7); T is the Initiator's.
    """
    if compat.v_without_identities:
        return t.value
    return parties.idi + parties.idr + t.value


def build_with_v(
    header: Hdr,
    payloads: tuple[Payload, ...],
    alg: MacAlg,
    keys: MessageKeys,
    covered: bytes,
) -> bytes:
    """Return the message that ends in V; `covered` is its `appendix` (not sent)."""
    size = MAC_OCTETS[alg]
    octets = encode(header, (*payloads, V(alg, bytes(size))))
    unsealed = octets[: len(octets) - size]
    return unsealed + keys.mac(alg, unsealed + covered)


def check_v(message: Message, v: V, keys: MessageKeys, covered: bytes) -> None:
    """Raise AuthenticationError unless V, the last payload, is right over received octets."""
    unsealed = message.octets[: len(message.octets) - len(v.ver_data)]
    keys.check_mac(v.auth_alg, unsealed + covered, v.ver_data)


def check_verification(
    message: Message,
    sent: T,
    mac_alg: MacAlg,
    keys: MessageKeys,
    parties: Parties,
    compat: Compat,
    method: str,
) -> None:
    """Check a verification message, data type 1 or 3, against the I_MESSAGE that it answers.

    `sent` is the T of that message, `mac_alg` its MAC. Raises DecodeError for another form or
    another T, UnsupportedError (3) for a V weaker than our MAC (R3830-6.9-3),
    AuthenticationError.
    """
    if message.one(T) != sent and not compat.fresh_response_timestamp:
        raise DecodeError("the response does not repeat our timestamp", number=None, payload="T")
    v = message.payloads[-1]
    if not isinstance(v, V):
        raise DecodeError(f"the last payload of a {method} response is V", number=None, payload="V")
    refuse_strangers(message, (Pke, Dh, Sign, Kemac, Rand), method)
    if v.auth_alg < mac_alg:
        raise UnsupportedError(
            "the response is authenticated more weakly than the request", number=None, payload="V"
        )
    check_v(message, v, keys, appendix(parties, sent, compat))
