"""Keys of SAKKE and ECCSI in text files (TOML): the public keys of a KMS, and a user's keys.

A user's file has the keys of one key period, and the public keys of the KMS that made them:

    identity = "tel:+447700900001"
    from = 2026-11-01T00:00:00Z    # the key period: that of this time
    rsk = "04..."                  # receiver secret key, 257 octets
    ssk = "..."                    # secret signing key, 32 octets
    pvt = "04..."                  # its public validation token, 65 octets

    [kms]
    uri = "kms.example.org"
    id-scheme = "tel"              # tel, 3gpp or raw
    z = "04..."                    # public key, 257 octets
    kpak = "04..."                 # public authentication key, 65 octets

The file of a KMS has the table `[kms]` alone. With `id-scheme = "3gpp"` it may also have
`key-period` and `key-offset` in seconds (TS 33.180 F.2.1). ssk and pvt may be missing together.
The master secrets of a KMS are a file of their own:

    z = "..."                      # of SAKKE, 128 octets
    ksak = "..."                   # of ECCSI, 32 octets

Octets are hexadecimal. No error shows the text of a key.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from mikey.credentials.id_schemes import IdScheme, McxUid, RawIdentifier, TelMonthly
from mikey.credentials.reading import read_file
from mikey.credentials.sakke import Kms, SakkeKeys
from mikey.crypto import eccsi, sakke
from mikey.errors import LocalError, PeerError
from mikey.policy import SECOND
from mikey.secret import Secret

_MAX_OCTETS = 1 << 16
_PLACE = re.compile(r"at (line \d+, column \d+|end of document)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SCHEMES: Final[Mapping[str, Callable[[], IdScheme]]] = {
    "tel": TelMonthly,
    "3gpp": McxUid,
    "raw": RawIdentifier,
}
"""The identifier schemes by the names that files and commands use."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """Who a user is, and the user's keys of one or more key periods."""

    identity: str
    keys: tuple[SakkeKeys, ...]


@dataclass(frozen=True, slots=True)
class Masters:
    """The master secrets of a KMS: z of SAKKE, KSAK of ECCSI. They are for nobody else."""

    z: Secret
    ksak: Secret


def load_kms(path: str | os.PathLike[str]) -> Kms:
    """Read the public keys of a KMS.

    Raises LocalError with the name of the file for one that cannot be read or holds no such keys.
    Whoever can change the file can read what is sent to users of the KMS.
    """
    table = _Table(_parse(Path(path), private=False), str(path))
    if table.has("rsk"):
        raise LocalError(f"{path}: a user's keys; the file of a KMS has the table [kms] alone")
    kms = _kms(table.table("kms"))
    table.done()
    return kms


def load_keys(*paths: str | os.PathLike[str]) -> KeyFile:
    """Read a user's keys, of one key period a file, from files that only their owner can open.

    Raises LocalError with the name of the file for one that cannot be read, is open to others, or
    holds keys that do not belong together: RSK and SSK are validated (RFC 6508 6.1.2, RFC 6507
    5.1.2). The files must be of one identity. Where a KMS has other public keys in another file,
    those of each are good for its key period alone (R6509-3.3-3).
    """
    if not paths:
        raise LocalError("a file with keys is needed")
    known: list[Kms] = []
    loaded = [_load_keys(Path(path), known) for path in paths]
    identities = {identity for identity, _ in loaded}
    if len(identities) > 1:
        raise LocalError(f"keys of different users: {', '.join(sorted(identities))}")
    return KeyFile(loaded[0][0], tuple(_dated(keys, known) for _, keys in loaded))


def load_masters(path: str | os.PathLike[str], kms: Kms) -> Masters:
    """Read the master secrets of a KMS from a file that only its owner can open.

    Raises LocalError with the name of the file for one that cannot be read, is open to others, or
    holds other secrets than those that the public keys of `kms` were made with.
    """
    table = _Table(_parse(Path(path), private=True), str(path))
    masters = Masters(Secret(table.octets("z")), Secret(table.octets("ksak")))
    table.done()
    try:
        z = sakke.make_public_key(masters.z)
        kpak = eccsi.make_public_key(masters.ksak)
    except LocalError as error:
        raise LocalError(f"{path}: {error}") from None
    if (z.octets, kpak.octets) != (kms.sakke.octets, kms.eccsi.octets):
        raise LocalError(f"{path}: not the master secrets of {kms.uri}")
    return masters


def scheme_name(scheme: IdScheme) -> str:
    """Return the name of an identifier scheme in files; LocalError for one that has none."""
    for name, make in SCHEMES.items():
        if make().number == scheme.number:
            return name
    raise LocalError(f"identifier scheme {int(scheme.number)} has no name in files")


def _load_keys(path: Path, known: list[Kms]) -> tuple[str, SakkeKeys]:
    table = _Table(_parse(path, private=True), str(path))
    if not table.has("identity"):
        raise LocalError(f"{path}: identity is missing, so it is no file of a user's keys")
    identity = table.text("identity")
    kms = _shared(_kms(table.table("kms")), known)
    at = table.time("from")
    rsk = table.octets("rsk")
    signing = (table.octets("ssk"), table.octets("pvt")) if table.has("ssk", "pvt") else None
    table.done()
    try:
        identifier = kms.identifier(identity, at)
        receiver = sakke.ReceiverKey(kms.sakke, identifier, Secret(rsk))
        signer = None
        if signing is not None:
            ssk, pvt = signing
            signer = eccsi.SigningKey(kms.eccsi, identifier, Secret(ssk), pvt)
    except (LocalError, PeerError) as error:
        raise LocalError(f"{path}: {error}") from None
    return identity, SakkeKeys(kms, kms.scheme.period(at), receiver, signer)


def _dated(keys: SakkeKeys, known: Sequence[Kms]) -> SakkeKeys:
    """Bind the public keys of a KMS that changed them to the key period of the file."""
    kms = keys.kms
    if sum((kms.uri, kms.scheme) == (one.uri, one.scheme) for one in known) == 1:
        return keys
    return replace(keys, kms=replace(kms, period=keys.period))


def _shared(kms: Kms, known: list[Kms]) -> Kms:
    """Return the KMS of a file before this one if it is the same, so that tables are made once."""
    for other in known:
        if (kms.uri, kms.scheme) == (other.uri, other.scheme) and (
            kms.sakke.octets,
            kms.eccsi.octets,
        ) == (other.sakke.octets, other.eccsi.octets):
            return other
    known.append(kms)
    return kms


def _kms(table: _Table) -> Kms:
    uri, scheme = table.text("uri"), _scheme(table)
    z, kpak = table.octets("z"), table.octets("kpak")
    table.done()
    try:
        return Kms(uri, sakke.PublicKey(z), eccsi.PublicKey(kpak), scheme)
    except LocalError as error:
        raise LocalError(f"{table.name}: {error}") from None


def _scheme(table: _Table) -> IdScheme:
    name = table.text("id-scheme")
    if name not in SCHEMES:
        raise LocalError(f"{table.name}: id-scheme is one of {', '.join(SCHEMES)}")
    if name == "3gpp" and table.has("key-period", "key-offset"):
        try:
            return McxUid(table.number("key-period"), table.number("key-offset"))
        except LocalError as error:
            raise LocalError(f"{table.name}: {error}") from None
    return SCHEMES[name]()


class _Table:
    """A table of the file whose every key must be asked for."""

    def __init__(self, values: Mapping[str, object], name: str) -> None:
        self._values = dict(values)
        self.name = name

    def has(self, *keys: str) -> bool:
        """Tell whether these keys are there; LocalError if only some are."""
        missing = [key for key in keys if key not in self._values]
        if missing and len(missing) < len(keys):
            raise LocalError(f"{self.name}: {missing[0]} is missing")
        return not missing

    def text(self, key: str) -> str:
        """Take a text."""
        value = self._take(key)
        if not isinstance(value, str) or not value.isprintable():
            raise LocalError(f"{self.name}: {key} is not a line of text")
        return value

    def octets(self, key: str) -> bytes:
        """Take octets in hexadecimal."""
        text = self.text(key)
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise LocalError(f"{self.name}: {key} is not hexadecimal") from None

    def number(self, key: str) -> int:
        """Take an integer."""
        value = self._take(key)
        if type(value) is not int:
            raise LocalError(f"{self.name}: {key} is not an integer")
        return value

    def time(self, key: str) -> int:
        """Take a time as nanoseconds since 1970."""
        value = self._take(key)
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise LocalError(f"{self.name}: {key} is not a time like 2026-11-01T00:00:00Z")
        return (value - _EPOCH) // timedelta(seconds=1) * SECOND

    def table(self, key: str) -> _Table:
        """Take a table."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise LocalError(f"{self.name}: [{key}] is not a table")
        return _Table(value, f"{self.name}, [{key}]")

    def done(self) -> None:
        """Refuse what nobody asked for: it may be a key that was misspelt."""
        if self._values:
            # No more of it than a name has: it could be a secret in the wrong place.
            raise LocalError(f"{self.name}: {min(self._values)[:20]!r} is not known")

    def _take(self, key: str) -> object:
        try:
            return self._values.pop(key)
        except KeyError:
            raise LocalError(f"{self.name}: {key} is missing") from None


def _parse(path: Path, *, private: bool) -> dict[str, object]:
    octets = read_file(path, most=_MAX_OCTETS, private=private)
    try:
        return tomllib.loads(octets.decode("utf-8"))
    except UnicodeDecodeError:
        raise LocalError(f"{path}: not UTF-8") from None
    except (ValueError, RecursionError) as error:
        # Of its text the place alone: the rest may show what stands there.
        place = _PLACE.search(str(error))
        raise LocalError(f"{path}: not TOML{f' ({place[0]})' if place else ''}") from None
