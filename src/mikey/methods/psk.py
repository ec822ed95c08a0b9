"""The pre-shared key method, MIKEY-NULL with it (RFC 3830 3.1, RFC 5197 3).

    I_MESSAGE = HDR, T, RAND, [IDi], [IDr], {SP}, KEMAC
    R_MESSAGE = HDR, T, [IDr], V

The update of a CSB has the same form without RAND (RFC 3830 4.5): its keys come from the RAND
of the initial exchange.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from mikey.errors import DecodeError, PeerError, PolicyError
from mikey.methods._common.exchange import (
    Draft,
    refuse_strangers,
)
from mikey.methods._common.message_keys import MessageKeys, check_encr
from mikey.methods._common.opening import VerifiedOpening
from mikey.methods._common.verification import (
    Parties,
    appendix,
    build_with_v,
)
from mikey.policy import Compat
from mikey.policy.clock import value64
from mikey.registry import DataType, EncrAlg, ErrorNumber, MacAlg
from mikey.secret import Secret
from mikey.values import quick_init
from mikey.wire import (
    MAC_OCTETS,
    Dh,
    Hdr,
    Id,
    Kemac,
    KeyData,
    Message,
    Payload,
    Pke,
    Sign,
    T,
    V,
    encode,
    encode_key_data,
    parse_key_data,
)

__all__ = [
    "NAME",
    "REQUEST",
    "RESPONSE",
    "Draft",
    "VerifiedRequest",
    "build_request",
    "build_response",
    "check_request",
    "verify_request",
]

NAME = "PSK"
REQUEST = DataType.PSK_INIT
RESPONSE = DataType.PSK_RESP


def build_request(
    draft: Draft,
    keys: MessageKeys,
    key_data: tuple[KeyData, ...],
    encr_alg: EncrAlg,
    mac_alg: MacAlg,
) -> bytes:
    """Return the octets of an I_MESSAGE that transports `key_data` (empty: an update)."""
    # The plaintext gets no name: a traceback with the values of variables may be logged.
    encr_data = keys.encrypt(
        encr_alg,
        value64(draft.t),
        encode_key_data(key_data, key_wrap=encr_alg is EncrAlg.AES_KW_128),
    )
    size = MAC_OCTETS[mac_alg]
    kemac = Kemac(encr_alg, encr_data, mac_alg, bytes(size))
    octets = encode(draft.header, (*draft.payloads(), kemac))
    # R3830-6.2-10: the MAC covers everything but itself.
    unsealed = octets[: len(octets) - size]
    return unsealed + keys.mac(mac_alg, unsealed)


def start(
    draft: Draft,
    key_data: tuple[KeyData, ...],
    key: Secret | None,
    names: tuple[Id, Id],
    algorithms: tuple[EncrAlg, MacAlg],
    *,
    rand: bytes,
    compat: Compat,
) -> VerifiedOpening:
    """Build an I_MESSAGE and what takes its response.

    `key` is the pre-shared key (or an envelope key that was kept), None for MIKEY-NULL; `names`
    are IDi and IDr, `rand` is the one in `draft`, in an update that of the CSB.
    """
    header = draft.header
    keys = MessageKeys(key, header.prf, header.csb_id, rand)
    return VerifiedOpening(
        octets=build_request(draft, keys, key_data, *algorithms),
        early_keys=key_data,
        message_key=key,
        method=NAME,
        response=RESPONSE,
        header=header,
        t=draft.t,
        parties=names,
        rand=rand,
        keys=keys,
        mac_alg=algorithms[1],
        compat=compat,
    )


def check_request(message: Message, *, allow_null: bool) -> Kemac:
    """Do all that costs no cryptography: payloads, order, algorithms; return KEMAC.

    It precedes all else (R3830-5.3-4).

    Raises DecodeError (12) for missing or forbidden payloads, UnsupportedError (3, 4) for
    algorithms, PolicyError (3, 4) for NULL where it is not allowed (R3830-6.2-13, -14).
    """
    message.one(T)
    kemac = message.payloads[-1]
    if not isinstance(kemac, Kemac):
        raise DecodeError("the last payload of a PSK message is KEMAC", payload="KEMAC")
    refuse_strangers(message, (Pke, Dh, Sign, V), NAME)
    check_encr(kemac.encr_alg)
    if kemac.mac_alg is MacAlg.NULL:
        if kemac.encr_alg is not EncrAlg.NULL:
            raise PolicyError("KEMAC is encrypted and has no MAC", number=ErrorNumber.INVALID_MAC)
        if not allow_null:
            raise PolicyError(
                "MIKEY-NULL is refused on a transport not known to be secure",
                number=ErrorNumber.INVALID_MAC,
            )
    elif kemac.encr_alg is EncrAlg.NULL and kemac.encr_data and not allow_null:
        raise PolicyError(
            "KEMAC is not encrypted, on a transport not known to be secure",
            number=ErrorNumber.INVALID_EA,
        )
    return kemac


@final
@quick_init
@dataclass(frozen=True, slots=True)
class VerifiedRequest:
    """An I_MESSAGE whose MAC was right: the only value that gives out its keys."""

    message: Message
    t: T
    kemac: Kemac
    keys: MessageKeys

    def key_data(self) -> tuple[KeyData, ...]:
        """Decrypt KEMAC; () for an update without keys.

        Raises DecodeError for a plaintext that is no chain of Key data, AuthenticationError
        where the key wrap does not open.
        """
        kemac = self.kemac
        t = value64(self.t)
        plaintext = Secret(self.keys.decrypt(kemac.encr_alg, t, kemac.encr_data))
        try:
            return parse_key_data(plaintext.expose(), key_wrap=kemac.encr_alg is EncrAlg.AES_KW_128)
        except PeerError as error:
            # The frames below hold keys in clear: no log of a traceback may show them.
            raise error.with_traceback(None) from None


def verify_request(message: Message, keys: MessageKeys) -> VerifiedRequest:
    """Check the MAC of an I_MESSAGE that passed `check_request` over its received octets.

    Raises AuthenticationError.
    """
    kemac = message.one(Kemac)
    unsealed = message.octets[: len(message.octets) - len(kemac.mac)]
    keys.check_mac(kemac.mac_alg, unsealed, kemac.mac)
    return VerifiedRequest(message, message.one(T), kemac, keys)


def build_response(
    header: Hdr,
    idr: Id | None,
    request: VerifiedRequest,
    parties: Parties,
    compat: Compat,
) -> bytes:
    """Return the R_MESSAGE, whose T repeats the Initiator's (R3830-5.2-5)."""
    t = request.t
    payloads: tuple[Payload, ...] = (t,) if idr is None else (t, idr)
    covered = appendix(parties, t, compat)
    return build_with_v(header, payloads, request.kemac.mac_alg, request.keys, covered)
