"""What the caller allows, how peers deviate, what the carrier knows, and the time."""

from __future__ import annotations

from mikey.policy.clock import SECOND, Clock
from mikey.policy.compat import Compat, KeyFlow
from mikey.policy.context import Context
from mikey.policy.policy import Policy
from mikey.policy.product_sp import product_sp
from mikey.policy.profiles import PROFILES
from mikey.policy.sp import alternatives, choices, srtp_policy
from mikey.policy.srtp import SrtpPolicy

__all__ = [
    "PROFILES",
    "SECOND",
    "Clock",
    "Compat",
    "Context",
    "KeyFlow",
    "Policy",
    "SrtpPolicy",
    "alternatives",
    "choices",
    "product_sp",
    "srtp_policy",
]
