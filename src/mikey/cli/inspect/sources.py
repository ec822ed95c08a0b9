"""Finding messages in what people have: files, SDP, RTSP headers, base64, hex, raw octets."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from mikey.carriage.sdp import MIKEY
from mikey.cli.inspect.encodings import EncodingError, decode, decode_base64
from mikey.errors import LocalError, PeerError
from mikey.wire import walk

MAX_OCTETS = 16 << 20

_TEXT = re.compile(rb"[\t\r\n\x20-\x7e\x80-\xff]*")
_KEY_MGMT = re.compile(r"\s*a=key-mgmt:\s*(\S+)\s+(\S.*)", re.IGNORECASE)
_HEADER = re.compile(r"\s*(?:keymgmt\s*:|(?=prot\s*=))(.*)", re.IGNORECASE)
# The body of a rekey in RTSP, and what stands behind a=key-mgmt: in a description.
_NAMED = re.compile(r"\s*mikey(?:\s*:)?\s+(AQ[A-Za-z0-9+/]+={0,2})\s*", re.IGNORECASE)
_WRAPPED = re.compile(r"\s*[A-Za-z0-9+/]{4,}={0,2}\s*", re.ASCII)
_NAME = re.compile(r"\w+")
_VALUE = re.compile(r'"([^"]*)"|[^";,]*')
_VERSION = b"\1"
_CAPTURES = frozenset(
    map(bytes.fromhex, ("a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "0a0d0d0a"))
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MESSAGES_BEGIN = re.compile(r"(?:01|AQ|0x01)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A message that was found: where, its octets, and what had to be overlooked.

    Where the text of the message is damaged, `problem` says how, and `octets` are those in front
    of the damage.
    `protocols` is the list of key management protocols of the description around it, None where
    it stood in none (R4567-4.1.4-1).
    """

    where: str
    octets: bytes = field(repr=False)
    overlooked: tuple[str, ...] = ()
    problem: str | None = None
    protocols: tuple[str, ...] | None = None


def find(name: str, content: bytes) -> list[Found]:
    """Return the messages in the content of a file, an argument or standard input.

    `name` says where it came from. Raises LocalError if there is none, or too much to read.
    """
    if len(content) > MAX_OCTETS:
        raise LocalError(f"{name}: longer than {MAX_OCTETS} octets")
    if not content.strip():
        raise LocalError(f"{name}: empty")
    if content[:4] in _CAPTURES:
        raise LocalError(
            f"{name}: a capture of packets; take the messages out of it, as in: tshark -r FILE "
            "-T fields -e sdp.key_mgmt.data | tr , '\\n' | mikey inspect"
        )
    if content.startswith(_UTF16):  # what PowerShell makes of `>`
        content = content.decode("utf-16", "replace").encode()
    if not _TEXT.fullmatch(content):
        return [Found(name, content)]
    lines = content.decode("utf-8-sig", "replace").split("\n")
    found = [*_in_headers(name, lines), *_in_descriptions(name, lines)]
    found = found or _bare(name, lines)
    if not found:
        raise LocalError(f"{name}: nothing but comments")
    return found


def _in_descriptions(name: str, lines: Sequence[str]) -> Iterator[Found]:
    """Yield the messages of all descriptions in the text, however they are embedded."""
    for start, block in _descriptions(lines):
        inside: list[Found] = []
        protocols: list[str] = []
        media = 0
        for number, line in enumerate(block, start):
            media += line.lstrip().startswith("m=")
            match = _KEY_MGMT.match(line)
            if match is None:
                continue
            protocols.append(match[1])
            if match[1] == MIKEY:
                level = f"media {media} level" if media else "session level"
                where = f"{name}, line {number}, {level}"
                data = match[2] + "".join(_continued(block, number - start + 1, match[2]))
                inside.append(_decoded(where, data.strip()))
        offered = tuple(protocols)
        for one in inside:
            yield replace(one, protocols=offered)


def _descriptions(lines: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """Cut the text where a description begins; yield the parts with their first line number."""
    starts = [n for n, line in enumerate(lines) if line.strip() == "v=0" and n]
    bounds = [0, *starts, len(lines)]
    for start, end in itertools.pairwise(bounds):
        yield start + 1, lines[start:end]


def _continued(lines: Sequence[str], start: int, data: str) -> Iterator[str]:
    """Yield the lines that go on with base64 broken for print, as in the RFC's samples."""
    for number in range(start, len(lines)):
        line = lines[number]
        if data.rstrip().endswith("=") or not _WRAPPED.fullmatch(line):
            return
        data = line
        yield "\n" + line


def _in_headers(name: str, lines: Sequence[str]) -> Iterator[Found]:
    """Yield the messages of RTSP KeyMgmt headers (RFC 4567 3.2), folded ones as well.

    What stands behind the colon is enough, and `mikey: BASE64` of a body is read like it.
    """
    for number, line in enumerate(lines, 1):
        named = _NAMED.fullmatch(line)
        if named is not None:
            yield _decoded(f"{name}, line {number}", named[1])
            continue
        match = _HEADER.fullmatch(line.rstrip("\r"))
        if match is None:
            continue
        end = number
        while end < len(lines) and lines[end][:1] in (" ", "\t"):  # folded
            end += 1
        value = " ".join([match[1], *(folded.strip() for folded in lines[number:end])])
        for spec in _split(value, ","):
            parameters = _parameters(spec)
            if parameters.get("prot", MIKEY) != MIKEY or "data" not in parameters:
                continue
            uri = f", uri {parameters['uri']}" if "uri" in parameters else ""
            where = f"{name}, line {number}, KeyMgmt header{uri}"
            yield _decoded(where, "".join(parameters["data"].split()))


def _split(text: str, separator: str) -> list[str]:
    """Split at a separator outside quotes (R4567-3.2-2)."""
    parts, start, quoted = [], 0, False
    for position, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _parameters(spec: str) -> dict[str, str]:
    parameters = {}
    for part in _split(spec, ";"):
        name, equals, value = part.partition("=")
        name, match = name.strip(), _VALUE.fullmatch(value.strip())
        if equals and match and _NAME.fullmatch(name):
            parameters[name.lower()] = match[1] if match[1] is not None else match[0]
    return parameters


def _decoded(where: str, data: str) -> Found:
    try:
        octets, overlooked = decode_base64(data)
    except EncodingError as error:
        return Found(where, error.prefix, problem=str(error))
    return Found(where, octets, overlooked)


def _bare(name: str, lines: Sequence[str]) -> list[Found]:
    """Read text that is nothing but messages: one per line, or one over the lines of a block."""
    found = []
    for start, block in _blocks(lines):
        whole = "\n".join(block)
        each = not _is_message(whole) and all(map(_MESSAGES_BEGIN.match, block))
        texts = block if each else [whole]
        for number, text in enumerate(texts, start):
            where = name if len(lines) <= 2 else f"{name}, line {number}"
            problem = None
            try:
                octets, overlooked = decode(text)
            except EncodingError as error:
                octets, overlooked, problem = error.prefix, (), str(error)
            if octets[:1] != _VERSION:  # any word could be base64
                raise LocalError(
                    f"{where}: no MIKEY message in it (base64, hex, SDP, RTSP KeyMgmt headers "
                    "and raw octets are read)"
                ) from None
            # Blanks and line breaks are the user's here, not the sender's.
            overlooked = tuple(o for o in overlooked if "white" not in o)
            found.append(Found(where, octets, overlooked, problem))
    return found


def _is_message(text: str) -> bool:
    try:
        return bool(list(walk(decode(text)[0])))
    except (EncodingError, PeerError):
        return False


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield runs of lines that are not empty, without comments, with their first line number."""
    block: list[str] = []
    start = 1
    for number, line in enumerate([*lines, ""], 1):
        text = line.partition("#")[0].strip()
        if text:
            if not block:
                start = number
            block.append(text)
        elif block and not line.strip():
            yield start, block
            block = []
