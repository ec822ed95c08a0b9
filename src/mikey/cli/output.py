"""Where commands write for people."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console

PLAIN_WIDTH = 120
"""Columns where standard output is no terminal: wide enough that tables do not wrap."""


@contextmanager
def page() -> Iterator[Console]:
    """Give a console on standard output: colours on a terminal, plain text elsewhere.

    Plain text comes out at the end, without the blanks that tables are filled up with.
    """
    if sys.stdout.isatty():
        yield Console(highlight=False)
        return
    console = Console(highlight=False, width=PLAIN_WIDTH, no_color=True)
    with console.capture() as capture:
        yield console
    for line in capture.get().splitlines():
        click.echo(line.rstrip())
