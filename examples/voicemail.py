"""Voicemail by MIKEY-SAKKE (RFC 6509 2.5): message and media wait in a mailbox that reads neither.

Alice speaks to Bob's mailbox on Monday. The mailbox has no keys: it keeps the MIKEY message and the
SRTP packets as they came. Bob listens on Friday. Age says nothing of a message that waited, so his
Responder asks whether the keys of its month are still here, and remembers it for as long.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import mikey
from mikey.crypto import eccsi, sakke

ALICE, BOB = "tel:+447700900001", "tel:+447700900002"
DAY = 86_400 * 10**9
MONDAY = int(datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp()) * 10**9


def main() -> None:
    """Leave a message, listen to it, and try to listen to it once more."""
    z, ksak = sakke.make_master(secrets.token_bytes), eccsi.make_master(secrets.token_bytes)
    kms = mikey.Kms("kms.example.org", sakke.make_public_key(z), eccsi.make_public_key(ksak))

    def user(name: str, peer: str = "*") -> mikey.Sakke:
        identifier = kms.identifier(name, MONDAY)
        receiver = sakke.ReceiverKey(kms.sakke, identifier, sakke.make_receiver_key(z, identifier))
        ssk, pvt = eccsi.make_pair(ksak, identifier, secrets.token_bytes)
        signing = eccsi.SigningKey(kms.eccsi, identifier, ssk, pvt)
        keys = mikey.SakkeKeys(kms, kms.scheme.period(MONDAY), receiver, signing)
        return mikey.Sakke(identity=name, peer=peer, keys=[keys])

    alice = mikey.Initiator(user(ALICE, BOB), clock=mikey.Clock(lambda: MONDAY))
    message = alice.start([mikey.Stream(ssrc=0xA11CE)])
    sender = alice.early_bundle(message).srtp_sender(1)
    spoken = [bytes.fromhex(f"8000{n:04x}00000000000a11ce") + b"hello" for n in range(3)]
    mailbox = (message, [sender.protect(packet) for packet in spoken])

    friday = mikey.Clock(lambda: MONDAY + 4 * DAY)
    policy = mikey.Policy(accept_stored=True)
    bob = mikey.Responder([user(BOB)], clock=friday, policy=policy)
    from_mailbox = mikey.Context(stored=True)
    _, bundle = mikey.drive(bob.receive(mailbox[0], context=from_mailbox)).accept()
    receiver = bundle.srtp_receiver(1)
    assert [receiver.unprotect(packet) for packet in mailbox[1]] == spoken
    print(f"{bundle.peer} left {len(spoken)} packets four days ago")

    try:
        bob.receive(mailbox[0], context=from_mailbox)
    except mikey.ReplayError as error:
        print(f"the same message again: {error}")
    try:
        mikey.Responder([user(BOB)], clock=friday).receive(mailbox[0])
    except mikey.TimestampError as error:
        print(f"as if it were a call of today: {error}")


if __name__ == "__main__":
    main()
