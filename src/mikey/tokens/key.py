"""An RSA private key in a PKCS #11 token, as Signer and Decrypter (RFC 3830 6.3, 6.5)."""

from __future__ import annotations

import hashlib
import os
from typing import Any, final

import pkcs11
from cryptography.hazmat.primitives.asymmetric import rsa
from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass

from mikey.credentials.keys import LEAST_BITS, ImplicitRejection
from mikey.credentials.public_key import DIGEST_INFO, PublicKey
from mikey.errors import LocalError, MikeyError
from mikey.secret import Secret
from mikey.tokens._errors import told
from mikey.tokens._module import load
from mikey.tokens._session import Pin, Session

_HASHES = {
    "sha1": (Mechanism.SHA_1, MGF.SHA1),
    "sha256": (Mechanism.SHA256, MGF.SHA256),
    "sha384": (Mechanism.SHA384, MGF.SHA384),
    "sha512": (Mechanism.SHA512, MGF.SHA512),
}


@final
class TokenKey:
    """An RSA private key that stays in its token: both Signer and Decrypter.

    Made by `open`; `close` it, or use it in a `with` statement. Several threads may use it, and
    several keys of one token may be open: a module does one operation at a time. A session that
    was lost is opened again. `size` is the modulus in octets, `public_key` is None if the token
    does not tell the public exponent.
    """

    __slots__ = (
        "_closed", "_generation", "_name", "_oaep", "_object", "_pin_each_time", "_rejection",
        "_search", "_session", "public_key", "size",
    )  # fmt: skip

    blocking = True

    def __init__(
        self, _session: Session, _search: dict[Attribute, Any], oaep_hash: str | None
    ) -> None:
        self._session = _session
        self._search = _search
        self._closed = False
        self._oaep = None if oaep_hash is None else (*_hash(oaep_hash), None)
        self._name = f"token {_session.label!r}, {_described(_search)}"
        self._generation = 0
        self._find()
        modulus = int.from_bytes(self._object[Attribute.MODULUS])
        if modulus.bit_length() < LEAST_BITS:
            raise LocalError(
                f"{self._name}: an RSA key of {modulus.bit_length()} bits is too short"
            )
        self.size = (modulus.bit_length() + 7) // 8
        self.public_key = self._public_key(modulus)
        self._rejection = ImplicitRejection(self.size)

    @classmethod
    def open(
        cls,
        module: str | os.PathLike[str],
        *,
        token: str,
        pin: Pin = None,
        label: str | None = None,
        key_id: bytes | None = None,
        oaep_hash: str | None = None,
    ) -> TokenKey:
        """Log in to a token and find a key in it by its label, its ID, or both.

        `module` is the path of the PKCS #11 library, `token` the token's label, `pin` the user's
        PIN as UTF-8 or what returns it (asked once, kept as a Secret until the last key of the
        token is closed); `oaep_hash` is that of RSAES-OAEP to decrypt with, None for PKCS #1
        v1.5 (the RFC's). Raises LocalError: a module that cannot be loaded, no such token, a
        wrong PIN, no such key or more than one, a key that is not RSA or below 1024 bits.
        """
        search: dict[Attribute, Any] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
        if label is not None:
            search[Attribute.LABEL] = label
        if key_id is not None:
            search[Attribute.ID] = key_id
        if len(search) == 1:
            raise LocalError("a key in a token is found by its label or its ID: give one of them")
        session = Session.acquire(load(module), token, pin)
        try:
            with session.lock:
                return cls(session, search, oaep_hash)
        except pkcs11.PKCS11Error as error:
            session.release()
            raise told(f"token {token!r}, {_described(search)}", error) from None
        except BaseException:
            session.release()
            raise

    def close(self) -> None:
        """Give the key back; the token is logged out with the last of its keys."""
        with self._session.lock:
            if not self._closed:
                self._closed = True
                self._session.release()

    def __enter__(self) -> TokenKey:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<TokenKey RSA-{self.size * 8}, {self._name}>"

    @property
    def can_sign(self) -> bool:
        """Whether the token lets this key sign."""
        return isinstance(self._object, pkcs11.SignMixin)

    @property
    def can_decrypt(self) -> bool:
        """Whether the token lets this key decrypt; where it does not, no envelope opens."""
        return isinstance(self._object, pkcs11.DecryptMixin)

    def sign(self, octets: bytes, *, hash: str, pss: bool) -> bytes:  # noqa: A002
        """Return the signature over `octets` (R3830-6.5-5).

        The hash is computed here, so that the token needs to know no hash for v1.5. Raises
        LocalError: an unknown hash, a key that may not sign, a token that fails or is gone.
        """
        mechanism, mgf = _hash(hash)
        digest = hashlib.new(hash, octets).digest()
        if pss:
            data = digest
            how = Mechanism.RSA_PKCS_PSS
            parameter: Any = (mechanism, mgf, len(digest))
        else:
            data = DIGEST_INFO[hash] + digest
            how = Mechanism.RSA_PKCS
            parameter = None
        signature = self._private("sign", data, how, parameter)
        if len(signature) != self.size:
            raise LocalError(f"{self._name}: the signature has {len(signature)} octets")
        return signature

    def decrypt(self, ciphertext: bytes) -> Secret:
        """Return the envelope key, or octets that nobody can foresee; raises no Exception.

        Tokens answer a bad ciphertext with an error or with octets of their own; both become
        the same here, and so does a token that is gone (R3830-6.3-6).
        """
        how = Mechanism.RSA_PKCS if self._oaep is None else Mechanism.RSA_PKCS_OAEP
        return self._rejection.apply(
            ciphertext, lambda octets: self._private("decrypt", octets, how, self._oaep)
        )

    def _private(self, name: str, data: bytes, how: Mechanism, parameter: Any) -> bytes:
        """Return what the token's private key makes of `data`. Raises LocalError."""

        def operation() -> bytes:
            if self._generation != self._session.generation:
                self._find()
            call = getattr(self._object, name, None)
            if call is None:
                raise LocalError(f"{self._name}: the key may not {name}")
            pin = {"pin": self._session.pin_text()} if self._pin_each_time else {}
            return bytes(call(data, mechanism=how, mechanism_param=parameter, **pin))

        with self._session.lock:
            if self._closed:
                raise LocalError(f"{self._name}: the key was closed")
            try:
                return self._session.run(operation)
            except MikeyError:
                raise
            except Exception as error:  # python-pkcs11's own errors are no single family
                raise told(self._name, error) from None

    def _find(self) -> None:
        """Look the key up in the session as it is now. Raises LocalError, PKCS11Error."""
        found = self._session.find(self._search)
        if not found:
            raise LocalError(f"{self._name}: no such private key (or it needs the PIN)")
        if len(found) > 1:
            raise LocalError(f"{self._name}: {len(found)} private keys match")
        (self._object,) = found
        if self._object.key_type != KeyType.RSA:
            raise LocalError(f"{self._name}: the key is not RSA")
        self._pin_each_time = bool(_attribute(self._object, Attribute.ALWAYS_AUTHENTICATE))
        self._generation = self._session.generation

    def _public_key(self, modulus: int) -> PublicKey | None:
        exponent = _attribute(self._object, Attribute.PUBLIC_EXPONENT)
        if exponent is None:
            return None
        try:
            numbers = rsa.RSAPublicNumbers(int.from_bytes(exponent), modulus)
            return PublicKey(numbers.public_key())
        except (ValueError, MikeyError):
            raise LocalError(f"{self._name}: not an RSA key that can be used") from None


def _hash(name: str) -> tuple[Mechanism, MGF]:
    if name not in _HASHES:
        raise LocalError(f"no token is asked for {name!r}")
    return _HASHES[name]


def _attribute(key: Any, attribute: Attribute) -> Any:
    """Return an attribute that a token need not have, None without it."""
    try:
        return key[attribute]
    except pkcs11.PKCS11Error:
        return None


def _described(search: dict[Attribute, Any]) -> str:
    words = []
    if Attribute.LABEL in search:
        words.append(repr(search[Attribute.LABEL]))
    if Attribute.ID in search:
        words.append(f"ID {search[Attribute.ID].hex()}")
    return "key " + " ".join(words)
