"""The data of General Extensions that have a form of their own."""

from __future__ import annotations

from typing import Any

import pytest

from mikey.errors import DecodeError, LocalError
from mikey.registry import BcastSubtype, ExtensionType, KeyIdType
from mikey.wire import Bcast, CsbIdExtension, KeyId, KeyIds, SdpIds

MSK = KeyId(KeyIdType.MBMS_SERVICE_KEY, b"\1\2\3\4")


@pytest.mark.rule("R4563-4-1", "R3830-6.15-5", "R5410-3-1")
@pytest.mark.parametrize(
    ("value", "kind", "octets"),
    [
        (KeyIds((MSK,)), 3, "01 04 01020304"),
        (KeyIds((KeyId(KeyIdType(250), b""), MSK)), 3, "fa 00 01 04 01020304"),
        (KeyIds(()), 3, ""),
        (CsbIdExtension(0xDEADBEEF), 4, "deadbeef"),
        (Bcast(BcastSubtype.STKM, b"ab"), 5, "02 6162"),
        (Bcast(BcastSubtype(192), b""), 5, "c0"),
        (SdpIds(("mikey",)), 1, b"mikey".hex()),
        (SdpIds(("mikey", "keyp1", "keyp2")), 1, b"mikey;keyp1;keyp2".hex()),
    ],
)
def test_layout(value: Any, kind: int, octets: str) -> None:
    assert value.EXT_TYPE is ExtensionType(kind)
    assert value.encode() == bytes.fromhex(octets)
    assert type(value).parse(bytes.fromhex(octets)) == value


@pytest.mark.rule("R4563-4-2")
@pytest.mark.parametrize("octets", ["01", "01 01", "01 04 010203", "00 00 01 02 ff"])
def test_a_key_id_across_the_end_is_malformed(octets: str) -> None:
    with pytest.raises(DecodeError, match="crosses the end") as caught:
        KeyIds.parse(bytes.fromhex(octets), origin=100)
    assert caught.value.offset in (100, 102)
    assert caught.value.payload == "Key ID extension"


@pytest.mark.parametrize("octets", [b"", b"\0\0\0", b"\0\0\0\0\0"])
def test_a_csb_id_has_four_octets(octets: bytes) -> None:
    with pytest.raises(DecodeError):
        CsbIdExtension.parse(octets)


@pytest.mark.rule("R5410-3-2")
def test_a_bcast_extension_has_one_subtype_and_all_else_is_its_data() -> None:
    assert Bcast.parse(b"\1\2\3") == Bcast(BcastSubtype.LTKM, b"\2\3")
    with pytest.raises(DecodeError):
        Bcast.parse(b"")


@pytest.mark.parametrize(
    "octets",
    [b"", b";", b"mikey;", b"mikey; keyp1", b"mikey\0", b"mi-key", b"mik\xc3\xa9y", b"\xb2"],
)
def test_sdp_ids_are_letters_and_digits_joined_by_semicolons(octets: bytes) -> None:
    with pytest.raises(DecodeError, match="protocol identifiers"):
        SdpIds.parse(octets)


@pytest.mark.parametrize(
    "value",
    [
        KeyIds((KeyId(KeyIdType.MBMS_KEY_DOMAIN, bytes(256)),)),
        CsbIdExtension(1 << 32),
        CsbIdExtension(-1),
        SdpIds(()),
        SdpIds(("",)),
        SdpIds(("a;b",)),
    ],
)
def test_a_value_without_encoding_is_not_sent(value: Any) -> None:
    with pytest.raises(LocalError):
        value.encode()
