"""Keying groups of many members by SAKKE (RFC 6509 2.4).

    from mikey.group import key_group

    group = mikey.Group.new([mikey.Stream(ssrc=0x57D10)], tgk_length=16)
    for member, message in key_group(members, group, credential):
        ...  # send it

See docs/howto-groups.md for executors, and for what their workers are trusted with.
"""

from __future__ import annotations

from mikey.session.group import Group
from mikey.session.group_keying import (
    UNIT,
    Invitation,
    Member,
    WorkUnit,
    encapsulate,
    group_bundle,
    key_group,
)

__all__ = [
    "UNIT",
    "Group",
    "Invitation",
    "Member",
    "WorkUnit",
    "encapsulate",
    "group_bundle",
    "key_group",
]
