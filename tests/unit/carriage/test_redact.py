"""No key material in what people see."""

from __future__ import annotations

import pytest

from mikey.carriage.redact import redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a=key-mgmt:mikey AQAFgM0X+/==\r\n", "a=key-mgmt:mikey <redacted>\r\n"),
        ("a=key-mgmt: mikey  AQAF gM0X\r\nm=x", "a=key-mgmt: mikey <redacted>\r\nm=x"),
        ("a=key-mgmt:mikey AQAF\rgM0X\r\nv=0", "a=key-mgmt:mikey <redacted>\r\nv=0"),
        ("A=KEY-MGMT:mikey AQAF", "A=KEY-MGMT:mikey <redacted>"),
        ("a= key-mgmt : mikey AQAF", "a= key-mgmt : mikey <redacted>"),
        ("a=key-mgmt:keyp1 SECRET\nv=0", "a=key-mgmt:keyp1 <redacted>\nv=0"),
        (
            "a=key-mgmt:mikey AQAF\r\n  gM0X\r\ngM0X+\r\nt=0 0",
            "a=key-mgmt:mikey <redacted>\r\nt=0 0",
        ),
        ("a=key-mgmt:mikey AQAF\r\n\r\nSIP/2.0 x", "a=key-mgmt:mikey <redacted>\r\n\r\nSIP/2.0 x"),
        (
            'CSeq: 1\r\nkeymgmt: prot=mikey; uri="rtsp://x"; data="AQAF+/=="\r\nX: data="y"',
            'CSeq: 1\r\nkeymgmt: prot=mikey; uri="rtsp://x"; data="<redacted>"\r\nX: data="y"',
        ),
        ("KeyMgmt: prot=mikey;data=AQAF, prot=p;data=B", None),
        ('KeyMgmt: prot=mikey;\r\n data="AQAF', None),
        (
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AQAF+/|2^20|1:4",
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:<redacted>|2^20|1:4",
        ),
        ("a=rtpmap:96 L16/8000\r\nnothing here", "a=rtpmap:96 L16/8000\r\nnothing here"),
    ],
)
def test_redact(text: str, shown: str | None) -> None:
    result = redact(text)
    assert shown is None or result == shown
    for key in ("AQAF", "gM0X", "SECRET", "data=B"):
        assert key not in result


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("mikey: AQAF\r\n BBBB\r\nmikey\r\n", "mikey: <redacted>\r\nmikey\r\n"),
        (
            'Transport: RTP/SAVP;MIKEY=AQAF==;mode="PLAY"',
            'Transport: RTP/SAVP;MIKEY=<redacted>;mode="PLAY"',
        ),
        (
            'Authorization: Digest username="a",\r\n response="b"\r\nCSeq: 1\r\n',
            "Authorization: Digest <redacted>\r\nCSeq: 1\r\n",
        ),
        ("authorization: Basic YTpi", "authorization: Basic <redacted>"),
        ("SETUP rtsp://user:word@host/a RTSP/1.0", "SETUP rtsp://<redacted>@host/a RTSP/1.0"),
        ("SETUP rtsp://host/a@b RTSP/1.0", "SETUP rtsp://host/a@b RTSP/1.0"),
    ],
)
def test_what_rtsp_carries(text: str, wanted: str) -> None:
    assert redact(text) == wanted
