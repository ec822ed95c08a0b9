"""How a failure is told in SIP: 488 with its Warning (RFC 4567 4.1.2, RFC 3261 20.43)."""

from __future__ import annotations

from mikey.errors import CarriageError, PeerError

ATTRIBUTE_NOT_UNDERSTOOD = 306
MISCELLANEOUS = 399

NOT_ACCEPTABLE_HERE = 488

_MAX_TEXT = 200


def refusal(error: PeerError) -> CarriageError:
    """Return the refusal of a setup that failed with `error` (R4567-4.1.2-6, -7, -8).

    Its status is 488, or that of a CarriageError; its `warnings` are (code, text) pairs for a
    Warning header: 306 always, 399 with the reason where one may be told (`error.number`, or
    text that is wrong outside the message). The texts are printable ASCII without quotes.
    """
    status = error.status if isinstance(error, CarriageError) else NOT_ACCEPTABLE_HERE
    warnings = [(ATTRIBUTE_NOT_UNDERSTOOD, "Attribute not understood: key-mgmt")]
    if error.number is not None or isinstance(error, CarriageError):
        warnings.append((MISCELLANEOUS, _printable(f"MIKEY: {error.reason}")))
    return CarriageError(error.reason, status=status, warnings=tuple(warnings))


def _printable(text: str) -> str:
    """Return the text with all but printable ASCII, and what quoting would need, replaced."""
    kept = (c if " " <= c <= "~" and c not in '"\\' else "?" for c in text[:_MAX_TEXT])
    return "".join(kept)
