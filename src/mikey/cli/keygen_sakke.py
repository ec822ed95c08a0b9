"""`mikey keygen sakke`: a key management service (KMS) and keys of its users, for trials."""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from mikey.cli.paths import PATH
from mikey.cli.private_files import make_folder, stem_of, write_all
from mikey.credentials import Kms, McxUid, RawIdentifier
from mikey.credentials.sakke_file import SCHEMES, Masters, load_kms, load_masters, scheme_name
from mikey.crypto import eccsi, sakke
from mikey.errors import LocalError, PeerError
from mikey.policy import SECOND

KMS_URI = "kms.example.org"
IDENTITIES = {
    "tel": ("tel:+447700900001", "tel:+447700900002"),
    "3gpp": ("sip:alice@example.org", "sip:bob@example.org"),
    "raw": ("sip:alice@example.org", "sip:bob@example.org"),
}
"""Who gets keys if nobody is named, by identifier scheme."""

KMS_FILE, MASTER_FILE, README_FILE = "kms.toml", "master.toml", "README.txt"

_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})", re.ASCII)
_TRIALS = "# Made by `mikey keygen sakke`: FOR TRIALS ONLY.\n"
_README = f"""\
FOR TRIALS ONLY
===============

These keys were made by `mikey keygen sakke` so that MIKEY-SAKKE can be tried. {MASTER_FILE} holds
the master secrets of the key management service: whoever reads it can open everything that is
sent to its users, and sign as any of them. Use a service of your own for everything else.

  {KMS_FILE}: the public keys, for whom calls its users from another service
  {MASTER_FILE}: the master secrets, for `mikey keygen sakke` alone
  all other files: a user's keys for one key period each, for that user alone

`mikey keygen sakke --out` this folder `--identity URI --month YYYY-MM` makes more of those.
"""


@click.command(
    "sakke",
    short_help="Make a KMS and keys of its users FOR TRIALS, in a folder.",
    epilog="""\b
Examples:
  mikey keygen sakke --out kms                                   a KMS and two users
  mikey keygen sakke --out kms --identity tel:+447700900003      one user more
  mikey keygen sakke --out kms --month 2027-01                   the two in another month
  mikey keygen sakke --out mc --id-scheme 3gpp --identity sip:unit1@example.org""",
)
@click.option(
    "--out", type=PATH, metavar="DIR", required=True, help="The folder, made if it is not there."
)
@click.option(
    "--identity",
    "identities",
    metavar="URI",
    multiple=True,
    help="A user each. [default: two, tel:+447700900001 and tel:+447700900002 with tel]",
)
@click.option(
    "--month",
    metavar="YYYY-MM",
    help="Keys for the key period that begins with this month, or that it begins in. "
    "[default: the present one]",
)
@click.option("--kms-uri", metavar="URI", help=f"The name of a new KMS. [default: {KMS_URI}]")
@click.option(
    "--id-scheme",
    "scheme",
    type=click.Choice(tuple(SCHEMES)),
    help="How a new KMS makes identifiers: telephone number and month (RFC 6509), hashed UID "
    "(3GPP TS 33.180), or the URI as it is. [default: tel]",
)
@click.option("--force", is_flag=True, help="Overwrite keys of users, never those of the KMS.")
def command(
    out: Path,
    identities: tuple[str, ...],
    month: str | None,
    kms_uri: str | None,
    scheme: str | None,
    force: bool,
) -> None:
    """Make a KMS and keys of its users FOR TRIALS, in a folder.

    If the folder has a KMS already, users are added to it. kms.toml has its public keys,
    master.toml its secrets; each other file has a user's keys for one key period: RSK, SSK, PVT.
    """
    at = time.time_ns() if month is None else _first_of(month)
    for path in write_trial_kms(
        out,
        identities,
        at=at,
        dated=month is not None,
        kms_uri=kms_uri,
        scheme=scheme,
        force=force,
    ):
        click.echo(path)
    click.echo(f"for trials only: see {README_FILE}", err=True)


def write_trial_kms(
    out: Path,
    identities: tuple[str, ...] = (),
    *,
    at: int,
    dated: bool = False,
    kms_uri: str | None = None,
    scheme: str | None = None,
    force: bool = False,
) -> list[Path]:
    """Write keys FOR TRIALS for the key period of a time; return the files that were written.

    Makes the KMS too if the folder has none. Raises LocalError if it has another than `kms_uri`
    or `scheme` says, for an identity that the scheme does not take, and where the time was asked
    for (`dated`) but keys have none.
    """
    make_folder(out)
    files: dict[Path, bytes] = {}
    if (out / MASTER_FILE).exists() or (out / KMS_FILE).exists():
        kms = load_kms(out / KMS_FILE)
        masters = load_masters(out / MASTER_FILE, kms)
        name = scheme_name(kms.scheme)
        if kms_uri not in (None, kms.uri) or scheme not in (None, name):
            raise LocalError(f"{out}: has a KMS already, {kms.uri} with --id-scheme {name}")
    else:
        masters, kms = _make_kms(KMS_URI if kms_uri is None else kms_uri, scheme or "tel")
        files = _kms_files(out, masters, kms)
    if dated and isinstance(kms.scheme, RawIdentifier):
        raise LocalError(f"keys with --id-scheme {scheme_name(kms.scheme)} are of no month")
    users: dict[Path, bytes] = {}
    for identity in dict.fromkeys(identities or IDENTITIES[scheme_name(kms.scheme)]):
        path, octets = _user_file(out, masters, kms, identity, at)
        if path in users:
            raise LocalError(f"{identity}: would have the same file as another, {path}")
        users[path] = octets
    # Users first: what fails there leaves no KMS without them behind.
    write_all(users, force=force)
    write_all(files, force=False)
    return [*files, *users]


def _make_kms(uri: str, scheme: str) -> tuple[Masters, Kms]:
    if not uri.isprintable() or not uri.strip():
        raise LocalError("the URI of a KMS is a line of text")
    masters = Masters(
        sakke.make_master(secrets.token_bytes), eccsi.make_master(secrets.token_bytes)
    )
    z, kpak = sakke.make_public_key(masters.z), eccsi.make_public_key(masters.ksak)
    return masters, Kms(uri, z, kpak, SCHEMES[scheme]())


def _kms_files(out: Path, masters: Masters, kms: Kms) -> dict[Path, bytes]:
    secret = "".join(
        f"{name} = {_quoted(value.expose().hex())}\n"
        for name, value in (("z", masters.z), ("ksak", masters.ksak))
    )
    return {
        out / KMS_FILE: (_TRIALS + _kms_table(kms)).encode(),
        out / MASTER_FILE: (f"{_TRIALS}# The master secrets of {kms.uri}.\n{secret}").encode(),
        out / README_FILE: _README.encode(),
    }


def _kms_table(kms: Kms) -> str:
    scheme = kms.scheme
    lines = [f"uri = {_quoted(kms.uri)}", f"id-scheme = {_quoted(scheme_name(scheme))}"]
    if isinstance(scheme, McxUid):
        lines += [f"key-period = {scheme.length}", f"key-offset = {scheme.offset}"]
    lines += [
        f"z = {_quoted(kms.sakke.octets.hex())}",
        f"kpak = {_quoted(kms.eccsi.octets.hex())}",
    ]
    return "\n".join(("[kms]", *lines, ""))


def _user_file(out: Path, masters: Masters, kms: Kms, identity: str, at: int) -> tuple[Path, bytes]:
    scheme = kms.scheme
    period = scheme.period(at)
    try:
        identifier = kms.identifier(identity, at)
    except PeerError as error:
        raise LocalError(f"{identity}: {error.reason}") from None
    rsk = sakke.make_receiver_key(masters.z, identifier)
    ssk, pvt = eccsi.make_pair(masters.ksak, identifier, secrets.token_bytes)
    start = datetime.fromtimestamp(scheme.start(period) // SECOND, tz=UTC)
    lines = (
        f"identity = {_quoted(identity)}",
        f"from = {start:%Y-%m-%dT%H:%M:%SZ}  # key period {scheme.label(period)}",
        f"rsk = {_quoted(rsk.expose().hex())}",
        f"ssk = {_quoted(ssk.expose().hex())}",
        f"pvt = {_quoted(pvt.hex())}",
    )
    name = stem_of(identity) or "user"
    text = _TRIALS + "\n".join(lines) + "\n\n" + _kms_table(kms)
    return out / f"{name}-{scheme.label(period)}.toml", text.encode()


def _first_of(month: str) -> int:
    match = _MONTH.fullmatch(month)
    try:
        if match is None:
            raise ValueError
        return int(datetime(int(match[1]), int(match[2]), 1, tzinfo=UTC).timestamp()) * SECOND
    except ValueError:
        raise LocalError(f"{month!r} is no month like 2026-11") from None


def _quoted(text: str) -> str:
    """Return a TOML string of printable text."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
