"""Certificates that a message names by URL, as Steps (RFC 4738 3.8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from mikey.credentials import FetchCertificate
from mikey.session.step import Step

R = TypeVar("R")


def with_fetched(
    needed: Sequence[FetchCertificate],
    proceed: Callable[[Mapping[str, bytes]], R],
    fetched: Mapping[str, bytes] | None = None,
) -> R | Step[R]:
    """Call `proceed` with the DER of each URL in `needed`; ask for one at a time until then."""
    have = fetched or {}
    missing = [request for request in needed if request.url not in have]
    if not missing:
        return proceed(have)
    wanted = missing[0]
    return Step(
        wanted,
        lambda der: with_fetched(needed, proceed, {**have, wanted.url: bytes(der)}),
        # Whoever looks for the certificate refuses the message that has its URL instead.
        without=lambda: proceed(have),
    )
