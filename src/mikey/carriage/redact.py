"""Take key material out of SIP, SDP and RTSP text before it is shown or logged.

What goes: the data of RFC 4567 key-mgmt lines and KeyMgmt headers (MIKEY with NULL encryption
carries keys in the clear), the `mikey:` lines of RTSP bodies and the MIKEY parameter of RTSP 2.0's
Transport, the inline keys of RFC 4568 crypto lines, credentials in Authorization headers and URIs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["REDACTED", "redact"]

REDACTED = "<redacted>"

_KEY_MGMT = re.compile(r"a=[ \t]*key-mgmt[ \t]*:[ \t]*[^\s:]*", re.IGNORECASE)
_SDP_LINE = re.compile(r"[a-z]=")
_HEADER = re.compile(
    r"^KeyMgmt[ \t]*:[^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*", re.IGNORECASE | re.MULTILINE
)
_HEADER_DATA = re.compile(r"(data[ \t]*=[ \t]*)(?:\"[^\"]*\"?|[^\s;,\"]+)", re.IGNORECASE)
_PARAMETER = re.compile(
    r"^(mikey[ \t]*:[ \t]*)[^\s][^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*", re.IGNORECASE | re.MULTILINE
)
_TRANSPORT = re.compile(r"(;\s*MIKEY[ \t]*=[ \t]*\"?)[A-Za-z0-9+/=]+", re.IGNORECASE)
_AUTHORIZATION = re.compile(
    r"^((?:Proxy-)?Authorization[ \t]*:[ \t]*\S*)[^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*",
    re.IGNORECASE | re.MULTILINE,
)
_USERINFO = re.compile(r"(rtsps?://)[^\s/@\"]*@", re.IGNORECASE)
_CRYPTO_LINE = re.compile(r"^a=crypto:[^\r\n]*", re.IGNORECASE | re.MULTILINE)
_INLINE = re.compile(r"(inline:)[^\s|;]+", re.IGNORECASE)


def redact(text: str) -> str:
    """`text` with `<redacted>` in the place of every key management message and inline key.

    `a=key-mgmt:mikey AQAF...` becomes `a=key-mgmt:mikey <redacted>`, `KeyMgmt: prot=mikey;
    data="AQAF..."` becomes `KeyMgmt: prot=mikey; data="<redacted>"`. All other text stays.
    """
    text = "\n".join(_redacted_lines(text.split("\n")))
    text = _HEADER.sub(_redact_header, text)
    text = _PARAMETER.sub(rf"\1{REDACTED}", text)
    text = _TRANSPORT.sub(rf"\1{REDACTED}", text)
    text = _AUTHORIZATION.sub(rf"\1 {REDACTED}", text)
    text = _USERINFO.sub(rf"\1{REDACTED}@", text)
    return _CRYPTO_LINE.sub(lambda line: _INLINE.sub(rf"\1{REDACTED}", line.group()), text)


def _redacted_lines(lines: list[str]) -> Iterator[str]:
    hiding = False
    for line in lines:
        found = _KEY_MGMT.search(line)
        if found:
            end = "\r" if line.endswith("\r") else ""
            yield f"{line[: found.end()]} {REDACTED}{end}"
            hiding = True
        elif hiding and line.strip("\r") and not _SDP_LINE.match(line):
            # A line that is no `x=...` goes on with the base64 of the line before: RFC 4567
            # prints its samples that way, and so do people who paste them.
            continue
        else:
            hiding = False
            yield line


def _redact_header(header: re.Match[str]) -> str:
    return _HEADER_DATA.sub(rf'\1"{REDACTED}"', header.group())
