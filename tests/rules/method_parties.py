"""Alice and Bob at the level of the methods: our half of an exchange, without any session.

Names, keys, times and RAND are those of `tests.naive.parties`, so that the other half can be
the naive one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from mikey.credentials import Certified, SoftwareKey, Trust
from mikey.errors import PeerError
from mikey.methods._common import certificates, identities
from mikey.methods._common.exchange import Completion, Draft, Opening, Reply, Surroundings
from mikey.methods._common.message_keys import MessageKeys
from mikey.policy import SrtpPolicy
from mikey.registry import DataType, ErrorNumber, ExtensionType, KeyType, PrfFunc, TsType
from mikey.secret import Secret
from mikey.wire import (
    GeneralExtension,
    Hdr,
    Id,
    KeyData,
    Message,
    Rand,
    SrtpId,
    SrtpIdMap,
    T,
)
from tests.naive import pki
from tests.naive.parties import ENVELOPE_KEY, MINE, YOURS
from tests.naive.vectors import CSB_ID, IDI, IDR, PSK, RAND_VALUE, TGK, TS

NOW = 1_161_351_786_500_000_000  # TS, in nanoseconds since 1970
AROUND = Surroundings(now=NOW)
ALICE, BOB, MALLORY = IDI.decode(), IDR.decode(), "sip:mallory@example.com"
ALICE_ID, BOB_ID = identities.to_id(ALICE), identities.to_id(BOB)
MALLORY_ID = identities.to_id(MALLORY)
KEY = KeyData(KeyType.TGK, Secret(TGK))
ENV_KEY = Secret(ENVELOPE_KEY)
STAMP = T(TsType.NTP_UTC, TS)
LATER = T(TsType.NTP_UTC, TS[:-1] + b"\1")
OFFERED = SrtpIdMap((SrtpId(0, MINE), SrtpId(0, 0)))
FILLED = SrtpIdMap((SrtpId(0, MINE), SrtpId(0, YOURS)))
LIST = GeneralExtension(ExtensionType.SDP_IDS, b"mikey")
XI, XR = 0x123456789ABCDEF << 192, 0xFEDCBA987654321 << 190  # exponents of 256 bits at most
POLICY = SrtpPolicy.AES_CM_128_HMAC_SHA1_80


@functools.cache
def trust() -> Trust:
    """Whoever the naive PKI certifies."""
    return Trust([pki.root().der])


def certified(me: str = ALICE, peer: str = BOB, **options: Any) -> Certified:
    """Return the credential of somebody that the naive PKI certifies."""
    key = options.pop("key", None) or SoftwareKey(pki.key(me), oaep_hash=options.get("oaep_hash"))
    options.setdefault("chain", (pki.certificate(me.encode()), pki.middle().der))
    options.setdefault("trust", trust())
    return Certified(key=key, identity=me, peer=peer, **options)


def split(me: str, peer: str) -> Certified:
    """Return a credential with one certificate to sign and one to be encrypted to."""
    name = me.encode()
    return certified(
        me,
        peer,
        key=SoftwareKey(pki.key(f"{me} signs")),
        chain=(pki.certificate(name, pki.SIGN, owner=f"{me} signs"), pki.middle().der),
        encryption_key=SoftwareKey(pki.key(f"{me} decrypts")),
        encryption_chain=(pki.certificate(name, pki.ENCRYPT, owner=f"{me} decrypts"),),
    )


def psk_keys(rand: bytes = RAND_VALUE, key: bytes = PSK) -> MessageKeys:
    return MessageKeys(Secret(key), PrfFunc.MIKEY_1, CSB_ID, rand)


def draft(kind: DataType, *, update: bool = False, **changes: Any) -> Draft:
    """Return what every I_MESSAGE says; with `update` it has no RAND and a later T."""
    values: dict[str, Any] = {
        "header": Hdr(kind, CSB_ID, OFFERED, v=True),
        "t": LATER if update else STAMP,
        "rand": None if update else Rand(RAND_VALUE),
        "idi": ALICE_ID,
        "certs": certified().cert_payloads(),
        "idr": BOB_ID,
        "policies": (POLICY.to_sp(0),),
        "extensions": (LIST,),
    }
    return Draft(**(values | changes))


def reply(kind: DataType, **changes: Any) -> Reply:
    """Return what Bob's response says."""
    values: dict[str, Any] = {
        "header": Hdr(kind, CSB_ID, FILLED),
        "idr": BOB_ID,
        "certs": certified(BOB, ALICE).cert_payloads(),
    }
    return Reply(**(values | changes))


def names(
    message: Message, own: str = BOB, signalled: str | None = None
) -> tuple[Id | None, Id | None]:
    """Tell who a signed I_MESSAGE is from and for."""
    return certificates.request_ids(message, [own], signalled)


def received(opening: Opening, octets: bytes) -> Completion:
    """Give the response to the Initiator."""
    return opening.receive(Message.parse(octets), AROUND)


def changes(octets: bytes) -> Iterable[bytes]:
    """Yield the message with one bit of one octet turned, for each octet."""
    for at in range(len(octets)):
        yield octets[:at] + bytes([octets[at] ^ 1 << at % 8]) + octets[at + 1 :]


def no_change_is_taken(octets: bytes, take: Callable[[bytes], object]) -> None:
    """Assert that `take` accepts the octets, and none that differ from them."""
    take(octets)
    taken = []
    for other in changes(octets):
        try:
            take(other)
        except PeerError:
            continue
        taken.append(other)
    assert taken == []


def refused(
    call: Callable[[], object], number: ErrorNumber | None, kind: type[PeerError] = PeerError
) -> PeerError:
    """Assert that something is refused with an Error no; return the error."""
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.number == number, caught.value
    return caught.value


def tgks(keys: Iterable[KeyData]) -> list[bytes]:
    return [key.key.expose() for key in keys]
