"""Registries of the common header and the chain of payloads (RFC 3830 section 6.1)."""

from __future__ import annotations

from mikey.registry._wire_enum import WireEnum


class DataType(WireEnum):
    """Data type of a message (RFC 3830 6.1, 4650 4.1, 4738 3.3, 6043 6.1, 6267 6.1, 6509 4.1)."""

    PSK_INIT = 0
    PSK_RESP = 1
    PKE_INIT = 2
    PKE_RESP = 3
    DH_INIT = 4
    DH_RESP = 5
    ERROR = 6
    DHHMAC_INIT = 7
    DHHMAC_RESP = 8
    RSA_R_INIT = 9
    RSA_R_RESP = 10
    REQUEST_INIT_PSK = 11
    REQUEST_INIT_PK = 12
    REQUEST_RESP = 13
    TRANSFER_INIT = 14
    TRANSFER_RESP = 15
    RESOLVE_INIT_PSK = 16
    RESOLVE_INIT_PK = 17
    RESOLVE_RESP = 18
    REQUEST_KEY_PSK = 19
    REQUEST_KEY_PKE = 20
    REQUEST_KEY_RESP = 21
    I_MESSAGE_1 = 22
    R_MESSAGE_1 = 23
    I_MESSAGE_2 = 24
    R_MESSAGE_2 = 25
    SAKKE = 26


class PayloadType(WireEnum):
    """Values of Next payload (RFC 3830 6.1); HDR, which no octet names, has no value here."""

    LAST = 0
    KEMAC = 1
    PKE = 2
    DH = 3
    SIGN = 4
    T = 5
    ID = 6
    CERT = 7
    CHASH = 8
    V = 9
    SP = 10
    RAND = 11
    ERR = 12
    TR = 13
    IDR = 14
    RANDR = 15
    TP = 16
    TICKET = 17
    KEY_DATA = 20
    GENERAL_EXT = 21
    IBAKE = 22
    ESK = 23
    SK = 24
    ECCPT = 25
    SAKKE = 26


class PrfFunc(WireEnum):
    """Pseudo-random function of the exchange, 7 bits (RFC 3830 6.1, 6043 6.1)."""

    MIKEY_1 = 0
    PRF_HMAC_SHA_256 = 1

    @classmethod
    def maximum(cls) -> int:
        """Return 127."""
        return 0x7F


class MapType(WireEnum):
    """CS ID map type: how a message lists its crypto sessions (RFC 3830 6.1, 4563, 6043 6.1.1)."""

    SRTP_ID = 0
    EMPTY = 1
    GENERIC_ID = 2


class ErrorNumber(WireEnum):
    """Error no of the ERR payload (RFC 3830 6.12, 4738 3.9.2, 6043 6.9)."""

    AUTH_FAILURE = 0
    INVALID_TS = 1
    INVALID_PRF = 2
    INVALID_MAC = 3
    INVALID_EA = 4
    INVALID_HA = 5
    INVALID_DH = 6
    INVALID_ID = 7
    INVALID_CERT = 8
    INVALID_SP = 9
    INVALID_SPPAR = 10
    INVALID_DT = 11
    UNSPECIFIED = 12
    UNSUPPORTED_MESSAGE = 13
    INVALID_TICKET = 14
    INVALID_TPPAR = 15
