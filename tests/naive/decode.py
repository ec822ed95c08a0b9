"""Decode any message of the base methods into plain tuples and dicts (RFC 3830 section 6).

Nothing is judged but the structure: a length that does not fit, a type whose size nobody can
know, and octets left over raise ValueError with the offset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

HDR = -1
KEMAC, PKE, DH, SIGN, T, ID, CERT, CHASH, V, SP, RAND, ERR = range(1, 13)
TR, IDR, RANDR, TP, TICKET = range(13, 18)
KEY_DATA, GENERAL_EXT, SAKKE = 20, 21, 26

MAC_OCTETS = {0: 0, 1: 20, 2: 32}
TS_OCTETS = {0: 8, 1: 8, 2: 4, 3: 4}
DH_OCTETS = {0: 192, 1: 96, 2: 128}
HASH_OCTETS = {0: 20, 1: 16, 2: 32}

Fields = dict[str, Any]


class Part(NamedTuple):
    """One payload: its type (HDR = -1), where it lies, what follows, what it holds."""

    type: int
    offset: int
    length: int
    next_payload: int
    fields: Fields


class Cursor:
    """Octets and a place in them."""

    def __init__(self, octets: bytes, at: int = 0) -> None:
        self.octets, self.at = octets, at

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.octets):
            raise ValueError(f"offset {self.at}: {count} octets wanted, message ends")
        self.at += count
        return self.octets[self.at - count : self.at]

    def u(self, octets: int) -> int:
        return int.from_bytes(self.take(octets), "big")

    def sized(self, table: dict[int, int], key: int, what: str) -> bytes:
        if key not in table:
            raise ValueError(f"offset {self.at}: {what} {key} has no known length")
        return self.take(table[key])


def _hdr(c: Cursor) -> Fields:
    version, data_type, next_payload, v_prf = c.u(1), c.u(1), c.u(1), c.u(1)
    csb_id, count, map_type = c.u(4), c.u(1), c.u(1)
    if map_type not in (0, 1, 2):
        raise ValueError(f"offset {c.at}: CS ID map type {map_type} has no known length")
    read = {0: _srtp_id, 1: lambda _: {}, 2: _generic_id}[map_type]
    sessions = [read(c) for _ in range(count)]
    return {
        "version": version, "data_type": data_type, "next_payload": next_payload,
        "v": v_prf >> 7, "prf_func": v_prf & 0x7F, "csb_id": csb_id, "cs_count": count,
        "cs_id_map_type": map_type, "cs_map": sessions,
    }  # fmt: skip


def _srtp_id(c: Cursor) -> Fields:
    return {"policy_no": c.u(1), "ssrc": c.u(4), "roc": c.u(4)}


def _generic_id(c: Cursor) -> Fields:
    cs_id, prot_type, s_p = c.u(1), c.u(1), c.u(1)
    return {
        "cs_id": cs_id, "prot_type": prot_type, "s": s_p >> 7,
        "policy_nos": [c.u(1) for _ in range(s_p & 0x7F)],
        "session_data": c.take(c.u(2)), "spi": c.take(c.u(1)),
    }  # fmt: skip


def _kemac(c: Cursor) -> Fields:
    encr_alg, encr_data, mac_alg = c.u(1), c.take(c.u(2)), c.u(1)
    mac = c.sized(MAC_OCTETS, mac_alg, "Mac alg")
    return {"encr_alg": encr_alg, "encr_data": encr_data, "mac_alg": mac_alg, "mac": mac}


def _pke(c: Cursor) -> Fields:
    c_len = c.u(2)
    return {"c": c_len >> 14, "data": c.take(c_len & 0x3FFF)}


def _dh(c: Cursor) -> Fields:
    group = c.u(1)
    value = c.sized(DH_OCTETS, group, "DH-Group")
    reserved_kv = c.u(1)
    return {"group": group, "value": value, "reserved": reserved_kv >> 4} | _kv(c, reserved_kv & 15)


def _kv(c: Cursor, kv: int) -> Fields:
    if kv == 0:
        return {"kv": 0}
    if kv == 1:
        return {"kv": 1, "spi": c.take(c.u(1))}
    if kv == 2:
        return {"kv": 2, "valid_from": c.take(c.u(1)), "valid_to": c.take(c.u(1))}
    raise ValueError(f"offset {c.at}: KV {kv} is not assigned")


def _sign(c: Cursor) -> Fields:
    type_len = c.u(2)
    return {"s_type": type_len >> 12, "signature": c.take(type_len & 0xFFF)}


def _t(c: Cursor) -> Fields:
    ts_type = c.u(1)
    return {"ts_type": ts_type, "value": c.sized(TS_OCTETS, ts_type, "TS type")}


def _typed(type_name: str) -> Callable[[Cursor], Fields]:
    return lambda c: {type_name: c.u(1), "data": c.take(c.u(2))}


def _chash(c: Cursor) -> Fields:
    func = c.u(1)
    return {"hash_func": func, "value": c.sized(HASH_OCTETS, func, "Hash func")}


def _v(c: Cursor) -> Fields:
    alg = c.u(1)
    return {"auth_alg": alg, "ver_data": c.sized(MAC_OCTETS, alg, "Auth alg")}


def _sp(c: Cursor) -> Fields:
    policy_no, prot_type = c.u(1), c.u(1)
    inner = Cursor(c.take(c.u(2)))
    params = []
    while inner.at < len(inner.octets):
        params.append((inner.u(1), inner.take(inner.u(1))))
    return {"policy_no": policy_no, "prot_type": prot_type, "params": params}


def _rand(c: Cursor) -> Fields:
    return {"value": c.take(c.u(1))}


def _err(c: Cursor) -> Fields:
    return {"number": c.u(1), "reserved": c.u(2)}


def _key_data(c: Cursor) -> Fields:
    type_kv = c.u(1)
    key_type, key = type_kv >> 4, c.take(c.u(2))
    salt = c.take(c.u(2)) if key_type in (1, 3, 5) else None
    return {"key_type": key_type, "key": key, "salt": salt} | _kv(c, type_kv & 15)


def _opaque(skip: Callable[[Cursor], object]) -> Callable[[Cursor], Fields]:
    def read(c: Cursor) -> Fields:
        start = c.at
        skip(c)
        return {"body": c.octets[start : c.at]}

    return read


_READERS: dict[int, Callable[[Cursor], Fields]] = {
    KEMAC: _kemac, PKE: _pke, DH: _dh, SIGN: _sign, T: _t, ID: _typed("id_type"),
    CERT: _typed("cert_type"), CHASH: _chash, V: _v, SP: _sp, RAND: _rand, ERR: _err,
    KEY_DATA: _key_data, GENERAL_EXT: _typed("ext_type"),
    TR: _opaque(lambda c: (c.u(1), _t(c))),
    IDR: lambda c: {"role": c.u(1)} | _typed("id_type")(c),
    RANDR: _opaque(lambda c: (c.u(1), c.take(c.u(1)))),
    TP: _opaque(lambda c: (c.take(7), c.take(c.u(2)))),
    TICKET: _opaque(lambda c: (c.take(7), c.take(c.u(2)), c.take(c.u(2)), c.take(c.u(2)))),
    SAKKE: lambda c: {"params": c.u(1)} | _typed("id_scheme")(c),
}  # fmt: skip


def decode(octets: bytes) -> list[Part]:
    """Return the header and every payload of a whole message."""
    c = Cursor(octets)
    fields = _hdr(c)
    return [
        Part(HDR, 0, c.at, fields["next_payload"], fields),
        *_chain(c, fields["next_payload"]),
    ]


def decode_keys(plaintext: bytes, first: int = KEY_DATA, *, padded: bool = False) -> list[Part]:
    """Return the sub-payloads of a KEMAC: ``first`` is KEY_DATA in PSK, ID in public key.

    ``padded`` allows the zero octets that fill an AES-KW plaintext (R3830-4.2.3-4).
    """
    return _chain(Cursor(plaintext), first, padded=padded) if plaintext else []


def _chain(c: Cursor, payload: int, *, padded: bool = False) -> list[Part]:
    parts = []
    while payload:
        start = c.at
        if payload not in _READERS:
            raise ValueError(f"offset {start}: payload type {payload} has no known length")
        following = 0 if payload == SIGN else c.u(1)
        fields = _READERS[payload](c)
        parts.append(Part(payload, start, c.at - start, following, fields))
        payload = following
    rest = c.octets[c.at :]
    fill = max(-(-c.at // 8) * 8, 16) - c.at
    if rest and not (padded and rest == bytes(fill)):
        raise ValueError(f"offset {c.at}: {len(rest)} octets after the last payload")
    return parts


def one(parts: list[Part], payload: int) -> Part:
    """Return the single part of that type."""
    found = [part for part in parts if part.type == payload]
    if len(found) != 1:
        raise ValueError(f"{len(found)} payloads of type {payload}, one wanted")
    return found[0]
