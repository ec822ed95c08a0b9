"""Labels of the key derivation (RFC 3830 4.1.3 and 4.1.4).

A label is constant || id || CSB ID || RAND, where id is the CS ID for keys derived from a TGK
and 0xFF for the keys that protect messages. The constants are decimals of e, nine digits each.
"""

from __future__ import annotations

from struct import Struct

TEK = 0x2AD01C64
TGK_AUTHENTICATION = 0x1B5C7973
TGK_ENCRYPTION = 0x15798CEF
TGK_SALT = 0x39A2C14B

MESSAGE_ENCRYPTION = 0x150533E1
MESSAGE_AUTHENTICATION = 0x2D22AC75
MESSAGE_SALT = 0x29B88916

_MESSAGE = 0xFF
_HEAD = Struct(">IBI")  # constant, id, CSB ID


def tgk_label(constant: int, cs_id: int, csb_id: int, rand: bytes) -> bytes:
    """Return the label for a key of crypto session `cs_id` (RAND bare, without its length)."""
    return _HEAD.pack(constant, cs_id, csb_id) + rand


def message_label(constant: int, csb_id: int, rand: bytes) -> bytes:
    """Return the label for a key that protects messages of the CSB."""
    return _HEAD.pack(constant, _MESSAGE, csb_id) + rand
