"""What a session tells at its end, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mikey import rtsp
from mikey.policy import KeyFlow
from mikey.text import plain

__all__ = ["FLOW_WORDS", "SessionReport", "StreamReport", "show"]

FLOW_WORDS = {
    KeyFlow.ANSWER: "answer: the server's message keys both directions, the client answers it",
    KeyFlow.TWO_KEYS: "two keys: each side's key protects what it sends",
    KeyFlow.CLIENT_KEY: "client key: the client's key in SETUP protects both directions",
    KeyFlow.SERVER_KEY: "server key: the server's key in the SDP protects both directions",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReport:
    """One stream; `mki` is "" where keys have none, `last_error` where no packet was rejected."""

    index: int
    kind: str
    encoding: str
    policy: str
    mki: str
    ssrc: int | None
    roc: int
    transport: str
    verified: int
    rejected: int
    lost: int
    rtcp_verified: int
    rtcp_rejected: int
    rtcp_sent: int
    last_error: str

    @classmethod
    def of(cls, stream: rtsp.MediaStream) -> StreamReport:
        """Return what a stream counted up to now."""
        return cls(
            index=stream.index,
            kind=plain(stream.kind),
            encoding=plain(stream.encoding),
            policy=stream.policy.name,
            mki=stream.incoming_key.mki.hex(),
            ssrc=stream.ssrc,
            roc=stream.roc,
            transport=stream.transport.lower.lower(),
            verified=stream.rtp.verified,
            rejected=stream.rtp.rejected,
            lost=stream.lost,
            rtcp_verified=stream.rtcp.verified,
            rtcp_rejected=stream.rtcp.rejected,
            rtcp_sent=stream.rtcp.sent,
            last_error=stream.last_error,
        )

    @property
    def failed(self) -> bool:
        """Whether more packets were rejected than verified: its key is wrong, or its server is."""
        return self.rejected > self.verified


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """A session: `secure` says that it ran in TLS, `checked` that the certificate was checked.

    `problem` is why it ended before its time, "" if it did not.
    """

    url: str
    server: str
    secure: bool
    checked: bool
    trust: str
    profile: str
    reason: str
    flow: str
    seconds: float
    rekeys: int
    streams: tuple[StreamReport, ...]
    files: tuple[str, ...] = ()
    problem: str = ""

    @property
    def failed(self) -> bool:
        """Whether nothing came, or a stream could not be verified, or the session broke."""
        nothing = not any(stream.verified for stream in self.streams)
        return bool(self.problem) or nothing or any(stream.failed for stream in self.streams)

    @property
    def verdict(self) -> str:
        """All of it in a few words."""
        bad = [str(stream.index) for stream in self.streams if stream.failed]
        if bad:
            said = f"packets of stream {', '.join(bad)} do not verify under the keys agreed"
            return f"{said} ('mikey rtsp doctor' finds which do)"
        if self.problem:
            return f"failed: {self.problem}"
        if not any(stream.verified for stream in self.streams):
            return "no packet came"
        silent = [str(stream.index) for stream in self.streams if not stream.verified]
        return "verified" + (f"; nothing came in stream {', '.join(silent)}" if silent else "")

    def as_json(self) -> str:
        """One line."""
        told = {"event": "ended", **asdict(self), "verdict": self.verdict, "ok": not self.failed}
        return json.dumps(told)


def session_report(session: rtsp.Session, trust: str, **more: Any) -> SessionReport:
    """Return what is known of a session now; `more` are the fields that it does not know."""
    client = session.client
    return SessionReport(
        url=client.url.uri,
        server=plain(client.server),
        secure=client.secure,
        checked=client.secure and not trust.startswith("INSECURE"),
        trust=trust,
        profile=session.choice.profile,
        reason=plain(session.choice.reason),
        flow=session.flow.value,
        rekeys=session.rekeys,
        streams=tuple(map(StreamReport.of, session.streams)),
        **more,
    )


def show(report: SessionReport, console: Console) -> None:
    """Print the report as tables."""
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("URL", report.url),
        ("server", report.server or "(does not say)"),
        ("connection", report.trust if not report.secure else f"TLS, {report.trust}"),
        ("profile", f"{report.profile}: {report.reason}"),
        ("flow", FLOW_WORDS[KeyFlow(report.flow)]),
        ("played", f"{report.seconds:.1f} s" + _rekeyed(report.rekeys)),
        *(("written", path) for path in report.files),
    ):
        facts.add_row(Text(name), Text(value, overflow="fold"))
    console.print(facts)
    streams = Table(show_header=True)
    streams.add_column("stream")
    for stream in report.streams:
        streams.add_column(str(stream.index), overflow="fold")
    for name, cell in _ROWS:
        streams.add_row(name, *(Text(cell(stream)) for stream in report.streams))
    console.print(streams)
    console.print(Text(report.verdict))


def _rekeyed(times: int) -> str:
    if not times:
        return ""
    return ", rekeyed " + ("once" if times == 1 else f"{times} times")


_ROWS: tuple[tuple[str, Callable[[StreamReport], str]], ...] = (
    ("kind", lambda s: f"{s.kind} {s.encoding}".strip()),
    ("policy", lambda s: s.policy),
    ("MKI", lambda s: s.mki or "none"),
    ("SSRC", lambda s: "not known" if s.ssrc is None else f"0x{s.ssrc:08x}"),
    ("ROC", lambda s: str(s.roc)),
    ("transport", lambda s: s.transport),
    ("SRTP verified", lambda s: str(s.verified)),
    ("  rejected", lambda s: str(s.rejected)),
    ("  lost", lambda s: str(s.lost)),
    ("SRTCP verified", lambda s: str(s.rtcp_verified)),
    ("  rejected", lambda s: str(s.rtcp_rejected)),
    ("  sent", lambda s: str(s.rtcp_sent)),
    ("last error", lambda s: s.last_error or "-"),
)
