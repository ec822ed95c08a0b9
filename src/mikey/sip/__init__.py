"""A SIP user agent for calls that carry MIKEY in their descriptions (RFC 3261, RFC 4567).

A small interface over the transport, transaction and dialog layers of `sipua`, which
`pip install 'mikey[sip]'` brings. Bodies are octets, untouched in both directions.
"""

from __future__ import annotations

from mikey.errors import LocalError

try:
    import sipua as _sipua  # noqa: F401 - is it there?
except ModuleNotFoundError as error:
    raise LocalError(f"SIP needs {error.name}: pip install 'mikey[sip]'") from error

from mikey.sip.agent import UserAgent, bare_uri, local_host_for
from mikey.sip.call import Call
from mikey.sip.errors import CallError, CallRefusedError, SipWarning
from mikey.sip.invitation import Invitation
from mikey.sip.settings import Limits, Timers

__all__ = [
    "Call",
    "CallError",
    "CallRefusedError",
    "Invitation",
    "Limits",
    "SipWarning",
    "Timers",
    "UserAgent",
    "bare_uri",
    "local_host_for",
]
