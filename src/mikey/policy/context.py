"""What the carrier of a message knows and MIKEY must check."""

from __future__ import annotations

from dataclasses import dataclass

from mikey.values import quick_init


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The surroundings of one MIKEY message in SDP, SIP or RTSP.

    `protocols`: the identifiers of all key management lines in the order of the description
    (RFC 4567 4.1.4); () where the carrier has no such list.
    `initiator`, `responder`: identities seen in the signalling, None where it shows none.
    `secure`: the transport is authentic and confidential from end to end (TLS).
    `place`: where the message stood, for messages to people: "session", "media 2", a URI.
    `lines`: the number of m= lines that the message governs, `all_lines` of all m= lines
    (RFC 4567 7.1); None where there are no such lines.
    `stored`: the message waited in a mailbox, so that its age says nothing (RFC 6509 2.5).
    `optional_list`: a message may lack the list where it names MIKEY alone, as in RTSP
    (R4567-4.2-8).
    """

    protocols: tuple[str, ...] = ()
    initiator: str | None = None
    responder: str | None = None
    secure: bool = False
    place: str = ""
    lines: int | None = None
    all_lines: int | None = None
    stored: bool = False
    optional_list: bool = False
