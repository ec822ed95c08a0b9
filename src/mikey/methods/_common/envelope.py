"""The envelope of the public-key methods: KEMAC and PKE (RFC 3830 3.2, 6.2, 6.3; RFC 4738 3.6).

    PKE   = E(PK, env_key)
    KEMAC = E(encr_key, ID || {Key data}) || MAC

encr_key and auth_key come from env_key. The MAC covers the KEMAC payload alone, its Next payload
octet taken as 0 (R3830-6.2-11).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

from mikey.credentials import Certified
from mikey.crypto import blocks_cancel
from mikey.errors import (
    AuthenticationError,
    LocalError,
    PeerError,
    PolicyError,
)
from mikey.methods._common.message_keys import MessageKeys, check_encr
from mikey.registry import EncrAlg, ErrorNumber, MacAlg
from mikey.secret import Secret
from mikey.values import quick_init
from mikey.wire import (
    Id,
    Kemac,
    KeyData,
    Message,
    Pke,
    encode_id_and_key_data,
    parse_id_and_key_data,
)

LEAST_KEY: Final = 16
"""The least octets of an envelope key (R3830-6.3-5)."""

FRESH_KEY: Final = 32
"""The octets of an envelope key that we make."""

_PADDING = 11  # octets that PKCS #1 v1.5 takes of the modulus
_HEAD = Struct(">BBH")  # Next payload as 0, Encr alg, Encr data len


@quick_init
@dataclass(frozen=True, slots=True)
class Opened:
    """What an envelope held: the identity beside the keys, and the keys."""

    identity: Id
    keys: tuple[KeyData, ...]


def check_algorithms(kemac: Kemac) -> None:
    """Check what protects the envelope, before anything costly.

    NULL encryption has no place in these methods; the NULL MAC has its one place beside AES
    key wrap, which checks itself (R3830-4.2.3-5, R3830-4.2.3-6). Raises UnsupportedError (4)
    and PolicyError (3, 4).
    """
    check_encr(kemac.encr_alg)
    if kemac.encr_alg is EncrAlg.NULL:
        raise PolicyError(
            "the keys in KEMAC are not encrypted", number=ErrorNumber.INVALID_EA, payload="KEMAC"
        )
    if kemac.mac_alg is MacAlg.NULL and kemac.encr_alg is not EncrAlg.AES_KW_128:
        raise PolicyError("KEMAC has no MAC", number=ErrorNumber.INVALID_MAC, payload="KEMAC")


def check_sent(encr_alg: EncrAlg, mac_alg: MacAlg, env_key: Secret) -> None:
    """Check what we are about to send; raises LocalError."""
    try:
        check_algorithms(Kemac(encr_alg, b"", mac_alg, b""))
    except PeerError as error:
        raise LocalError(error.reason) from None
    if len(env_key) < LEAST_KEY or blocks_cancel(env_key.expose()):
        raise LocalError("an envelope key has 16 octets or more, and no block of 32 twice")


def seal(
    identity: Id,
    key_data: tuple[KeyData, ...],
    keys: MessageKeys,
    t: int,
    algorithms: tuple[EncrAlg, MacAlg],
) -> Kemac:
    """Return KEMAC; `t` is the 64-bit timestamp of the Initiator's message."""
    encr_alg, mac_alg = algorithms
    plaintext = encode_id_and_key_data(identity, key_data, key_wrap=encr_alg is EncrAlg.AES_KW_128)
    encr_data = keys.encrypt(encr_alg, t, plaintext)
    return Kemac(
        encr_alg, encr_data, mac_alg, keys.mac(mac_alg, _covered(encr_alg, encr_data, mac_alg))
    )


def unseal(message: Message, keys: MessageKeys, t: int, *, sound: bool) -> Opened:
    """Check the MAC of the KEMAC in `message` and decrypt it.

    `sound` False fails just as a wrong MAC does, after the same work. Raises
    AuthenticationError; DecodeError for an authentic plaintext that is malformed.
    """
    kemac = message.one(Kemac)
    keys.check_mac(kemac.mac_alg, _received(message, kemac), kemac.mac)
    plaintext = Secret(keys.decrypt(kemac.encr_alg, t, kemac.encr_data))
    if not sound:
        raise AuthenticationError
    try:
        identity, key_data = parse_id_and_key_data(
            plaintext.expose(), key_wrap=kemac.encr_alg is EncrAlg.AES_KW_128
        )
    except PeerError as error:
        # The frames below hold keys in clear: no log of a traceback may show them.
        raise error.with_traceback(None) from None
    return Opened(identity, key_data)


def decrypt_key(pke: Pke, credential: Certified) -> tuple[Secret, bool]:
    """Decrypt the envelope key; return it and whether it is one.

    Nothing that goes wrong shows here: a ciphertext that was not made for us gives random
    octets, a key of a length that no honest peer sends is not `sound`, and both end as a wrong
    MAC (R3830-6.3-6).
    """
    key = credential.decrypt(pke.data)
    sound = LEAST_KEY <= len(key) <= len(pke.data) - _PADDING and not blocks_cancel(key.expose())
    return (key if len(key) else Secret(bytes(LEAST_KEY))), sound


def _covered(encr_alg: EncrAlg, encr_data: bytes, mac_alg: MacAlg) -> bytes:
    return _HEAD.pack(0, encr_alg, len(encr_data)) + encr_data + bytes([mac_alg])


def _received(message: Message, kemac: Kemac) -> bytes:
    """Return the octets that the MAC covers as they were received, but for Next payload."""
    # Not `index`, which would compare the values of payloads.
    place = next(i for i, payload in enumerate(message.payloads) if payload is kemac)
    offset, length = message.span(place)
    return b"\0" + message.octets[offset + 1 : offset + length - len(kemac.mac)]
