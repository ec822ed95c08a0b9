"""The Error message (RFC 3830 5.1.2)."""

from __future__ import annotations

from mikey.errors import AuthenticationError, DecodeError, ReportedError
from mikey.methods._common.message_keys import MessageKeys
from mikey.methods._common.verification import build_with_v, check_v
from mikey.registry import DataType, ErrorNumber, MacAlg, MapType
from mikey.wire import EmptyMap, Err, Hdr, Message, Payload, Sp, SrtpIdMap, T, V


def error_parts(
    offending: Hdr, t: T, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...]
) -> tuple[Hdr, tuple[Payload, ...]]:
    """Return header and payloads of an Error message without what authenticates it.

    Version, PRF and CSB ID are those of the offending message, no crypto session is described
    (R3830-5.1.2-4).
    """
    empty = offending.cs_map.MAP_TYPE is MapType.EMPTY
    header = Hdr(
        data_type=DataType.ERROR,
        csb_id=offending.csb_id,
        cs_map=EmptyMap() if empty else SrtpIdMap(),
        prf=offending.prf,
    )
    return header, (t, *(Err(number) for number in numbers), *offered)


def build_error(
    offending: Hdr,
    t: T,
    numbers: tuple[ErrorNumber, ...],
    offered: tuple[Sp, ...] = (),
    *,
    keys: MessageKeys | None = None,
    alg: MacAlg = MacAlg.NULL,
    covered: bytes = b"",
) -> bytes:
    """Return the Error message that answers the message with header `offending` and time `t`.

    With `keys` it ends in V over `covered` (R3830-5.1.2-5), else it is bare.
    """
    header, payloads = error_parts(offending, t, numbers, offered)
    if keys is None or alg is MacAlg.NULL:
        return Message.build(header, payloads).octets
    return build_with_v(header, payloads, alg, keys, covered)


def read_error(message: Message, sent: T, keys: MessageKeys, covered: bytes) -> ReportedError:
    """Return what an Error message reports to the Initiator that sent `sent`.

    V may cover the message with or without `covered` (R3830-5.1.2-5). Raises DecodeError for
    one without ERR or with another T, AuthenticationError for a wrong V.
    """
    errors = reported_numbers(message, sent)
    v = message.payloads[-1]
    authenticated = isinstance(v, V) and v.auth_alg is not MacAlg.NULL
    if isinstance(v, V) and authenticated:
        try:
            check_v(message, v, keys, covered)
        except AuthenticationError:
            check_v(message, v, keys, b"")
    return ReportedError(errors, authenticated=authenticated, offered=message.all(Sp))


def reported_numbers(message: Message, sent: T) -> tuple[ErrorNumber, ...]:
    """Return the numbers of an Error message that answers the timestamp `sent`.

    Raises DecodeError for one without ERR or with another T.
    """
    if message.one(T) != sent:
        raise DecodeError("the Error message answers another timestamp", number=None)
    errors = message.all(Err)
    if not errors:
        raise DecodeError("the Error message names no error", number=None)
    return tuple(error.number for error in errors)
