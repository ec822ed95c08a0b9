from __future__ import annotations

import pytest

from mikey.carriage.rtsp import (
    Headers,
    KeyMgmt,
    ask_body,
    key_mgmt_body,
    mikey_body,
    mikey_only,
    parse_key_mgmt,
    parse_parameters,
)
from mikey.errors import CarriageError, LocalError
from tests.unit.carriage.rtsp_texts import SETUP, b64

URI = "rtsp://127.0.0.1:18554/test/stream=0"
WANTED = KeyMgmt("mikey", URI, SETUP)


def one(value: str) -> KeyMgmt:
    (spec,) = parse_key_mgmt([value])
    return spec


@pytest.mark.rule("R4567-3.2-2")
@pytest.mark.parametrize(
    "value",
    [
        f'prot=mikey;uri="{URI}";data="{b64(SETUP)}"',  # GStreamer, gortsplib, ONVIF
        f'prot=mikey; uri="{URI}"; data="{b64(SETUP)}"',  # RFC 4567, live555
        f'prot=mikey; uri="{URI}"; data="{b64(SETUP)}";',
        f'data="{b64(SETUP)}";uri="{URI}";prot=mikey',
        f"prot=mikey;uri={URI};data={b64(SETUP)}",
        f'PROT = mikey ; URI = "{URI}" ; Data = "{b64(SETUP)}" ; extra=1',
        f'prot="mikey";uri="{URI}";data="{b64(SETUP).rstrip("=")}"',
        f'prot=mikey;uri="{URI}";data="{b64(SETUP)[:70]} \t {b64(SETUP)[70:]}"',
    ],
)
def test_every_form_that_is_sent(value: str) -> None:
    assert one(value) == WANTED


@pytest.mark.rule("R4567-3.2-2")
def test_the_forms_that_we_send() -> None:
    assert WANTED.encode() == f'prot=mikey; uri="{URI}"; data="{b64(SETUP)}"'
    assert WANTED.encode(blanks=False) == f'prot=mikey;uri="{URI}";data="{b64(SETUP)}"'
    assert KeyMgmt("mikey", "", SETUP).encode(blanks=False).startswith('prot=mikey;uri="";data=')
    assert one(WANTED.encode()) == one(WANTED.encode(blanks=False)) == WANTED


@pytest.mark.rule("R4567-3.2-2")
def test_several_and_separators_inside_quotes() -> None:
    odd = "rtsp://host/a;b,c"
    specs = parse_key_mgmt(
        [
            f'prot=mikey;uri="{odd}";data="AQAF",prot=kink;data="?!"',
            f'prot=mikey;uri="{URI}";data="AQAF"',
        ]
    )
    assert [(spec.protocol, spec.uri, spec.data) for spec in specs] == [
        ("mikey", odd, b"\1\0\5"), ("kink", "", b""), ("mikey", URI, b"\1\0\5"),
    ]  # fmt: skip
    assert mikey_only(specs) == (specs[0], specs[2])


@pytest.mark.parametrize(
    "value",
    [
        "",
        "prot=mikey",
        'uri="a";data="AQAF"',
        'prot=;data="AQAF"',
        'prot=mi key;data="AQAF"',
        'prot=mikey;prot=mikey;data="AQAF"',
        'prot=mikey;data="AQAF";data="AQAF"',
        'prot=mikey;data="AQAF";x=1;x=2',
        'prot=mikey;uri="a b";data="AQAF"',
        "prot=mikey;data",
        'prot=mikey;data="AQAF",',
        "prot=mikey;" * 5000,
    ],
)
def test_another_grammar(value: str) -> None:
    with pytest.raises(CarriageError) as caught:
        parse_key_mgmt([value])
    assert caught.value.status == 400


@pytest.mark.parametrize("data", ["", "!", "AQA=F", "A", "AQAF====", "AQ_F", "AQAFé"])
def test_broken_base64(data: str) -> None:
    for read in (
        lambda: parse_key_mgmt([f'prot=mikey;data="{data}"']),
        lambda: parse_parameters(f'KeyMgmt: prot=mikey;data="{data}"'.encode()),
    ):
        with pytest.raises(CarriageError) as caught:
            read()
        assert caught.value.status == 463
    with pytest.raises(CarriageError):
        parse_parameters(f"mikey: {data or '!'}".encode())


def test_two_for_one_uri_and_too_many() -> None:
    with pytest.raises(CarriageError) as caught:
        mikey_only([WANTED, WANTED])
    assert caught.value.status == 463
    with pytest.raises(CarriageError):
        parse_key_mgmt([",".join(['prot=mikey;data="AQAF"'] * 33)])


@pytest.mark.parametrize(
    "spec",
    [
        KeyMgmt("mi key", "", b"a"),
        KeyMgmt("mikey", "a b", b"a"),
        KeyMgmt("mikey", "a\r\nb", b"a"),
        KeyMgmt("mikey", "", b""),
    ],
)
def test_what_is_no_header(spec: KeyMgmt) -> None:
    with pytest.raises(LocalError):
        spec.encode()


def test_no_key_in_a_repr() -> None:
    assert repr(WANTED) == f"KeyMgmt(protocol='mikey', uri='{URI}')"


def test_bodies_of_set_parameter() -> None:
    onvif = mikey_body(SETUP)
    assert onvif == f"mikey: {b64(SETUP)}\r\n".encode()
    assert parse_parameters(onvif).key_mgmt == (KeyMgmt("mikey", "", SETUP),)
    gstreamer = key_mgmt_body(WANTED)
    assert gstreamer == f'KeyMgmt: prot=mikey;uri="{URI}";data="{b64(SETUP)}"\r\n'.encode()
    assert parse_parameters(gstreamer).key_mgmt == (WANTED,)
    folded = f"Mikey:\r\n {b64(SETUP)[:50]}\r\n {b64(SETUP)[50:]}\r\n"
    assert parse_parameters(folded.encode()).key_mgmt == (KeyMgmt("mikey", "", SETUP),)


def test_a_key_in_a_header_beside_the_body() -> None:
    headers = Headers({"keymgmt": WANTED.encode()})
    assert parse_parameters(b"", headers).key_mgmt == (WANTED,)


def test_get_parameter_asks_for_the_key() -> None:
    assert ask_body() == b"mikey\r\n"
    asked = parse_parameters(ask_body())
    assert asked.asks_for_mikey
    assert not asked.key_mgmt
    others = parse_parameters(b"packets_received\r\njitter\n\nmikey:\n")
    assert others.asks_for_mikey
    assert others.unknown == ("packets_received", "jitter")
    assert not parse_parameters(b"").asks_for_mikey


@pytest.mark.parametrize("body", [b"\xff\xff", b"two words", b": x", b"a\n" * 65])
def test_bodies_that_are_none(body: bytes) -> None:
    with pytest.raises(CarriageError) as caught:
        parse_parameters(body)
    assert caught.value.status == 400
