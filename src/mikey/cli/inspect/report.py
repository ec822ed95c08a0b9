"""All that is known about one message that was found: the value that both outputs show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mikey.cli.inspect.derived import Keys, derive
from mikey.cli.inspect.payloads import Described, describe, open_kemac
from mikey.cli.inspect.sources import Found
from mikey.cli.inspect.verify import Verdict, Verifier
from mikey.cli.inspect.warn import Seen, warnings
from mikey.credentials.psk_file import PskFile
from mikey.errors import PeerError
from mikey.wire import Hdr, Kemac, Message, walk


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a message is damaged (None: nowhere in particular), in which payload, and how."""

    offset: int | None
    reason: str
    payload: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One message: its payloads up to the damage, the verdict on its MAC, warnings, keys.

    `reason` says why the MAC is not right, or why that is not known.
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

    @property
    def failed(self) -> bool:
        """Whether it is damaged or its MAC is wrong."""
        return self.error is not None or self.verified is False


def inspect(
    found: Sequence[Found],
    *,
    requests: Iterable[Found] = (),
    secrets: PskFile | None = None,
    now: int,
) -> list[Report]:
    """Return a report for each message found, in order.

    `requests` are further messages that responses and updates may refer to; they are not
    reported. `now` (nanoseconds since 1970) is what timestamps are compared with, in warnings.
    """
    parsed = map(_parsed, (*requests, *found))
    verifier = Verifier(secrets, (message for message in parsed if message is not None))
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
            policies = verifier.described_by(message)
            keys, problems = derive(message, policies, verdict.key_data, verdict.rand)
            notes += problems
            opened = verdict.key_data if message.get(Kemac) else ()
            payloads = [open_kemac(payload, opened) for payload in payloads]
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
