"""Messages of the public-key method between Alice and Bob, ours on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mikey.credentials import Certificate, Certified
from mikey.methods import pke
from mikey.methods._common.exchange import Surroundings
from mikey.methods._common.opening import VerifiedOpening
from mikey.registry import (
    DataType,
    EncrAlg,
    MacAlg,
)
from mikey.wire import KeyData, Message
from tests.naive import encode as e
from tests.naive import exchange, pki
from tests.naive.decode import PKE, decode, one
from tests.naive.parties import ALICE as ALICE_SIGNER
from tests.naive.vectors import (
    IDR,
    RAND_VALUE,
)
from tests.rules.method_parties import (
    ALICE,
    AROUND,
    BOB,
    BOB_ID,
    ENV_KEY,
    KEY,
    certified,
    draft,
    names,
    reply,
    tgks,
)

BOB_KEY = pki.key(BOB)
ALGORITHMS = [
    (EncrAlg.AES_CM_128, MacAlg.HMAC_SHA_1_160),
    (EncrAlg.AES_KW_128, MacAlg.NULL),
    (EncrAlg.AES_KW_128, MacAlg.HMAC_SHA_1_160),
    (EncrAlg.AES_CM_256, MacAlg.HMAC_SHA_256_256),
]


def bobs(der: bytes | None = None) -> Certificate:
    """Return Bob's certificate as Alice verified it."""
    der = der or pki.certificate(IDR)
    chain = [der, pki.middle().der]
    return certified().trust.verify(chain, now=AROUND.now, identity=BOB, purpose="encrypt")


def sealed(**options: Any) -> pke.Envelope:
    options.setdefault("recipient", bobs())
    options.setdefault("key", ENV_KEY)
    return pke.Envelope(**options)


def opening(
    keys: Sequence[KeyData] = (KEY,),
    credential: Certified | None = None,
    *,
    update: bool = False,
    says: dict[str, Any] | None = None,
    **options: Any,
) -> VerifiedOpening:
    """Return Alice's I_MESSAGE."""
    credential = credential or certified()
    values = {"certs": credential.cert_payloads()} | (says or {})
    return pke.build_request(
        draft(DataType.PKE_INIT, update=update, **values),
        tuple(keys),
        credential,
        sealed(**options),
        rand=RAND_VALUE,
    )


def verified(
    octets: bytes,
    credential: Certified | None = None,
    around: Surroundings = AROUND,
    *,
    signalled: str | None = None,
    **options: Any,
) -> pke.VerifiedRequest:
    """Let Bob verify an I_MESSAGE; its envelope stays closed."""
    message = Message.parse(octets)
    pke.check_request(message, **options)
    initiator, _ = names(message, signalled=signalled)
    credential = credential or certified(BOB, ALICE)
    return pke.verify_request(message, credential, around, initiator=initiator, rand=RAND_VALUE)


def opened(octets: bytes, credential: Certified | None = None, **options: Any) -> list[bytes]:
    return tgks(verified(octets, credential, **options).keys())


def answer(octets: bytes, credential: Certified | None = None, **changes: Any) -> bytes:
    """Return Bob's R_MESSAGE."""
    request = verified(octets, credential)
    request.keys()
    return request.respond(reply(DataType.PKE_RESP, certs=(), **changes), BOB_ID)


def resealed(octets: bytes, wrapped: e.Payload) -> bytes:
    """Return a message of Alice's with another PKE, signed again."""
    parts = decode(octets)
    part = one(parts, PKE)
    head = octets[: part.offset + 1] + wrapped[1]
    return exchange.signed(head + e.u(256, 2), ALICE_SIGNER)
