"""Octets <-> values: MIKEY messages on the wire (RFC 3830 section 6 and its extensions).

A message is a header (`Hdr`), a chain of payloads, and for each the octets it came from.
`Message.parse` reads it strictly, `walk` payload by payload as far as it is sound. There is no
cryptography here: KEMAC keeps its data as octets, `parse_key_data` reads them once they are
plain.
"""

from __future__ import annotations

from mikey.wire._reader import Reader
from mikey.wire._tables import DH_OCTETS, HASH_OCTETS, MAC_OCTETS, TS_OCTETS, payload_name
from mikey.wire._writer import Writer
from mikey.wire.bcast import Bcast
from mikey.wire.cert import Cert
from mikey.wire.chash import Chash
from mikey.wire.cs_map import EmptyMap, SrtpId, SrtpIdMap
from mikey.wire.csb_id import CsbIdExtension
from mikey.wire.dh import Dh
from mikey.wire.err import Err
from mikey.wire.general_extension import GeneralExtension
from mikey.wire.generic_id import GenericId, GenericIdMap
from mikey.wire.hdr import CsMap, Hdr
from mikey.wire.id import Id
from mikey.wire.idr import Idr
from mikey.wire.kemac import Kemac
from mikey.wire.key_data import (
    KeyData,
    encode_id_and_key_data,
    encode_key_data,
    parse_id_and_key_data,
    parse_key_data,
)
from mikey.wire.key_ids import KeyId, KeyIds
from mikey.wire.message import MAX_OCTETS, MAX_PAYLOADS, Message, encode
from mikey.wire.opaque import Opaque
from mikey.wire.payloads import Payload, payload_type
from mikey.wire.pke import Pke
from mikey.wire.rand import Rand
from mikey.wire.sakke import Sakke
from mikey.wire.sdp_ids import SdpIds
from mikey.wire.sign import Sign
from mikey.wire.sp import Sp, SpParam
from mikey.wire.t import T
from mikey.wire.v import V
from mikey.wire.validity import KvInterval, KvNull, KvSpi, Validity
from mikey.wire.walk import Item, walk

__all__ = [
    "DH_OCTETS",
    "HASH_OCTETS",
    "MAC_OCTETS",
    "MAX_OCTETS",
    "MAX_PAYLOADS",
    "TS_OCTETS",
    "Bcast",
    "Cert",
    "Chash",
    "CsMap",
    "CsbIdExtension",
    "Dh",
    "EmptyMap",
    "Err",
    "GeneralExtension",
    "GenericId",
    "GenericIdMap",
    "Hdr",
    "Id",
    "Idr",
    "Item",
    "Kemac",
    "KeyData",
    "KeyId",
    "KeyIds",
    "KvInterval",
    "KvNull",
    "KvSpi",
    "Message",
    "Opaque",
    "Payload",
    "Pke",
    "Rand",
    "Reader",
    "Sakke",
    "SdpIds",
    "Sign",
    "Sp",
    "SpParam",
    "SrtpId",
    "SrtpIdMap",
    "T",
    "V",
    "Validity",
    "Writer",
    "encode",
    "encode_id_and_key_data",
    "encode_key_data",
    "parse_id_and_key_data",
    "parse_key_data",
    "payload_name",
    "payload_type",
    "walk",
]
