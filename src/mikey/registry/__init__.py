"""Every value that IANA registers for MIKEY: one enumeration per registry.

Unknown values are kept (see `WireEnum`); ranges are those of RFC 6309 section 2.
"""

from __future__ import annotations

from mikey.registry._message import (
    DataType,
    ErrorNumber,
    MapType,
    PayloadType,
    PrfFunc,
)
from mikey.registry._payload import (
    BcastSubtype,
    CacheType,
    CertType,
    DhGroup,
    EncrAlg,
    ExtensionType,
    HashFunc,
    IdType,
    KeyIdType,
    KeyType,
    KeyValidity,
    MacAlg,
    SignType,
    TsType,
)
from mikey.registry._policy import (
    FecOrder,
    ProtType,
    SrtpAuth,
    SrtpEncr,
    SrtpParam,
    SrtpPrf,
    TeslaMac,
    TeslaParam,
    TeslaPrf,
)
from mikey.registry._roles import (
    IdRole,
    RandRole,
    SakkeIdScheme,
    SakkeParams,
    TicketType,
    TsRole,
)
from mikey.registry._wire_enum import WireEnum

__all__ = [
    "BcastSubtype",
    "CacheType",
    "CertType",
    "DataType",
    "DhGroup",
    "EncrAlg",
    "ErrorNumber",
    "ExtensionType",
    "FecOrder",
    "HashFunc",
    "IdRole",
    "IdType",
    "KeyIdType",
    "KeyType",
    "KeyValidity",
    "MacAlg",
    "MapType",
    "PayloadType",
    "PrfFunc",
    "ProtType",
    "RandRole",
    "SakkeIdScheme",
    "SakkeParams",
    "SignType",
    "SrtpAuth",
    "SrtpEncr",
    "SrtpParam",
    "SrtpPrf",
    "TeslaMac",
    "TeslaParam",
    "TeslaPrf",
    "TicketType",
    "TsRole",
    "TsType",
    "WireEnum",
]
