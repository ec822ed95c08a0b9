"""TLS for both ends: which certificates a client trusts, and the server's own (RFC 7826 19.2)."""

from __future__ import annotations

import hashlib
import hmac
import ssl
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from mikey.errors import LocalError
from mikey.rtsp.errors import UntrustedError

__all__ = ["ServerTls", "Tls", "system_tls"]

_WAYS = "trust it by its authority (ca), by its SHA-256 (pin), or not at all (insecure)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How a client trusts the server's certificate; by default as the system does.

    `ca`: a PEM file of authorities in place of the system's. `pin`: the SHA-256 of the server's
    certificate, 64 hexadecimal digits with or without colons, in place of any authority.
    `insecure`: trust whoever answers; keys, and a password that the server asks for in clear
    (Basic), are then not safe from a man in the middle.
    LocalError for more than one of them and for what is no SHA-256.
    """

    ca: Path | None = None
    pin: str | None = None
    insecure: bool = False
    _digest: bytes = field(default=b"", init=False, repr=False)
    _contexts: list[ssl.SSLContext] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if (self.ca is not None) + (self.pin is not None) + self.insecure > 1:
            raise LocalError("a certificate is trusted by ca, by pin or insecurely: give one")
        if self.pin is not None:
            try:
                digest = bytes.fromhex(self.pin.lower().removeprefix("sha256:").replace(":", ""))
            except ValueError:
                digest = b""
            if len(digest) != hashlib.sha256().digest_size:
                raise LocalError("a pin is a SHA-256: 64 hexadecimal digits")
            object.__setattr__(self, "_digest", digest)

    def context(self) -> ssl.SSLContext:
        """Return the context for connections; raises LocalError for a CA file of no use.

        It is made once: the system's authorities take almost a megabyte.
        """
        if not self._contexts:
            self._contexts.append(self._new_context())
        return self._contexts[0]

    def _new_context(self) -> ssl.SSLContext:
        if self.pin is not None or self.insecure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        if self.ca is None:
            return ssl.create_default_context()
        try:
            return ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            reason = _reason(error, "no certificate (PEM) in it")
            raise LocalError(f"cannot read the authorities in {self.ca}: {reason}") from None

    def check(self, certificate: bytes) -> None:
        """Compare the certificate of an open connection with the pin; raises UntrustedError."""
        if self.pin is None:
            return
        digest = hashlib.sha256(certificate).digest()
        if not hmac.compare_digest(digest, self._digest):
            raise UntrustedError(
                "the server's certificate is not the pinned one", _WAYS, digest.hex()
            )

    @staticmethod
    def untrusted(error: ssl.SSLCertVerificationError) -> UntrustedError:
        """Return the error that says which trust is missing."""
        reason = error.verify_message.rstrip(".") or "it does not verify"
        return UntrustedError(f"the server's certificate is not trusted ({reason})", _WAYS)


def _reason(error: OSError, of_content: str) -> str:
    """Return why a file is of no use; OpenSSL's words for what is in it help nobody."""
    return of_content if isinstance(error, ssl.SSLError) else error.strerror or str(error)


@cache
def system_tls() -> Tls:
    """Return the trust of the system, one for all connections that ask for no other."""
    return Tls()


@dataclass(frozen=True, slots=True)
class ServerTls:
    """A server's certificate chain and its private key, PEM files."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return the context for a listener; raises LocalError for files of no use."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # An encrypted key is not asked for at the terminal: it is refused.
            context.load_cert_chain(self.certificate, self.key, password=lambda: "")
        except (OSError, ssl.SSLError) as error:
            reason = _reason(error, "not a certificate and its key (PEM, without a password)")
            raise LocalError(f"cannot use {self.certificate} with {self.key}: {reason}") from None
        return context
