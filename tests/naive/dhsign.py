"""The signed Diffie-Hellman method, data types 4 and 5, and its update (RFC 3830 3.3, 4.5)."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.naive import dh, exchange
from tests.naive.decode import Fields, decode
from tests.naive.dh import Validity
from tests.naive.exchange import Terms
from tests.naive.rsa import Signer

INIT, RESP = 4, 5


def offer(
    terms: Terms, signer: Signer, xi: int = 0, *,
    group: int | None = 0, validity: Validity = Validity(),  # noqa: B008
) -> bytes:  # fmt: skip
    """Build the I_MESSAGE; ``group`` None makes it an update without DH values."""
    payloads = exchange.front(terms, signer.certs)
    payloads += dh.opening(group, xi, validity)
    payloads.append(exchange.sign_head(signer))
    return exchange.signed(exchange.build(INIT, payloads, terms), signer)


def answer(
    octets: bytes, public: RSAPublicKey, signer: Signer, ssrcs: dict[int, int], xr: int = 0, *,
    idi: bytes | None = None, idr: bytes | None = None,
) -> tuple[bytes, Fields | None]:  # fmt: skip
    """Verify the I_MESSAGE, build the R_MESSAGE, and return it with the new key.

    ``public`` is the Initiator's key; ``idi`` is used where the message has none; ``idr`` is
    sent if given. ValueError if the signature or the DH value is wrong.
    """
    if decode(octets)[0].fields["data_type"] != INIT:
        raise ValueError("no D-H init message")
    exchange.check_signature(octets, public)
    name = exchange.names(octets, () if idr is None else (idr,)).idi or idi
    if name is None:
        raise ValueError("nobody said who the Initiator is")
    values, key = dh.answering(octets, xr)
    payloads = [] if idr is None else [exchange.identity(idr)]
    payloads += map(exchange.certificate, signer.certs)
    payloads += [exchange.identity(name), *values, exchange.sign_head(signer)]
    return exchange.signed(exchange.reply(RESP, octets, payloads, ssrcs), signer), key


def finish(
    octets: bytes, told: bytes, public: RSAPublicKey, xi: int = 0, *, idi: bytes
) -> Fields | None:
    """Verify the R_MESSAGE for the Initiator ``idi``, and return the new key if there is one."""
    exchange.check_reply(octets, told, RESP)
    if exchange.names(told).idi != idi:
        raise ValueError("the answer is for another Initiator")
    exchange.check_signature(told, public)
    return dh.finish(octets, told, xi)
