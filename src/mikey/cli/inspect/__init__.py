"""`mikey inspect`: from any form of a message to a report, as text or JSON.

`sources` finds messages, `payloads` names their fields over `wire.walk`, `verify` and `derived`
use the methods and the session, `report` puts it together, `as_text` and `as_json` show it.
"""

from __future__ import annotations

from mikey.cli.inspect.command import command

__all__ = ["command"]
