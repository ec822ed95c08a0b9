"""What the signed and the Diffie-Hellman methods have in common: order, names, ends, errors.

Everything random is an argument, so that the same arguments give the same octets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.naive import crypto, pki, rsa
from tests.naive import encode as e
from tests.naive.decode import (
    CERT,
    GENERAL_EXT,
    ID,
    RAND,
    SIGN,
    Fields,
    Part,
    T,
    V,
    decode,
    one,
)  # fmt: skip
from tests.naive.encode import AES_CM_128_HMAC_SHA1_80, Payload, Policy
from tests.naive.rsa import Signer

DHHMAC_INIT, DHHMAC_RESP, RSAR_INIT, RSAR_RESP = 7, 8, 9, 10
CSB_ID_EXT = 4


class Terms(NamedTuple):
    """What an I_MESSAGE of any method says; an update is keyed by ``rand`` and leaves it out.

    ``cs`` are (policy number, SSRC, ROC) entries.
    """

    csb_id: int
    ts: tuple[int, bytes]
    rand: bytes | None
    idi: bytes | None = None
    idr: bytes | None = None
    cs: Sequence[tuple[int, int, int]] = ()
    policies: Sequence[Policy] = (AES_CM_128_HMAC_SHA1_80,)
    sdp_ids: bytes | None = b"mikey"
    v: bool = True
    prf: int = 0
    update: bool = False


class Names(NamedTuple):
    """The two identities that a message carries in clear."""

    idi: bytes | None
    idr: bytes | None


def front(terms: Terms, certs: Iterable[tuple[int, bytes]] = ()) -> list[Payload]:
    """Return T, RAND, IDi, CERTi, IDr, SPs and extensions, in the order of the figures."""
    payloads = [e.t(*terms.ts)]
    payloads += [] if terms.update or terms.rand is None else [e.rand(terms.rand)]
    payloads += [] if terms.idi is None else [identity(terms.idi)]
    payloads += map(certificate, certs)
    payloads += [] if terms.idr is None else [identity(terms.idr)]
    payloads += [e.sp(policy, no) for no, policy in enumerate(terms.policies)]
    payloads += [] if terms.sdp_ids is None else [e.general_ext(1, terms.sdp_ids)]
    return payloads


def identity(name: bytes) -> Payload:
    """A name with a scheme is a URI, any other an NAI."""
    return e.ident(name, int(b":" in name))


def certificate(cert: tuple[int, bytes]) -> Payload:
    return CERT, e.u(cert[0], 1) + e.lv(cert[1], 2)


def build(data_type: int, payloads: Sequence[Payload], terms: Terms) -> bytes:
    return e.build(
        data_type, payloads, csb_id=terms.csb_id, cs_map=e.srtp_map(terms.cs), v=terms.v,
        prf=terms.prf,
    )  # fmt: skip


def reply(
    data_type: int, offer: bytes, payloads: Sequence[Payload], ssrcs: dict[int, int]
) -> bytes:
    """Build a response: header and T are those of the offer, open SSRCs filled from ``ssrcs``."""
    parts = decode(offer)
    hdr, stamp = parts[0].fields, one(parts, T).fields
    if hdr["cs_id_map_type"] == 0:
        cs_map = e.srtp_map(
            (entry["policy_no"], entry["ssrc"] or ssrcs.get(cs_id, 0), entry["roc"])
            for cs_id, entry in enumerate(hdr["cs_map"], 1)
        )
    else:
        cs_map = hdr["cs_id_map_type"], hdr["cs_count"], offer[10 : parts[0].length]
    return e.build(
        data_type, [e.t(stamp["ts_type"], stamp["value"]), *payloads],
        csb_id=hdr["csb_id"], cs_map=cs_map, prf=hdr["prf_func"],
    )  # fmt: skip


def check_reply(offer: bytes, answer: bytes, data_type: int) -> None:
    """ValueError unless the answer's header and T belong to the offer (R3830-5.3-7)."""
    asked, told = decode(offer), decode(answer)
    before, after = asked[0].fields, told[0].fields
    if after["data_type"] != data_type or one(told, T).fields != one(asked, T).fields:
        raise ValueError("another data type, or another T")
    same = ["version", "prf_func", "csb_id"]
    same += [] if data_type == RSAR_RESP else ["cs_count", "cs_id_map_type"]
    if any(before[name] != after[name] for name in same):
        raise ValueError("the header of the answer is not that of the offer")
    for old, new in zip(before["cs_map"], after["cs_map"], strict=data_type != RSAR_RESP):
        if old.get("ssrc") and old != new and not extension(told, CSB_ID_EXT):
            raise ValueError("an entry of the offer's map is changed")


def signed(message: bytes, signer: Signer, *, appended: bytes = b"", head: bool = True) -> bytes:
    """Sign a message whose chain ends in an empty SIGN, which has its final head.

    ``appended`` octets are signed but not sent; without ``head`` those of SIGN are not signed.
    """
    return message + rsa.sign(signer, (message if head else message[:-2]) + appended)


def sign_head(signer: Signer) -> Payload:
    """Return a SIGN payload with type and length, and no signature yet."""
    return SIGN, e.u(signer.s_type << 12 | rsa.octets(signer.key), 2)


def check_signature(
    octets: bytes, public: RSAPublicKey, *, appended: bytes = b"", headless: bool = False
) -> str:
    """Return the hash of the signature; with ``headless`` both readings of its scope count."""
    sign = one(decode(octets), SIGN)
    s_type, signature = sign.fields["s_type"], sign.fields["signature"]
    if s_type not in (rsa.V15, rsa.PSS):
        raise ValueError(f"S type {s_type} is not RSA")
    try:
        return rsa.verify(public, s_type, signature, octets[: sign.offset + 2] + appended)
    except ValueError:
        if not headless:
            raise
        return rsa.verify(public, s_type, signature, octets[: sign.offset] + appended)


def names(octets: bytes, mine: Sequence[bytes] = ()) -> Names:
    """Tell IDi from IDr by position (R3830-6.7-8); ``mine`` are identities of the Responder."""
    parts = decode(octets)
    found = [part for part in parts if part.type == ID]
    values = [part.fields["data"] for part in found]
    kind = parts[0].fields["data_type"]
    if len(values) == 2:
        first, second = values
        return Names(second, first) if kind in (5, 8) else Names(first, second)
    if not values:
        return Names(None, None)
    (value,) = values
    certs = [part for part in parts if part.type == CERT and part.offset < found[0].offset]
    own = [name for cert in certs if cert.fields["cert_type"] != 1
           for name in pki.identities(cert.fields["data"])]  # fmt: skip
    behind = kind in (2, 4, RSAR_INIT) and bool(certs) and value not in own
    if kind in (1, 3, DHHMAC_INIT, RSAR_RESP) or behind or (kind in (0, 2, 4, 9) and value in mine):
        return Names(None, value)
    return Names(value, None)


def extension(parts: Sequence[Part], ext_type: int) -> list[bytes]:
    """Return the data of every General Extension of that type."""
    return [
        part.fields["data"]
        for part in parts
        if part.type == GENERAL_EXT and part.fields["ext_type"] == ext_type
    ]


def sent_rand(octets: bytes, stored: bytes | None) -> bytes:
    """Return the RAND of the exchange: the message's own, or the stored one of an update."""
    parts = decode(octets)
    if stored is None:
        value: bytes = one(parts, RAND).fields["value"]
        return value
    if any(part.type == RAND for part in parts):
        raise ValueError("an update with a RAND")
    return stored


def masters(
    keys: Sequence[Fields], csb_id: int, rand: bytes, count: int, *,
    prf: int = 0, key_length: int = 16, salt_length: int = 14,
) -> list[list[tuple[bytes, bytes]]]:  # fmt: skip
    """Return for each crypto session 1..count the master key and salt of every key."""
    return [
        [
            crypto.session_keys(
                key, cs_id, csb_id, rand, func=prf, key_length=key_length, salt_length=salt_length
            )
            for key in keys
        ]
        for cs_id in range(1, count + 1)
    ]


def error(
    offer: bytes, numbers: Sequence[int], *,
    policies: Sequence[Policy] = (), signer: Signer | None = None,
    auth: tuple[int, bytes] | None = None, idi: bytes = b"", idr: bytes = b"", bare: bool = False,
) -> bytes:  # fmt: skip
    """Build the Error message to an offer, plain, signed, or ended by a V (R3830-5.1.2-2).

    ``auth`` is Auth alg and auth_key; its MAC adds the two names and T unless ``bare``.
    """
    parts = decode(offer)
    hdr, stamp = parts[0].fields, one(parts, T).fields
    payloads = [e.t(stamp["ts_type"], stamp["value"]), *map(e.err, numbers)]
    payloads += [e.sp(policy, no) for no, policy in enumerate(policies)]
    payloads += [] if signer is None else [sign_head(signer)]
    payloads += [] if auth is None else [(V, e.u(auth[0], 1))]
    # Only the Empty map has no entries to leave out, so only its type is kept (R3830-5.1.2-4).
    cs_map = int(hdr["cs_id_map_type"] == 1), 0, b""
    out = e.build(6, payloads, csb_id=hdr["csb_id"], cs_map=cs_map, prf=hdr["prf_func"])
    if signer is not None:
        return signed(out, signer)
    if auth is None:
        return out
    alg, auth_key = auth
    return out + crypto.mac(alg, auth_key, out + (b"" if bare else idi + idr + stamp["value"]))


def check_error(
    offer: bytes, octets: bytes, *,
    public: RSAPublicKey | None = None, auth_key: bytes | None = None,
    idi: bytes = b"", idr: bytes = b"",
) -> list[int]:  # fmt: skip
    """Return the numbers of an Error message; ValueError if it is not the key's, or not ours.

    Of a V both the form with names and T and the bare form are right (R3830-5.1.2-5).
    """
    asked, told = decode(offer), decode(octets)
    hdr, stamp = told[0].fields, one(asked, T).fields
    if hdr["data_type"] != 6 or hdr["v"] or hdr["cs_count"] or one(told, T).fields != stamp:
        raise ValueError("no Error message, or another T")
    if any(hdr[name] != asked[0].fields[name] for name in ("version", "prf_func", "csb_id")):
        raise ValueError("the header of the error is not that of the offer")
    if public is not None:
        check_signature(octets, public)
    if auth_key is not None:
        v = one(told, V)
        covered, alg = octets[: v.offset + 2], v.fields["auth_alg"]
        wanted = [crypto.mac(alg, auth_key, covered + idi + idr + stamp["value"]),
                  crypto.mac(alg, auth_key, covered)]  # fmt: skip
        if alg == 0 or v.fields["ver_data"] not in wanted:
            raise ValueError("the V of the error is wrong")
    return [part.fields["number"] for part in told if "number" in part.fields]
