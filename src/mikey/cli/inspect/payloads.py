"""The fields of every payload, by the names of RFC 3830 section 6 and its extensions."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mikey.cli.inspect.certificates import CertificateFacts, look
from mikey.cli.inspect.fields import Field, Layout
from mikey.cli.inspect.policies import describe_sp
from mikey.cli.inspect.related import RESPONSES
from mikey.crypto.eccsi import SIGNATURE_OCTETS
from mikey.crypto.sakke import DATA_OCTETS, POINT_OCTETS
from mikey.errors import PeerError
from mikey.policy.clock import ns_from_t
from mikey.registry import (
    CertType,
    DataType,
    EncrAlg,
    ExtensionType,
    IdType,
    PayloadType,
    SakkeParams,
    SignType,
    TsType,
)
from mikey.secret import Secret
from mikey.wire import (
    Bcast,
    Cert,
    Chash,
    CsbIdExtension,
    Dh,
    EmptyMap,
    Err,
    GeneralExtension,
    GenericId,
    Hdr,
    Id,
    Idr,
    Item,
    Kemac,
    KeyData,
    KeyIds,
    Opaque,
    Pke,
    Rand,
    Sakke,
    Sign,
    Sp,
    SrtpId,
    SrtpIdMap,
    T,
    V,
    parse_id_and_key_data,
    parse_key_data,
    payload_name,
    payload_type,
)

_ID_FIRST = frozenset({DataType.PKE_INIT, DataType.RSA_R_RESP})
_KEYS_FIRST = frozenset({DataType.PSK_INIT, DataType.DHHMAC_INIT, DataType.DHHMAC_RESP})


@dataclass(frozen=True, slots=True)
class Described:
    """A payload with its fields.

    `fault` is what is wrong inside it (keys in clear that are malformed), `plaintext` the fields
    of KEMAC's data once it was opened, their offsets counted from its start, `certificate` what
    a certificate says.
    """

    name: str
    kind: PayloadType | None
    offset: int
    length: int
    fields: tuple[Field, ...]
    fault: PeerError | None = None
    plaintext: tuple[Field, ...] = ()
    certificate: CertificateFacts | None = None


def describe(item: Item, header: Hdr) -> Described:
    """Return a payload's fields; they fill its octets."""
    layout = Layout(item.offset)
    payload = item.payload
    if isinstance(payload, Hdr):
        _hdr(layout, payload, item.next_payload)
        return Described("HDR", None, item.offset, item.length, tuple(layout.fields))
    if not isinstance(payload, Sign):
        layout.integer("Next payload", 1, item.next_payload)
    fault = None
    if isinstance(payload, Kemac):
        fault = _kemac(layout, payload, header)
    else:
        _DESCRIBERS[type(payload)](layout, payload)
    kind = payload_type(payload)
    name = payload_name(kind)
    seen = None
    if isinstance(payload, Cert) and payload.cert_type is not CertType.X509_URL:
        seen = look(payload.data)
    fields = tuple(layout.fields)
    return Described(name, kind, item.offset, item.length, fields, fault, certificate=seen)


def open_kemac(
    payload: Described, keys: tuple[KeyData, ...], identity: Id | None = None
) -> Described:
    """Return a KEMAC with the fields of its decrypted data; any other payload as it is.

    `identity` is the one before the keys, in the public-key methods.
    """
    if payload.kind is not PayloadType.KEMAC or any(list(f.secrets()) for f in payload.fields):
        return payload
    layout = Layout(0)
    if identity is not None:
        _identity_and_keys(identity, keys, layout)
    else:
        describe_key_data(keys, layout)
    return replace(payload, plaintext=tuple(layout.fields))


def describe_key_data(keys: tuple[KeyData, ...], layout: Layout) -> None:
    """Lay out a chain of Key data sub-payloads (RFC 3830 6.13)."""
    for number, key in enumerate(keys, 1):
        following = PayloadType.KEY_DATA if number < len(keys) else PayloadType.LAST
        layout.group(f"Key data {number}", partial(_key_data, key, following))


def _hdr(layout: Layout, hdr: Hdr, following: PayloadType) -> None:
    layout.integer("version", 1, hdr.version)
    layout.integer("data type", 1, hdr.data_type)
    layout.integer("next payload", 1, following)
    asks = "response expected" if hdr.v else "no response expected"
    if hdr.data_type in RESPONSES:
        asks = "ignored here"
    layout.bits(1, ("V", 0x80, hdr.v, asks), ("PRF func", 0x7F, hdr.prf, ""))
    layout.octets("CSB ID", hdr.csb_id.to_bytes(4))
    layout.integer("#CS", 1, hdr.cs_map.count)
    layout.integer("CS ID map type", 1, hdr.cs_map.MAP_TYPE)
    if isinstance(hdr.cs_map, EmptyMap):
        return
    if isinstance(hdr.cs_map, SrtpIdMap):
        for cs_id, session in enumerate(hdr.cs_map.sessions, 1):
            layout.group(f"CS {cs_id}", partial(_srtp_id, session))
        return
    for block in hdr.cs_map.sessions:
        layout.group(f"CS {block.cs_id}", partial(_generic_id, block))


def _srtp_id(session: SrtpId, layout: Layout) -> None:
    layout.integer("Policy_no", 1, session.policy_no)
    open_ = "" if session.ssrc else "left to its sender"
    layout.octets("SSRC", session.ssrc.to_bytes(4), open_)
    layout.integer("ROC", 4, session.roc)


def _generic_id(block: GenericId, layout: Layout) -> None:
    layout.integer("CS ID", 1, block.cs_id)
    layout.integer("Prot type", 1, block.prot_type)
    layout.bits(1, ("S", 0x80, block.s, ""), ("#P", 0x7F, len(block.policy_nos), ""))
    for number in block.policy_nos:
        layout.integer("Policy_no", 1, number)
    meaning = ("SSRC, ROC, SEQ" if block.s else "SSRC") if block.session_data else ""
    layout.counted("Session Data", 2, "Session Data Length", block.session_data, meaning)
    layout.counted("SPI", 1, "SPI Length", block.spi)


def _kemac(layout: Layout, kemac: Kemac, header: Hdr) -> PeerError | None:
    layout.integer("Encr alg", 1, kemac.encr_alg)
    layout.integer("Encr data len", 2, len(kemac.encr_data))
    fault = None
    if kemac.encr_alg is EncrAlg.NULL:
        fault = _plain_keys(layout, kemac.encr_data, header)
    elif kemac.encr_alg.assigned:
        layout.octets("Encr data", kemac.encr_data)
    else:  # who knows what that does
        layout.octets("Encr data", Secret(kemac.encr_data))
    if kemac.has_rfc4650_mac:
        layout.integer("Mac alg", 1, kemac.mac_alg, "HMAC-SHA-1-160 (numbered by RFC 4650)")
    else:
        layout.integer("Mac alg", 1, kemac.mac_alg)
    # Where keys in clear cannot be told from the rest, the MAC may be one of them.
    layout.octets("MAC", Secret(kemac.mac) if fault else kemac.mac)
    return fault


def _plain_keys(layout: Layout, encr_data: bytes, header: Hdr) -> PeerError | None:
    """Lay out Encr data that no cipher hides; what cannot be read is all taken for a key."""
    start = layout.offset
    data_type = header.data_type
    try:
        if data_type in _ID_FIRST:
            identity, keys = parse_id_and_key_data(encr_data, origin=start)
            layout.group("Encr data", partial(_identity_and_keys, identity, keys), "in clear")
            return None
        if data_type in _KEYS_FIRST:
            keys = parse_key_data(encr_data, origin=start)
            layout.group("Encr data", partial(describe_key_data, keys), "in clear")
            return None
    except PeerError as error:
        layout.octets("Encr data", Secret(encr_data), "in clear")
        return error
    layout.octets("Encr data", Secret(encr_data))
    return None


def _identity_and_keys(identity: Id, keys: tuple[KeyData, ...], layout: Layout) -> None:
    layout.integer("Next payload", 1, PayloadType.KEY_DATA if keys else PayloadType.LAST)
    _id(layout, identity)
    describe_key_data(keys, layout)


def _key_data(key: KeyData, following: PayloadType, layout: Layout) -> None:
    layout.integer("Next Payload", 1, following)
    layout.bits(1, ("Type", 0xF0, key.key_type, ""), ("KV", 0x0F, key.validity.KV, ""))
    layout.counted("Key data", 2, "Key data len", key.key)
    if key.salt is not None:
        layout.counted("Salt data", 2, "Salt len", key.salt)
    layout.validity(key.validity)


def _pke(layout: Layout, pke: Pke) -> None:
    layout.bits(2, ("C", 0xC000, pke.c, ""), ("Data len", 0x3FFF, len(pke.data), ""))
    layout.octets("Data", pke.data, "the encrypted envelope key")


def _dh(layout: Layout, dh: Dh) -> None:
    layout.integer("DH-Group", 1, dh.group)
    layout.octets("DH-value", dh.value)
    layout.bits(1, ("Reserv", 0xF0, dh.reserved, ""), ("KV", 0x0F, dh.validity.KV, ""))
    layout.validity(dh.validity)


def _sign(layout: Layout, sign: Sign) -> None:
    length = len(sign.signature)
    layout.bits(2, ("S type", 0xF000, sign.s_type, ""), ("Signature len", 0x0FFF, length, ""))
    if sign.s_type is SignType.ECCSI and length == SIGNATURE_OCTETS:
        layout.group("Signature", partial(_eccsi, sign.signature))
        return
    layout.octets("Signature", sign.signature)


def _eccsi(octets: bytes, layout: Layout) -> None:
    layout.octets("r", octets[:32])
    layout.octets("s", octets[32:64])
    layout.octets("PVT", octets[64:], "the signer's public validation token")


def _t(layout: Layout, t: T) -> None:
    layout.integer("TS type", 1, t.ts_type)
    layout.octets("TS value", t.value, time_of(t))


def time_of(t: T) -> str:
    """Return a timestamp for people: UTC, or the number of a counter."""
    if t.ts_type is TsType.COUNTER:
        return str(int.from_bytes(t.value))
    elapsed = datetime.timedelta(microseconds=ns_from_t(t) // 1000)
    moment = datetime.datetime(1970, 1, 1) + elapsed
    return moment.isoformat(sep=" ", timespec="milliseconds") + "Z"


def _id(layout: Layout, payload: Id) -> None:
    layout.integer("ID Type", 1, payload.id_type)
    text = "" if payload.id_type is IdType.BYTE_STRING else printable(payload.data)
    layout.counted("ID Data", 2, "ID len", payload.data, text)


def _cert(layout: Layout, cert: Cert) -> None:
    layout.integer("Cert Type", 1, cert.cert_type)
    layout.counted("Certificate Data", 2, "Cert len", cert.data, printable(cert.data))


def printable(octets: bytes) -> str:
    """Return octets as text if they are text fit to be shown, else nothing."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


def _chash(layout: Layout, chash: Chash) -> None:
    layout.integer("Hash func", 1, chash.hash_func)
    layout.octets("Hash", chash.value)


def _v(layout: Layout, v: V) -> None:
    layout.integer("Auth alg", 1, v.auth_alg)
    layout.octets("Ver data", v.ver_data)


def _rand(layout: Layout, rand: Rand) -> None:
    layout.counted("RAND", 1, "RAND len", rand.value)


def _err(layout: Layout, err: Err) -> None:
    layout.integer("Error no", 1, err.number)
    layout.integer("Reserved", 2, err.reserved)


def _general_extension(layout: Layout, extension: GeneralExtension) -> None:
    layout.integer("Type", 1, extension.ext_type)
    layout.integer("Length", 2, len(extension.data))
    data = extension.data
    try:
        if extension.ext_type is ExtensionType.KEY_ID:
            ids = KeyIds.parse(data)
            layout.group("Data", partial(_key_ids, ids))
            return
        if extension.ext_type is ExtensionType.CSB_ID:
            CsbIdExtension.parse(data)
            layout.octets("Data", data, "CSB ID")
            return
        if extension.ext_type is ExtensionType.OMA_BCAST:
            layout.octets("Data", data, Bcast.parse(data).subtype.label)
            return
    except PeerError as error:
        layout.octets("Data", data, f"malformed: {error.reason}")
        return
    layout.octets("Data", data, printable(data))


def _key_ids(ids: KeyIds, layout: Layout) -> None:
    for key_id in ids.ids:
        layout.integer("Key ID Type", 1, key_id.key_type)
        layout.counted("Key ID", 1, "Key ID Length", key_id.value)


def _idr(layout: Layout, idr: Idr) -> None:
    layout.integer("ID Role", 1, idr.role)
    layout.integer("ID Type", 1, idr.id_type)
    layout.counted("ID Data", 2, "ID len", idr.data, printable(idr.data))


def _sakke(layout: Layout, sakke: Sakke) -> None:
    layout.integer("SAKKE params", 1, sakke.params)
    layout.integer("ID scheme", 1, sakke.id_scheme)
    if sakke.params is not SakkeParams.SET_1 or len(sakke.data) != DATA_OCTETS:
        layout.counted("SAKKE data", 2, "SAKKE data length", sakke.data)
        return
    layout.integer("SAKKE data length", 2, len(sakke.data))
    layout.group("SAKKE data", partial(_encapsulated, sakke.data))


def _encapsulated(octets: bytes, layout: Layout) -> None:
    layout.octets("R", octets[:POINT_OCTETS], "a point for the receiver's identity")
    layout.octets("H", octets[POINT_OCTETS:], "the shared secret, masked")


def _opaque(layout: Layout, opaque: Opaque) -> None:
    layout.octets("body", opaque.body)


_DESCRIBERS: dict[type, Callable[[Layout, Any], None]] = {
    Pke: _pke,
    Dh: _dh,
    Sign: _sign,
    T: _t,
    Id: _id,
    Cert: _cert,
    Chash: _chash,
    V: _v,
    Sp: describe_sp,
    Rand: _rand,
    Err: _err,
    GeneralExtension: _general_extension,
    Idr: _idr,
    Sakke: _sakke,
    Opaque: _opaque,
}
