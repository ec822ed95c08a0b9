"""What products send, in the words of RFC 3830.

A MIKEY-NULL message has no MAC: what a product leaves out of it, or puts in its own way, can be
said again in full before it is checked like any other. That is done for nothing else: a message
with a MAC stays as it came, but for zeros behind its end.
"""

from __future__ import annotations

from dataclasses import replace

from mikey.errors import DecodeError, PeerError, PolicyError
from mikey.policy import Clock, Compat, srtp_policy
from mikey.policy.clock import ns_from_filetime
from mikey.registry import DataType, EncrAlg, ErrorNumber, KeyType, MacAlg, PayloadType
from mikey.session import Bundle
from mikey.wire import (
    Hdr,
    Kemac,
    Message,
    Payload,
    Rand,
    Sp,
    SrtpId,
    SrtpIdMap,
    T,
    encode,
    parse_key_data,
    walk,
)

_RAND = bytes(16)
_READY = frozenset({KeyType.TEK, KeyType.TEK_SALT})


def first_message(octets: bytes, *, compat: Compat, clock: Clock) -> bytes:
    """Return a first message of a peer as `Responder.receive` takes it.

    Zeros behind the end are cut. In MIKEY-NULL messages a T that is missing or not to be
    checked becomes ours, a missing RAND becomes zeros where every key is a TEK, which is not
    derived from it, and a map of no crypto sessions gets one; all as far as `compat` says.

    Raises PeerError for octets that are no message.
    """
    message = Message.parse(without_zeros(octets) if compat.trailing_zeros else octets)
    if not is_null(message):
        return message.octets
    t, rand = message.get(T), message.get(Rand)
    if compat.unchecked_timestamp or (t is None and compat.missing_timestamp):
        t = clock.timestamp()
    if rand is None and compat.missing_rand and _is_ready(message):
        rand = Rand(_RAND)
    front: tuple[Payload | None, ...] = (t, rand)
    rest = tuple(p for p in message.payloads if not isinstance(p, T | Rand))
    header = message.header
    if compat.missing_map and not header.cs_map.count:
        header = replace(header, cs_map=SrtpIdMap((SrtpId(0, 0),)))
    return encode(header, (*(p for p in front if p is not None), *rest))


def update_message(octets: bytes, bundle: Bundle, *, clock: Clock) -> bytes:
    """Return the rekey that a peer sent inside the session of `bundle`, as an update of its CSB.

    Products send a whole new message or one with the key alone, under the old CSB ID or another:
    what counts is the key. Crypto sessions, their ROC and policies stay (RFC 3711 3.3.1). Only
    for MIKEY-NULL; a message with a MAC comes back as it is.

    Raises PolicyError (10) for another SRTP policy, PeerError for octets that are no message.
    """
    compat = bundle.credential.compat
    message = Message.parse(without_zeros(octets) if compat.trailing_zeros else octets)
    if not is_null(message):
        return message.octets
    if not _is_ready(message):
        raise PolicyError("a rekey in RTSP brings a TEK", payload="KEMAC")
    used = set(bundle.policies.values())
    if any(srtp_policy(sp, compat) not in used for sp in message.all(Sp)):
        raise PolicyError("a rekey changes the SRTP policy", number=ErrorNumber.INVALID_SPPAR)
    header = Hdr(DataType.PSK_INIT, bundle.csb_id, SrtpIdMap(), prf=bundle.prf)
    return encode(header, (clock.timestamp(), message.one(Kemac)))


def is_null(message: Message) -> bool:
    """Tell whether nothing but the transport protects a message."""
    kemac = message.get(Kemac)
    return (
        message.header.data_type is DataType.PSK_INIT
        and kemac is not None
        and kemac.mac_alg is MacAlg.NULL
        and kemac.encr_alg is EncrAlg.NULL
    )


def filetime(octets: bytes) -> int | None:
    """Return the time that T means if it holds a Windows FILETIME, in ns since 1970.

    Some cameras put one where NTP belongs; for messages to people. None for any other T.
    """
    try:
        t = Message.parse(without_zeros(octets)).get(T)
    except PeerError:
        return None
    return None if t is None else ns_from_filetime(t)


def _is_ready(message: Message) -> bool:
    try:
        keys = parse_key_data(message.one(Kemac).encr_data)
    except PeerError as error:
        # The frames below hold keys in clear: no log of a traceback may show them.
        raise error.with_traceback(None) from None
    return bool(keys) and all(key.key_type in _READY for key in keys)


def without_zeros(octets: bytes) -> bytes:
    """Return the octets without the zeros that stand behind a complete message."""
    end, complete = 0, False
    try:
        for item in walk(octets):
            end = item.offset + item.length
            complete = item.next_payload is PayloadType.LAST
    except DecodeError:
        if complete and not any(octets[end:]):
            return octets[:end]
    return octets
