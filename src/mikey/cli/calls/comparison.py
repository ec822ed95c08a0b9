"""Calls by several methods beside one another."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from mikey.cli.calls.report import CallReport
from mikey.cli.method_table import method_table

__all__ = ["compare"]


def compare(reports: Sequence[CallReport], console: Console) -> None:
    """Print one row for each call; the time is that of the first exchange."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("method")
    for title in ("messages", "octets", "round\ntrips", "initiator", "responder"):
        table.add_column(title, justify="right", no_wrap=title == "octets")
    table.add_column("forward\nsecrecy")
    table.add_column("audio")
    for report in reports:
        sizes = [size for _, size in report.messages]
        table.add_row(
            report.method,
            str(len(sizes)),
            " + ".join(map(str, sizes)),
            "1/2" if len(sizes) == 1 else str(len(sizes) // 2),
            _ms(report.initiator_ms),
            _ms(report.responder_ms),
            method_table().cell(report.method, "forward_secrecy").verdict,
            "whole" if report.bit_for_bit else "NOT WHOLE",
        )
    console.print(table)
    console.print("octets: I_MESSAGE + R_MESSAGE; times: each side's work for the exchange;")
    console.print("whole: arrived bit for bit ('mikey methods' tells what each is good for)")


def _ms(duration: float | None) -> str:
    return "-" if duration is None else f"{duration:.1f} ms"
