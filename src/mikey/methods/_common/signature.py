"""The SIGN payload of signed messages (RFC 3830 5.2, 6.5; RFC 4738 3.6).

The hash inside a signature is not signalled: SHA-1, which is the only mandatory one, is what
we sign with unless the credential says otherwise, and what we accept is a list (R3830-6.5-5).
"""

from __future__ import annotations

from collections.abc import Sequence

from mikey.credentials import Certified, PublicKey
from mikey.errors import DecodeError, UnsupportedError
from mikey.registry import ErrorNumber, SignType
from mikey.wire import Hdr, Message, Payload, Sign, encode


def check_form(message: Message) -> Sign:
    """Return SIGN, the last payload, of a type that we can verify.

    Raises DecodeError where it is missing, UnsupportedError (0: there is no number of its own,
    R3830-6.5-6) for another S type.
    """
    sign = message.payloads[-1]
    if not isinstance(sign, Sign):
        raise DecodeError(
            "the last payload of a signed message is SIGN",
            number=message.header.malformed_number,
            payload="SIGN",
        )
    if sign.s_type not in (SignType.RSA_PKCS_1_V1_5, SignType.RSA_PSS):
        raise UnsupportedError(
            f"signatures of type {sign.s_type.label} are not supported",
            number=ErrorNumber.AUTH_FAILURE,
            payload="SIGN",
        )
    return sign


def build_signed(
    header: Hdr, payloads: Sequence[Payload], credential: Certified, appended: bytes = b""
) -> bytes:
    """Return the message that ends in SIGN.

    The signature covers all that stands in front of it, SIGN's own two octets included
    (R3830-6.5-4), and `appended`, which is not sent. Raises LocalError, and what the key raises.
    """
    size = credential.signature_size
    octets = encode(header, (*payloads, Sign(credential.s_type, bytes(size))))
    front = octets[: len(octets) - size]
    return front + credential.sign(front + appended)


def unsigned(message: Message) -> bytes:
    """Return the received octets that a signature of the message covers."""
    sign = message.one(Sign)
    return message.octets[: len(message.octets) - len(sign.signature)]


def check_signature(
    message: Message, key: PublicKey, credential: Certified, *readings: bytes
) -> None:
    """Check SIGN with the public key of a verified certificate.

    `readings` are the octets that it may cover, by default the message alone; the hashes that
    `credential` allows count (R3830-6.5-5). Raises AuthenticationError.
    """
    sign = message.one(Sign)
    covered = readings or (unsigned(message),)
    key.verify(sign.signature, *covered, s_type=sign.s_type, hashes=credential.verify_hashes)
