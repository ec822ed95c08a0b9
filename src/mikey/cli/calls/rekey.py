"""Which master keys an update brought."""

from __future__ import annotations

from mikey.session import Bundle
from mikey.srtp import MasterKey

__all__ = ["fresh_masters"]


def fresh_masters(before: Bundle, after: Bundle, cs_id: int) -> tuple[MasterKey, ...]:
    """The master keys of a crypto session that `before` did not have, newest first.

    An SRTP context takes new keys only; what it has, it keeps.
    """
    known = before.masters(cs_id)
    return tuple(master for master in after.masters(cs_id) if master not in known)
