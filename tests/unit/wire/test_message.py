"""Message: accessors, what payloads must be together, and the same rules when building."""

from __future__ import annotations

import pytest

from mikey.errors import DecodeError, LocalError
from mikey.registry import (
    CacheType,
    CertType,
    DataType,
    DhGroup,
    EncrAlg,
    ErrorNumber,
    ExtensionType,
    HashFunc,
    IdRole,
    IdType,
    MacAlg,
    PayloadType,
    SignType,
)
from mikey.wire import (
    MAX_OCTETS,
    MAX_PAYLOADS,
    Cert,
    Chash,
    Dh,
    EmptyMap,
    Err,
    GeneralExtension,
    Hdr,
    Id,
    Idr,
    Kemac,
    Message,
    Opaque,
    Payload,
    Pke,
    Rand,
    Sign,
    Sp,
    SrtpIdMap,
    T,
    V,
    encode,
)
from tests.unit.wire.samples import (
    ALICE,
    BOB,
    CHECK,
    KEYS,
    POLICY,
    RAND,
    STAMP,
    bare,
    header,
    offer,
)

HASH = Chash(HashFunc.SHA_1, bytes(20))
ENVELOPE = Pke(CacheType.CACHE, bytes(64))
HALF_KEY = Dh(DhGroup.OAKLEY_1, bytes(96))
SIGNATURE = Sign(SignType.RSA_PKCS_1_V1_5, bytes(64))
LEAF = Cert(CertType.X509, b"der")
REPORT = Err(ErrorNumber.INVALID_SP)


def refused(head: Hdr, chain: list[Payload]) -> DecodeError:
    """The error of parsing what cannot be built either."""
    with pytest.raises(LocalError):
        Message.build(head, chain)
    with pytest.raises(DecodeError) as caught:
        Message.parse(encode(head, chain))
    return caught.value


def test_accessors() -> None:
    message = offer()
    assert message.one(T) is STAMP
    assert message.get(Rand) is RAND
    assert message.get(V) is None
    assert message.get(Id) is ALICE
    assert message.all(Id) == (ALICE, BOB)
    assert message.all(Sign) == ()
    assert message.span(0) == (19, 10)


@pytest.mark.parametrize("kind", [V, Id])
def test_one_means_one(kind: type[V] | type[Id]) -> None:
    with pytest.raises(DecodeError, match=f"one {kind.__name__} payload is due") as caught:
        offer().one(kind)
    assert caught.value.number == 12


def test_a_missing_payload_of_rsa_r_is_error_13() -> None:
    with pytest.raises(DecodeError) as caught:
        Message.build(bare(DataType.RSA_R_INIT), [STAMP]).one(Sign)
    assert caught.value.number == 13


def test_parse_takes_any_buffer_and_keeps_octets() -> None:
    octets = offer().octets
    message = Message.parse(memoryview(bytearray(octets)))  # type: ignore[arg-type]
    assert type(message.octets) is bytes
    assert message.octets == octets


def test_the_repr_shows_no_octets_of_keys() -> None:
    keys = Kemac(EncrAlg.NULL, b"tell-tale key", MacAlg.NULL, b"")
    assert "tell" not in repr(Message.build(header(), [STAMP, keys]))


@pytest.mark.rule("R3830-6-4")
@pytest.mark.parametrize(
    ("data_type", "payload", "most"),
    [
        (DataType.PSK_INIT, STAMP, 1),
        (DataType.PSK_INIT, RAND, 1),
        (DataType.PKE_INIT, KEYS, 1),
        (DataType.PKE_INIT, ENVELOPE, 1),
        (DataType.PKE_INIT, HASH, 1),
        (DataType.PSK_RESP, CHECK, 1),
        (DataType.PSK_INIT, ALICE, 2),
        (DataType.DH_INIT, HALF_KEY, 1),
        (DataType.DHHMAC_INIT, HALF_KEY, 1),
        (DataType.DH_RESP, HALF_KEY, 2),
        (DataType.DHHMAC_RESP, HALF_KEY, 2),
    ],
)
def test_payloads_that_stand_a_limited_number_of_times(
    data_type: DataType, payload: Payload, most: int
) -> None:
    others: list[Payload] = [STAMP] if payload is not STAMP else [RAND]
    allowed = Message.build(header(data_type), others + [payload] * most)
    assert Message.parse(allowed.octets) == allowed
    error = refused(header(data_type), others + [payload] * (most + 1))
    assert error.number == 12
    assert error.offset == len(allowed.octets)


@pytest.mark.rule("R3830-6-4")
@pytest.mark.parametrize("payload", [LEAF, POLICY, REPORT, Idr(IdRole.KMS, IdType.URI, b"")])
def test_payloads_that_stand_any_number_of_times(payload: Payload) -> None:
    message = Message.build(header(DataType.ERROR), [STAMP] + [payload] * 20)
    assert Message.parse(message.octets) == message


def test_a_second_sign_cannot_be_written() -> None:
    with pytest.raises(LocalError, match="SIGN"):
        encode(header(), [STAMP, SIGNATURE, SIGNATURE])
    with pytest.raises(LocalError, match="SIGN"):
        Message.build(header(), [STAMP, SIGNATURE, SIGNATURE])


@pytest.mark.rule("R3830-5.2-3")
def test_the_order_of_the_middle_is_free() -> None:
    chain: list[Payload] = [POLICY, BOB, RAND, STAMP, ALICE, POLICY, KEYS]
    message = Message.build(header(), chain)
    assert Message.parse(message.octets).payloads == tuple(chain)


@pytest.mark.rule("R3830-5.2-3")
@pytest.mark.parametrize(
    ("data_type", "chain"),
    [
        (DataType.PSK_INIT, [STAMP, KEYS, RAND]),
        (DataType.DHHMAC_INIT, [STAMP, KEYS, RAND]),
        (DataType.DHHMAC_RESP, [STAMP, KEYS, RAND]),
        (DataType.PSK_RESP, [STAMP, CHECK, BOB]),
        (DataType.ERROR, [STAMP, CHECK, REPORT]),
    ],
)
def test_what_authenticates_is_last(data_type: DataType, chain: list[Payload]) -> None:
    error = refused(header(data_type), chain)
    assert (error.number, error.offset) == (12, 29)


def test_kemac_of_a_signed_message_is_not_last() -> None:
    message = Message.build(header(DataType.PKE_INIT), [STAMP, KEYS, HASH, ENVELOPE, SIGNATURE])
    assert Message.parse(message.octets) == message


@pytest.mark.rule("R3830-6.1-23")
def test_something_follows_the_header() -> None:
    assert refused(header(), []).offset == 0
    assert refused(header(DataType.DH_INIT), [SIGNATURE]).number == 12
    assert refused(header(DataType.RSA_R_INIT), [SIGNATURE]).number == 13


@pytest.mark.rule("R3830-6.1-6")
def test_no_other_version_is_built() -> None:
    with pytest.raises(LocalError, match="version 2"):
        Message.build(Hdr(DataType.PSK_INIT, 1, EmptyMap(), version=2), [STAMP, KEYS])


@pytest.mark.rule("R4563-5-1", "R4563-5-1x", "R4563-5-2")
@pytest.mark.parametrize("count", [0, 1, 255])
def test_no_policy_goes_with_an_empty_map(count: int) -> None:
    head = Hdr(DataType.PSK_INIT, 1, EmptyMap(count))
    assert refused(head, [STAMP, POLICY, KEYS]).payload == "SP"
    message = Message.build(head, [STAMP, KEYS])
    assert message.spans[0] == (0, 10)
    assert Message.parse(message.octets) == message


def test_an_error_offers_policies_beside_an_empty_map() -> None:
    message = Message.build(bare(DataType.ERROR), [STAMP, REPORT, POLICY])
    assert Message.parse(message.octets).all(Sp) == (POLICY,)


@pytest.mark.parametrize("data_type", [DataType.PSK_INIT, DataType.PKE_INIT])
def test_a_mac_behind_null_is_for_dhhmac_alone(data_type: DataType) -> None:
    literal = Kemac(EncrAlg.AES_KW_128, b"", MacAlg.NULL, bytes(20))
    with pytest.raises(LocalError, match="NULL"):
        Message.build(header(data_type), [STAMP, literal])
    with pytest.raises(LocalError):
        Message.build(header(DataType.DHHMAC_INIT), [STAMP, literal, RAND])


def test_an_empty_kemac_passes() -> None:
    empty = Kemac(EncrAlg.NULL, b"", MacAlg.NULL, b"")
    message = Message.build(header(), [STAMP, empty])
    assert message.span(1)[1] == 5
    assert Message.parse(message.octets).one(Kemac).encr_data == b""


def test_messages_of_several_64_kib_payloads_pass_and_endless_ones_do_not() -> None:
    big = Id(IdType.URI, bytes(0xFFFF))
    message = Message.build(header(), [STAMP, big, big, KEYS])
    assert Message.parse(message.octets) == message
    with pytest.raises(LocalError, match="longer"):
        Message.build(header(), [STAMP, *[Cert(CertType.X509, bytes(0xFFFF))] * 16])
    with pytest.raises(DecodeError, match="longer"):
        Message.parse(bytes(MAX_OCTETS + 1))


def test_an_opaque_of_a_type_that_is_not_kept_is_not_sent() -> None:
    with pytest.raises(LocalError, match="kept as octets"):
        Message.build(header(), [STAMP, Opaque(PayloadType(99), b"")])


@pytest.mark.rule("R3830-5.3-4")
def test_a_message_of_very_many_payloads_is_refused() -> None:
    """Work for nobody in particular is bounded before anybody is known."""
    header = Hdr(DataType.PSK_INIT, 1, SrtpIdMap())
    some = GeneralExtension(ExtensionType.VENDOR_ID, b"")
    assert Message.parse(encode(header, [some] * MAX_PAYLOADS)).payloads[-1] == some
    with pytest.raises(DecodeError, match="more than 512 payloads"):
        Message.parse(encode(header, [some] * (MAX_PAYLOADS + 1)))
