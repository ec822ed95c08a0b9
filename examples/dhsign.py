"""MIKEY-DH-SIGN: signed Diffie-Hellman, whose keys no private key can bring back later.

The caller needs no certificate of the peer beforehand, and learns from the answer who took the
call. `mikey keygen` makes certificates for trials.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

import mikey
from mikey.credentials.files import load_certificates, load_key

ALICE, BOB = "sip:alice@example.org", "sip:bob@example.org"


def certified(pki: str, name: str, identity: str) -> mikey.Certified:
    """Return a credential for whoever has a certificate under the same root."""
    return mikey.Certified(
        key=load_key(f"{pki}/{name}.key"),
        chain=load_certificates(f"{pki}/{name}.pem"),
        identity=identity,
        trust=mikey.Trust(load_certificates(f"{pki}/root.pem")),
        sign_hash="sha256",
        verify_hashes=("sha256",),  # nobody here signs with SHA-1
    )


def main() -> None:
    """Run an exchange and a rekeying."""
    with tempfile.TemporaryDirectory() as place:
        pki = f"{place}/pki"
        make = [sys.executable, "-m", "mikey", "keygen", "pki", "--out", pki]
        subprocess.run(make, check=True, capture_output=True)
        alice = mikey.Initiator(certified(pki, "alice", ALICE), mki_length=1)
        bob = mikey.Responder([certified(pki, "bob", BOB)])

    first = alice.start([mikey.Stream(ssrc=0xA11CE), mikey.Stream()])
    offer = mikey.drive(bob.receive(first))
    answer, at_bob = offer.accept({2: 0xB0B})
    assert answer is not None
    at_alice = mikey.drive(alice.receive(answer))
    assert at_alice.crypto_sessions == at_bob.crypto_sessions
    print(f"I_MESSAGE {len(first)} octets, R_MESSAGE {len(answer)} octets")
    print(f"{at_alice.method}: {at_alice.peer} answered {at_bob.peer}")

    # Fresh exponents on both sides: the new key has nothing in common with the old one.
    answer, at_bob = mikey.drive(bob.receive(alice.rekey(at_alice))).accept()
    assert answer is not None
    renewed = mikey.drive(alice.receive(answer))
    assert renewed.crypto_sessions == at_bob.crypto_sessions
    print("fingerprints", *(each.crypto_sessions[0].fingerprint for each in (at_alice, renewed)))


if __name__ == "__main__":
    main()
