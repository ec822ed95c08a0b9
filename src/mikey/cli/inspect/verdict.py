"""What is given to verify messages with, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mikey.credentials import Kms, SoftwareKey
from mikey.credentials.psk_file import PskFile
from mikey.credentials.sakke_file import KeyFile
from mikey.wire import Id, KeyData


@dataclass(frozen=True, slots=True)
class Given:
    """Pre-shared keys, certificates to trust (DER; authorities or peers), private RSA keys, the
    public keys of KMSs, and SAKKE keys of their users."""

    secrets: PskFile | None = None
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    keys: tuple[SoftwareKey, ...] = ()
    kmss: tuple[Kms, ...] = field(default=(), repr=False)
    users: tuple[KeyFile, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the MAC is right (None: not known), the `reason` if it is not, what else to know.

    `proof` is what was looked at: the MAC or the signature. `key_data` are the keys of KEMAC,
    None where it could not be opened; `rand` and `csb_id` are what they are derived with, the
    latter None where it is that of the header. `identity` stands before the keys in an envelope.
    """

    verified: bool | None
    reason: str = ""
    notes: tuple[str, ...] = ()
    key_data: tuple[KeyData, ...] | None = None
    rand: bytes = b""
    csb_id: int | None = None
    identity: Id | None = None
    proof: str = "MAC"
