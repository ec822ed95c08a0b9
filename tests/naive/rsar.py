"""RSA-R, data types 9 and 10: the Responder makes the keys; for one or for a group (RFC 4738)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from tests.naive import crypto, exchange, pke, rsa
from tests.naive import encode as e
from tests.naive.decode import PKE, RAND, SP, Fields, T, decode, one
from tests.naive.encode import Payload, Policy
from tests.naive.exchange import Terms
from tests.naive.pke import Protection
from tests.naive.rsa import Signer

INIT, RESP = 9, 10


class Grant(NamedTuple):
    """What the Responder hands out.

    ``csb_id`` makes it a group's; ``cs`` are all entries of the map; ``rand`` is sent if given.
    """

    env_key: bytes
    keys: Sequence[Payload]
    cs: Iterable[tuple[int, int, int]]
    rand: bytes | None = None
    csb_id: int | None = None
    policy: tuple[int, Policy] | None = (0, e.AES_CM_128_HMAC_SHA1_80)
    c: int = 0
    protection: Protection = Protection()


class Granted(NamedTuple):
    """What the Initiator reads: CSB ID and RAND are those that count in derivations."""

    env_key: bytes
    c: int
    csb_id: int
    rand: bytes
    idr: bytes
    keys: list[Fields]
    head_signed: bool


def request(terms: Terms, signer: Signer) -> bytes:
    """Build the I_MESSAGE; ``terms.rand`` None leaves RAND to the Responder."""
    payloads = [*exchange.front(terms, signer.certs), exchange.sign_head(signer)]
    return exchange.signed(exchange.build(INIT, payloads, terms._replace(v=True)), signer)


def answer(
    octets: bytes, public: RSAPublicKey, signer: Signer, grant: Grant, *,
    recipient: RSAPublicKey | None = None, idi: bytes | None = None, idr: bytes | None = None,
    inner: bytes | None = None, head: bool = True, oaep: bool = False, ext_first: bool = True,
) -> bytes:  # fmt: skip
    """Verify the I_MESSAGE and build the R_MESSAGE.

    ``recipient`` is the key of the envelope if it is not ``public``; ``idi`` is used where the
    message has none; ``idr`` is sent if given. Without ``head`` the signature is that of the
    other reading (R4738-3.6-10).
    """
    parts = decode(octets)
    hdr, stamp = parts[0].fields, one(parts, T).fields
    if hdr["data_type"] != INIT:
        raise ValueError("no RSA-R I_MESSAGE")
    exchange.check_signature(octets, public)
    asked = exchange.names(octets, () if idr is None else (idr,))
    known = idr or asked.idr or b""
    csb_id = hdr["csb_id"] if grant.csb_id is None else grant.csb_id
    rand = _effective_rand(octets, grant.rand, grant.csb_id is not None)
    ts = stamp["ts_type"], stamp["value"]
    terms = Terms(hdr["csb_id"], ts, rand, prf=hdr["prf_func"])
    group = [] if grant.csb_id is None else [e.general_ext(4, e.u(grant.csb_id, 4))]
    payloads = [*group, e.t(*ts)] if ext_first else [e.t(*ts), *group]
    payloads += [] if grant.rand is None else [e.rand(grant.rand)]
    payloads += [] if idr is None else [exchange.identity(idr)]
    payloads += map(exchange.certificate, signer.certs)
    payloads += [] if grant.policy is None else [e.sp(grant.policy[1], grant.policy[0])]
    name = inner or known
    payloads += [
        pke.kemac(grant.env_key, name, grant.keys, terms, csb_id, rand, grant.protection),
        pke.envelope(recipient or public, grant.env_key, grant.c, oaep=oaep),
        exchange.sign_head(signer),
    ]
    out = e.build(
        RESP, payloads, csb_id=hdr["csb_id"], cs_map=e.srtp_map(grant.cs), prf=hdr["prf_func"]
    )
    appended = (asked.idi or idi or b"") + known + stamp["value"]
    return exchange.signed(out, signer, appended=appended, head=head)


def open_answer(
    octets: bytes, told: bytes, public: RSAPublicKey, private: RSAPrivateKey, *,
    idi: bytes | None = None, idr: bytes | None = None, oaep: bool = False,
) -> Granted:  # fmt: skip
    """Verify the R_MESSAGE and open it; ValueError says what is wrong.

    ``idi`` and ``idr`` are who the two are where no payload says so.
    """
    exchange.check_reply(octets, told, RESP)
    asked, parts = exchange.names(octets), decode(told)
    stamp = one(parts, T).fields["value"]
    outer = exchange.names(told).idr
    known = outer or asked.idr or idr or b""
    appended = (asked.idi or idi or b"") + known + stamp
    head_signed = _head_signed(told, public, appended)
    new = exchange.extension(parts, exchange.CSB_ID_EXT)
    if len(new) > 1 or any(len(data) != 4 for data in new):
        raise ValueError("more than one new CSB ID, or one that is not of four octets")
    csb_id = int.from_bytes(new[0], "big") if new else parts[0].fields["csb_id"]
    values = [part.fields["value"] for part in parts if part.type == RAND]
    rand = _effective_rand(octets, values[0] if values else None, bool(new))
    _check_policy(octets, told, group=bool(new))
    envelope = one(parts, PKE).fields
    env_key = rsa.decrypt(private, envelope["data"], oaep=oaep)
    try:
        opened = crypto.kemac_parts(told, env_key, rand=rand, envelope=True, csb_id=csb_id)
    except ValueError:
        # The other reading: message keys of the CSB ID in the header (R4738-3.6-4).
        opened = crypto.kemac_parts(told, env_key, rand=rand, envelope=True)
    inner, keys = pke.inside(opened)
    if known and inner["data"] != known:
        raise ValueError("the identity inside is not the one outside")
    return Granted(env_key, envelope["c"], csb_id, rand, inner["data"], keys, head_signed)


def _effective_rand(octets: bytes, answered: bytes | None, group: bool) -> bytes:
    """Exactly one RAND, in a group always the Responder's (R4738-3.6-6)."""
    sent = [part.fields["value"] for part in decode(octets) if part.type == RAND]
    if answered is None and (group or not sent):
        raise ValueError("no RAND")
    if answered is not None and sent and not group:
        raise ValueError("a RAND in both messages")
    return sent[0] if answered is None else answered


def _head_signed(told: bytes, public: RSAPublicKey, appended: bytes) -> bool:
    try:
        exchange.check_signature(told, public, appended=appended)
    except ValueError:
        exchange.check_signature(told, public, appended=appended, headless=True)
        return False
    return True


def _check_policy(octets: bytes, told: bytes, *, group: bool) -> None:
    """The SP of the answer is among those offered; a group's request may offer none."""
    offered = [part.fields for part in decode(octets) if part.type == SP]
    chosen = [part.fields for part in decode(told) if part.type == SP]
    if group and (offered or not chosen):
        raise ValueError("an SP in the request of a group, or none in its answer")
    if offered and not chosen:
        raise ValueError("no SP, though some were offered")
    for policy in chosen if offered else []:
        if not any(_within(policy, other) for other in offered):
            raise ValueError("the SP was not offered")


def _within(chosen: Fields, offered: Fields) -> bool:
    """A Type repeated in an offered SP lists options; an absent Type has its default."""
    types = [number for number, _ in chosen["params"]]
    told, options = _options(chosen), _options(offered)
    return (
        (chosen["policy_no"], chosen["prot_type"]) == (offered["policy_no"], offered["prot_type"])
        and len(types) == len(set(types))
        and all(told[n] <= options.get(n, set()) for n in told)
        and set(options) <= set(told)
    )


def _options(policy: Fields) -> dict[int, set[bytes]]:
    options: dict[int, set[bytes]] = {}
    for number, value in policy["params"]:
        options.setdefault(number, set()).add(value)
    return {n: {value} for n, value in e.AES_CM_128_HMAC_SHA1_80} | options
