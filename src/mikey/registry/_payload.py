"""Registries of the payloads' own fields (RFC 3830 sections 6.2 to 6.15)."""

from __future__ import annotations

from typing import Final

from mikey.registry._wire_enum import Nibble, WireEnum


class EncrAlg(WireEnum):
    """Encryption of KEMAC's data (RFC 3830 6.2)."""

    NULL = 0
    AES_CM_128 = 1
    AES_KW_128 = 2
    AES_CM_256 = 3


class MacAlg(WireEnum):
    """Mac alg of KEMAC and Auth alg of V: one number space (RFC 3830 6.2, 6.9)."""

    NULL = 0
    HMAC_SHA_1_160 = 1
    HMAC_SHA_256_256 = 2


class CacheType(WireEnum):
    """C of the envelope payload, 2 bits: whether its key is kept for updates (RFC 3830 6.3)."""

    NO_CACHE = 0
    CACHE = 1
    CACHE_CSB = 2

    @classmethod
    def maximum(cls) -> int:
        """Return 3."""
        return 3


class DhGroup(WireEnum):
    """DH-Group (RFC 3830 6.4); note the order: 0 is OAKLEY group 5."""

    OAKLEY_5 = 0
    OAKLEY_1 = 1
    OAKLEY_2 = 2


class SignType(Nibble):
    """S type of the signature payload (RFC 3830 6.5)."""

    RSA_PKCS_1_V1_5 = 0
    RSA_PSS = 1
    ECCSI = 2


class TsType(WireEnum):
    """TS type of a timestamp (RFC 3830 6.6)."""

    NTP_UTC = 0
    NTP = 1
    COUNTER = 2
    NTP_UTC_32 = 3


class IdType(WireEnum):
    """ID type (RFC 3830 6.7)."""

    NAI = 0
    URI = 1
    BYTE_STRING = 2


class CertType(WireEnum):
    """Cert type (RFC 3830 6.7)."""

    X509 = 0
    X509_URL = 1
    X509_SIGN = 2
    X509_ENCR = 3


class HashFunc(WireEnum):
    """Hash func of CHASH (RFC 3830 6.8)."""

    SHA_1 = 0
    MD5 = 1
    SHA_256 = 2


class KeyType(Nibble):
    """Type of a Key data sub-payload: what kind of key it is (RFC 3830 6.13)."""

    TGK = 0
    TGK_SALT = 1
    TEK = 2
    TEK_SALT = 3
    GTGK = 4
    GTGK_SALT = 5
    MPK = 6
    K_PR = 7

    @property
    def has_salt(self) -> bool:
        """Whether Salt len and Salt data follow the key."""
        return self in _SALTED


_SALTED: Final = frozenset({KeyType.TGK_SALT, KeyType.TEK_SALT, KeyType.GTGK_SALT})


class KeyValidity(Nibble):
    """KV of a Key data or DH payload (RFC 3830 6.13, 6.14)."""

    NULL = 0
    SPI = 1
    INTERVAL = 2


class ExtensionType(WireEnum):
    """Type of a General Extension payload (RFC 3830 6.15)."""

    VENDOR_ID = 0
    SDP_IDS = 1
    TESLA_I_KEY = 2
    KEY_ID = 3
    CSB_ID = 4
    OMA_BCAST = 5
    SAKKE_TO_SELF = 6
    KEY_PARAMETERS = 7


class KeyIdType(WireEnum):
    """Key ID Type inside the Key ID extension (RFC 4563)."""

    MBMS_KEY_DOMAIN = 0
    MBMS_SERVICE_KEY = 1
    MBMS_TRAFFIC_KEY = 2


class BcastSubtype(WireEnum):
    """Subtype of the OMA BCAST extension (RFC 5410)."""

    LTKM = 1
    STKM = 2
    LTKM_REPORTING = 3
    PARENTAL_CONTROL = 4
