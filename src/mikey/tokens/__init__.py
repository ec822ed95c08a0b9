"""Private keys that never leave a PKCS #11 token: a smart card, an HSM, a software token.

`TokenKey` signs and decrypts where a `mikey.credentials.SoftwareKey` would (RFC 3830 3.2, 6.5).
`pip install 'mikey[pkcs11]'` brings what it stands on, `python-pkcs11`.
"""

from __future__ import annotations

try:
    import pkcs11 as _pkcs11  # noqa: F401 - only asked whether it is there
except ImportError as error:
    raise ImportError("tokens need their extra: pip install 'mikey[pkcs11]'") from error

from mikey.tokens.key import TokenKey

__all__ = ["TokenKey"]
