"""The public-key method, data types 2 and 3, and its update (RFC 3830 3.2, 4.5).

A cached envelope key makes updates PSK messages: ``encode.psk_offer`` with it as the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from tests.naive import crypto, exchange, pki, rsa
from tests.naive import encode as e
from tests.naive.decode import (
    CERT,
    CHASH,
    ID,
    KEMAC,
    KEY_DATA,
    PKE,
    Fields,
    Part,
    T,
    V,
    decode,
    one,
)
from tests.naive.encode import Payload
from tests.naive.exchange import Terms
from tests.naive.rsa import Signer

INIT, VERIFICATION = 2, 3
_CHASHES = {0: "sha1", 1: "md5", 2: "sha256"}


class Opened(NamedTuple):
    """What the Responder reads: the envelope key, C, RAND, and what the KEMAC holds."""

    env_key: bytes
    c: int
    rand: bytes
    idi: bytes
    keys: list[Fields]


class Protection(NamedTuple):
    """The algorithms of a KEMAC."""

    encr_alg: int = 1
    mac_alg: int = 1


def offer(
    terms: Terms, signer: Signer, recipient: RSAPublicKey, env_key: bytes,
    keys: Sequence[Payload], *, c: int = 0, protection: Protection = Protection(),  # noqa: B008
    recipient_cert: bytes | None = None, hash_func: int = 0, oaep: bool = False,
    with_kemac: bool = True, inner: bytes | None = None,
) -> bytes:  # fmt: skip
    """Build the I_MESSAGE; ``recipient_cert`` puts a CHASH of it in.

    ``inner`` is the identity inside the KEMAC, IDi if not given; without ``with_kemac`` it is
    the update form that RFC 3830 Figure 4.1 also allows.
    """
    name = terms.idi if inner is None else inner
    if name is None or terms.rand is None:
        raise ValueError("the KEMAC holds an identity, its keys need a RAND")
    payloads = exchange.front(terms, signer.certs)
    if with_kemac:
        payloads.append(kemac(env_key, name, keys, terms, terms.csb_id, terms.rand, protection))
    payloads += [] if recipient_cert is None else [chash(recipient_cert, hash_func)]
    payloads.append(envelope(recipient, env_key, c, oaep=oaep))
    payloads.append(exchange.sign_head(signer))
    return exchange.signed(exchange.build(INIT, payloads, terms), signer)


def envelope(recipient: RSAPublicKey, env_key: bytes, c: int, *, oaep: bool = False) -> Payload:
    data = rsa.encrypt(recipient, env_key, oaep=oaep)
    return PKE, e.u(c << 14 | len(data), 2) + data


def chash(der: bytes, hash_func: int) -> Payload:
    return CHASH, e.u(hash_func, 1) + hashlib.new(_CHASHES[hash_func], der).digest()


def kemac(
    env_key: bytes, name: bytes, keys: Sequence[Payload], terms: Terms, csb_id: int, rand: bytes,
    protection: Protection,
) -> Payload:  # fmt: skip
    """Return the KEMAC of a public-key method: its MAC covers itself, with Next payload 0."""
    encr_alg, mac_alg = protection
    encr_key, auth_key, salt = crypto.message_keys(
        env_key, csb_id, rand, func=terms.prf, encr_alg=encr_alg, mac_alg=mac_alg
    )
    stamp = {"ts_type": terms.ts[0], "value": terms.ts[1]}
    plaintext = e.chain([exchange.identity(name), *keys])
    data = crypto.encrypt(encr_alg, encr_key, salt, csb_id, stamp, plaintext)
    _, body = e.kemac(encr_alg, data, mac_alg)
    return KEMAC, body + crypto.mac(mac_alg, auth_key, b"\0" + body)


def open_offer(
    octets: bytes, public: RSAPublicKey, private: RSAPrivateKey, *,
    rand: bytes | None = None, oaep: bool = False,
) -> Opened:  # fmt: skip
    """Verify an I_MESSAGE (with ``rand`` an update) and open it; ValueError says what is wrong."""
    parts = decode(octets)
    if parts[0].fields["data_type"] != INIT:
        raise ValueError("no public-key I_MESSAGE")
    exchange.check_signature(octets, public)
    pke = one(parts, PKE).fields
    env_key = rsa.decrypt(private, pke["data"], oaep=oaep)
    stored = exchange.sent_rand(octets, rand)
    if rand is not None and all(part.type != KEMAC for part in parts):
        outer = exchange.names(octets).idi
        return Opened(env_key, pke["c"], stored, b"" if outer is None else outer, [])
    inner, keys = inside(crypto.kemac_parts(octets, env_key, rand=stored, envelope=True))
    outer_ids = [part.fields for part in parts if part.type == ID]
    if exchange.names(octets).idi is not None and outer_ids[0] != inner:
        raise ValueError("the identity inside is not the one outside")
    certs = [part.fields for part in parts if part.type == CERT and part.fields["cert_type"] != 1]
    theirs = [name for cert in certs for name in pki.identities(cert["data"])]
    if certs and inner["data"] not in theirs:
        raise ValueError("the identity inside is not the certificate's")
    return Opened(env_key, pke["c"], stored, inner["data"], keys)


def inside(parts: Sequence[Part]) -> tuple[Fields, list[Fields]]:
    """Return the ID and the Key data of an opened KEMAC, which starts with an ID."""
    name, *keys = parts
    if name.type != ID or any(part.type != KEY_DATA for part in keys):
        raise ValueError("the KEMAC holds other than an ID and Key data")
    return name.fields, [part.fields for part in keys]


def answer(
    octets: bytes, opened: Opened, ssrcs: dict[int, int], *,
    idr: bytes | None = None, send_idr: bool = True, mac_alg: int | None = None,
) -> bytes:  # fmt: skip
    """Build the R_MESSAGE; ``idr`` is sent, or with ``send_idr`` off only known."""
    kemac_algs = [part.fields["mac_alg"] for part in decode(octets) if part.type == KEMAC]
    alg = (kemac_algs or [1])[0] or 1 if mac_alg is None else mac_alg
    payloads = [exchange.identity(idr)] if idr is not None and send_idr else []
    out = exchange.reply(VERIFICATION, octets, [*payloads, (V, e.u(alg, 1))], ssrcs)
    name = (idr if send_idr else None) or exchange.names(octets).idr or idr or b""
    return out + _v_data(octets, out, opened, alg, name)


def check_answer(octets: bytes, told: bytes, opened: Opened, *, idr: bytes | None = None) -> None:
    """Check that the R_MESSAGE answers ``octets``; ``idr`` is the Responder if no ID says so."""
    exchange.check_reply(octets, told, VERIFICATION)
    v = one(decode(told), V)
    alg = v.fields["auth_alg"]
    name = exchange.names(told).idr or exchange.names(octets).idr or idr or b""
    wanted = _v_data(octets, told[: v.offset + 2], opened, alg, name)
    if alg == 0 or v.next_payload or v.fields["ver_data"] != wanted:
        raise ValueError("the V of the answer is wrong")


def auth_key(octets: bytes, opened: Opened, mac_alg: int = 1) -> bytes:
    """Return the key of the V, also of one in an Error message."""
    hdr = decode(octets)[0].fields
    return crypto.message_keys(
        opened.env_key, hdr["csb_id"], opened.rand, func=hdr["prf_func"], mac_alg=mac_alg
    )[1]


def _v_data(octets: bytes, covered: bytes, opened: Opened, alg: int, idr: bytes) -> bytes:
    """Of the Initiator the name inside the KEMAC counts (R3830-5.2-8)."""
    stamp = one(decode(octets), T).fields["value"]
    key = auth_key(octets, opened, alg)
    return crypto.v_data(covered, key, alg, opened.idi, idr, stamp)
