"""Who we are to whom: pre-shared keys."""

from __future__ import annotations

from mikey.credentials.psk import ANY, NoKey, Psk

__all__ = ["ANY", "NoKey", "Psk"]
