"""All that is known about one message that was found: the value that both outputs show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mikey.cli.inspect.derived import Keys, derive
from mikey.cli.inspect.payloads import Described, describe, open_kemac
from mikey.cli.inspect.sources import Found
from mikey.cli.inspect.verdict import Given, Verdict
from mikey.cli.inspect.verify import Verifier
from mikey.cli.inspect.warn import Seen, warnings
from mikey.errors import PeerError
from mikey.wire import Hdr, Kemac, Message, walk

NOTHING = Given()


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a message is damaged (None: nowhere in particular), in which payload, and how."""

    offset: int | None
    reason: str
    payload: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One message: its payloads up to the damage, the verdict on its proof, warnings, keys.

    `proof` is its MAC or signature; `reason` says why that is not right, or why it is not known.
    `keys` is None where no secret opened the message; it is shown only on request.
    """

    where: str
    octets: bytes = field(repr=False)
    header: Described | None
    payloads: tuple[Described, ...]
    error: Damage | None
    verified: bool | None
    reason: str
    warnings: tuple[str, ...]
    keys: Keys | None = field(repr=False)
    proof: str = "MAC"

    @property
    def failed(self) -> bool:
        """Whether it is damaged, or its MAC or signature is wrong."""
        return self.error is not None or self.verified is False


def inspect(
    found: Sequence[Found],
    *,
    requests: Iterable[Found] = (),
    given: Given = NOTHING,
    now: int,
) -> list[Report]:
    """Return a report for each message found, in order.

    `requests` are further messages that responses and updates may refer to; they are not
    reported. `now` (nanoseconds since 1970) is what timestamps and certificates are compared
    with, in warnings. Raises LocalError for given certificates that cannot be used.
    """
    parsed = map(_parsed, (*requests, *found))
    known = [message for message in parsed if message is not None]
    verifier = Verifier(given, known, now=now)
    seen = Seen()
    return [_report(one, verifier, seen, now) for one in found]


def _parsed(found: Found) -> Message | None:
    if found.problem is not None:
        return None
    try:
        return Message.parse(found.octets)
    except PeerError:
        return None


def _report(found: Found, verifier: Verifier, seen: Seen, now: int) -> Report:
    header, payloads, damage = _walk(found)
    notes = list(found.overlooked)
    verdict = Verdict(None, "the message is damaged")
    keys = None
    if damage is None:
        message = Message.parse(found.octets)
        verdict = verifier.check(message)
        notes += verdict.notes
        if verdict.key_data is not None:
            policies = verifier.related.described_by(message)
            csb_id = message.header.csb_id if verdict.csb_id is None else verdict.csb_id
            keys, problems = derive(message, policies, verdict.key_data, verdict.rand, csb_id)
            notes += problems
            opened = verdict.key_data if message.get(Kemac) else ()
            payloads = [open_kemac(one, opened, verdict.identity) for one in payloads]
        notes += warnings(message, seen, found.protocols, now)
    return Report(
        where=found.where,
        octets=found.octets,
        header=header,
        payloads=tuple(payloads),
        error=damage,
        verified=verdict.verified,
        reason=verdict.reason,
        warnings=tuple(notes),
        keys=keys,
        proof=verdict.proof,
    )


def _walk(found: Found) -> tuple[Described | None, list[Described], Damage | None]:
    """Describe payload by payload, and say what stopped it."""
    header: Described | None = None
    payloads: list[Described] = []
    try:
        for item in walk(found.octets):
            if isinstance(item.payload, Hdr):
                values = item.payload
                header = describe(item, values)
            else:
                payloads.append(describe(item, values))
    except PeerError as error:
        if found.problem is None:
            return header, payloads, _damage(error)
    if found.problem is not None:
        return header, payloads, Damage(len(found.octets), found.problem)
    faults = [payload.fault for payload in payloads if payload.fault is not None]
    if faults:
        return header, payloads, _damage(faults[0])
    try:
        Message.parse(found.octets)
    except PeerError as error:  # each payload is sound, together they are no message
        return header, payloads, _damage(error)
    return header, payloads, None


def _damage(error: PeerError) -> Damage:
    return Damage(error.offset, error.reason, error.payload)
