"""MIKEY-SAKKE: one message to a telephone number (RFC 6509).

No certificate and no shared key: a key management service (KMS) that both trust gave each of them
keys for a month. Who knows a number and the public keys of its KMS can call it; the callee needs no
answer to have the keys. The other side of that: the KMS could open every message.

The KMS here lives for as long as the program; its master secrets are drawn on the spot.
"""

from __future__ import annotations

import secrets
import time

import mikey
from mikey.crypto import eccsi, sakke

ALICE, BOB = "tel:+447700900001", "tel:+447700900002"
KMS = "kms.example.org"


def main() -> None:
    """Make a KMS and its users, call, and try to answer in Bob's place."""
    z, ksak = sakke.make_master(secrets.token_bytes), eccsi.make_master(secrets.token_bytes)
    kms = mikey.Kms(KMS, sakke.make_public_key(z), eccsi.make_public_key(ksak))
    now = time.time_ns()

    def user(name: str, peer: str = "*") -> mikey.Sakke:
        identifier = kms.identifier(name, now)  # the month, and the number
        receiver = sakke.ReceiverKey(kms.sakke, identifier, sakke.make_receiver_key(z, identifier))
        ssk, pvt = eccsi.make_pair(ksak, identifier, secrets.token_bytes)
        signing = eccsi.SigningKey(kms.eccsi, identifier, ssk, pvt)
        keys = mikey.SakkeKeys(kms, kms.scheme.period(now), receiver, signing)
        return mikey.Sakke(identity=name, peer=peer, keys=[keys])

    alice = mikey.Initiator(user(ALICE, BOB))
    message = alice.start([mikey.Stream(ssrc=0xA11CE), mikey.Stream()])
    at_alice = alice.early_bundle(message)

    bob = mikey.Responder([user(BOB)])
    offer = mikey.drive(bob.receive(message))
    answer, at_bob = offer.accept({2: 0xB0B})
    assert answer is None
    print(f"one message of {len(message)} octets from {offer.initiator}, and no answer")
    for mine, theirs in zip(at_alice.crypto_sessions, at_bob.crypto_sessions, strict=True):
        assert mine.keys == theirs.keys
        print(f"crypto session {mine.cs_id}: fingerprint {mine.fingerprint}")

    carol = mikey.Responder([user("tel:+447700900003")])
    try:
        carol.receive(message)
    except mikey.PeerError as error:
        print(f"Carol in Bob's place: {error}")


if __name__ == "__main__":
    main()
