"""Certificates of servers: one for trials, and the SHA-256 that a client pins."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from mikey import rtsp
from mikey.credentials.files import load_certificates

__all__ = ["trial_certificate"]

_DAYS = 30


def trial_certificate(
    folder: Path, host: str, *, cert: Path | None, key: Path | None
) -> tuple[rtsp.ServerTls, str]:
    """Return a server's files and the SHA-256 of its certificate.

    Without `cert` and `key` a certificate that signs itself is made for `host`, in `folder`.
    LocalError for files of no use.
    """
    if cert is None or key is None:
        cert, key = folder / "certificate.pem", folder / "key.pem"
        _make(cert, key, host)
    files = rtsp.ServerTls(cert, key)
    files.context()  # complains of what does not fit, before anything is opened
    return files, hashlib.sha256(load_certificates(cert)[0]).hexdigest()


def _make(cert: Path, key: Path, host: str) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "MIKEY trial server")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    try:
        names.append(x509.IPAddress(ipaddress.ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    now = datetime.now(UTC).replace(microsecond=0)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # for clocks that are behind
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    cert.write_bytes(made.public_bytes(Encoding.PEM))
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
