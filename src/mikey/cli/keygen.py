"""`mikey keygen`: pre-shared keys, and small sets of certificates and SAKKE keys for trials."""

from __future__ import annotations

import re
import secrets
import textwrap
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mikey.cli import keygen_sakke
from mikey.cli.paths import PATH
from mikey.cli.private_files import make_folder, write_all
from mikey.credentials import psk_file
from mikey.errors import LocalError

IDENTITIES = ("sip:alice@example.org", "sip:bob@example.org")
DAYS = 365

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?=.)")
_NAI = re.compile(r"[^@]+@[^@]+")  # user@realm
_README = """\
FOR TRIALS ONLY
===============

These keys and certificates were made by `mikey keygen pki` so that the public-key methods of
MIKEY can be tried. The root's private key lies beside the others: whoever reads this folder can
make a certificate for any name. Use an authority of your own for everything else.

"""


@click.group(
    epilog="""\b
Examples:
  mikey keygen psk --peer sip:bob@example.org --out alice.keys
  mikey keygen pki --out trial --identity sip:alice@example.org --identity sip:bob@example.org
  mikey keygen sakke --out kms"""
)
def command() -> None:
    """Make pre-shared keys, and certificates and a key management service for trials.

    Files can be read by their owner alone; none is overwritten without --force.
    """


@command.command(
    short_help="Make a pre-shared key, as a line of a PSK file.",
    epilog="""\b
Example, a key for two users, a file for each:
  mikey keygen psk --peer sip:bob@example.org --out alice.keys
  (umask 077; sed 's/^[^ ]*/sip:alice@example.org/' alice.keys > bob.keys)""",
)
@click.option(
    "--peer", metavar="URI", required=True, help="Whom the key is shared with; * for any."
)
@click.option(
    "--octets", type=click.IntRange(16, 255), default=32, show_default=True, help="Its length."
)
@click.option("--out", type=PATH, metavar="FILE", help="Where to write it, in place of stdout.")
@click.option("--force", is_flag=True, help="Overwrite the file of --out.")
def psk(peer: str, octets: int, out: Path | None, force: bool) -> None:
    """Make a pre-shared key from the system's random numbers, as a line of a PSK file.

    The peer's own file has the same key with your identity in front.
    """
    if force and out is None:
        raise click.UsageError("--force overwrites the file of --out, which is missing")
    key = secrets.token_bytes(octets).hex()
    text = f"{peer} {key}\n"
    try:
        readable = psk_file.parse(text).lookup(peer) is not None and peer.isprintable()
    except LocalError:
        readable = False
    if not readable:
        raise LocalError("an identity in a PSK file is one printable word that begins with no '#'")
    if out is None:
        click.echo(text, nl=False)
    else:
        write_all({out: text.encode()}, force=force)
        click.echo(f"{out}: a key of {octets} octets for {peer}", err=True)


@command.command(
    short_help="Make a root and certificates FOR TRIALS, in a folder.",
    epilog="""\b
Example:
  mikey keygen pki --out trial --identity sip:alice@192.0.2.1 --identity sip:bob@192.0.2.2:5070
  mikey answer --listen 192.0.2.2:5070 --key trial/bob.key --cert trial/bob.pem \\
      --ca trial/root.pem""",
)
@click.option(
    "--out", type=PATH, metavar="DIR", required=True, help="The folder, made if it is not there."
)
@click.option(
    "--identity",
    "identities",
    metavar="URI",
    multiple=True,
    help=f"One end entity each: a URI or user@realm. [default: {' and '.join(IDENTITIES)}]",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=DAYS,
    show_default=True,
    help="How long the certificates are valid.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Overwrite files. The root is a new one: certificates under the old one stay, and nobody "
    "believes them any more.",
)
def pki(out: Path, identities: tuple[str, ...], days: int, force: bool) -> None:
    """Make a root and end entities with RSA-2048 keys FOR TRIALS, in a folder.

    Each end entity has its identity in subjectAltName: NAME.pem is its certificate, NAME.key its
    private key. root.pem is what the others trust; README.txt says what the folder is for.
    """
    wanted = tuple(dict.fromkeys(identities)) or IDENTITIES
    for path in write_trial_pki(out, wanted, days=days, force=force):
        click.echo(path)
    click.echo("for trials only: see README.txt", err=True)


command.add_command(keygen_sakke.command)


def write_trial_pki(
    out: Path, identities: Iterable[str], *, days: int = DAYS, force: bool = False
) -> list[Path]:
    """Write a root and end entities FOR TRIALS into a folder; return the files. LocalError."""
    files = _trial_pki(out, identities, days)
    make_folder(out)
    write_all(files, force=force)
    return list(files)


def _trial_pki(out: Path, identities: Iterable[str], days: int) -> dict[Path, bytes]:
    """Return the files of the folder."""
    root_key = _key()
    root_name = _name("MIKEY trial root - NOT FOR PRODUCTION")
    builder = _builder(root_name, root_name, root_key, root_key, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    root = builder.sign(root_key, hashes.SHA256())
    files = {
        out / "root.pem": root.public_bytes(Encoding.PEM),
        out / "root.key": _private(root_key),
    }
    lines = []
    for identity in identities:
        stem = _stem(identity, {path.stem for path in files})
        key = _key()
        builder = _builder(_name(f"{stem} - MIKEY trial"), root_name, key, root_key, days)
        builder = builder.add_extension(_names(identity), critical=False)
        builder = builder.add_extension(_usage(authority=False), critical=True)
        builder = builder.add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
            ),
            critical=False,
        )
        builder = builder.add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )
        files[out / f"{stem}.pem"] = builder.sign(root_key, hashes.SHA256()).public_bytes(
            Encoding.PEM
        )
        files[out / f"{stem}.key"] = _private(key)
        lines.append(f"{stem}.pem, {stem}.key: {identity}")
    table = ["root.pem, root.key: the authority that all of them trust", *lines]
    files[out / "README.txt"] = (_README + textwrap.indent("\n".join(table), "  ") + "\n").encode()
    return files


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer_key: rsa.RSAPrivateKey,
    days: int,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # An hour for clocks that are behind.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _private(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _names(identity: str) -> x509.SubjectAlternativeName:
    fits = _URI.match(identity) or _NAI.fullmatch(identity)
    if not fits or not identity.isprintable() or " " in identity:
        raise LocalError(f"{identity!r} is neither a URI like sip:bob@example.org nor user@realm")
    try:
        general: x509.GeneralName = (
            x509.UniformResourceIdentifier(identity)
            if _URI.match(identity)
            else x509.RFC822Name(identity)
        )
    except ValueError:
        raise LocalError(f"{identity!r} cannot stand in a certificate") from None
    return x509.SubjectAlternativeName([general])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=not authority,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _stem(identity: str, taken: set[str]) -> str:
    """Return a file name for an identity: its user's part, with a number if it is taken."""
    user = _URI.sub("", identity, count=1).partition("@")[0]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", user).strip("-").lower()[:40] or "entity"
    names = (stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
