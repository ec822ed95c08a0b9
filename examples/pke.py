"""MIKEY-PKE: keys in an envelope that only the peer's private key opens.

The caller needs the peer's certificate beforehand. The envelope key is kept, so that the update
is as small as one of the pre-shared key method. `mikey keygen` makes certificates for trials.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

import mikey
from mikey.credentials.files import load_certificates, load_key

ALICE, BOB = "sip:alice@example.org", "sip:bob@example.org"


def main() -> None:
    """Run an exchange and an update."""
    with tempfile.TemporaryDirectory() as place:
        pki = f"{place}/pki"
        make = [sys.executable, "-m", "mikey", "keygen", "pki", "--out", pki]
        subprocess.run(make, check=True, capture_output=True)
        trust = mikey.Trust(load_certificates(f"{pki}/root.pem"))
        bobs_certificate = load_certificates(f"{pki}/bob.pem")
        alices = mikey.Certified(
            key=load_key(f"{pki}/alice.key"),
            chain=load_certificates(f"{pki}/alice.pem"),
            identity=ALICE,
            peer=BOB,
            peer_certificate=bobs_certificate[0],
            trust=trust,
            sign_hash="sha256",  # the RFC's SHA-1 unless both are known to take better
        )
        bobs = mikey.Certified(
            key=load_key(f"{pki}/bob.key"), chain=bobs_certificate, identity=BOB, trust=trust
        )
    keep = mikey.CacheType.CACHE
    alice = mikey.Initiator(alices, method=mikey.Method.PKE, cache=keep, mki_length=1)
    bob = mikey.Responder([bobs])

    first = alice.start([mikey.Stream(ssrc=0xA11CE), mikey.Stream()])
    offer = mikey.drive(bob.receive(first))
    answer, at_bob = offer.accept({2: 0xB0B})
    assert answer is not None
    at_alice = mikey.drive(alice.receive(answer))
    assert at_alice.crypto_sessions == at_bob.crypto_sessions
    print(f"I_MESSAGE {len(first)} octets from {offer.initiator}, R_MESSAGE {len(answer)} octets")

    update = alice.rekey(at_alice)
    answer, at_bob = mikey.drive(bob.receive(update)).accept()
    assert answer is not None
    at_alice = mikey.drive(alice.receive(answer))
    assert at_alice.crypto_sessions == at_bob.crypto_sessions
    print(f"update under the same envelope key: {len(update)} octets")


if __name__ == "__main__":
    main()
