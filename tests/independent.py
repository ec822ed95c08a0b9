"""Check messages with decoders that are not the package's own.

``check_messages`` holds tshark's dissection against the naive decoder: the chain of payloads,
every field tshark knows, and that both reach the end. Where tshark cannot read on (the table
UNREADABLE) the naive decoder stands alone for that payload; ``beyond`` lets tshark read what is
behind it. ``same_as_ours`` holds the naive decoder against the package's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tests.interop.tshark import LONGEST_DATAGRAM, Carrier, Dissection, Leaf, dissect_all, invite
from tests.interop.tshark_fields import NAMES, Value, expected, first_gap, is_marked
from tests.naive import decode as d
from tests.naive.decode import Fields, Part, decode

if TYPE_CHECKING:
    from mikey import wire


def check_message(octets: bytes, carrier: Carrier = "udp") -> None:
    """Check one message; ``check_messages`` is far faster for many."""
    check_messages([octets], carrier)


def check_messages(messages: Sequence[bytes], carrier: Carrier = "udp") -> None:
    """Check all messages with one run of tshark; AssertionError tells every difference.

    A message that no datagram can carry is checked by the naive decoder alone. Of a message with
    a gap both are shown to tshark: itself, and what ``beyond`` leaves of it.
    """
    shortened = (beyond(octets, decode(octets)) for octets in messages)
    messages = [*messages, *(octets for octets in shortened if octets)]
    decoded = [decode(octets) for octets in messages]
    short = [at for at, octets in enumerate(messages) if _fits(octets, carrier)]
    dissections = dissect_all([messages[at] for at in short], carrier)
    wrong = [
        f"message {at} ({messages[at].hex()}):\n  " + "\n  ".join(found)
        for at, dissection in zip(short, dissections, strict=True)
        if (found := differences(len(messages[at]), decoded[at], dissection))
    ]
    assert not wrong, "tshark and the naive decoder differ:\n" + "\n".join(wrong)


def _fits(octets: bytes, carrier: Carrier) -> bool:
    return len(octets if carrier == "udp" else invite(octets)) <= LONGEST_DATAGRAM


def beyond(octets: bytes, parts: list[Part]) -> bytes:
    """Return the message without the payloads that tshark cannot read; empty if it reads all.

    A map that it cannot read becomes one of no sessions. Empty too if nothing is left to read.
    """
    unread = [at for at in range(len(parts)) if first_gap(parts[at : at + 1]) is not None]
    kept = [part for at, part in enumerate(parts) if at == 0 or at not in unread]
    if not unread or len(kept) == 1:
        return b""
    pieces = [octets[part.offset : part.offset + part.length] for part in kept]
    if unread[0] == 0:
        pieces[0] = pieces[0][:8] + bytes(2)
    for at, following in enumerate([*(part.type for part in kept[1:]), 0]):
        if kept[at].type != d.SIGN:
            place = 2 if at == 0 else 0
            pieces[at] = pieces[at][:place] + bytes([following]) + pieces[at][place + 1 :]
    return b"".join(pieces)


def differences(length: int, parts: list[Part], dissection: Dissection) -> list[str]:
    """Tell where tshark and the naive decoder differ, but for what tshark cannot read."""
    gap = first_gap(parts)
    readable = parts if gap is None else parts[: gap[0]]
    shown = dissection.payloads
    found = []
    for part, payload in zip(readable, shown, strict=False):
        place = (NAMES.get(part.type, "?"), part.offset, part.length)
        if (payload.name.removeprefix("mikey."), payload.offset, payload.length) != place:
            found.append(f"{place} is shown as {payload[:3]}")
        found += _different_leaves(part, parts[0].fields["data_type"], payload.leaves)
    marked = any(map(is_marked, readable))
    if gap is None:
        end = shown[-1].offset + shown[-1].length if shown else 0
        if (len(shown), end, dissection.complete) != (len(parts), length, True):
            found.append(f"{len(parts)} payloads, {len(shown)} shown, {end} of {length} octets")
    elif gap[1].effect in ("silent", "malformed"):
        # Also what it cannot read is a claim, so that the table stays exact.
        marked = marked or gap[1].effect == "malformed"
        if len(shown) != gap[0] + 1 or dissection.complete:
            found.append(f"{gap[1].what}: expected to stop at payload {gap[0]}, shown {len(shown)}")
    elif len(shown) < len(readable):
        found.append(f"{len(readable)} payloads should be readable, {len(shown)} shown")
    surely = gap is None or gap[1].effect in ("silent", "malformed")
    if surely and dissection.malformed != marked:
        found.append(f"the mark of a malformed message is {dissection.malformed}, not {marked}")
    return found


def _different_leaves(part: Part, data_type: int, leaves: Sequence[Leaf]) -> list[str]:
    wanted = expected(part, data_type)
    names = [name for name, _ in wanted]
    if names != [leaf.name for leaf in leaves]:
        return [f"fields {names} are shown as {[leaf.name for leaf in leaves]}"]
    return [
        f"{name} is {value!r}, shown as {leaf.value!r}"
        for (name, value), leaf in zip(wanted, leaves, strict=True)
        if not _equal(value, leaf.value)
    ]


def _equal(value: Value, shown: str) -> bool:
    return int(shown, 16) == value if isinstance(value, int) else bytes.fromhex(shown) == value


def same_as_ours(octets: bytes, message: wire.Message) -> None:
    """Assert that the package's Message says what the naive decoder says, span for span."""
    parts = decode(octets)
    assert message.octets == octets
    ours = [_hdr_fields(message.header, parts[0].next_payload)]
    ours += [_fields(payload) for payload in message.payloads]
    assert [d.HDR, *map(_type, message.payloads)] == [part.type for part in parts]
    assert list(message.spans) == [(part.offset, part.length) for part in parts]
    for part, fields in zip(parts, ours, strict=True):
        assert fields == part.fields, f"payload {part.type} at {part.offset}"


def same_keys_as_ours(parts: Sequence[Part], keys: Sequence[wire.KeyData]) -> None:
    """Assert that the sub-payloads of a KEMAC, ID payloads aside, are these Key data."""
    naive = [part.fields for part in parts if part.type == d.KEY_DATA]
    assert naive == [_key_data(key) for key in keys]


def _hdr_fields(hdr: Any, next_payload: int) -> Fields:
    return {
        "version": hdr.version, "data_type": int(hdr.data_type), "next_payload": next_payload,
        "v": int(hdr.v), "prf_func": int(hdr.prf), "csb_id": hdr.csb_id,
        "cs_count": hdr.cs_map.count, "cs_id_map_type": int(hdr.cs_map.MAP_TYPE),
        "cs_map": _sessions(hdr.cs_map),
    }  # fmt: skip


def _sessions(cs_map: Any) -> list[Fields]:
    if cs_map.MAP_TYPE == 1:
        return [{}] * cs_map.count
    if cs_map.MAP_TYPE == 0:
        return [{"policy_no": s.policy_no, "ssrc": s.ssrc, "roc": s.roc} for s in cs_map.sessions]
    return [
        {
            "cs_id": s.cs_id, "prot_type": int(s.prot_type), "s": int(s.s),
            "policy_nos": list(s.policy_nos), "session_data": s.session_data, "spi": s.spi,
        }
        for s in cs_map.sessions
    ]  # fmt: skip


def _validity(validity: Any) -> Fields:
    if hasattr(validity, "spi"):
        return {"kv": 1, "spi": validity.spi}
    if hasattr(validity, "valid_from"):
        return {"kv": 2, "valid_from": validity.valid_from, "valid_to": validity.valid_to}
    return {"kv": 0}


def _key_data(key: Any) -> Fields:
    salt = None if key.salt is None else key.salt.expose()
    fields = {"key_type": int(key.key_type), "key": key.key.expose(), "salt": salt}
    return fields | _validity(key.validity)


def _dh(p: Any) -> Fields:
    return {"group": int(p.group), "value": p.value, "reserved": p.reserved} | _validity(p.validity)


def _sp(p: Any) -> Fields:
    params = [(param.param, param.value) for param in p.params]
    return {"policy_no": p.policy_no, "prot_type": int(p.prot_type), "params": params}


def _named(*names: str) -> Callable[[Any], Fields]:
    def read(payload: Any) -> Fields:
        values = [getattr(payload, name) for name in names]
        return {
            name: bytes(value) if isinstance(value, bytes) else int(value)
            for name, value in zip(names, values, strict=True)
        }

    return read


_OURS: dict[int, Callable[[Any], Fields]] = {
    d.KEMAC: _named("encr_alg", "encr_data", "mac_alg", "mac"),
    d.PKE: _named("c", "data"),
    d.DH: _dh,
    d.SIGN: _named("s_type", "signature"),
    d.T: _named("ts_type", "value"),
    d.ID: _named("id_type", "data"),
    d.CERT: _named("cert_type", "data"),
    d.CHASH: _named("hash_func", "value"),
    d.V: _named("auth_alg", "ver_data"),
    d.SP: _sp,
    d.RAND: _named("value"),
    d.ERR: _named("number", "reserved"),
    d.GENERAL_EXT: _named("ext_type", "data"),
    d.IDR: _named("role", "id_type", "data"),
    d.SAKKE: _named("params", "id_scheme", "data"),
}


def _fields(payload: Any) -> Fields:
    return _OURS.get(_type(payload), _named("body"))(payload)


def _type(payload: Any) -> int:
    """An Opaque carries its type in the value, all others in the class."""
    return int(payload.TYPE if hasattr(payload, "TYPE") else payload.payload_type)
