"""MIKEY-PSK between two parties: keys, a packet, a rekeying, and a replay that fails.

Nothing is sent anywhere. Where a message would travel, its size is printed.
"""

from __future__ import annotations

import secrets

import mikey

ALICE, BOB = "sip:alice@example.org", "sip:bob@example.org"


def rtp(sequence_number: int, ssrc: int) -> bytes:
    """Return an RTP packet of 20 ms of silence."""
    header = b"\x80\x00" + sequence_number.to_bytes(2) + bytes(4) + ssrc.to_bytes(4)
    return header + b"\xff" * 160


def main() -> None:
    """Run the exchange."""
    key = mikey.Secret(secrets.token_bytes(32))
    alice = mikey.Initiator(
        mikey.Psk(key, identity=ALICE, peer=BOB),
        policies=[mikey.SrtpPolicy.AEAD_AES_256_GCM, mikey.SrtpPolicy.AES_CM_128_HMAC_SHA1_80],
    )
    bob = mikey.Responder([mikey.Psk(key, identity=BOB, peer=ALICE)])

    # Crypto session 1 is what Alice sends, 2 what Bob sends; he fills in his SSRC.
    first = alice.start([mikey.Stream(ssrc=0xA11CE), mikey.Stream()])
    offer = mikey.drive(bob.receive(first))
    print(f"I_MESSAGE, {len(first)} octets, from {offer.initiator}")
    answer, bobs = offer.accept({2: 0xB0B})
    assert answer is not None
    alices = mikey.drive(alice.receive(answer))
    print(f"R_MESSAGE, {len(answer)} octets; policy {alices.crypto_sessions[0].policy.name}")

    sender, receiver = alices.srtp_sender(1), bobs.srtp_receiver(1)
    packet = sender.protect(rtp(1, 0xA11CE))
    assert receiver.unprotect(packet) == rtp(1, 0xA11CE)
    print(f"RTP {len(rtp(1, 0))} octets -> SRTP {len(packet)} octets -> RTP, as it was")

    # A new key for the same streams; counters run on.
    update = mikey.drive(bob.receive(alice.rekey(alices)))
    answer, bobs = update.accept()
    assert answer is not None
    alices = mikey.drive(alice.receive(answer))
    sender.install(alices.masters(1))
    receiver.install(bobs.masters(1))
    assert receiver.unprotect(sender.protect(rtp(2, 0xA11CE))) == rtp(2, 0xA11CE)
    print(f"rekeyed; both ends see key {alices.crypto_sessions[0].fingerprint}")

    try:
        bob.receive(first)
    except mikey.ReplayError as error:
        print(f"the first message again: {error}")


if __name__ == "__main__":
    main()
