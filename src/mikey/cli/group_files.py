"""The files of `mikey group-key`: members in, a folder of messages out, the sender's key."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Self

from mikey.cli.private_files import stem_of
from mikey.credentials import Sakke
from mikey.credentials.reading import read_file
from mikey.errors import LocalError, PeerError
from mikey.group import Group, Member
from mikey.session import Bundle

INDEX = "index.json"

_MOST_OCTETS = 64 << 20


def load_members(path: Path, credential: Sakke, now: int) -> tuple[Member, ...]:
    """Read who is in a group: an identity per line, and the URI of its KMS if that is not ours.

    Raises LocalError with the number of the line for what is no identity, a KMS whose public keys
    are not known, and somebody who stands twice.
    """
    octets = read_file(path, most=_MOST_OCTETS, private=False)
    try:
        lines = octets.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise LocalError(f"{path}: not UTF-8") from None
    members: dict[Member, None] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            member = _member(words, credential, now)
        except (LocalError, PeerError) as error:
            reason = error.reason if isinstance(error, PeerError) else str(error)
            raise LocalError(f"{path}, line {number}: {reason}") from None
        if member in members:
            raise LocalError(f"{path}, line {number}: {member.uri} stands twice")
        members[member] = None
    if not members:
        raise LocalError(f"{path}: nobody is in the group")
    return tuple(members)


def _member(words: list[str], credential: Sakke, now: int) -> Member:
    if len(words) > 2:
        raise LocalError("an identity, and the URI of a KMS, are two words")
    uri, kms = words[0], words[1] if len(words) > 1 else credential.home
    found = credential.find_kms(kms, now)
    if found is None:
        raise LocalError(f"the KMS {kms} is not known (--kms FILE)")
    normal = found.scheme.normal(uri)
    found.identifier(normal, now)
    return Member(normal, kms)


class Outbox:
    """A folder of messages, which is there as a whole or not at all.

    `folder` is new or empty; messages go to a folder beside it until `commit`. No name of a file
    comes from anywhere but letters, digits and dashes. Raises LocalError.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[dict[str, Any]] = []
        self._stems: dict[str, int] = {}
        try:
            folder = folder.absolute()
            if folder.is_symlink() or (
                folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
            ):
                raise LocalError(f"{self.folder}: is there already, and not an empty folder")
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        except OSError as error:
            raise LocalError(f"{self.folder}: {error.strerror or error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Remove what was not committed."""
        with contextlib.suppress(OSError):
            shutil.rmtree(self._part, ignore_errors=True)

    def put(self, member: Member, message: bytes) -> None:
        """Write the message of a member."""
        name = self._name(member.uri)
        self._write(name, message)
        self.entries.append(
            {"member": member.uri, "kms": member.kms, "file": name, "octets": len(message)}
        )

    def commit(self) -> None:
        """Write the index, and give the folder its name."""
        self.entries.sort(key=lambda entry: str(entry["file"]))
        self._write(INDEX, (json.dumps(self.entries, indent=1) + "\n").encode())
        try:
            self._part.replace(self.folder)
        except OSError as error:
            raise LocalError(f"{self.folder}: {error.strerror or error}") from None

    def _write(self, name: str, octets: bytes) -> None:
        try:
            (self._part / name).write_bytes(octets)
        except OSError as error:
            raise LocalError(f"{self.folder}/{name}: {error.strerror or error}") from None

    def _name(self, uri: str) -> str:
        """Return a name that no other member has, nor a file system takes for another."""
        stem = stem_of(uri) or "member"
        number = self._stems[stem] = self._stems.get(stem, 0) + 1
        # A dot, which no stem has, so that no other member's name is the same.
        return f"{stem}.mikey" if number == 1 else f"{stem}.{number}.mikey"


def sender_file(bundle: Bundle, group: Group) -> bytes:
    """Return what the sender of a group's streams needs, as TOML; it holds the key."""
    tgk = group.keys[0]
    lines = [
        "# The key of a group: whoever reads this hears it, and can send to it.",
        f'csb-id = "{bundle.csb_id:08x}"',
        f'rand = "{bundle.rand.hex()}"',
        f'tgk = "{tgk.key.expose().hex()}"',
    ]
    for session in bundle.crypto_sessions:
        newest = session.keys[0]
        lines += [
            "",
            "[[stream]]",
            f"cs-id = {session.cs_id}",
            f"ssrc = 0x{session.ssrc or 0:08x}",
            f'policy = "{session.policy.name}"',
            f'mki = "{newest.mki.hex()}"',
            f'master-key = "{newest.key.expose().hex()}"',
            f'master-salt = "{newest.salt.expose().hex()}"',
        ]
    return ("\n".join(lines) + "\n").encode()
