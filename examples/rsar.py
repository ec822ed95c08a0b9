"""MIKEY-RSA-R: the called side makes the keys (RFC 4738).

The caller needs no certificate of the peer and need not know who will answer: a call that is
diverted or forked is keyed with the one who takes it. Both write down which SRTP policies they
accept; the answer has one of them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

import mikey
from mikey.credentials.files import load_certificates, load_key

ALICE, CAROL = "sip:alice@example.org", "sip:carol@example.org"
GCM, CM = mikey.SrtpPolicy.AEAD_AES_256_GCM, mikey.SrtpPolicy.AES_CM_128_HMAC_SHA1_80


def certified(pki: str, name: str, identity: str) -> mikey.Certified:
    """Return a credential for whoever has a certificate under the same root."""
    return mikey.Certified(
        key=load_key(f"{pki}/{name}.key"),
        chain=load_certificates(f"{pki}/{name}.pem"),
        identity=identity,
        trust=mikey.Trust(load_certificates(f"{pki}/root.pem")),
    )


def main() -> None:
    """Run the exchange."""
    with tempfile.TemporaryDirectory() as place:
        pki = f"{place}/pki"
        make = [sys.executable, "-m", "mikey", "keygen", "pki", "--out", pki]
        names = ["--identity", ALICE, "--identity", CAROL]
        subprocess.run([*make, *names], check=True, capture_output=True)
        alice = mikey.Initiator(
            certified(pki, "alice", ALICE), method=mikey.Method.RSA_R, policies=[GCM, CM]
        )
        carol = mikey.Responder([certified(pki, "carol", CAROL)], policies=[CM])

    # Alice called Bob; his phone sends the call on to Carol, who answers in her own name.
    first = alice.start([mikey.Stream(ssrc=0xA11CE), mikey.Stream()])
    offer = mikey.drive(carol.receive(first))
    answer, at_carol = offer.accept({2: 0xCA201})
    assert answer is not None
    at_alice = mikey.drive(alice.receive(answer))
    assert at_alice.crypto_sessions == at_carol.crypto_sessions
    print(f"I_MESSAGE {len(first)} octets, R_MESSAGE {len(answer)} octets")
    print(f"answered by {at_alice.peer} with {at_alice.crypto_sessions[0].policy.name}")


if __name__ == "__main__":
    main()
