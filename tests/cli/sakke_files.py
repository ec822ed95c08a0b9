"""Keys of a trial KMS in files, for the commands that speak SAKKE."""

from __future__ import annotations

import time
from pathlib import Path

from mikey.cli.keygen_sakke import write_trial_kms
from mikey.credentials import ANY, Sakke
from mikey.credentials.sakke_file import load_keys

ALICE, BOB, CAROL = (f"tel:+4477009000{n:02d}" for n in (1, 2, 3))
ABROAD = "kms.example.net"
LONG_AGO = 1_300_000_000_000_000_000  # March 2011, in nanoseconds since 1970


def trial(
    folder: Path,
    *identities: str,
    at: int | None = None,
    kms: str | None = None,
    scheme: str | None = None,
) -> list[Path]:
    """Return the key files of `identities`, at a KMS that is made if it is not there."""
    who = identities or (ALICE, BOB)
    moment = time.time_ns() if at is None else at
    made = write_trial_kms(folder, who, at=moment, kms_uri=kms, scheme=scheme)
    return made[-len(who) :]


def credential(path: Path, peer: str = ANY) -> Sakke:
    """Return the credential that a key file makes."""
    held = load_keys(path)
    return Sakke(identity=held.identity, peer=peer, keys=held.keys)
