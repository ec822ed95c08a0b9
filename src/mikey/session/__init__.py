"""Exchanges: Initiator, Responder, and the bundles that they agree on."""

from __future__ import annotations

from mikey.session.bundle import Bundle, CryptoSession, Role
from mikey.session.group import Group
from mikey.session.initiator import Initiator
from mikey.session.method import Method
from mikey.session.offer import Offer
from mikey.session.replay import ReplayCache, ReplayEntry, ReplayStore
from mikey.session.responder import Responder
from mikey.session.step import Step, drive
from mikey.session.stream import Stream, offered_policies

__all__ = [
    "Bundle",
    "CryptoSession",
    "Group",
    "Initiator",
    "Method",
    "Offer",
    "ReplayCache",
    "ReplayEntry",
    "ReplayStore",
    "Responder",
    "Role",
    "Step",
    "Stream",
    "drive",
    "offered_policies",
]
