"""Descriptions that the tests of the carriage share."""

from __future__ import annotations

import base64

from tests.naive import vectors

OFFER_64 = base64.b64encode(vectors.OFFER).decode()
ANSWER_64 = base64.b64encode(vectors.ANSWER).decode()

# Unknown types and attributes, a grouping that libraries like to reorder, a bandwidth line of
# an unknown kind, and no order that a model would keep.
CALL = (
    "v=0\r\n"
    "o=alice 1 1 IN IP4 192.0.2.1\r\n"
    "s= \r\n"
    "c=IN IP4 192.0.2.1\r\n"
    "b=X-YZ:128\r\n"
    "t=0 0\r\n"
    "a=group:BUNDLE 1 2\r\n"
    "Z=unknown type\r\n"
    "m=audio 49000 RTP/SAVP 98 0\r\n"
    "a=rtpmap:98 AMR/8000\r\n"
    "a=mid:1\r\n"
    "a=rtcp:49009\r\n"
    "m=text 49010 RTP/AVP 99\r\n"
    "m=video 52230 RTP/SAVPF 31\r\n"
    "c=IN IP4 192.0.2.9/127\r\n"
    "a=recvonly\r\n"
    "a=mid:2\r\n"
)

AUDIO = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    "m=audio 49000 RTP/SAVP 98\r\na=rtpmap:98 L16/8000\r\n"
)


def with_lines(text: str, *lines: str, before: str = "m=audio") -> str:
    """Return the text with lines put before the first line that begins with `before`."""
    added = "".join(line + "\r\n" for line in lines)
    return text.replace(before, added + before, 1)
