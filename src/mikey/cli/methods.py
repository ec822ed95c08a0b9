"""`mikey methods`: what each method is good for."""

from __future__ import annotations

import json

import click
from rich.table import Table
from rich.text import Text

from mikey.cli.method_table import MethodTable, method_table
from mikey.cli.output import page

_STYLES = {"yes": "green", "part": "yellow", "no": "red"}


@click.command(
    "methods",
    epilog="""\b
Examples:
  mikey methods                                  which method fits?
  mikey methods --json | jq '.methods["PSK"].forking'
  mikey demo --method all                        all of them at work""",
)
@click.option("--json", "as_json", is_flag=True, help="The table as one JSON object.")
def command(as_json: bool) -> None:
    """Tell what each method is good for: calls, groups, forking, forward secrecy.

    The verdicts are those of RFC 5197 and of the RFC of each method.
    """
    table = method_table()
    if as_json:
        click.echo(_as_json(table))
        return
    with page() as out:
        shown, notes = _as_table(table)
        out.print(shown)
        for note in notes:
            out.print(note)


def _as_json(table: MethodTable) -> str:
    return json.dumps(
        {
            "rows": dict(table.rows),
            "methods": {
                method: {
                    row: {"verdict": cell.verdict, "note": cell.note} for row, cell in cells.items()
                }
                for method, cells in table.methods.items()
            },
        }
    )


def _as_table(table: MethodTable) -> tuple[Table, list[str]]:
    """Return the table, and the notes that its cells refer to by number."""
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    shown.add_column("")
    for method in table.methods:
        shown.add_column(method)
    notes: dict[str, int] = {}
    for row, title in table.rows.items():
        cells = []
        for method in table.methods:
            cell = table.cell(method, row)
            text = Text(cell.verdict, style=_STYLES.get(cell.verdict, ""))
            if cell.note:
                number = notes.setdefault(cell.note, len(notes) + 1)
                text.append(f" ({number})", style="dim")
            cells.append(text)
        shown.add_row(title, *cells)
    told = [f"({number}) {note}" for note, number in notes.items()]
    return shown, ["", "n/s: the RFCs do not say", *told]
