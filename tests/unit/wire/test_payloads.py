"""Each payload's octets, written out by hand from the RFC's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mikey.errors import DecodeError, LocalError, PeerError, TimestampError, UnsupportedError
from mikey.registry import (
    CacheType,
    CertType,
    DhGroup,
    EncrAlg,
    ErrorNumber,
    ExtensionType,
    HashFunc,
    IdRole,
    IdType,
    MacAlg,
    PayloadType,
    ProtType,
    SakkeIdScheme,
    SakkeParams,
    SignType,
    TsType,
)
from mikey.wire import (
    Cert,
    Chash,
    Dh,
    Err,
    GeneralExtension,
    Id,
    Idr,
    Kemac,
    KvInterval,
    KvSpi,
    Opaque,
    Payload,
    Pke,
    Rand,
    Reader,
    Sakke,
    Sign,
    Sp,
    SpParam,
    T,
    V,
    Writer,
    payload_name,
    payload_type,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MAC = bytes(range(20))

LAYOUTS: list[tuple[Payload, str]] = [
    (T(TsType.NTP_UTC, bytes(8)), "00 0000000000000000"),
    (T(TsType.NTP, bytes(8)), "01 0000000000000000"),
    (T(TsType.COUNTER, b"\0\0\0\7"), "02 00000007"),
    (T(TsType.NTP_UTC_32, b"abcd"), "03 61626364"),
    (Rand(b"\1\2\3"), "03 010203"),
    (Rand(b""), "00"),
    (Id(IdType.URI, b"sip:a"), "01 0005 7369703a61"),
    (Id(IdType(99), b""), "63 0000"),
    (Cert(CertType.X509_URL, b"u"), "01 0001 75"),
    (Chash(HashFunc.SHA_1, MAC), "00" + MAC.hex()),
    (Chash(HashFunc.MD5, bytes(16)), "01" + "00" * 16),
    (Chash(HashFunc.SHA_256, bytes(32)), "02" + "00" * 32),
    (V(MacAlg.NULL, b""), "00"),
    (V(MacAlg.HMAC_SHA_1_160, MAC), "01" + MAC.hex()),
    (V(MacAlg.HMAC_SHA_256_256, bytes(32)), "02" + "00" * 32),
    (Sp(3, ProtType.SRTP), "03 00 0000"),
    (Sp(3, ProtType.SRTP, (SpParam(0, b"\1"),)), "03 00 0003 00 01 01"),
    (Sp(0, ProtType.SRTP, (SpParam(5, b""), SpParam(6, b"ab"))), "00 00 0006 05 00 06 02 6162"),
    (Sp(0, ProtType.TESLA, (SpParam(5, bytes(8)),)), "00 01 000a 05 08 0000000000000000"),
    (Sp(0, ProtType(200), (SpParam(255, b"x"),)), "00 c8 0003 ff 01 78"),
    (Kemac(EncrAlg.NULL, b"", MacAlg.NULL, b""), "00 0000 00"),
    (Kemac(EncrAlg.AES_CM_128, b"k", MacAlg.HMAC_SHA_1_160, MAC), "01 0001 6b 01" + MAC.hex()),
    (Kemac(EncrAlg(77), b"", MacAlg.HMAC_SHA_256_256, bytes(32)), "4d 0000 02" + "00" * 32),
    (Pke(CacheType.CACHE_CSB, b"\1\2\3"), "8003 010203"),
    (Pke(CacheType.NO_CACHE, b""), "0000"),
    (Dh(DhGroup.OAKLEY_1, bytes(96)), "01" + "00" * 96 + "00"),
    (Dh(DhGroup.OAKLEY_2, bytes(128), KvSpi(b"ab"), 15), "02" + "00" * 128 + "f1 02 6162"),
    (
        Dh(DhGroup.OAKLEY_5, bytes(192), KvInterval(b"a", b"")),
        "00" + "00" * 192 + "02 01 61 00",
    ),
    (Sign(SignType.ECCSI, bytes(129)), "2081" + "00" * 129),
    (Sign(SignType(15), b""), "f000"),
    (Err(ErrorNumber.INVALID_SPPAR), "0a 0000"),
    (Err(ErrorNumber(240), 0xBEEF), "f0 beef"),
    (GeneralExtension(ExtensionType.SDP_IDS, b"mikey"), "01 0005 6d696b6579"),
    (GeneralExtension(ExtensionType.TESLA_I_KEY, MAC), "02 0014" + MAC.hex()),
    (GeneralExtension(ExtensionType(241), b""), "f1 0000"),
    (Opaque(PayloadType.TR, b"\1\0" + bytes(8)), "01 00 0000000000000000"),
    (Opaque(PayloadType.TR, b"\4\3" + bytes(4)), "04 03 00000000"),
    (Idr(IdRole.INITIATOR, IdType.URI, b"a"), "01 01 0001 61"),
    (Idr(IdRole(240), IdType(99), b""), "f0 63 0000"),
    (Opaque(PayloadType.RANDR, b"\1\2ab"), "01 02 6162"),
    (Opaque(PayloadType.TP, b"\0\1\1\1\2\3\4\0\1x"), "0001 01 01 020304 0001 78"),
    (
        Opaque(PayloadType.TICKET, b"\0\1\1\1\2\3\4\0\1x\0\0\0\2yz"),
        "0001 01 01 020304 0001 78 0000 0002 797a",
    ),
    (Sakke(SakkeParams.SET_1, SakkeIdScheme.MCX_HASHED_UID, b"s"), "01 02 0001 73"),
    (Sakke(SakkeParams(240), SakkeIdScheme(254), b""), "f0 fe 0000"),
]

NAMED = [
    pytest.param(payload, bytes.fromhex(octets), id=f"{payload_name(payload_type(payload))}-{n}")
    for n, (payload, octets) in enumerate(LAYOUTS)
]


def parse(payload: Payload, octets: bytes) -> tuple[Payload, Reader]:
    reader = Reader(octets, "payload")
    if isinstance(payload, Opaque):
        return Opaque.parse(reader, payload.payload_type), reader
    return type(payload).parse(reader), reader


def encoded(payload: Any) -> bytes:
    writer = Writer("payload")
    payload.encode(writer)
    return bytes(writer.octets)


@pytest.mark.rule("R3830-6-1", "R3830-6.4-1", "R3830-6.5-1", "R3830-6.10-1", "R3830-6.2-1")
@pytest.mark.rule("R3830-6.3-1", "R3830-6.6-1", "R3830-6.7-1", "R3830-6.8-1", "R3830-6.9-1")
@pytest.mark.rule("R3830-6.11-1", "R3830-6.12-1", "R3830-6.15-1", "R3830-6.14-1")
@pytest.mark.parametrize(("payload", "octets"), NAMED)
def test_layout(payload: Payload, octets: bytes) -> None:
    assert encoded(payload) == octets
    found, reader = parse(payload, octets + b"behind")
    assert found == payload
    assert reader.remaining == len(b"behind")


@pytest.mark.rule("R3830-6.1-3")
@pytest.mark.parametrize(("payload", "octets"), NAMED)
def test_a_cut_is_noticed_at_every_octet(payload: Payload, octets: bytes) -> None:
    for length in range(len(octets)):
        with pytest.raises(DecodeError) as caught:
            parse(payload, octets[:length])
        assert caught.value.number == 12
        assert caught.value.payload == "payload"


@pytest.mark.parametrize(
    ("kind", "octets", "error", "number"),
    [
        pytest.param(T, "04" + "00" * 8, TimestampError, 1, marks=pytest.mark.rule("R3830-6.6-6")),
        pytest.param(
            Chash, "03" + "00" * 32, UnsupportedError, 5, marks=pytest.mark.rule("R3830-6.8-5")
        ),
        pytest.param(
            V, "03" + "00" * 32, UnsupportedError, 3, marks=pytest.mark.rule("R3830-6.2-4")
        ),
        pytest.param(
            Kemac,
            "00 0000 03" + "00" * 32,
            UnsupportedError,
            3,
            marks=pytest.mark.rule("R3830-6.2-4"),
        ),
        pytest.param(
            Dh, "03" + "00" * 200, UnsupportedError, 6, marks=pytest.mark.rule("R3830-6.4-8")
        ),
        pytest.param(
            Dh, "01" + "00" * 96 + "03", DecodeError, 12, marks=pytest.mark.rule("R3830-6.13-4")
        ),
        pytest.param(Pke, "c000", DecodeError, 12, marks=pytest.mark.rule("R3830-6.3-2")),
    ],
)
def test_a_value_that_hides_a_length_stops_the_parse(
    kind: type[Any], octets: str, error: type[PeerError], number: int
) -> None:
    with pytest.raises(error) as caught:
        kind.parse(Reader(bytes.fromhex(octets), kind.__name__, origin=1000))
    assert caught.value.number == number
    assert caught.value.offset is not None
    assert caught.value.offset >= 1000
    assert caught.value.payload == kind.__name__


def test_an_unknown_ts_type_hides_the_length_of_tr() -> None:
    with pytest.raises(TimestampError):
        Opaque.parse(Reader(b"\1\4" + bytes(8), "TR"), PayloadType.TR)


@pytest.mark.rule("R3830-6.10-1")
@pytest.mark.parametrize(
    "octets",
    ["00 00 0001 05", "00 00 0003 05 02 61 62", "00 00 0002 05 01", "00 00 0004 00 01 00 01"],
)
def test_a_parameter_across_the_end_of_its_policy_is_malformed(octets: str) -> None:
    with pytest.raises(DecodeError, match="crosses the end"):
        Sp.parse(Reader(bytes.fromhex(octets) + bytes(300), "SP"))


def test_repeated_and_empty_parameters_are_kept_in_order() -> None:
    params = (SpParam(2, b"\1"), SpParam(0, b""), SpParam(2, b"\0"), SpParam(200, b"\0\0"))
    policy = Sp(0, ProtType.SRTP, params)
    assert parse(policy, encoded(policy))[0] == policy


FULL = bytes(0xFFFF)


@pytest.mark.parametrize(
    "payload",
    [
        Id(IdType.URI, FULL),
        Cert(CertType.X509, FULL),
        GeneralExtension(ExtensionType.VENDOR_ID, FULL),
        Sp(0, ProtType.SRTP, (SpParam(1, bytes(255)),) * 255),
        Kemac(EncrAlg.NULL, bytes(0xFFFF - 4), MacAlg.NULL, b""),
        Idr(IdRole.KMS, IdType.URI, FULL),
        Sakke(SakkeParams.SET_1, SakkeIdScheme.TEL_URI_MONTHLY, FULL),
        Opaque(PayloadType.TICKET, bytes(7) + (b"\xff\xff" + FULL) * 3),
    ],
)
def test_the_longest_payloads_pass(payload: Payload) -> None:
    octets = encoded(payload)
    assert parse(payload, octets)[0] == payload


@pytest.mark.parametrize(
    "payload",
    [
        T(TsType.NTP_UTC, bytes(4)),
        T(TsType(9), bytes(8)),
        Rand(bytes(256)),
        Id(IdType.URI, bytes(0x10000)),
        Cert(CertType.X509, bytes(0x10000)),
        Chash(HashFunc.SHA_1, bytes(16)),
        Chash(HashFunc(9), b""),
        V(MacAlg.HMAC_SHA_1_160, bytes(10)),
        V(MacAlg(9), b""),
        Sp(256, ProtType.SRTP),
        Sp(0, ProtType.SRTP, (SpParam(256, b""),)),
        Sp(0, ProtType.SRTP, (SpParam(-1, b""),)),
        Sp(0, ProtType.SRTP, (SpParam(0, bytes(256)),)),
        Sp(0, ProtType.SRTP, (SpParam(0, bytes(255)),) * 256),
        Kemac(EncrAlg.NULL, b"", MacAlg.HMAC_SHA_1_160, b""),
        Kemac(EncrAlg.NULL, b"", MacAlg(9), b""),
        Kemac(EncrAlg.NULL, bytes(0x10000), MacAlg.NULL, b""),
        Pke(CacheType.CACHE, bytes(0x4000)),
        Pke(CacheType(3), b""),
        Dh(DhGroup.OAKLEY_5, bytes(191)),
        Dh(DhGroup(9), b""),
        Dh(DhGroup.OAKLEY_1, bytes(96), reserved=16),
        Dh(DhGroup.OAKLEY_1, bytes(96), KvSpi(bytes(256))),
        Sign(SignType.RSA_PSS, bytes(0x1000)),
        Err(ErrorNumber.INVALID_TS, 0x10000),
        GeneralExtension(ExtensionType.VENDOR_ID, bytes(0x10000)),
        Idr(IdRole.KMS, IdType.URI, bytes(0x10000)),
        Sakke(SakkeParams.SET_1, SakkeIdScheme.TEL_URI_MONTHLY, bytes(0x10000)),
        Opaque(PayloadType.RANDR, b"\1\2a"),
        Opaque(PayloadType.RANDR, b"\1\1ab"),
        Opaque(PayloadType.IBAKE, b""),
    ],
)
def test_a_value_that_does_not_fit_its_field_is_not_sent(payload: Payload) -> None:
    with pytest.raises(LocalError, match=r"^payload: "):
        encoded(payload)


@pytest.mark.rule("R3830-6.13-1")
def test_kemac_stays_within_64_kib_as_a_whole() -> None:
    most = (1 << 16) - 5 - 20
    fits = Kemac(EncrAlg.NULL, bytes(most), MacAlg.HMAC_SHA_1_160, MAC)
    assert 1 + len(encoded(fits)) == 1 << 16
    assert parse(fits, encoded(fits))[0] == fits
    with pytest.raises(LocalError, match="2\\^16"):
        encoded(Kemac(EncrAlg.NULL, bytes(most + 1), MacAlg.HMAC_SHA_1_160, MAC))
    octets = b"\0" + (most + 1).to_bytes(2, "big") + bytes(most + 1) + b"\1" + MAC
    with pytest.raises(DecodeError, match="2\\^16"):
        Kemac.parse(Reader(octets, "KEMAC"))


def test_an_unknown_encryption_is_kept_for_the_method_to_refuse() -> None:
    payload = Kemac.parse(Reader(bytes.fromhex("4d 0001 6b 00"), "KEMAC"))
    assert payload.encr_alg == 77
    assert not payload.encr_alg.assigned


def test_the_repr_of_kemac_hides_its_data() -> None:
    assert "secret" not in repr(Kemac(EncrAlg.NULL, b"secret key", MacAlg.NULL, b""))


@pytest.mark.rule("R3830-6.7-6")
def test_an_id_is_the_bare_string() -> None:
    assert encoded(Id(IdType.NAI, b"a@b")) == b"\0\0\3a@b"
    assert Id.parse(Reader(b"\0\0\3a@b\0", "ID")).data == b"a@b"


def test_every_payload_has_its_number_and_name() -> None:
    assert {payload_name(payload_type(payload)) for payload, _ in LAYOUTS} == {
        "T", "RAND", "ID", "CERT", "CHASH", "V", "SP", "KEMAC", "PKE", "DH", "SIGN", "ERR",
        "General Extension", "TR", "IDR", "RANDR", "TP", "TICKET", "SAKKE",
    }  # fmt: skip
    assert payload_name(PayloadType.KEY_DATA) == "Key data"
    assert payload_name(PayloadType(99)) == "unassigned 99"


@pytest.mark.parametrize("value", [-1, 256])
def test_writer_refuses_what_one_octet_cannot_hold(value: int) -> None:
    with pytest.raises(LocalError, match="one octet"):
        Writer("ERR").u8(value)


def test_values_are_frozen() -> None:
    set_field: Callable[[object, str, object], None] = setattr
    for payload, _ in LAYOUTS:
        with pytest.raises(AttributeError):
            set_field(payload, payload.__slots__[0], None)
