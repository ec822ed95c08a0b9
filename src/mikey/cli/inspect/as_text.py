"""A report for people: a heading, a table per payload, its octets, and what to think of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mikey.cli.inspect.certificates import CertificateFacts, day
from mikey.cli.inspect.derived import Keys
from mikey.cli.inspect.explain import KEY_DATA, Explanation, explanation
from mikey.cli.inspect.fields import Field
from mikey.cli.inspect.hexdump import dump
from mikey.cli.inspect.payloads import Described
from mikey.cli.inspect.report import Report
from mikey.secret import Secret
from mikey.text import plain

_SHOWN_OCTETS = 8
_CUT_TO = 6
_PARAM = "Policy param"

_VERDICTS = {
    True: ("verified", "bold green"),
    False: ("WRONG", "bold red"),
    None: ("not verified", "yellow"),
}


def render(
    console: Console, report: Report, number: int, total: int, *, show_keys: bool, explain: bool
) -> None:
    """Write a report, the `number`-th of `total`, to the console."""
    console.print(_heading(report, number, total))
    parts = [] if report.header is None else [report.header]
    for payload in [*parts, *report.payloads]:
        console.print(_payload(payload, report.octets, show_keys=show_keys, explain=explain))
    if report.error is not None:
        console.print(_damage(report, show_keys=show_keys))
    if show_keys and report.keys is not None:
        console.print(_keys(report.keys), soft_wrap=True)
    console.print(_conclusion(report))


def _heading(report: Report, number: int, total: int) -> RenderableType:
    count = f" {number} of {total}" if total > 1 else ""
    text = Text(f"MIKEY message{count}", style="bold reverse")
    text.append(f"  {plain(report.where)}", style="not bold not reverse")
    text.append(f", {_octets(len(report.octets))}", style="not bold not reverse dim")
    return Padding(text, (0, 0, 1, 0))


def _payload(
    payload: Described, octets: bytes, *, show_keys: bool, explain: bool
) -> RenderableType:
    words = explanation(payload.kind)
    last = payload.offset + payload.length - 1
    title = Text(payload.name, style="bold cyan")
    title.append(f"  octets {payload.offset} to {last}", style="not bold default")
    if words is not None:
        title.append(f"  {words.section}", style="not bold dim")
    parts: list[RenderableType] = [title]
    if explain and words is not None:
        parts.append(_explained(words))
    parts.append(_table(payload.fields, show_keys=show_keys))
    hidden = set() if show_keys else _hidden(payload.fields)
    parts.append(_dump(octets, payload.offset, payload.offset + payload.length, hidden))
    if payload.certificate is not None:
        parts += ["", _certificate(payload.certificate)]
    if payload.plaintext:
        opened = Text("Encr data, decrypted", style="bold cyan")
        opened.append("  offsets count from its start", style="not bold default")
        opened.append(f"  {KEY_DATA.section}", style="not bold dim")
        parts += ["", opened]
        if explain:
            parts.append(_explained(KEY_DATA))
        parts.append(_table(payload.plaintext, show_keys=show_keys))
    return Padding(Group(*parts), (0, 0, 1, 0))


def _certificate(seen: CertificateFacts) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    rows = (
        ("subject", seen.subject or "(none)"),
        ("names", ", ".join(seen.names) or "(none)"),
        ("issuer", seen.issuer or "(none)"),
        ("valid", f"{day(seen.not_before)} to {day(seen.not_after)}"),
        ("key", seen.key),
    )
    for name, value in rows:
        table.add_row(Text(name, style="dim"), Text(plain(value), style="green", overflow="fold"))
    return Padding(table, (0, 0, 0, 2))


def _explained(words: Explanation) -> RenderableType:
    text = Text(words.words)
    text.append(f'\n{words.section}: "{words.quote}"', style="italic dim")
    return Padding(text, (0, 0, 0, 2))


def _table(fields: Sequence[Field], *, show_keys: bool) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("at", justify="right", style="dim", no_wrap=True, min_width=5)
    table.add_column("length", justify="right", style="dim", no_wrap=True)
    table.add_column("field", no_wrap=True, min_width=22)
    table.add_column("value", style="bold", overflow="fold", min_width=18)
    table.add_column("meaning", style="green", overflow="fold")
    _rows(table, fields, 0, show_keys=show_keys)
    return table


def _rows(table: Table, fields: Iterable[Field], depth: int, *, show_keys: bool) -> None:
    for field in fields:
        name, value = field.name, _value(field, show_keys=show_keys)
        parts = field.fields
        if name == _PARAM:  # Type, Length and Value in one row: there are a dozen of them
            name = f"{_PARAM}, Type {_value(parts[0], show_keys=show_keys)}"
            value = _value(parts[2], show_keys=show_keys)
            parts = ()
        table.add_row(
            str(field.offset),
            _length(field),
            "  " * depth + name,
            Text(value, style="bold red" if show_keys and _is_secret(field) else ""),
            Text(plain(field.meaning)),
        )
        _rows(table, parts, depth + 1, show_keys=show_keys)


def _length(field: Field) -> str:
    return str(field.length) if field.mask is None else f"{field.mask.bit_count()} bit"


def _is_secret(field: Field) -> bool:
    return isinstance(field.value, Secret)


def _value(field: Field, *, show_keys: bool) -> str:
    value = field.value
    if value is None:
        return ""
    if isinstance(value, Secret):
        if not show_keys:
            return f"<{_octets(len(value))} masked>"
        return value.expose().hex()
    if isinstance(value, int):
        return str(value)
    if len(value) > _SHOWN_OCTETS:
        return f"{value[:_CUT_TO].hex()}..."  # the dump has them all
    return value.hex() or "(empty)"


def _hidden(fields: Iterable[Field]) -> set[int]:
    return {
        place
        for field in fields
        for secret in field.secrets()
        for place in range(secret.offset, secret.offset + secret.length)
    }


def _dump(octets: bytes, start: int, end: int, hidden: set[int]) -> RenderableType:
    return Text("\n".join(dump(octets, start, end, hidden)), style="dim", no_wrap=True)


def _damage(report: Report, *, show_keys: bool) -> RenderableType:
    error = report.error
    if error is None:
        return ""
    where = "" if error.offset is None else f" at octet {error.offset}"
    payload = "" if error.payload is None else f" in {error.payload}"
    text = Text(f"DAMAGED{where}{payload}: ", style="bold red")
    text.append(plain(error.reason), style="red")
    read = [part for part in (report.header, *report.payloads) if part is not None]
    end = read[-1].offset + read[-1].length if read else 0
    parts: list[RenderableType] = [text]
    left = len(report.octets) - end
    if left and show_keys:
        parts.append(_dump(report.octets, end, len(report.octets), set()))
    elif left:
        # What cannot be read may be a key in clear.
        text.append(f" ({_octets(left)} from {end} on: --show-keys)", style="not bold default")
    return Padding(Group(*parts), (0, 0, 1, 0))


def _conclusion(report: Report) -> RenderableType:
    verdict, style = _VERDICTS[report.verified]
    line = Text(f"{report.proof} {verdict}", style=style)
    if report.reason:
        line.append(f": {plain(report.reason)}", style="not bold default")
    parts: list[RenderableType] = [line]
    parts += [Text(f"  ! {plain(warning)}", style="yellow") for warning in report.warnings]
    return Padding(Group(*parts), (0, 0, 1, 0))


def _keys(keys: Keys) -> Text:
    """Return the keys, one a line and never broken, so that they can be copied."""
    text = Text("Keys\n", style="bold red")
    for number, key in enumerate(keys.key_data, 1):
        text.append(f"  Key data {number}\n", style="not bold default")
        _key(text, key.key_type.label, key.key)
        if key.salt is not None:
            _key(text, "salt", key.salt)
    for session in keys.sessions:
        title = f"  CS {session.cs_id}, SSRC {session.ssrc:08x}, {session.policy}\n"
        text.append(title, style="not bold default")
        for master in session.masters:
            if master.mki:
                text.append(f"    {'MKI':<12} {master.mki.hex()}\n", style="not bold default")
            _key(text, "master key", master.key)
            _key(text, "master salt", master.salt)
    return text


def _key(text: Text, name: str, key: Secret) -> None:
    text.append(f"    {name:<12} ", style="not bold default")
    text.append(f"{key.expose().hex()}\n", style="not bold")


def _octets(count: int) -> str:
    return f"{count} octet" if count == 1 else f"{count} octets"
