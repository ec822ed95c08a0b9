"""`mikey` on the command line."""

from __future__ import annotations


def main() -> int:
    """Run the command line (filled by the cli layer)."""
    return 0
