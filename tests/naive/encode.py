"""Build MIKEY messages by hand: the other side of the PSK exchange, errors, MIKEY-NULL.

A payload is a pair of its type and its octets without the Next payload octet; ``build`` chains
them. Interop tests use the functions below as the far end of a call.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from tests.naive import crypto
from tests.naive.decode import (
    ERR,
    GENERAL_EXT,
    ID,
    KEMAC,
    KEY_DATA,
    RAND,
    SIGN,
    SP,
    Fields,
    Part,
    T,
    V,
    decode,
    one,
)  # fmt: skip

Payload = tuple[int, bytes]
Policy = Sequence[tuple[int, bytes]]

_TYPES = (0, 1, 2, 3, 4, 5, 7, 8, 10, 11)
_VALUES = (1, 16, 1, 20, 14, 0, 1, 1, 1, 10)
AES_CM_128_HMAC_SHA1_80: Policy = tuple(
    (number, bytes([value])) for number, value in zip(_TYPES, _VALUES, strict=True)
)


def u(value: int, octets: int) -> bytes:
    return value.to_bytes(octets, "big")


def lv(data: bytes, octets: int) -> bytes:
    """Return the data behind its length."""
    return u(len(data), octets) + data


def srtp_map(sessions: Iterable[tuple[int, int, int]]) -> tuple[int, int, bytes]:
    """Return map type, #CS and map octets of (policy number, SSRC, ROC) entries."""
    entries = [u(no, 1) + u(ssrc, 4) + u(roc, 4) for no, ssrc, roc in sessions]
    return 0, len(entries), b"".join(entries)


def generic_map(
    sessions: Iterable[tuple[int, Sequence[int], bytes, bytes]],
) -> tuple[int, int, bytes]:
    """Return a GENERIC-ID map of SRTP blocks (CS ID, policy numbers, session data, SPI)."""
    blocks = []
    for cs_id, policy_nos, session_data, spi in sessions:
        s_p = (len(session_data) == 10) << 7 | len(policy_nos)
        head = bytes([cs_id, 0, s_p]) + bytes(policy_nos)
        blocks.append(head + lv(session_data, 2) + lv(spi, 1))
    return 2, len(blocks), b"".join(blocks)


def build(
    data_type: int,
    payloads: Sequence[Payload],
    *,
    csb_id: int,
    cs_map: tuple[int, int, bytes] = (0, 0, b""),
    v: bool = False,
    prf: int = 0,
    version: int = 1,
) -> bytes:
    """Chain the payloads behind a header."""
    map_type, count, entries = cs_map
    types = [payload for payload, _ in payloads] + [0]
    out = bytes([version, data_type, types[0], v << 7 | prf]) + u(csb_id, 4)
    out += bytes([count, map_type]) + entries
    for (payload, body), following in zip(payloads, types[1:], strict=True):
        out += body if payload == SIGN else bytes([following]) + body
    return out


def chain(payloads: Sequence[Payload]) -> bytes:
    """Chain sub-payloads, as they lie in a KEMAC."""
    types = [*[payload for payload, _ in payloads], 0][1:]
    return b"".join(bytes([n]) + body for (_, body), n in zip(payloads, types, strict=True))


def t(ts_type: int, value: bytes) -> Payload:
    return T, u(ts_type, 1) + value


def rand(value: bytes) -> Payload:
    return RAND, lv(value, 1)


def ident(data: bytes, id_type: int = 1) -> Payload:
    return ID, u(id_type, 1) + lv(data, 2)


def sp(params: Policy, no: int = 0, prot_type: int = 0) -> Payload:
    tlv = b"".join(u(number, 1) + lv(value, 1) for number, value in params)
    return SP, bytes([no, prot_type]) + lv(tlv, 2)


def general_ext(ext_type: int, data: bytes) -> Payload:
    return GENERAL_EXT, u(ext_type, 1) + lv(data, 2)


def err(number: int, reserved: int = 0) -> Payload:
    return ERR, u(number, 1) + u(reserved, 2)


def kemac(encr_alg: int, data: bytes, mac_alg: int = 0, mac: bytes = b"") -> Payload:
    return KEMAC, u(encr_alg, 1) + lv(data, 2) + u(mac_alg, 1) + mac


def key_data(
    key: bytes,
    key_type: int = 0,
    *,
    salt: bytes | None = None,
    spi: bytes | None = None,
    interval: tuple[bytes, bytes] | None = None,
) -> Payload:
    """Return a Key data sub-payload; KV follows from what is given."""
    kv = 1 if spi is not None else 2 if interval is not None else 0
    body = u(key_type << 4 | kv, 1) + lv(key, 2)
    body += lv(salt, 2) if salt is not None else b""
    body += lv(spi, 1) if spi is not None else b""
    body += b"".join(lv(bound, 1) for bound in interval) if interval is not None else b""
    return KEY_DATA, body


def psk_offer(
    psk: bytes,
    keys: Sequence[Payload],
    *,
    csb_id: int,
    ts: tuple[int, bytes],
    rand_value: bytes,
    idi: bytes | None = None,
    idr: bytes | None = None,
    cs: Iterable[tuple[int, int, int]] = (),
    policies: Sequence[Policy] = (AES_CM_128_HMAC_SHA1_80,),
    sdp_ids: bytes | None = b"mikey",
    v: bool = True,
    prf: int = 0,
    encr_alg: int = 1,
    mac_alg: int = 1,
    update: bool = False,
) -> bytes:
    """Build a PSK I_MESSAGE; with ``update`` its RAND (then the stored one) is not sent.

    ``keys`` are Key data sub-payloads, ``cs`` (policy number, SSRC, ROC) entries. Algorithms 0
    and 0 make it MIKEY-NULL: then ``psk`` is unused.
    """
    encr_key, auth_key, salt = crypto.message_keys(
        psk or bytes(16), csb_id, rand_value, func=prf, encr_alg=encr_alg, mac_alg=mac_alg
    )
    stamp = {"ts_type": ts[0], "value": ts[1]}
    data = crypto.encrypt(encr_alg, encr_key, salt, csb_id, stamp, chain(keys))
    payloads = [t(*ts)]
    payloads += [] if update else [rand(rand_value)]
    payloads += [ident(name) for name in (idi, idr) if name is not None]
    payloads += [sp(policy, no) for no, policy in enumerate(policies)]
    payloads += [] if sdp_ids is None else [general_ext(1, sdp_ids)]
    payloads += [kemac(encr_alg, data, mac_alg)]
    out = build(0, payloads, csb_id=csb_id, cs_map=srtp_map(cs), v=v, prf=prf)
    return out + crypto.mac(mac_alg, auth_key, out)


def psk_answer(
    psk: bytes,
    offer: bytes,
    ssrcs: dict[int, int],
    *,
    rand_value: bytes | None = None,
    idr: bytes | None = None,
    mac_alg: int | None = None,
) -> bytes:
    """Verify the offer (ValueError if its MAC is wrong) and build the R_MESSAGE.

    ``ssrcs`` maps CS IDs to the Responder's SSRCs; ``idr`` is sent if given, else left out;
    ``rand_value`` is the stored RAND where the offer is an update.
    """
    crypto.kemac_parts(offer, psk, rand=rand_value)
    parts = decode(offer)
    hdr = parts[0].fields
    entries = [
        (entry["policy_no"], ssrcs.get(cs_id, entry["ssrc"]), entry["roc"])
        for cs_id, entry in enumerate(hdr["cs_map"], 1)
    ]
    stamp = one(parts, T).fields
    alg = one(parts, KEMAC).fields["mac_alg"] if mac_alg is None else mac_alg
    payloads = [t(stamp["ts_type"], stamp["value"])]
    payloads += [] if idr is None else [ident(idr)]
    payloads += [(V, u(alg, 1))]
    out = build(1, payloads, csb_id=hdr["csb_id"], cs_map=srtp_map(entries), prf=hdr["prf_func"])
    return out + _v_data(psk, parts, out, alg, idr, rand_value)


def verify_answer(
    psk: bytes, offer: bytes, answer: bytes, *, rand_value: bytes | None = None
) -> list[Part]:
    """Check that the answer belongs to the offer and that its V is right; return its parts."""
    asked, parts = decode(offer), decode(answer)
    verification = one(parts, V)
    names = [part.fields["data"] for part in parts if part.type == ID]
    expected = _v_data(
        psk,
        asked,
        answer[: verification.offset + 2],
        verification.fields["auth_alg"],
        names[0] if names else None,
        rand_value,
    )
    same = ("version", "prf_func", "csb_id", "cs_count", "cs_id_map_type")
    if [parts[0].fields[name] for name in same] != [asked[0].fields[name] for name in same]:
        raise ValueError("the header of the answer is not that of the offer")
    if parts[0].fields["data_type"] != 1 or one(parts, T).fields != one(asked, T).fields:
        raise ValueError("no verification message, or another T")
    if verification.next_payload or verification.fields["ver_data"] != expected:
        raise ValueError("the V of the answer is wrong")
    return parts


def error_message(
    offer: bytes,
    numbers: Sequence[int],
    *,
    policies: Sequence[Policy] = (),
    psk: bytes | None = None,
) -> bytes:
    """Build the Error message to an offer; with ``psk`` it ends in a V."""
    parts = decode(offer)
    hdr, stamp = parts[0].fields, one(parts, T).fields
    payloads = [t(stamp["ts_type"], stamp["value"]), *map(err, numbers)]
    payloads += [sp(policy, no) for no, policy in enumerate(policies)]
    payloads += [] if psk is None else [(V, b"\x01")]
    out = build(6, payloads, csb_id=hdr["csb_id"], prf=hdr["prf_func"])
    return out if psk is None else out + _v_data(psk, parts, out, 1, None, None)


def key_mgmt(octets: bytes) -> str:
    """Return the SDP line (RFC 4567 3.1), as it goes into a description or a sipp CSV field."""
    return "a=key-mgmt:mikey " + base64.b64encode(octets).decode()


def sipp_csv(*rows: Sequence[str]) -> str:
    """Return a sipp ``-inf`` file: its [field0], [field1] ... of each call are one row."""
    if any(";" in field or "\n" in field for row in rows for field in row):
        raise ValueError("a field may hold neither a semicolon nor a line end")
    return "SEQUENTIAL\n" + "".join(";".join(row) + ";\n" for row in rows)


def _v_data(
    psk: bytes,
    offer: list[Part],
    covered: bytes,
    alg: int,
    idr: bytes | None,
    rand_value: bytes | None,
) -> bytes:
    """The names are those sent, first in the answer, then in the offer (R3830-5.2-8)."""
    hdr: Fields = offer[0].fields
    names = [part.fields["data"] for part in offer if part.type == ID] + [b"", b""]
    stored = one(offer, RAND).fields["value"] if rand_value is None else rand_value
    _, auth_key, _ = crypto.message_keys(
        psk, hdr["csb_id"], stored, func=hdr["prf_func"], mac_alg=alg
    )
    stamp = one(offer, T).fields["value"]
    return crypto.v_data(covered, auth_key, alg, names[0], names[1] if idr is None else idr, stamp)
