"""Octets to checked SIP messages and back (RFC 3261 7, 8.1.3, 8.2, 18).

`sipmessage` parses headers lazily and raises whatever goes wrong then. Here everything that the
layers above will read is read once, so that they meet well-formed messages only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sipmessage
from sipua.transport import TransportAddress
from sipua.utils import SIP_STATUS_CODES, random_string

from mikey.errors import CarriageError
from mikey.text import bracketed, plain

if TYPE_CHECKING:
    from mikey.sip.settings import Limits

__all__ = [
    "MalformedRequestError",
    "MalformedResponseError",
    "ReceivedRequest",
    "Reply",
    "Source",
    "parse_message",
    "reply",
    "split_values",
    "tag_of",
]

_HEADER_NAME = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_COMMA_OUTSIDE_QUOTES = re.compile(r'("(?:[^"\\]|\\.)*"|<[^>]*>)|,')
_RECEIVED = re.compile(r";\s*received\s*=\s*[^;,\s]*", re.IGNORECASE)
_RPORT_ASKED = re.compile(r";\s*rport\s*(?=;|$)", re.IGNORECASE)
_MANDATORY = ("Via", "From", "To", "Call-ID", "CSeq")  # 8.1.1, without Max-Forwards
# What sipmessage's accessors raise on bad input, besides ValueError
_PARSE_ERRORS = (ValueError, TypeError, KeyError, IndexError, RecursionError)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a message came from: "udp" or "tcp", numeric address, port."""

    transport: str
    host: str
    port: int


class ReceivedRequest(sipmessage.Request):
    """A request with the place it came from and the place its responses go to (18.2.2)."""

    def __init__(self, request: sipmessage.Request, source: Source) -> None:
        super().__init__(request.method, request.uri, request.body)
        self.headers = request.headers
        self.source = source
        via = request.via[0]
        port = via.port or 5060
        if source.transport == "tcp" or "rport" in via.parameters:
            port = source.port
        self.reply_to = TransportAddress(source.transport, source.host, port)


class Reply(sipmessage.Response):
    """A response of ours, with the place it goes to."""

    def __init__(self, status: int, phrase: str, reply_to: TransportAddress) -> None:
        super().__init__(status, phrase)
        self.reply_to = reply_to


class MalformedRequestError(CarriageError):
    """A request that cannot be served, yet says enough about itself to be answered."""

    def __init__(self, reason: str, request: ReceivedRequest, *, status: int = 400) -> None:
        super().__init__(reason, status=status)
        self.request = request


class MalformedResponseError(CarriageError):
    """A response that cannot be used, yet names the transaction it belongs to."""

    def __init__(self, reason: str, response: sipmessage.Response) -> None:
        super().__init__(reason, status=400)
        self.response = response


def parse_message(
    octets: bytes, source: Source, limits: Limits
) -> ReceivedRequest | sipmessage.Response:
    """One SIP message, all headers checked that anyone reads later.

    Raises MalformedRequestError or MalformedResponseError where the other side can be told, and
    a plain CarriageError where the octets are to be dropped.
    """
    if len(octets) > limits.message:
        raise CarriageError(f"SIP message of {len(octets)} octets is too long", status=400)
    head, separator, body = octets.partition(b"\r\n\r\n")
    if not separator:
        raise CarriageError("SIP message has no end of its headers", status=400)
    try:
        message = sipmessage.Message.parse(_unfolded(head, limits) + separator + body)
        _check_mandatory(message)
        if isinstance(message, sipmessage.Request):
            message = ReceivedRequest(message, source)
            _note_source(message)
    except CarriageError:
        raise
    except _PARSE_ERRORS as error:
        raise CarriageError(f"malformed SIP message: {error}", status=400) from error
    if isinstance(message, ReceivedRequest):
        _check_request(message)
        return message
    _check_response(message)
    return message


def _unfolded(head: bytes, limits: Limits) -> bytes:
    """The start line and headers, one line each (7.3.1), no blank before a colon."""
    if len(head) > limits.head:
        raise CarriageError("the headers of the SIP message are too long", status=400)
    lines = re.sub(rb"\r\n[ \t]+", b" ", head).split(b"\r\n")
    if len(lines) > limits.lines or max(map(len, lines)) > limits.line:
        raise CarriageError("too many or too long headers in the SIP message", status=400)
    # a lone CR, LF or NUL is no text of RFC 3261, and could become a header of ours
    if any(re.search(rb"[\r\n\0]", line) for line in lines):
        raise CarriageError("control character in the headers of the SIP message", status=400)
    result = lines[:1]
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        text = name.rstrip(b" \t").decode("ascii", "replace")
        if not colon or not _HEADER_NAME.fullmatch(text):
            raise CarriageError("a line of the SIP message is no header", status=400)
        result.append(text.encode() + b": " + value.strip())
    return b"\r\n".join(result)


def _check_mandatory(message: sipmessage.Request | sipmessage.Response) -> None:
    for name in _MANDATORY:
        if not message.headers.get(name):
            raise CarriageError(f"the SIP message has no {name} header", status=400)
        if name != "Via" and len(message.headers.getlist(name)) > 1:
            raise CarriageError(f"the SIP message has two {name} headers", status=400)
    via = message.via[0]
    if not via.parameters.get("branch"):
        raise CarriageError("the Via header has no branch", status=400)
    if via.port is not None and not 0 < via.port < 65536:
        raise CarriageError("the Via header names an impossible port", status=400)
    _ = (message.from_address, message.to_address)
    cseq = message.cseq
    if cseq.sequence >= 2**31:
        raise CarriageError("the CSeq number is too large", status=400)
    if isinstance(message, sipmessage.Request):
        if cseq.method != message.method:
            raise CarriageError("CSeq and request line name two methods", status=400)
    elif not 100 <= message.code <= 699:
        raise CarriageError(f"there is no status {message.code}", status=400)
    elif len(message.via) != 1:  # went astray (8.1.3.3)
        raise CarriageError("the SIP response has several Via headers", status=400)


def _note_source(request: ReceivedRequest) -> None:
    """Write received and rport into the top Via (18.2.1, RFC 3581).

    On the text, since every other octet of a Via must come back as it was.
    """
    source = request.source
    values = split_values(request.headers.getlist("Via"))
    host = bracketed(source.host)
    top = _RECEIVED.sub("", values[0])
    asked = _RPORT_ASKED.search(top)
    if asked:
        top = _RPORT_ASKED.sub(f";rport={source.port}", top)
    if asked or request.via[0].host != host:
        top += f";received={host}"
    request.headers.setlist("Via", [top, *values[1:]])


def _check_request(request: ReceivedRequest) -> None:
    try:
        _check_body(request)
        if not request.from_address.parameters.get("tag"):
            raise CarriageError("the From header has no tag", status=400)
        _ = (request.route, request.require)
        if request.method == "INVITE":
            contacts = request.contact
            if len(contacts) != 1:
                raise CarriageError("an INVITE needs one Contact", status=400)
            _check_target(contacts[0].uri)
            _ = request.record_route
        if request.content_type is None and request.body:
            raise CarriageError("a body without Content-Type", status=400)
    except CarriageError as error:
        raise MalformedRequestError(error.reason, request, status=error.status) from None
    except _PARSE_ERRORS as error:
        raise MalformedRequestError(f"malformed SIP request: {error}", request) from error


def _check_response(response: sipmessage.Response) -> None:
    try:
        _check_body(response)
        _ = response.content_type
        if response.cseq.method == "INVITE" and 200 <= response.code < 300:
            if not response.to_address.parameters.get("tag"):
                raise CarriageError("the response has no To tag", status=400)
            if not response.contact:
                raise CarriageError("the response has no Contact", status=400)
            _check_target(response.contact[0].uri)
            _ = response.record_route
    except CarriageError as error:
        raise MalformedResponseError(error.reason, response) from None
    except _PARSE_ERRORS as error:
        raise MalformedResponseError(f"malformed SIP response: {error}", response) from error


def _check_target(uri: sipmessage.URI) -> None:
    if uri.scheme not in ("sip", "sips") or not 0 < (uri.port or 5060) < 65536:
        raise CarriageError("the Contact is no SIP URI that can be reached", status=400)


def _check_body(message: sipmessage.Request | sipmessage.Response) -> None:
    """Cut the body to its Content-Length (18.3)."""
    length = message.content_length
    if length is None:
        return
    if not 0 <= length <= len(message.body):
        raise CarriageError("the body is shorter than its Content-Length", status=400)
    message.body = message.body[:length]


def split_values(values: list[str]) -> list[str]:
    """Header lines with comma-separated values as one value each, text untouched."""
    result: list[str] = []
    for value in values:
        start = 0
        for match in _COMMA_OUTSIDE_QUOTES.finditer(value):
            if match.group(1) is None:
                result.append(value[start : match.start()].strip())
                start = match.end()
        result.append(value[start:].strip())
    return [value for value in result if value]


def tag_of(text: str) -> str:
    """The tag of a From or To header, "" without one."""
    return sipmessage.Address.parse(text).parameters.get("tag") or ""


def reply(request: ReceivedRequest, status: int, phrase: str = "", *, tag: str = "") -> Reply:
    """A response to `request` (8.2.6).

    The headers are copied as text, since a parameter that was parsed and written again may look
    different. A To without tag gets `tag`, or a new one, except for 100.
    """
    phrase = phrase or SIP_STATUS_CODES.get(status, "Refused")
    response = Reply(status, plain(phrase), request.reply_to)
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        response.headers.setlist(name, list(request.headers.getlist(name)))
    to = request.headers["To"]
    if status > 100 and not tag_of(to):
        response.headers.set("To", f"{to};tag={tag or random_string(10)}")
    routes = request.headers.getlist("Record-Route")
    if routes and request.method == "INVITE" and 100 < status < 300:
        response.headers.setlist("Record-Route", list(routes))
    return response
