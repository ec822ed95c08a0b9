"""MIKEY in session descriptions: the key-mgmt attribute and offer/answer (RFC 4567 3.1, 4.1).

`Description` is the text, line by line. The shortest way through offer and answer:

    offered = Description(text).offer(initiator, {0: our_ssrc})       # send offered.text
    agreed = Description(text).answer(responder, Description(answer), {0: our_ssrc})
    agreed = offered.receive(initiator, Description(agreed.text))

`refusal(error)` says what SIP answers when one of them raises a PeerError.
"""

from __future__ import annotations

from mikey.carriage.sdp._agreed import Agreed, Keyed
from mikey.carriage.sdp._answer import Received
from mikey.carriage.sdp._description import Carried, Description
from mikey.carriage.sdp._keymgmt import MIKEY, KeyMgmt
from mikey.carriage.sdp._media import SECURE_PROFILES, Direction, Media, RtpMap
from mikey.carriage.sdp._numbering import Sender, Slot, place_sessions
from mikey.carriage.sdp._offer import Offered
from mikey.carriage.sdp._oneway import announce, announced
from mikey.carriage.sdp._refusal import refusal
from mikey.carriage.sdp._reoffer import kept_lines
from mikey.carriage.sdp._text import decode, encode

__all__ = [
    "MIKEY",
    "SECURE_PROFILES",
    "Agreed",
    "Carried",
    "Description",
    "Direction",
    "KeyMgmt",
    "Keyed",
    "Media",
    "Offered",
    "Received",
    "RtpMap",
    "Sender",
    "Slot",
    "announce",
    "announced",
    "decode",
    "encode",
    "kept_lines",
    "place_sessions",
    "refusal",
]
