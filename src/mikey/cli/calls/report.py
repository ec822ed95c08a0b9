"""What a call tells at its end, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from rich.console import Console
from rich.table import Table

from mikey.aio import Counters
from mikey.errors import PeerError
from mikey.session import Bundle, Role

__all__ = ["CallReport", "SessionReport", "show"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """One crypto session; counters are None where this side cannot know them."""

    cs_id: int
    sender: str
    ssrc: int | None
    policy: str
    fingerprint: str
    sent: int | None = None
    verified: int | None = None
    rejected: int | None = None
    srtcp_sent: int | None = None
    srtcp_verified: int | None = None
    srtcp_rejected: int | None = None

    def with_sent(self, rtp: Counters, rtcp: Counters) -> SessionReport:
        """The same, as its sender sees it."""
        return replace(self, sent=rtp.sent, srtcp_sent=rtcp.sent)

    def with_received(self, rtp: Counters, rtcp: Counters, ssrc: int | None) -> SessionReport:
        """The same, as its receiver sees it, with the SSRC that its packets have."""
        return replace(
            self,
            ssrc=ssrc if self.ssrc is None else self.ssrc,
            verified=rtp.verified,
            rejected=rtp.rejected,
            srtcp_verified=rtcp.verified,
            srtcp_rejected=rtcp.rejected,
        )

    def merged_with(self, other: SessionReport) -> SessionReport:
        """What both sides know. PeerError if they do not speak of the same keys."""
        known_ssrcs = {self.ssrc, other.ssrc} - {None}
        if len(known_ssrcs) > 1 or self.fingerprint != other.fingerprint:
            raise PeerError(f"the two sides disagree about crypto session {self.cs_id}")
        known = {name: value for name, value in asdict(other).items() if value is not None}
        return replace(self, **known)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """A call: `messages` are (name, octets); `lost` counts packets that never came.

    `bit_for_bit` is known only where both ends are (in the demo), `seconds` is that of the
    audio sent or heard. `initiator_ms` and `responder_ms` are milliseconds of work for the first
    exchange, of the side that knows them. `sip_from` and `sip_to` are what SIP calls the parties
    whom `initiator` and `responder` name.
    """

    method: str
    initiator: str
    responder: str
    sip_from: str | None = None
    sip_to: str | None = None
    csb_id: int
    messages: tuple[tuple[str, int], ...]
    updates: int
    sessions: tuple[SessionReport, ...]
    rate: int
    channels: int
    seconds: float
    lost: int | None = None
    bit_for_bit: bool | None = None
    initiator_ms: float | None = None
    responder_ms: float | None = None

    def as_json(self) -> str:
        """One line."""
        return json.dumps({"event": "ended", **asdict(self)})

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> CallReport:
        """The report of another process."""
        values = {name: value for name, value in record.items() if name != "event"}
        values["messages"] = tuple((name, size) for name, size in values["messages"])
        values["sessions"] = tuple(SessionReport(**session) for session in values["sessions"])
        return cls(**values)

    def merged_with(self, other: CallReport) -> CallReport:
        """What caller and callee know together."""
        sessions = zip(self.sessions, other.sessions, strict=True)
        return replace(
            self,
            sessions=tuple(mine.merged_with(theirs) for mine, theirs in sessions),
            lost=other.lost if self.lost is None else self.lost,
            responder_ms=other.responder_ms if self.responder_ms is None else self.responder_ms,
        )


def sizes_of(first: bytes, second: bytes | None) -> tuple[tuple[str, int], ...]:
    """The messages of an exchange, as a report names them; there may be no second."""
    if second is None:
        return (("I_MESSAGE", len(first)),)
    return (("I_MESSAGE", len(first)), ("R_MESSAGE", len(second)))


def sessions_of(bundle: Bundle) -> tuple[SessionReport, ...]:
    """The crypto sessions of a bundle; the odd ones are sent by the Initiator (R4567-7.1-2)."""
    names = (bundle.identity, bundle.peer)
    initiator, responder = names if bundle.role is Role.INITIATOR else names[::-1]
    return tuple(
        SessionReport(
            cs_id=session.cs_id,
            sender=initiator if session.cs_id % 2 else responder,
            ssrc=session.ssrc,
            policy=session.policy.name,
            fingerprint=session.fingerprint,
        )
        for session in bundle.crypto_sessions
    )


def show(report: CallReport, console: Console) -> None:
    """Print the report as tables."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row("method", f"MIKEY-{report.method}")
    facts.add_row("initiator", report.initiator)
    facts.add_row("responder", report.responder)
    if report.sip_from is not None and report.sip_from != report.initiator:
        facts.add_row("SIP From", report.sip_from)
    if report.sip_to is not None and report.sip_to != report.responder:
        facts.add_row("SIP To", report.sip_to)
    for name, size in report.messages:
        facts.add_row(name, f"{size} octets")
    facts.add_row("CSB ID", f"0x{report.csb_id:08x}")
    if report.updates:
        facts.add_row("rekeyed", "once" if report.updates == 1 else f"{report.updates} times")
    facts.add_row("audio", _audio(report))
    console.print(facts)
    sessions = Table(show_header=True, caption=_caption(report))
    sessions.add_column("crypto session")
    for session in report.sessions:
        sessions.add_column(str(session.cs_id), overflow="fold")
    for name, cell in _ROWS:
        sessions.add_row(name, *(cell(session) for session in report.sessions))
    console.print(sessions)


def _caption(report: CallReport) -> str | None:
    counts = (count for s in report.sessions for count in (s.sent, s.verified))
    return "-: counted by the peer" if None in counts else None


def _ssrc(ssrc: int | None) -> str:
    return "not used" if ssrc is None else f"0x{ssrc:08x}"


def _count(count: int | None) -> str:
    return "-" if count is None else str(count)


def _audio(report: CallReport) -> str:
    channels = "mono" if report.channels == 1 else "stereo"
    text = f"{report.seconds:.2f} s of {report.rate} Hz {channels}"
    if report.bit_for_bit is not None:
        return text + (", arrived bit for bit" if report.bit_for_bit else ", DID NOT ARRIVE WHOLE")
    if report.lost is not None:
        return text + (f", {report.lost} packets lost" if report.lost else ", no packet lost")
    return text


_ROWS: tuple[tuple[str, Callable[[SessionReport], str]], ...] = (
    ("sent by", lambda session: session.sender),
    ("SSRC", lambda session: _ssrc(session.ssrc)),
    ("policy", lambda session: session.policy),
    ("key fingerprint", lambda session: session.fingerprint),
    ("SRTP packets sent", lambda session: _count(session.sent)),
    ("  verified", lambda session: _count(session.verified)),
    ("  rejected", lambda session: _count(session.rejected)),
    ("SRTCP packets sent", lambda session: _count(session.srtcp_sent)),
    ("  verified", lambda session: _count(session.srtcp_verified)),
    ("  rejected", lambda session: _count(session.srtcp_rejected)),
)
