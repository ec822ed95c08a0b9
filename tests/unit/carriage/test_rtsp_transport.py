from __future__ import annotations

from typing import Any

import pytest

from mikey.carriage.rtsp import (
    Headers,
    Range,
    Session,
    Transport,
    base_uri,
    parse_address,
    parse_transport,
)
from mikey.errors import CarriageError, LocalError


def one(value: str) -> Transport:
    (transport,) = parse_transport(value)
    return transport


def test_gstreamer_on_the_wire() -> None:
    asked = one("RTP/SAVP;unicast;client_port=49208-49209")
    assert asked == Transport(profile="RTP/SAVP", client_port=(49208, 49209))
    assert asked.secure
    got = one(
        'RTP/SAVP;unicast;client_port=49208-49209;server_port=58458-58459;ssrc=3A665DC5;mode="PLAY"'
    )
    assert got.server_port == (58458, 58459)
    assert got.ssrc == (979787205,)
    assert got.mode == ("PLAY",)


def test_interleaved_and_alternatives() -> None:
    first, second, third = parse_transport(
        "RTP/SAVPF/TCP;unicast;interleaved=0-1, rtp/savp/udp;multicast;port=5000;ttl=16;"
        "destination=239.0.0.1 , RTP/AVP;unicast;client_port=7000"
    )
    assert (first.profile, first.lower, first.interleaved) == ("RTP/SAVPF", "TCP", (0, 1))
    assert (second.profile, second.lower, second.multicast) == ("RTP/SAVP", "UDP", True)
    assert (second.port, second.ttl, second.destination) == ((5000, 5001), 16, "239.0.0.1")
    assert third.client_port == (7000, 7001)
    assert not third.secure


@pytest.mark.rule("R7826-C.1.4.1-1")
def test_the_example_of_rfc_7826() -> None:
    asked = one(
        'RTP/SAVP;unicast;dest_addr=":8000"/":8001"; '
        "MIKEY=VGhpcyBpcyB0aGUgZmlyc3Qgc3RyZWFtcyBNSUtFWSBtZXNzYWdl"
    )
    assert asked.dest_addr == (":8000", ":8001")
    assert asked.mikey == b"This is the first streams MIKEY message"
    got = one(
        'RTP/SAVP;unicast; dest_addr="192.0.2.53:8000"/"192.0.2.53:8001"; '
        'src_addr="198.51.100.5:9000"/"198.51.100.5:9001"; ssrc=93CB001E; '
        "MIKEY=TUlLRVkgUmVzcG9uc2UgdHdpc3Rlci4zZ3AvdHJhY2tJRD0x"
    )
    assert got.src_addr == ("198.51.100.5:9000", "198.51.100.5:9001")
    assert got.mikey == b"MIKEY Response twister.3gp/trackID=1"
    assert got.encode() == (
        'RTP/SAVP;unicast;dest_addr="192.0.2.53:8000"/"192.0.2.53:8001";'
        'src_addr="198.51.100.5:9000"/"198.51.100.5:9001";ssrc=93CB001E;'
        "MIKEY=TUlLRVkgUmVzcG9uc2UgdHdpc3Rlci4zZ3AvdHJhY2tJRD0x"
    )


@pytest.mark.parametrize(
    "values",
    [
        {"profile": "RTP/SAVP"},
        {"profile": "RTP/SAVPF", "lower": "TCP", "interleaved": (4, 5), "ssrc": (1, 2)},
        {"profile": "RTP/AVP", "multicast": True, "port": (1, 2), "ttl": 3, "source": "::1"},
        {"profile": "RTP/SAVP", "mikey": b"\0\1", "rtcp_mux": True, "mode": ("PLAY", "RECORD")},
        {"profile": "RTP/SAVP", "others": (("setup", "active"), ("append", None))},
        {"profile": "RTP/SAVP", "destination": "a;b, c", "others": (("x", ' "y\\"'), ("z", ""))},
        {"profile": "RTP/SAVP", "src_addr": ("[2001:db8::1]:5",)},
    ],
)
def test_what_is_encoded_comes_back(values: dict[str, Any]) -> None:
    assert one(Transport(**values).encode()) == Transport(**values)


@pytest.mark.parametrize("number", ["999", "0000999", "0" * 5000])
def test_what_is_not_understood_is_kept(number: str) -> None:
    transport = one(f"RTP/SAVP;unicast;ssrc=12345678901;ttl={number};Foo=Bar;flag")
    assert transport.ssrc == ()
    assert transport.ttl is None
    assert transport.others == (
        ("ssrc", "12345678901"), ("ttl", number), ("Foo", "Bar"), ("flag", None),
    )  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        "",
        ",",
        "RTP",
        "RTP/",
        "RTP/A/B/C",
        ";unicast",
        "RTP/SAVP;=1",
        "RTP/SAVP;a b",
        "RTP/SAVP;a=\x1f",
        "RTP/SAVP;destination=é",
        "RTP/SAVP;unicast;multicast",
        "RTP/SAVP;client_port=x",
        "RTP/SAVP;client_port=1-2-3",
        "RTP/SAVP;client_port=65536",
        "RTP/SAVP;client_port=1;client_port=2",
        "RTP/SAVP;interleaved=255-256",
        "RTP/SAVP," * 17,
        "RTP/SAVP" + "".join(f";a{n}" for n in range(33)),
    ],
)
def test_another_grammar(value: str) -> None:
    with pytest.raises(CarriageError) as caught:
        parse_transport(value)
    assert caught.value.status == 400


def test_a_broken_mikey_parameter() -> None:
    with pytest.raises(CarriageError) as caught:
        parse_transport("RTP/SAVP;MIKEY=?")
    assert caught.value.status == 466


@pytest.mark.parametrize(
    "values",
    [
        {"client_port": (1, 65536)},
        {"interleaved": (256, 257)},
        {"destination": "a\x00"},
        {"others": (("a", "b\r\nc"),)},
        {"mode": ("é",)},
    ],
)
def test_nothing_breaks_out(values: dict[str, Any]) -> None:
    with pytest.raises(LocalError):
        Transport(profile="RTP/SAVP", **values).encode()


def test_no_key_in_a_repr() -> None:
    assert "mikey" not in repr(Transport(profile="RTP/SAVP", mikey=b"secret"))


def test_session() -> None:
    assert Session.parse("12345678") == Session("12345678", 60)
    assert Session.parse("Ab$-_.+ ; timeout=30") == Session("Ab$-_.+", 30)
    assert Session.parse("a;timeout=x;b").timeout == 60
    assert Session.parse("a;timeout=0").timeout == 60
    assert Session("abc", 90).encode() == "abc;timeout=90"
    for value in ("", ";timeout=1", "a b", '"a"', "x" * 256):
        with pytest.raises(CarriageError):
            Session.parse(value)
    with pytest.raises(LocalError):
        Session("a;b").encode()


def test_range() -> None:
    assert Range.parse("npt=0.000-") == Range()
    assert Range.parse("npt=now-") == Range(None)
    assert Range.parse("npt=-5") == Range(0, 5)
    assert Range.parse("NPT=10-20.5;time=1") == Range(10, 20.5)
    assert Range().encode() == "npt=0.000-"
    assert Range(None).encode() == "npt=now-"
    assert Range.parse(Range(1.5, 2).encode()) == Range(1.5, 2)
    for value in ("", "clock=1-", "npt=x-", "npt=1"):
        with pytest.raises(CarriageError):
            Range.parse(value)


def test_what_control_uris_are_relative_to() -> None:
    uri = "rtsp://a/b"
    assert base_uri(Headers(), uri) == uri
    assert base_uri(Headers({"content-location": "rtsp://c"}), uri) == "rtsp://c"
    both = Headers({"Content-Base": "rtsp://d/ ", "Content-Location": "rtsp://c"})
    assert base_uri(both, uri) == "rtsp://d/"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":8000", ("", 8000)),
        ("192.0.2.53:1", ("192.0.2.53", 1)),
        ("camera.example.com:65535", ("camera.example.com", 65535)),
        ("[2001:db8::1]:5", ("2001:db8::1", 5)),
    ],
)
def test_addresses_of_rtsp_2(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", ":", "8000", ":0", ":65536", "a:b", "::1:5", "[::1]", "[::1", ":٣", "a b:1"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(CarriageError) as caught:
        parse_address(text)
    assert caught.value.status == 400
