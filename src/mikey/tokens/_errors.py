"""What a token's refusals mean to people. No text holds a PIN."""

from __future__ import annotations

import pkcs11

from mikey.errors import LocalError

PIN_ERRORS = (
    pkcs11.PinIncorrect,
    pkcs11.PinInvalid,
    pkcs11.PinLenRange,
    pkcs11.PinLocked,
    pkcs11.PinExpired,
    pkcs11.UserPinNotInitialized,
)

LOST_ERRORS = (
    pkcs11.SessionHandleInvalid,
    pkcs11.SessionClosed,
    pkcs11.UserNotLoggedIn,
    pkcs11.KeyHandleInvalid,
    pkcs11.ObjectHandleInvalid,
    pkcs11.OperationActive,
    pkcs11.DeviceRemoved,
    pkcs11.TokenNotPresent,
    pkcs11.TokenNotRecognised,
)
"""The session is gone, or of no more use. None of them depends on the octets of a ciphertext."""

_REASONS: dict[type[Exception], str] = {
    pkcs11.PinIncorrect: "the PIN is wrong",
    pkcs11.PinInvalid: "the PIN is wrong",
    pkcs11.PinLenRange: "the PIN is wrong (its length cannot be)",
    pkcs11.PinLocked: "the PIN is locked",
    pkcs11.PinExpired: "the PIN has expired",
    pkcs11.UserPinNotInitialized: "no PIN has been set",
    pkcs11.UserAlreadyLoggedIn: "another part of this program is logged in to it",
    pkcs11.UserNotLoggedIn: "it wants a PIN",
    pkcs11.TokenNotPresent: "it was taken out",
    pkcs11.DeviceRemoved: "it was taken out",
    pkcs11.MechanismInvalid: "it cannot do that",
    pkcs11.MechanismParamInvalid: "it cannot do that with this hash",
    pkcs11.KeyTypeInconsistent: "its key is not of the kind for that",
}


def told(where: str, error: Exception) -> LocalError:
    """Return the LocalError for what a token said; `where` names the token or the key."""
    reason = _REASONS.get(type(error))
    return LocalError(f"{where}: {reason or 'the token fails with ' + type(error).__name__}")
