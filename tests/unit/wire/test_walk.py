"""The walk: what it yields before the damage, and how it names the damage."""

from __future__ import annotations

import pytest

from mikey.errors import DecodeError, PeerError, UnsupportedError
from mikey.registry import (
    DataType,
    EncrAlg,
    ExtensionType,
    IdRole,
    IdType,
    MacAlg,
    PayloadType,
    SignType,
    TsType,
)
from mikey.wire import (
    GeneralExtension,
    Hdr,
    Id,
    Idr,
    Item,
    Kemac,
    Message,
    Opaque,
    Payload,
    Rand,
    Sign,
    T,
    encode,
    walk,
)
from tests.unit.wire.samples import CHECK, KEYS, RAND, STAMP, bare, header, offer

NOT_BUILT = [PayloadType.IBAKE, PayloadType.ESK, PayloadType.SK, PayloadType.ECCPT]
REPORTS_13 = [DataType.RSA_R_INIT, DataType.RSA_R_RESP, DataType.SAKKE]


def taken(octets: bytes) -> tuple[list[Item], PeerError]:
    """What the walk yields before it raises."""
    items: list[Item] = []
    with pytest.raises(PeerError) as caught:
        items.extend(walk(octets))
    return items, caught.value


def followed_by(number: int, data_type: DataType = DataType.PSK_INIT, more: bytes = b"") -> bytes:
    """A message whose T (octets 10 to 19) names payload type `number` as the next."""
    octets = bytearray(encode(bare(data_type), [STAMP]))
    octets[10] = number
    return bytes(octets) + more


@pytest.mark.rule("R3830-6.1-1", "R3830-6.1-2", "R3830-5.2-1")
def test_items_lie_back_to_back() -> None:
    items = list(walk(offer().octets))
    assert [type(item.payload).__name__ for item in items] == [
        "Hdr", "T", "Rand", "Id", "Id", "Sp", "Kemac",
    ]  # fmt: skip
    assert [item.next_payload for item in items] == [5, 11, 6, 6, 10, 1, 0]
    assert items[0][1:3] == (0, 19)
    assert items[1][1:3] == (19, 10)
    assert items[-1].offset + items[-1].length == len(offer().octets)


def test_the_walk_is_lazy() -> None:
    items = walk(offer().octets[:40])
    assert isinstance(next(items).payload, Hdr)
    assert next(items).payload == STAMP
    with pytest.raises(DecodeError):
        next(items)


@pytest.mark.rule("R3830-6.1-4", "R6309-2-3")
@pytest.mark.parametrize("number", [18, 19, 22, 23, 24, 25, 27, 100, 255])
def test_a_payload_of_unknown_length_ends_the_walk(number: int) -> None:
    items, error = taken(followed_by(number, more=bytes(40)))
    assert [item.payload for item in items] == [bare(DataType.PSK_INIT), STAMP]
    assert isinstance(error, UnsupportedError)
    assert (error.number, error.offset) == (12, 20)


@pytest.mark.rule("R3830-6.1-4", "R4738-3.5-2")
@pytest.mark.parametrize("data_type", REPORTS_13)
def test_rsa_r_and_sakke_report_13(data_type: DataType) -> None:
    for octets in (
        followed_by(99, data_type),
        followed_by(1, data_type, b"\0\0"),
        followed_by(0, data_type, b"\0"),
    ):
        assert taken(octets)[1].number == 13


@pytest.mark.rule("R3830-6.13-5")
def test_key_data_outside_kemac_is_malformed() -> None:
    _, error = taken(followed_by(20, more=bytes.fromhex("00 00 0002 a1a2")))
    assert isinstance(error, DecodeError)
    assert (error.number, error.offset, error.payload) == (12, 20, "Key data")


@pytest.mark.rule("R3830-6.1-3")
@pytest.mark.parametrize("more", [b"\0", b"\1", bytes(70000)])
def test_octets_behind_the_last_payload_are_malformed(more: bytes) -> None:
    octets = offer().octets
    items, error = taken(octets + more)
    assert len(items) == 7
    assert error.offset == len(octets)


@pytest.mark.rule("R3830-6.1-2", "R3830-6.5-3")
def test_nothing_follows_sign() -> None:
    signed = encode(bare(DataType.DH_INIT), [STAMP, Sign(SignType.RSA_PSS, b"\5" * 16)])
    *_, last = walk(signed)
    assert last.next_payload is PayloadType.LAST
    assert last.length == 18
    items, error = taken(signed + encode(bare(DataType.DH_INIT), [RAND])[10:])
    assert len(items) == 3
    assert error.offset == len(signed)


@pytest.mark.rule("R3830-6.1-6")
@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version_is_shown_and_not_read(version: int) -> None:
    octets = bytes([version]) + offer().octets[1:]
    items, error = taken(octets)
    assert [item.payload for item in items] == [
        Hdr(DataType.PSK_INIT, 0x01020304, header().cs_map, version=version)
    ]
    assert (error.number, error.offset, error.payload) == (12, 0, "HDR")


@pytest.mark.rule("R3830-6.15-4")
def test_an_unknown_extension_is_kept() -> None:
    strange = GeneralExtension(ExtensionType(200), bytes(300))
    message = Message.parse(encode(header(), [STAMP, strange, strange, KEYS]))
    assert message.all(GeneralExtension) == (strange, strange)


@pytest.mark.rule("R3830-6.1-3")
def test_every_wrong_length_is_noticed() -> None:
    """Each octet of each length field, set to all its values, is an error.

    The contents are such that a wrong cut hardly ever happens to be a right one.
    """
    fill = b"\xee" * 20
    ext = GeneralExtension(ExtensionType.SDP_IDS, fill)
    kemac = Kemac(EncrAlg.AES_CM_128, fill, MacAlg.HMAC_SHA_1_160, fill)
    stamp = T(TsType.NTP_UTC, fill[:8])
    message = Message.build(header(), [stamp, Rand(fill), Id(IdType.URI, fill), ext, kemac])
    places = [(0, 8), (2, 1), (3, 2), (3, 3), (4, 2), (4, 3), (5, 2), (5, 3)]
    misread = []
    for payload, place in places:
        at = message.spans[payload][0] + place
        for value in set(range(256)) - {message.octets[at]}:
            octets = message.octets[:at] + bytes([value]) + message.octets[at + 1 :]
            try:
                misread.append(Message.parse(octets))
            except PeerError as error:
                assert error.number in (1, 3, 12)  # noqa: PT017 - few get to the next line
    # One length makes RAND swallow ID, and the extension behind it is then read as an ID.
    (message,) = misread
    assert [type(p).__name__ for p in message.payloads] == ["T", "Rand", "Id", "Kemac"]


@pytest.mark.parametrize("data_type", [DataType.DHHMAC_INIT, DataType.DHHMAC_RESP])
def test_the_mac_of_rfc_4650_own_numbering_is_found(data_type: DataType) -> None:
    """R4650-4.2-2: Mac alg 0 and exactly 20 final octets."""
    literal = Kemac(EncrAlg.AES_KW_128, b"", MacAlg.NULL, bytes(range(20)))
    message = Message.build(bare(data_type), [STAMP, literal])
    assert message.octets[-25:] == bytes.fromhex("00 02 0000 00") + bytes(range(20))
    assert Message.parse(message.octets) == message
    assert message.one(Kemac).has_rfc4650_mac
    for wrong in (message.octets[:-1], message.octets + b"\0"):
        assert taken(wrong)[1].offset == len(message.octets) - 20
    other = message.octets[:1] + bytes([DataType.PSK_INIT]) + message.octets[2:]
    assert taken(other)[1].offset == len(message.octets) - 20


def test_twenty_octets_of_another_payload_are_no_mac() -> None:
    """R4650-4.2-2 speaks of final octets: here a RAND payload of 20 octets follows KEMAC."""
    kemac = Kemac(EncrAlg.NULL, b"", MacAlg.NULL, b"")
    rand = Rand(bytes(18))
    octets = encode(bare(DataType.DHHMAC_INIT), [STAMP, kemac, rand])
    assert [item.payload for item in walk(octets)][2:] == [kemac, rand]


@pytest.mark.parametrize("kind", NOT_BUILT)
def test_payloads_that_are_not_built_have_no_opaque_form(kind: PayloadType) -> None:
    assert taken(followed_by(kind, DataType.I_MESSAGE_1))[1].payload == kind.label


@pytest.mark.rule("R6043-6.1-3", "R6509-4.1-1x")
def test_payloads_of_later_rfcs_have_their_numbers() -> None:
    chain: list[Payload] = [
        STAMP,
        Opaque(PayloadType.RANDR, b"\1\2ab"),
        Idr(IdRole.INITIATOR, IdType.URI, b"a"),
        Idr(IdRole.RESPONDER, IdType.URI, b"b"),
        Opaque(PayloadType.TICKET, b"\0\1\1\1\2\3\4\0\1x\0\0\0\2yz"),
        CHECK,
    ]
    message = Message.build(bare(DataType.TRANSFER_INIT), chain)
    assert Message.parse(message.octets).payloads == tuple(chain)
    assert [item.next_payload for item in walk(message.octets)] == [5, 15, 14, 14, 17, 9, 0]


def test_ten_thousand_payloads_need_no_stack() -> None:
    chain: list[Payload] = [STAMP, *[GeneralExtension(ExtensionType.VENDOR_ID, b"")] * 10_000, KEYS]
    octets = encode(header(), chain)
    assert [item.payload for item in walk(octets)][1:] == chain
