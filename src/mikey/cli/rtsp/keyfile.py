r"""SRTP keys as text, for other programs and for `mikey rtsp decrypt`.

Each line that begins with "key" is one master key; all else is for people and other programs:

    key server 0 ssrc=3a665dc5 roc=0 mki=00000001 policy=AES_CM_128_HMAC_SHA1_80 srtcp_tag=10 \
        master=... salt=...

in one line. "server" or "client" is who sends under it, then comes the stream. Behind that, all is
name=value: `ssrc` in hexadecimal digits or "any", `roc` when the key was told, `mki` empty for
none, `policy` a preset of SrtpPolicy, `srtcp_tag` the octets of the tag of SRTCP, `master` and
`salt` in hexadecimal digits.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from mikey import rtsp
from mikey.credentials.reading import read_file
from mikey.errors import LocalError
from mikey.policy import SrtpPolicy
from mikey.secret import Secret
from mikey.srtp import MasterKey

__all__ = ["Key", "keys_of", "load", "text_of"]

_MOST = 1 << 20
_LINE = re.compile(r"key (server|client) (\d{1,4}) (.+)", re.ASCII)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*", re.ASCII)
_SSRC = re.compile(r"[0-9A-Fa-f]{8}|any", re.ASCII)
_NAMES = ("ssrc", "roc", "mki", "policy", "srtcp_tag", "master", "salt")
_SUITES = {
    "AES_CM_128_HMAC_SHA1_80": ("aes-128-icm", "hmac-sha1-80"),
    "AES_CM_128_HMAC_SHA1_32": ("aes-128-icm", "hmac-sha1-32"),
    "AES_256_CM_HMAC_SHA1_80": ("aes-256-icm", "hmac-sha1-80"),
    "AES_256_CM_HMAC_SHA1_32": ("aes-256-icm", "hmac-sha1-32"),
    "AES_192_CM_HMAC_SHA1_80": None,
    "AES_192_CM_HMAC_SHA1_32": None,
    "F8_128_HMAC_SHA1_80": None,
    "AEAD_AES_128_GCM": ("aes-128-gcm", "null"),
    "AEAD_AES_256_GCM": ("aes-256-gcm", "null"),
}
"""Crypto suites of RFC 4568, 6188 and 7714, whose names are those of our policies, and what
GStreamer's srtpdec calls their cipher and authentication (None: it knows no such cipher)."""


@dataclass(frozen=True, slots=True)
class Key:
    """One master key: who sends what under it. `ssrc` None is any."""

    sender: str
    stream: int
    ssrc: int | None
    roc: int
    policy: SrtpPolicy
    master: MasterKey = field(repr=False)

    def line(self) -> str:
        """Return the line that `load` reads; LocalError for a policy without a name."""
        if self.policy.name not in SrtpPolicy.presets():
            raise LocalError(f"the SRTP policy has no name: {self.policy.name}")
        ssrc = "any" if self.ssrc is None else f"{self.ssrc:08x}"
        return (
            f"key {self.sender} {self.stream} ssrc={ssrc} roc={self.roc} "
            f"mki={self.master.mki.hex()} policy={self.policy.name} "
            f"srtcp_tag={self.policy.srtcp_tag_length} "
            f"master={self.master.key.expose().hex()} salt={self.master.salt.expose().hex()}"
        )

    def caps(self) -> str | None:
        """Return GStreamer's caps for srtpdec; None where it knows no such cipher."""
        names = _SUITES.get(self.policy.name)
        if names is None:
            return None
        cipher, auth = names
        joined = (self.master.key.expose() + self.master.salt.expose()).hex()
        parts = ["application/x-srtp"]
        if self.ssrc is not None:
            parts.append(f"ssrc=(uint){self.ssrc}")
        parts.append(f"srtp-key=(buffer){joined}")
        if self.master.mki:
            parts.append(f"mki=(buffer){self.master.mki.hex()}")
        parts += [
            f"srtp-cipher=(string){cipher}",
            f"srtp-auth=(string){auth}",
            f"srtcp-cipher=(string){cipher}",
            f"srtcp-auth=(string){_srtcp_auth(auth, self.policy)}",
            f"roc=(uint){self.roc}",
        ]
        return ", ".join(parts)

    def crypto(self) -> str | None:
        """Return the a=crypto line (RFC 4568 9.1); None where no suite is this policy.

        A suite has no word for a short tag of SRTCP: such a line is good for SRTP alone.
        """
        if self.policy.name not in _SUITES:
            return None
        joined = self.master.key.expose() + self.master.salt.expose()
        inline = f"inline:{base64.b64encode(joined).decode('ascii')}"
        if self.master.mki:
            inline += f"|{int.from_bytes(self.master.mki)}:{len(self.master.mki)}"
        return f"a=crypto:1 {self.policy.name} {inline}"


def _srtcp_auth(auth: str, policy: SrtpPolicy) -> str:
    """Return GStreamer's name; SRTCP has no short tag unless a peer insists (RFC 3711 5.2)."""
    return "hmac-sha1-80" if auth == "hmac-sha1-32" and policy.srtcp_tag_length == 10 else auth


def keys_of(stream: rtsp.MediaStream) -> Iterator[Key]:
    """Yield the keys of a stream now: of what comes, then of our reports."""
    yield Key("server", stream.index, stream.ssrc, stream.roc, stream.policy, stream.incoming_key)
    if stream.outgoing_key is not None:
        yield Key("client", stream.index, stream.our_ssrc, 0, stream.policy, stream.outgoing_key)


def text_of(keys: Iterable[Key], about: str) -> str:
    """Return the text that `keys` prints."""
    lines = [f"# SRTP keys of {about}: whoever has them has the streams"]
    for key in keys:
        what = "what the server sends" if key.sender == "server" else "our reports"
        lines += ["", f"# stream {key.stream}, {what}", key.line()]
        lines += [f"caps {caps}" for caps in (key.caps(),) if caps]
        lines += [crypto for crypto in (key.crypto(),) if crypto]
    return "".join(f"{line}\n" for line in lines)


def load(path: Path) -> tuple[Key, ...]:
    """Read a file that only its owner can read; LocalError for one without keys, or a bad line."""
    try:
        text = read_file(path, most=_MOST, private=True).decode("utf-8")
    except UnicodeDecodeError:
        raise LocalError(f"{path}: not UTF-8") from None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("key "):
            found.append(_key(line.strip(), f"{path}, line {number}"))
    if not found:
        raise LocalError(f"{path}: holds no key ('mikey rtsp keys' prints them)")
    return tuple(found)


def _key(line: str, where: str) -> Key:
    """Return the key of a line; no error shows the line."""
    match = _LINE.fullmatch(line)
    pairs = [word.partition("=") for word in match[3].split()] if match else []
    values = {name: value for name, _, value in pairs}
    if match is None or set(values) != set(_NAMES) or len(pairs) != len(_NAMES):
        raise LocalError(f"{where}: not 'key SENDER STREAM ' and {', '.join(_NAMES)}")
    if not (
        _SSRC.fullmatch(values["ssrc"])
        and re.fullmatch(r"\d{1,10}", values["roc"], re.ASCII)
        and all(_HEX.fullmatch(values[name]) for name in ("mki", "master", "salt"))
    ):
        raise LocalError(f"{where}: a value is not what its name says")
    try:
        policy = SrtpPolicy.named(values["policy"])
        if values["srtcp_tag"] != str(policy.srtcp_tag_length):
            policy = replace(policy, short_srtcp_tag=True)
        if values["srtcp_tag"] != str(policy.srtcp_tag_length):
            raise LocalError(f"{policy.name} has no such srtcp_tag")
        master = MasterKey(
            Secret(bytes.fromhex(values["master"])),
            Secret(bytes.fromhex(values["salt"])),
            bytes.fromhex(values["mki"]),
        )
        master.check(policy)
    except LocalError as error:
        raise LocalError(f"{where}: {error}") from None
    ssrc = None if values["ssrc"] == "any" else int(values["ssrc"], 16)
    return Key(match[1], int(match[2]), ssrc, int(values["roc"]), policy, master)
