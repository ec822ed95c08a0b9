"""The outcome of an exchange: a crypto session bundle and its keys (RFC 3830 1.3, 2.3)."""

from __future__ import annotations

import enum
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mikey.credentials import Certified, NoKey, Psk, Sakke
from mikey.errors import LocalError, PolicyError
from mikey.policy import SrtpPolicy
from mikey.registry import ErrorNumber, PrfFunc
from mikey.secret import Secret
from mikey.session.cs_map import CsName
from mikey.session.keys import TEKS, Derivation, check_fit, master_key
from mikey.session.stream import policy_of, used_policies
from mikey.srtp import MasterKey, Receiver, Sender
from mikey.values import quick_init
from mikey.wire import KeyData, SrtpId, T

Credential = Psk | NoKey | Certified | Sakke


def is_blocking(credential: Credential) -> bool:
    """Tell whether a call of the credential's keys may take long."""
    return isinstance(credential, Certified | Sakke) and credential.blocking


class Role(enum.Enum):
    """Our part in the exchange that made the CSB."""

    INITIATOR = "initiator"
    RESPONDER = "responder"


@quick_init
@dataclass(frozen=True, slots=True)
class CryptoSession:
    """One CS: a one-way SRTP stream with its SRTCP, and its master keys, newest first.

    `ssrc` is None where the exchange left it open: it is that of the first authentic packet.
    `seq` is the sequence number at which the ROC was told, 0 where it was not.
    """

    cs_id: int
    ssrc: int | None
    roc: int
    policy: SrtpPolicy
    keys: tuple[MasterKey, ...]
    seq: int = 0

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits by which two ends compare the newest key without showing it."""
        if not self.keys:
            return ""
        newest = self.keys[0]
        octets = newest.salt.expose() + newest.mki
        return hmac.digest(newest.key.expose(), b"mikey fingerprint" + octets, "sha256").hex()[:16]


@quick_init
@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Bundle:
    """A crypto session bundle after a complete exchange; an update makes a new one.

    `identity` is ours, `peer` the authenticated other party. `keys` are the keys of the
    message (TGKs, TEKs), newest first, and the last `replaced` of them those from before it that
    late packets may need; `crypto_sessions` is what follows from them. `t` is the timestamp of the
    last message of the Initiator. `names` are CS IDs and MKIs of a GENERIC-ID map, () where
    crypto sessions are counted from 1 and MKIs stand with the keys.
    """

    csb_id: int
    method: str
    role: Role
    identity: str
    peer: str
    prf: PrfFunc
    rand: bytes = field(repr=False)
    sessions: tuple[SrtpId, ...]
    policies: Mapping[int, SrtpPolicy]
    keys: tuple[KeyData, ...] = field(repr=False)
    t: T
    credential: Credential = field(repr=False)
    message_key: Secret | None = field(repr=False)
    names: tuple[CsName, ...] = ()
    replaced: int = 0
    _derived: list[CryptoSession] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        for policy in used_policies(self.sessions, self.policies):
            for key in self.keys:
                check_fit(key, policy, self.credential.compat)
        check_shared_ssrcs(self.sessions, self.keys)

    @property
    def crypto_sessions(self) -> tuple[CryptoSession, ...]:
        """The crypto sessions in order; their keys are derived at the first call."""
        if len(self._derived) < len(self.sessions):
            self._derived[:] = _crypto_sessions(self)
        return tuple(self._derived)

    def masters(self, cs_id: int) -> tuple[MasterKey, ...]:
        """Return the SRTP master keys of a crypto session, newest first."""
        return self._session(cs_id).keys

    def srtp_sender(self, cs_id: int, **options: Any) -> Sender:
        """Return the sending SRTP context of a crypto session (`options`: see `srtp.Sender`).

        Raises LocalError for a CS that does not exist or whose SSRC is not chosen.
        """
        session = self._session(cs_id)
        ssrc = options.pop("ssrc", session.ssrc)
        if ssrc is None:
            raise LocalError(f"crypto session {cs_id} has no SSRC yet; pass ssrc=")
        options.setdefault("roc", session.roc)
        older, newer = self._by_age(session.keys)
        sender = Sender(session.policy, older, ssrc=ssrc, **options)
        if newer:
            sender.install(newer)
        return sender

    def srtp_receiver(self, cs_id: int, **options: Any) -> Receiver:
        """Return the receiving SRTP context of a crypto session (`options`: see `srtp.Receiver`).

        One whose SSRC is not chosen binds to its first authentic packet. Raises LocalError for a
        CS that does not exist.
        """
        session = self._session(cs_id)
        options.setdefault("ssrc", session.ssrc)
        options.setdefault("roc", session.roc)
        options.setdefault("seq", session.seq)
        older, newer = self._by_age(session.keys)
        receiver = Receiver(session.policy, older, **options)
        if newer:
            receiver.install(newer)
        return receiver

    def index(self, cs_id: int) -> int:
        """Return the place of a crypto session in `sessions`; LocalError if there is none."""
        if self.names:
            for place, name in enumerate(self.names):
                if name.cs_id == cs_id:
                    return place
        elif 1 <= cs_id <= len(self.sessions):
            return cs_id - 1
        raise LocalError(f"the bundle has no crypto session {cs_id}")

    def is_open(self, place: int) -> bool:
        """Tell whether the SSRC of the session at a place in `sessions` is still to be chosen."""
        if self.names and self.names[place].fixed:
            return False
        return self.sessions[place].ssrc == 0

    def _by_age(self, keys: tuple[MasterKey, ...]) -> tuple[tuple[MasterKey, ...], ...]:
        """Return those to begin with, and those that then came in their place, if any."""
        if not self.replaced:
            return keys, ()
        return keys[-self.replaced :], keys[: -self.replaced]

    def _session(self, cs_id: int) -> CryptoSession:
        return self.crypto_sessions[self.index(cs_id)]


def _crypto_sessions(bundle: Bundle) -> list[CryptoSession]:
    sessions = []
    for place, entry in enumerate(bundle.sessions):
        name = bundle.names[place] if bundle.names else None
        cs_id = place + 1 if name is None else name.cs_id
        policy = policy_of(entry, bundle.policies)
        inputs = Derivation(bundle.prf, cs_id, bundle.csb_id, bundle.rand)
        masters = tuple([master_key(key, policy, inputs) for key in bundle.keys])
        if name is not None:  # there is one TGK, and each session names its key by itself
            masters = tuple(replace(master, mki=name.spi) for master in masters)
        ssrc = None if bundle.is_open(place) else entry.ssrc
        seq = 0 if name is None else name.seq
        sessions.append(CryptoSession(cs_id, ssrc, entry.roc, policy, masters, seq))
    return sessions


def check_shared_ssrcs(sessions: Sequence[SrtpId], keys: Sequence[KeyData]) -> None:
    """Refuse two streams with one SSRC under one TEK, a two-time pad (R3830-6.1.1-9).

    Keys from a TGK differ by CS and need no check. Raises PolicyError (10).
    """
    if TEKS.isdisjoint([key.key_type for key in keys]):
        return
    chosen = [entry.ssrc for entry in sessions if entry.ssrc]
    if len(set(chosen)) < len(chosen):
        raise PolicyError("two streams share a TEK and an SSRC", number=ErrorNumber.INVALID_SPPAR)
