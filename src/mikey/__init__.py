"""MIKEY (RFC 3830 and its extensions): key management for real-time media.

    from mikey import Initiator, Psk, Responder, Secret

`Initiator` starts an exchange, `Responder` answers it, both end with a `Bundle` whose keys make
SRTP contexts (`mikey.srtp`). `mikey.carriage` puts the messages into session descriptions,
`mikey.wire` takes them apart octet by octet.
"""

from __future__ import annotations

from mikey.credentials import (
    Certified,
    FetchCertificate,
    Kms,
    NoKey,
    Psk,
    Sakke,
    SakkeKeys,
    SoftwareKey,
    Trust,
)
from mikey.errors import (
    AuthenticationError,
    CarriageError,
    DecodeError,
    LibraryError,
    LocalError,
    MikeyError,
    PeerError,
    PolicyError,
    ReplayError,
    ReportedError,
    TimestampError,
    UnsupportedError,
)
from mikey.policy import PROFILES, Clock, Compat, Context, Policy, SrtpPolicy
from mikey.registry import (
    CacheType,
    DhGroup,
    EncrAlg,
    ErrorNumber,
    KeyType,
    MacAlg,
    MapType,
    PrfFunc,
)
from mikey.secret import Secret
from mikey.session import (
    Bundle,
    CryptoSession,
    Group,
    Initiator,
    Method,
    Offer,
    ReplayCache,
    Responder,
    Role,
    Step,
    Stream,
    drive,
    offered_policies,
)

__all__ = [
    "PROFILES",
    "AuthenticationError",
    "Bundle",
    "CacheType",
    "CarriageError",
    "Certified",
    "Clock",
    "Compat",
    "Context",
    "CryptoSession",
    "DecodeError",
    "DhGroup",
    "EncrAlg",
    "ErrorNumber",
    "FetchCertificate",
    "Group",
    "Initiator",
    "KeyType",
    "Kms",
    "LibraryError",
    "LocalError",
    "MacAlg",
    "MapType",
    "Method",
    "MikeyError",
    "NoKey",
    "Offer",
    "PeerError",
    "Policy",
    "PolicyError",
    "PrfFunc",
    "Psk",
    "ReplayCache",
    "ReplayError",
    "ReportedError",
    "Responder",
    "Role",
    "Sakke",
    "SakkeKeys",
    "Secret",
    "SoftwareKey",
    "SrtpPolicy",
    "Step",
    "Stream",
    "TimestampError",
    "Trust",
    "UnsupportedError",
    "drive",
    "offered_policies",
]
