"""Registries of the security policy payload (RFC 3830 6.10, 4442, 4771, 5748, 7714, 8269)."""

from __future__ import annotations

from mikey.registry._wire_enum import WireEnum


class ProtType(WireEnum):
    """Security protocol that a policy speaks of."""

    SRTP = 0
    TESLA = 1


class SrtpParam(WireEnum):
    """Type of a parameter in an SRTP policy."""

    ENCR_ALG = 0
    SESSION_ENCR_KEY_LEN = 1
    AUTH_ALG = 2
    SESSION_AUTH_KEY_LEN = 3
    SESSION_SALT_KEY_LEN = 4
    SRTP_PRF = 5
    KEY_DERIVATION_RATE = 6
    SRTP_ENCRYPTION = 7
    SRTCP_ENCRYPTION = 8
    FEC_ORDER = 9
    SRTP_AUTHENTICATION = 10
    AUTH_TAG_LEN = 11
    SRTP_PREFIX_LEN = 12
    ROC_TRANSMISSION_RATE = 13
    SRTP_AUTH_ALG = 14
    SRTCP_AUTH_ALG = 15
    SRTP_SESSION_AUTH_KEY_LEN = 16
    SRTCP_SESSION_AUTH_KEY_LEN = 17
    SRTP_AUTH_TAG_LEN = 18
    SRTCP_AUTH_TAG_LEN = 19
    AEAD_AUTH_TAG_LEN = 20


class SrtpEncr(WireEnum):
    """SRTP encryption algorithm."""

    NULL = 0
    AES_CM = 1
    AES_F8 = 2
    SEED_CTR = 3
    SEED_CCM = 4
    SEED_GCM = 5
    AES_GCM = 6
    ARIA_CTR = 7
    ARIA_GCM = 8


class SrtpAuth(WireEnum):
    """SRTP authentication algorithm."""

    NULL = 0
    HMAC_SHA_1 = 1
    RCC_M1 = 2
    RCC_M2 = 3
    RCC_M3 = 4


class SrtpPrf(WireEnum):
    """SRTP key derivation function."""

    AES_CM = 0
    SEED_CTR = 1
    ARIA_CTR = 2


class FecOrder(WireEnum):
    """Order of FEC and SRTP at the sender."""

    FEC_SRTP = 0


class TeslaParam(WireEnum):
    """Type of a parameter in a TESLA policy (RFC 4442)."""

    PRF_ID = 1
    F_PRIME_OUTPUT_LEN = 2
    MAC_ID = 3
    MAC_OUTPUT_LEN = 4
    START_OF_SESSION = 5
    INTERVAL_DURATION = 6
    KEY_DISCLOSURE_DELAY = 7
    KEY_CHAIN_LENGTH = 8
    RECEIVER_TIMESTAMP = 9


class TeslaPrf(WireEnum):
    """TESLA-PRF registry."""

    HMAC_SHA_1 = 0


class TeslaMac(WireEnum):
    """TESLA-MAC registry."""

    HMAC_SHA_1 = 0
