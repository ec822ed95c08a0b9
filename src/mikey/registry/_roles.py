"""Registries of the ticket and identity-based methods (RFC 6043, 6509; 3GPP TS 33.180)."""

from __future__ import annotations

from mikey.registry._wire_enum import WireEnum


class TsRole(WireEnum):
    """TS Role of a TR payload."""

    TIME_OF_ISSUE = 1
    START_OF_VALIDITY = 2
    END_OF_VALIDITY = 3
    REKEYING_INTERVAL = 4


class IdRole(WireEnum):
    """ID Role of an IDR payload; 8 and 9 are those of 3GPP TS 33.180."""

    INITIATOR = 1
    RESPONDER = 2
    KMS = 3
    PSK = 4
    APPLICATION = 5
    INITIATOR_KMS = 6
    RESPONDER_KMS = 7
    INITIATOR_UID = 8
    RESPONDER_UID = 9


class RandRole(WireEnum):
    """RAND Role of a RANDR payload."""

    INITIATOR = 1
    RESPONDER = 2
    KMS = 3


class TicketType(WireEnum):
    """Ticket Type (16 bits)."""

    MIKEY_BASE = 1
    THREE_GPP_BASE = 2

    @classmethod
    def maximum(cls) -> int:
        """Return 65535."""
        return 0xFFFF


class SakkeParams(WireEnum):
    """SAKKE parameter set."""

    SET_1 = 1


class SakkeIdScheme(WireEnum):
    """SAKKE identifier scheme; 2 is that of 3GPP TS 33.180, 240 to 254 are private."""

    TEL_URI_MONTHLY = 1
    MCX_HASHED_UID = 2
