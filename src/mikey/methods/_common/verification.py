"""The V payload of responses and errors (RFC 3830 5.2, 6.9)."""

from __future__ import annotations

from dataclasses import dataclass

from mikey.methods._common.message_keys import MessageKeys
from mikey.policy import Compat
from mikey.registry import MacAlg
from mikey.wire import MAC_OCTETS, Hdr, Message, Payload, T, V, encode


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
