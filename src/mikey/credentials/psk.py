"""Pre-shared keys, and the absence of any (RFC 3830 3.1, RFC 5197 3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from mikey.crypto import blocks_cancel
from mikey.errors import LocalError
from mikey.policy import Compat
from mikey.secret import Secret

ANY = "*"
"""The peer of a key that serves whoever comes; our own identity when any name of ours is meant."""

MINIMUM_KEY = 16
"""The least octets of a pre-shared key."""


@dataclass(frozen=True, slots=True)
class Psk:
    """A key shared with one peer, or with all (`peer="*"`).

    `identity` is ours, `peer` theirs, as they stand in ID payloads: a URI with its scheme, or
    a network access identifier. `identity="*"` accepts any identity that a peer calls us by
    (as Responder only). Raises LocalError for a key below 16 octets or one that the PRF would
    cancel (R3830-4.1.2-5).
    """

    key: Secret
    identity: str
    peer: str
    compat: Compat = field(default_factory=Compat)

    def __post_init__(self) -> None:
        if not isinstance(self.key, Secret):
            raise LocalError("a pre-shared key is a Secret: Secret(octets)")
        if len(self.key) < MINIMUM_KEY:
            raise LocalError(f"a pre-shared key has at least {MINIMUM_KEY} octets")
        if blocks_cancel(self.key.expose()):
            raise LocalError("the pre-shared key holds the same 32 octets twice: the PRF cancels")
        check_names(self.identity, self.peer)


@dataclass(frozen=True, slots=True)
class NoKey:
    """MIKEY-NULL: keys travel readable, for a transport that protects them (RFC 5197 3).

    Needs a `Context` that says so or `Policy(allow_null=True)` (R3830-6.2-13).
    """

    identity: str
    peer: str
    compat: Compat = field(default_factory=Compat)

    def __post_init__(self) -> None:
        check_names(self.identity, self.peer)


def check_names(*names: str) -> None:
    """Raise LocalError for what is no identity that a message could carry."""
    for name in names:
        if not name:
            raise LocalError("a credential names both parties ('*' for any)")
        # What is not printable could be sent, yet no peer of ours would accept it.
        if not name.isprintable():
            raise LocalError("an identity is printable text")
        if len(name.encode()) > 0xFFFF:
            raise LocalError("an identity has at most 65535 octets")
