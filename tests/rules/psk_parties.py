"""Alice and Bob share a key; one end is the package, the other the naive implementation.

Time stands at the timestamp of the published vectors until a test moves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from mikey import (
    Bundle,
    Clock,
    Context,
    ErrorNumber,
    Initiator,
    Offer,
    PeerError,
    Psk,
    Responder,
    Secret,
    Stream,
    drive,
)  # fmt: skip
from mikey.policy import SECOND, Compat
from tests.naive import crypto
from tests.naive import encode as e
from tests.naive.decode import RAND, SP, Fields, decode, one
from tests.naive.vectors import CSB_ID, IDI, IDR, PSK, RAND_VALUE, TGK, TS

NOW = 1_161_351_786_500_000_000  # TS, in nanoseconds since 1970
ALICE, BOB = IDI.decode(), IDR.decode()
MINE, YOURS = 0xDEADBEEF, 0xCAFEBABE
CONTEXT = Context(protocols=("mikey",))
STREAMS = (Stream(MINE), Stream())
ENTRIES = ((0, MINE, 0), (0, 0, 0))


class Time:
    """A time of day that only a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)

    def ts(self, offset: float = 0) -> bytes:
        """Return the NTP value of now plus `offset` seconds."""
        seconds, rest = divmod(self.now + int(offset * SECOND), SECOND)
        return (((seconds + 2_208_988_800) << 32) + (rest << 32) // SECOND).to_bytes(9)[1:]


def alice(time: Time | None = None, **options: Any) -> Initiator:
    """Return our Initiator."""
    compat = options.pop("compat", Compat())
    options.setdefault("clock", Clock(time or Time()))
    return Initiator(Psk(Secret(PSK), ALICE, BOB, compat), **options)


def bob(time: Time | None = None, **options: Any) -> Responder:
    """Return our Responder."""
    compat = options.pop("compat", Compat())
    credentials = options.pop("credentials", [Psk(Secret(PSK), BOB, ALICE, compat)])
    options.setdefault("clock", Clock(time or Time()))
    return Responder(credentials, **options)


def offered(responder: Responder, octets: bytes, context: Context = CONTEXT) -> Offer:
    """Return the offer that the Responder verified."""
    return drive(responder.receive(octets, context=context))


def accepted(
    responder: Responder, octets: bytes, context: Context = CONTEXT
) -> tuple[bytes | None, Bundle]:
    """Return the answer to a message, and the bundle."""
    offer = offered(responder, octets, context)
    open_ones = {i: YOURS + i - 2 for i, s in enumerate(offer.streams, 1) if not s.ssrc}
    return offer.accept(open_ones)


def answered(initiator: Initiator, octets: bytes, context: Context = CONTEXT) -> Bundle:
    """Return the bundle that a response completes."""
    return drive(initiator.receive(octets, context=context))


def offer_of(to: Responder, octets: bytes, context: Context = CONTEXT) -> Offer:
    return drive(to.receive(octets, context=context))


def refused(
    to: Responder,
    octets: bytes,
    number: ErrorNumber | None,
    kind: type[PeerError] = PeerError,
    context: Context = CONTEXT,
) -> PeerError:
    """Assert that a message is refused with `number`; return the error."""
    with pytest.raises(kind) as caught:
        offer_of(to, octets, context)
    assert caught.value.number == number, caught.value
    return caught.value


def offer(**changes: Any) -> bytes:
    """Return a naive I_MESSAGE; `changes` are arguments of `naive.encode.psk_offer`."""
    arguments: dict[str, Any] = {
        "psk": PSK, "keys": [e.key_data(TGK)], "csb_id": CSB_ID, "ts": (0, TS),
        "rand_value": RAND_VALUE, "idi": IDI, "idr": IDR, "cs": ENTRIES,
    }  # fmt: skip
    return e.psk_offer(**(arguments | changes))


@dataclass(frozen=True)
class Craft:
    """A message of any shape with a right MAC: what no honest sender would make."""

    data_type: int = 0
    csb_id: int = CSB_ID
    ts: tuple[int, bytes] = (0, TS)
    rand: bytes = RAND_VALUE
    psk: bytes = PSK
    prf: int = 0
    v: bool = True
    cs_map: tuple[int, int, bytes] = e.srtp_map(ENTRIES)
    encr_alg: int = 1
    mac_alg: int = 1

    def payloads(self) -> list[e.Payload]:
        """Return the usual payloads in front of KEMAC."""
        return [
            e.t(*self.ts), e.rand(self.rand), e.ident(IDI), e.ident(IDR),
            e.sp(e.AES_CM_128_HMAC_SHA1_80), e.general_ext(1, b"mikey"),
        ]  # fmt: skip

    def keys(self) -> tuple[bytes, bytes, bytes]:
        """Return encr_key, auth_key and salt."""
        return crypto.message_keys(
            self.psk, self.csb_id, self.rand, func=self.prf,
            encr_alg=self.encr_alg, mac_alg=self.mac_alg,
        )  # fmt: skip

    def kemac(self, plaintext: bytes) -> e.Payload:
        """Return KEMAC with an encrypted plaintext, up to its MAC."""
        encr_key, _, salt = self.keys()
        stamp = {"ts_type": self.ts[0], "value": self.ts[1]}
        data = crypto.encrypt(self.encr_alg, encr_key, salt, self.csb_id, stamp, plaintext)
        return e.kemac(self.encr_alg, data, self.mac_alg)

    def message(
        self,
        payloads: Sequence[e.Payload] | None = None,
        plaintext: bytes | None = None,
    ) -> bytes:
        """Return the I_MESSAGE of `payloads` and KEMAC, its MAC over everything before it."""
        front = self.payloads() if payloads is None else list(payloads)
        keys = e.chain([e.key_data(TGK)]) if plaintext is None else plaintext
        out = e.build(
            self.data_type, [*front, self.kemac(keys)], csb_id=self.csb_id,
            cs_map=self.cs_map, v=self.v, prf=self.prf,
        )  # fmt: skip
        return out + crypto.mac(self.mac_alg, self.keys()[1], out)

    def response(
        self,
        payloads: Sequence[e.Payload],
        *,
        alg: int = 1,
        idi: bytes = IDI,
        idr: bytes = IDR,
        t: bytes | None = None,
    ) -> bytes:
        """Return the message of `payloads` and V, over message, identities and T (5.2)."""
        out = e.build(
            self.data_type, [*payloads, (9, e.u(alg, 1))], csb_id=self.csb_id,
            cs_map=self.cs_map, v=self.v, prf=self.prf,
        )  # fmt: skip
        _, auth_key, _ = crypto.message_keys(
            self.psk, self.csb_id, self.rand, func=self.prf, mac_alg=alg
        )
        covered = self.ts[1] if t is None else t
        return out + crypto.v_data(out, auth_key, alg, idi, idr, covered)


def answer_to(first: bytes, **changes: Any) -> Craft:
    """Return a Craft for responses to one of our messages."""
    parts = decode(first)
    hdr, stamp = parts[0].fields, one(parts, 5).fields
    rand = [part.fields["value"] for part in parts if part.type == RAND]
    entries = [(s["policy_no"], s["ssrc"] or YOURS, s["roc"]) for s in hdr["cs_map"]]
    values: dict[str, Any] = {
        "data_type": 1, "csb_id": hdr["csb_id"], "ts": (stamp["ts_type"], stamp["value"]),
        "rand": rand[0] if rand else RAND_VALUE, "prf": hdr["prf_func"], "v": False,
        "cs_map": e.srtp_map(entries),
    }  # fmt: skip
    return Craft(**(values | changes))


def policies(octets: bytes) -> list[Fields]:
    """Return the SP payloads of a message."""
    return [part.fields for part in decode(octets) if part.type == SP]


def flips(octets: bytes) -> Iterable[bytes]:
    """Yield every message that differs from `octets` in one bit."""
    for bit in range(8 * len(octets)):
        changed = bytearray(octets)
        changed[bit // 8] ^= 0x80 >> bit % 8
        yield bytes(changed)


def same_keys(ours: Bundle, theirs: Bundle) -> bool:
    """Whether two bundles have the same streams and keys."""
    return [(s.cs_id, s.ssrc, s.policy, s.keys) for s in ours.crypto_sessions] == [
        (s.cs_id, s.ssrc, s.policy, s.keys) for s in theirs.crypto_sessions
    ]
