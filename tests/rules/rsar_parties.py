"""Messages of the RSA-R method between Alice and Bob, ours on both sides."""

from __future__ import annotations

from functools import partial
from typing import Any

from mikey.credentials import Certified
from mikey.methods import rsar
from mikey.methods._common.exchange import Surroundings
from mikey.registry import DataType
from mikey.wire import Hdr, Message, SrtpIdMap
from tests.naive import encode as e
from tests.naive import exchange, pke, pki
from tests.naive.decode import T, decode, one
from tests.naive.exchange import Terms
from tests.naive.parties import (
    ALICE_PUBLIC,
    ENVELOPE_KEY,
    GROUP_CSB_ID,
    KEYS,
    MINE,
    RESPONDER_RAND,
    YOURS,
)
from tests.naive.parties import BOB as BOB_SIGNER
from tests.naive.vectors import CSB_ID, IDI, IDR, RAND_VALUE, TS
from tests.rules.method_parties import (
    ALICE,
    AROUND,
    BOB,
    ENV_KEY,
    KEY,
    POLICY,
    certified,
    draft,
    names,
    reply,
)

ENTRIES = ((0, MINE, 0), (0, YOURS, 0))
LISTENER = Hdr(DataType.RSA_R_INIT, CSB_ID, SrtpIdMap())
CHOSEN = (POLICY.to_sp(0),)


def opening(credential: Certified | None = None, **says: Any) -> rsar.Opening:
    """Return Alice's I_MESSAGE of a unicast exchange."""
    credential = credential or certified()
    says.setdefault("certs", credential.cert_payloads())
    return rsar.build_request(draft(DataType.RSA_R_INIT, **says), credential)


def listening(credential: Certified | None = None, **says: Any) -> rsar.Opening:
    """Return the I_MESSAGE of a member of a group that only listens."""
    says = {"header": LISTENER, "rand": None, "policies": (), "extensions": ()} | says
    return opening(credential, **says)


def verified(
    octets: bytes,
    credential: Certified | None = None,
    around: Surroundings = AROUND,
    signalled: str | None = None,
) -> rsar.VerifiedRequest:
    """Let Bob verify an I_MESSAGE."""
    message = Message.parse(octets)
    rsar.check_request(message)
    initiator, idr = names(message, signalled=signalled)
    credential = credential or certified(BOB, ALICE)
    return rsar.verify_request(message, credential, around, initiator=initiator, idr=idr)


def grant(**options: Any) -> rsar.Grant:
    """Return what Bob gives to one."""
    values: dict[str, Any] = {
        "keys": (KEY,), "env_key": ENV_KEY, "rand": RESPONDER_RAND, "policies": CHOSEN,
    }  # fmt: skip
    return rsar.Grant(**(values | options))


def group_grant(**options: Any) -> rsar.Grant:
    """Return what Bob gives to each member of a group."""
    return grant(**({"csb_id": GROUP_CSB_ID} | options))


def answered(
    octets: bytes,
    given: rsar.Grant | None = None,
    credential: Certified | None = None,
    **changes: Any,
) -> bytes:
    """Return Bob's R_MESSAGE."""
    credential = credential or certified(BOB, ALICE)
    changes.setdefault("certs", credential.cert_payloads())
    told = reply(DataType.RSA_R_RESP, **changes)
    return verified(octets, credential, signalled=ALICE).respond(told, given or grant())


def crafted(
    first: bytes, *payloads: e.Payload, cs: Any = ENTRIES, head: bool = True, signer: Any = None,
    idr: bytes = IDR,
) -> bytes:  # fmt: skip
    """Return a response of any shape that is signed as it should be."""
    signer = signer or BOB_SIGNER
    out = e.build(10, [*payloads, exchange.sign_head(signer)], csb_id=CSB_ID, cs_map=e.srtp_map(cs))
    stamp = one(decode(first), T).fields["value"]
    return exchange.signed(out, signer, appended=IDI + idr + stamp, head=head)


def envelope(
    recipient: Any, *, key: bytes, keys: list[e.Payload], csb_id: int = CSB_ID,
    rand: bytes = RAND_VALUE, name: bytes = IDR, ts: tuple[int, bytes],
) -> list[e.Payload]:  # fmt: skip
    """Return KEMAC and PKE."""
    terms = Terms(CSB_ID, ts, rand)
    return [
        pke.kemac(key, name, keys, terms, csb_id, rand, pke.Protection()),
        pke.envelope(recipient, key, 0),
    ]


STAMP = (0, TS)
ALICE_KEY = pki.key(ALICE)
SEALED = partial(envelope, ALICE_PUBLIC, key=ENVELOPE_KEY, keys=KEYS, ts=STAMP)


def certs() -> list[e.Payload]:
    """Return Bob's chain."""
    return [exchange.certificate(cert) for cert in BOB_SIGNER.certs]


def sp(no: int = 0) -> e.Payload:
    """Return the usual policy under a number."""
    return e.sp(e.AES_CM_128_HMAC_SHA1_80, no)
