"""SRTP and SRTCP on one-way contexts (RFC 3711, RFC 6188, RFC 7714).

A `Sender` protects the packets of one SSRC, a `Receiver` checks and decrypts them. The packets
are native work; this package checks what the caller gives and explains it.
"""

from __future__ import annotations

from mikey.srtp._limits import SRTCP_LIFETIME, SRTP_LIFETIME
from mikey.srtp.master_key import MasterKey
from mikey.srtp.receiver import Receiver
from mikey.srtp.sender import Sender

__all__ = ["SRTCP_LIFETIME", "SRTP_LIFETIME", "MasterKey", "Receiver", "Sender"]
