"""MIKEY-DHHMAC: Diffie-Hellman under a pre-shared key (RFC 4650).

Forward secrecy without certificates: who learns the pre-shared key tomorrow cannot read what was
recorded today. The price is one exponentiation more on each side, and that an answer must come
before there are keys.
"""

from __future__ import annotations

import secrets

import mikey

ALICE, BOB = "sip:alice@example.org", "sip:bob@example.org"


def main() -> None:
    """Run an exchange, a rekeying, and one with the wrong key."""
    key = mikey.Secret(secrets.token_bytes(32))
    alice = mikey.Initiator(
        mikey.Psk(key, identity=ALICE, peer=BOB), method=mikey.Method.DHHMAC, mki_length=1
    )
    bob = mikey.Responder([mikey.Psk(key, identity=BOB, peer=ALICE)])

    first = alice.start([mikey.Stream(ssrc=0xA11CE), mikey.Stream()])
    offer = mikey.drive(bob.receive(first))
    answer, at_bob = offer.accept({2: 0xB0B})
    assert answer is not None
    at_alice = mikey.drive(alice.receive(answer))
    assert at_alice.crypto_sessions == at_bob.crypto_sessions
    print(f"I_MESSAGE {len(first)} octets, R_MESSAGE {len(answer)} octets")

    answer, at_bob = mikey.drive(bob.receive(alice.rekey(at_alice))).accept()
    assert answer is not None
    renewed = mikey.drive(alice.receive(answer))
    assert renewed.crypto_sessions == at_bob.crypto_sessions
    print("fingerprints", *(each.crypto_sessions[0].fingerprint for each in (at_alice, renewed)))

    other = mikey.Secret(secrets.token_bytes(32))
    mallory = mikey.Initiator(
        mikey.Psk(other, identity=ALICE, peer=BOB), method=mikey.Method.DHHMAC
    )
    try:
        bob.receive(mallory.start([mikey.Stream(ssrc=1), mikey.Stream()]))
    except mikey.AuthenticationError as error:
        print(f"Mallory in Alice's name: {error}")


if __name__ == "__main__":
    main()
