from __future__ import annotations

import pytest

from mikey.carriage.rtsp import Framer, Headers, Interleaved, Request, Response
from mikey.errors import CarriageError, LocalError

SETUP = (
    b"SETUP rtsp://192.0.2.1/test/stream=0 RTSP/1.0\r\nCSeq: 3\r\n"
    b"Transport: RTP/SAVP;unicast;client_port=49208-49209\r\n"
    b'keymgmt: prot=mikey; uri="rtsp://192.0.2.1/test";\r\n\tdata="AQAF\r\n AAAA"\r\n\r\n'
)


def one(octets: bytes) -> Request | Response:
    framer = Framer()
    (item,) = framer.feed(octets)
    framer.finish()
    assert isinstance(item, Request | Response)
    return item


def refused(octets: bytes, status: int = 400, **limits: int) -> str:
    framer = Framer(**limits)
    with pytest.raises(CarriageError) as caught:
        framer.feed(octets)
    assert caught.value.status == status
    with pytest.raises(CarriageError):  # the connection is of no use any more
        framer.feed(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    return str(caught.value)


def test_a_request_as_it_stands_in_rfc_4567() -> None:
    request = one(SETUP)
    assert isinstance(request, Request)
    assert (request.method, request.uri) == ("SETUP", "rtsp://192.0.2.1/test/stream=0")
    assert request.version == "RTSP/1.0"
    assert request.cseq == 3
    assert request.headers["KeyMgmt"] == 'prot=mikey; uri="rtsp://192.0.2.1/test"; data="AQAF AAAA"'


def test_a_response_with_a_body() -> None:
    response = one(b"RTSP/2.0 466 Key Management Error\nCSeq: 7\nContent-length: 4\n\nv=0\n")
    assert isinstance(response, Response)
    assert (response.status, response.reason, response.body) == (
        466, "Key Management Error", b"v=0\n",
    )  # fmt: skip
    assert response.version == "RTSP/2.0"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_pieces_of_any_size(size: int) -> None:
    packet = Interleaved(1, b"\r\n\r\nRTSP/1.0 200 OK\r\n$$")
    answer = Response(200, headers=Headers({"CSeq": "3"}), body=b"$" * 9)
    stream = packet.encode() + SETUP + b"\r\n" + packet.encode() + answer.encode() + SETUP
    framer = Framer()
    found = []
    for start in range(0, len(stream), size):
        found += framer.feed(stream[start : start + size])
    framer.finish()
    assert [type(item) for item in found] == [Interleaved, Request, Interleaved, Response, Request]
    assert found[0] == found[2] == packet
    assert isinstance(found[3], Response)
    assert found[3].body == b"$" * 9
    assert found[1] == found[4]


def test_what_is_encoded_comes_back() -> None:
    headers = Headers(
        [("CSeq", "1"), ("WWW-Authenticate", "Basic"), ("www-authenticate", "Digest")]
    )
    for message in (
        Request("DESCRIBE", "rtsp://a/b", headers=headers),
        Request("SET_PARAMETER", "*", headers=headers, body=b"mikey: AQAF", version="RTSP/2.0"),
        Response(463, headers=headers),
        Response(200, "Fine", headers=headers, body=bytes(range(256))),
    ):
        again = one(message.encode())
        assert again.body == message.body
        assert again.headers.without("Content-Length") == headers
        assert again.version == message.version
        assert again.encode() == message.encode()


@pytest.mark.parametrize(
    "octets",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\n",
        b"hello\r\n",
        b"GET / HTTP/1.1\r\n",
        b"RTSP/1.0 20 OK\r\n",
        b"RTSP/1.0 600 OK\r\n",
        b"RTSP/1.0\r\n",
        b"SETUP  rtsp://a RTSP/1.0\r\n",
        b"SETUP rtsp://a b RTSP/1.0\r\n",
        b"SETUP rtsp://\xff RTSP/1.0\r\n",
        b"OPTIONS * RTSP/1.0\r\n folded\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nno colon\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\n: empty\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nA B: blank\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nA: nul\0\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nA: b\rc\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nContent-Length: -1\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nContent-Length: \xd9\xa3\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nContent-Length: 65537\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nContent-Length: 9999999999\r\n\r\n",
    ],
)
def test_garbage(octets: bytes) -> None:
    refused(octets)


def test_another_version() -> None:
    refused(b"OPTIONS * RTSP/3.0\r\n", 505)
    refused(b"RTSP/0.9 200 OK\r\n", 505)


def test_a_header_of_64_kib_is_refused_before_it_is_stored() -> None:
    start = b"OPTIONS * RTSP/1.0\r\n"
    refused(start + b"A: " + b"x" * 65536)
    refused(start + b"A: " + b"x" * 65536 + b"\r\n\r\n")
    refused(b"x" * 65536)
    refused(start + b"".join(b"A%d: b\r\n" % n for n in range(200)))
    refused(start + b"".join(b"A: %s\r\n" % (b"x" * 9000) for n in range(8)))
    refused(start + b"A: b\r\n" + b" c\r\n" * 20_000)
    endless = Framer()
    endless.feed(start)
    for _ in range(100):
        assert endless.feed(b"Header: and another one of them\r\n") == []
    with pytest.raises(CarriageError):
        endless.feed(b"Header: and another one of them\r\n")


def test_limits_are_the_callers() -> None:
    refused(b"OPTIONS * RTSP/1.0\r\n", max_line=10)
    refused(b"OPTIONS * RTSP/1.0\r\nA: b\r\nB: c\r\n", max_fields=1)
    refused(b"OPTIONS * RTSP/1.0\r\nContent-Length: 9\r\n\r\n", max_body=8)


def test_what_came_before_garbage_is_not_lost() -> None:
    framer = Framer()
    (request,) = framer.feed(SETUP + b"garbage\r\n" + SETUP)
    assert isinstance(request, Request)
    assert framer.fault is not None
    with pytest.raises(CarriageError):
        framer.feed(SETUP)


def test_a_wrong_content_length() -> None:
    body = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: %d\r\n\r\nv=0\r\ns=-\r\n"
    framer = Framer()
    (response,) = framer.feed(body % 5)  # too short: what is left over is no message
    assert isinstance(response, Response)
    assert response.body == b"v=0\r\n"
    assert framer.fault is not None
    framer = Framer()
    assert framer.feed(body % 50) == []  # too long: it waits, and the end of the connection tells
    assert framer.pending
    with pytest.raises(CarriageError):
        framer.finish()


@pytest.mark.parametrize(
    "octets", [b"$\x00\x00\x05abc", b"$", b"OPTIONS *", b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n"]
)
def test_a_connection_that_ends_inside(octets: bytes) -> None:
    framer = Framer()
    assert framer.feed(octets) == []
    with pytest.raises(CarriageError):
        framer.finish()


@pytest.mark.parametrize("value", [None, "", "x", "-1", "1.5", "12345678901"])
def test_no_cseq(value: str | None) -> None:
    headers = Headers({} if value is None else {"CSeq": value})
    with pytest.raises(CarriageError):
        _ = Response(200, headers=headers).cseq


def test_headers() -> None:
    headers = Headers([("A", "1"), ("b", "2"), ("a", "3")])
    assert headers.get("a") == headers["A"] == "1"
    assert headers.all("A") == ("1", "3")
    assert "B" in headers
    assert "c" not in headers
    assert headers.get("c") is None
    assert list(headers.with_field("a", "4")) == [("a", "4"), ("b", "2")]
    assert list(headers.with_field("C", "4"))[-1] == ("C", "4")
    assert list(headers.without("A")) == [("b", "2")]
    assert headers.and_field("A", "4").all("a") == ("1", "3", "4")
    assert headers == Headers([("a", "1"), ("B", "2"), ("A", "3")])
    assert hash(headers) == hash(Headers([("a", "1"), ("B", "2"), ("A", "3")]))
    assert headers != Headers()
    assert headers != [("A", "1")]


def test_nothing_of_values_in_a_repr() -> None:
    request = Request(
        "SETUP", "rtsp://user:word@host/", headers=Headers({"KeyMgmt": "AQAF"}), body=b"AQAF"
    )
    for shown in (repr(request), repr(Response(200, headers=request.headers, body=b"AQAF"))):
        assert "AQAF" not in shown
        assert "word" not in shown
    assert "AQAF" not in repr(Interleaved(0, b"AQAF"))


@pytest.mark.parametrize(
    "message",
    [
        Request("SET UP", "*"),
        Request("", "*"),
        Request("SETUP", "rtsp://a\r\nB: c"),
        Request("SETUP", "*", headers=Headers({"A": "b\r\nC: d"})),
        Request("SETUP", "*", headers=Headers({"A\r\n": "b"})),
        Request("SETUP", "*", headers=Headers({"A": "\ud800"})),
        Request("SETUP", "*", version="RTSP/3.0"),
        Response(99),
        Response(200, "OK\r\nA: b"),
        Interleaved(256, b""),
        Interleaved(0, bytes(65536)),
    ],
)
def test_nothing_breaks_out_of_its_line(message: Request | Response | Interleaved) -> None:
    with pytest.raises(LocalError):
        message.encode()
