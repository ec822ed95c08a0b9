"""Diffie-Hellman under a pre-shared key, data types 7 and 8, and its update (RFC 4650).

With ``literal`` a message carries the numbers that RFC 4650 prints (Encr alg 2, Mac alg 0) in
place of the registered ones; received, both forms are the same (R4650-4.2-2).
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.naive import crypto, dh, exchange
from tests.naive import encode as e
from tests.naive.decode import ERR, KEMAC, Fields, T, decode, one
from tests.naive.dh import Validity
from tests.naive.exchange import Terms

INIT, RESP = 7, 8
_MAC_OCTETS = 20
_REGISTERED, _LITERAL = (0, 1), (2, 0)


def offer(
    terms: Terms, psk: bytes, xi: int = 0, *,
    group: int | None = 0, validity: Validity = Validity(), literal: bool = False,  # noqa: B008
) -> bytes:  # fmt: skip
    """Build the I_MESSAGE; ``group`` None makes it an update without DH values."""
    if terms.rand is None or terms.idr is None:
        raise ValueError("DHHMAC wants a RAND and an IDr")
    payloads = exchange.front(terms) + dh.opening(group, xi, validity) + [_kemac(literal)]
    out = exchange.build(INIT, payloads, terms)
    return out + _mac(psk, out, terms.csb_id, terms.rand, terms.prf)


def answer(
    octets: bytes, psk: bytes, ssrcs: dict[int, int], xr: int = 0, *, idi: bytes | None = None,
    idr: bytes | None = None, rand: bytes | None = None, literal: bool = False,
) -> tuple[bytes, Fields | None]:  # fmt: skip
    """Verify the I_MESSAGE, build the R_MESSAGE, and return it with the new key.

    ``idi`` is used where the message has none; ``idr`` is sent if given; ``rand`` is the stored
    one of an update. ValueError if the MAC or the DH value is wrong.
    """
    rand = open_message(octets, psk, INIT, rand)
    known = registered(octets)
    name = exchange.names(known).idi or idi
    if name is None:
        raise ValueError("nobody said who the Initiator is")
    values, key = dh.answering(known, xr)
    payloads = [] if idr is None else [exchange.identity(idr)]
    payloads += [exchange.identity(name), *values, _kemac(literal)]
    out = exchange.reply(RESP, known, payloads, ssrcs)
    hdr = decode(known)[0].fields
    return out + _mac(psk, out, hdr["csb_id"], rand, hdr["prf_func"]), key


def finish(
    octets: bytes, told: bytes, psk: bytes, xi: int = 0, *, idi: bytes, rand: bytes | None = None
) -> Fields | None:
    """Verify the R_MESSAGE for the Initiator ``idi``, and return the new key if there is one."""
    asked, got = registered(octets), registered(told)
    exchange.check_reply(asked, got, RESP)
    if exchange.names(got).idi != idi:
        raise ValueError("the answer is for another Initiator")
    open_message(told, psk, RESP, exchange.sent_rand(asked, rand))
    return dh.finish(asked, got, xi)


def open_message(octets: bytes, psk: bytes, data_type: int, rand: bytes | None = None) -> bytes:
    """Check type and MAC, and return the RAND; ``rand`` is that of an update or of the offer."""
    known = registered(octets)
    parts = decode(known)
    hdr, kemac = parts[0].fields, one(parts, KEMAC)
    if hdr["data_type"] != data_type or kemac.next_payload or kemac.fields["encr_data"]:
        raise ValueError("another data type, or a KEMAC with data or not at the end")
    if (kemac.fields["encr_alg"], kemac.fields["mac_alg"]) != _REGISTERED:
        raise ValueError("a DHHMAC message without its MAC")
    rand = exchange.sent_rand(known, rand)
    wanted = _mac(psk, octets[:-_MAC_OCTETS], hdr["csb_id"], rand, hdr["prf_func"])
    if octets[-_MAC_OCTETS:] != wanted:
        raise ValueError("the MAC is wrong")
    return rand


def registered(octets: bytes) -> bytes:
    """Return the message with the registered numbers, for the decoder; its MAC may then be off.

    A message in the literal form ends in KEMAC (0, 2, 0, 0, 0) and 20 octets.
    """
    try:
        decode(octets)
    except ValueError:
        head, mac = octets[: -_MAC_OCTETS - 4], octets[-_MAC_OCTETS:]
        if octets[-_MAC_OCTETS - 5 : -_MAC_OCTETS] == bytes([0, 2, 0, 0, 0]):
            return head + bytes([0, 0, 0, 1]) + mac
        raise
    return octets


def error(octets: bytes, numbers: Sequence[int], psk: bytes, rand: bytes | None = None) -> bytes:
    """Build the Error message that ends in a KEMAC (R4650-4.1-2: only where configured)."""
    known = registered(octets)
    parts = decode(known)
    hdr, stamp = parts[0].fields, one(parts, T).fields
    payloads = [e.t(stamp["ts_type"], stamp["value"]), *map(e.err, numbers), _kemac(False)]
    out = e.build(6, payloads, csb_id=hdr["csb_id"], prf=hdr["prf_func"])
    return out + _mac(psk, out, hdr["csb_id"], exchange.sent_rand(known, rand), hdr["prf_func"])


def check_error(octets: bytes, told: bytes, psk: bytes, rand: bytes | None = None) -> list[int]:
    """Verify an Error message with a KEMAC, and return its numbers."""
    known = registered(octets)
    numbers = exchange.check_error(known, told)
    open_message(told, psk, 6, exchange.sent_rand(known, rand))
    if not any(part.type == ERR for part in decode(told)):
        raise ValueError("an Error message without ERR")
    return numbers


def _kemac(literal: bool) -> e.Payload:
    encr_alg, mac_alg = _LITERAL if literal else _REGISTERED
    return e.kemac(encr_alg, b"", mac_alg)


def _mac(psk: bytes, covered: bytes, csb_id: int, rand: bytes, prf: int) -> bytes:
    return crypto.mac(1, crypto.message_keys(psk, csb_id, rand, func=prf)[1], covered)
