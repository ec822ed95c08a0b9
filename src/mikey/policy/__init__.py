"""What the caller allows, how peers deviate, what the carrier knows, and the time."""

from __future__ import annotations

from mikey.policy.clock import SECOND, Clock
from mikey.policy.compat import PROFILES, Compat
from mikey.policy.context import Context
from mikey.policy.policy import Policy
from mikey.policy.sp import alternatives, srtp_policy
from mikey.policy.srtp import SrtpPolicy

__all__ = [
    "PROFILES",
    "SECOND",
    "Clock",
    "Compat",
    "Context",
    "Policy",
    "SrtpPolicy",
    "alternatives",
    "srtp_policy",
]
