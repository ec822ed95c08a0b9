"""Hypothesis strategies for every value of `mikey.wire`, well formed and damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st

from mikey.registry import (
    BcastSubtype,
    CacheType,
    CertType,
    DataType,
    DhGroup,
    EncrAlg,
    ErrorNumber,
    ExtensionType,
    IdRole,
    IdType,
    KeyIdType,
    KeyType,
    MacAlg,
    PayloadType,
    PrfFunc,
    ProtType,
    SakkeIdScheme,
    SakkeParams,
    SignType,
    WireEnum,
)
from mikey.secret import Secret
from mikey.wire import (
    DH_OCTETS,
    HASH_OCTETS,
    MAC_OCTETS,
    TS_OCTETS,
    Bcast,
    Cert,
    Chash,
    CsbIdExtension,
    CsMap,
    Dh,
    EmptyMap,
    Err,
    GeneralExtension,
    GenericId,
    GenericIdMap,
    Hdr,
    Id,
    Idr,
    Kemac,
    KeyData,
    KeyId,
    KeyIds,
    KvInterval,
    KvNull,
    KvSpi,
    Message,
    Opaque,
    Payload,
    Pke,
    Rand,
    Sakke,
    SdpIds,
    Sign,
    Sp,
    SpParam,
    SrtpId,
    SrtpIdMap,
    T,
    V,
    Validity,
)

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

_E = TypeVar("_E", bound=WireEnum)

U8 = st.integers(0, 0xFF)
U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFFFFFF)
SHORT = st.binary(max_size=40)
UP_TO_255 = st.binary(max_size=40) | st.binary(min_size=250, max_size=255)
UP_TO_64K = st.binary(max_size=40) | st.builds(bytes, st.integers(0x7F, 0x1FF))

DHHMAC = (DataType.DHHMAC_INIT, DataType.DHHMAC_RESP)
KEMAC_LAST = (DataType.PSK_INIT, *DHHMAC)
TWO_DH = (DataType.DH_RESP, DataType.DHHMAC_RESP)


def values(registry: type[_E]) -> SearchStrategy[_E]:
    """Any value of a registry, assigned ones more often."""
    return st.sampled_from(list(registry)) | st.integers(0, registry.maximum()).map(registry)


def assigned(registry: type[_E]) -> SearchStrategy[_E]:
    """Any assigned value of a registry."""
    return st.sampled_from(list(registry))


@st.composite
def sized(draw: DrawFn, table: dict[_E, int]) -> tuple[_E, bytes]:
    """A value that decides a length, and octets of that length."""
    kind = draw(st.sampled_from(sorted(table)))
    length = table[kind]
    return kind, draw(st.binary(min_size=length, max_size=length))


def srtp_ids() -> SearchStrategy[SrtpId]:
    return st.builds(SrtpId, U8, U32, U32)


@st.composite
def generic_ids(draw: DrawFn) -> GenericId:
    prot_type = draw(values(ProtType))
    s = draw(st.booleans())
    data = draw(SHORT)
    if prot_type is ProtType.SRTP and data:
        data = data[:1] * (10 if s else 4)
    policy_nos = tuple(draw(st.binary(max_size=5) | st.just(bytes(127))))
    return GenericId(draw(U8), prot_type, policy_nos, data, draw(UP_TO_255), s)


def cs_maps() -> SearchStrategy[CsMap]:
    return st.one_of(
        st.builds(SrtpIdMap, st.lists(srtp_ids(), max_size=4).map(tuple)),
        st.builds(SrtpIdMap, st.just((SrtpId(1, 2, 3),) * 255)),
        st.builds(EmptyMap, U8),
        st.builds(GenericIdMap, st.lists(generic_ids(), max_size=3).map(tuple)),
    )


def headers(data_types: SearchStrategy[DataType] | None = None) -> SearchStrategy[Hdr]:
    return st.builds(
        Hdr, data_types or values(DataType), U32, cs_maps(), st.booleans(), values(PrfFunc)
    )


def validities() -> SearchStrategy[Validity]:
    return st.one_of(
        st.builds(KvNull), st.builds(KvSpi, UP_TO_255), st.builds(KvInterval, UP_TO_255, UP_TO_255)
    )


@st.composite
def key_data(draw: DrawFn) -> KeyData:
    key_type = draw(assigned(KeyType))
    salt = Secret(draw(SHORT)) if key_type.has_salt else None
    return KeyData(key_type, Secret(draw(UP_TO_64K)), salt, draw(validities()))


def timestamps() -> SearchStrategy[T]:
    return sized(dict(TS_OCTETS)).map(lambda pair: T(*pair))


def rands() -> SearchStrategy[Rand]:
    return st.builds(Rand, UP_TO_255)


def ids() -> SearchStrategy[Id]:
    return st.builds(Id, values(IdType), UP_TO_64K)


def idrs() -> SearchStrategy[Idr]:
    return st.builds(Idr, values(IdRole), values(IdType), UP_TO_64K)


def sakkes() -> SearchStrategy[Sakke]:
    return st.builds(Sakke, values(SakkeParams), values(SakkeIdScheme), UP_TO_64K)


def certs() -> SearchStrategy[Cert]:
    return st.builds(Cert, values(CertType), UP_TO_64K)


def chashes() -> SearchStrategy[Chash]:
    return sized(dict(HASH_OCTETS)).map(lambda pair: Chash(*pair))


def vs() -> SearchStrategy[V]:
    return sized(dict(MAC_OCTETS)).map(lambda pair: V(*pair))


def sps() -> SearchStrategy[Sp]:
    params = st.lists(st.builds(SpParam, U8, UP_TO_255), max_size=14).map(tuple)
    return st.builds(Sp, U8, values(ProtType), params)


@st.composite
def kemacs(draw: DrawFn) -> Kemac:
    mac_alg, mac = draw(sized(dict(MAC_OCTETS)))
    return Kemac(draw(values(EncrAlg)), draw(UP_TO_64K), mac_alg, mac)


@st.composite
def rfc4650_kemacs(draw: DrawFn) -> Kemac:
    """The form that RFC 4650 4.2 writes, for DHHMAC messages alone."""
    mac = draw(st.binary(min_size=20, max_size=20))
    return Kemac(EncrAlg.AES_KW_128, b"", MacAlg.NULL, mac)


def pkes() -> SearchStrategy[Pke]:
    return st.builds(Pke, assigned(CacheType), UP_TO_64K)


@st.composite
def dhs(draw: DrawFn) -> Dh:
    group = draw(assigned(DhGroup))
    value = draw(st.binary(min_size=1, max_size=1)) * DH_OCTETS[group]
    return Dh(group, value, draw(validities()), draw(st.integers(0, 15)))


def signs() -> SearchStrategy[Sign]:
    return st.builds(Sign, values(SignType), UP_TO_64K)


def errs() -> SearchStrategy[Err]:
    return st.builds(Err, values(ErrorNumber), U16)


def key_ids() -> SearchStrategy[KeyIds]:
    return st.builds(
        KeyIds, st.lists(st.builds(KeyId, values(KeyIdType), UP_TO_255), max_size=4).map(tuple)
    )


def csb_id_extensions() -> SearchStrategy[CsbIdExtension]:
    return st.builds(CsbIdExtension, U32)


def bcasts() -> SearchStrategy[Bcast]:
    return st.builds(Bcast, values(BcastSubtype), SHORT)


def sdp_ids() -> SearchStrategy[SdpIds]:
    name = st.text("abcXYZ019", min_size=1, max_size=6)
    return st.builds(SdpIds, st.lists(name, min_size=1, max_size=4).map(tuple))


def extensions() -> SearchStrategy[GeneralExtension]:
    def wrap(value: KeyIds | CsbIdExtension | Bcast | SdpIds) -> GeneralExtension:
        return GeneralExtension(value.EXT_TYPE, value.encode())

    return st.one_of(
        st.builds(GeneralExtension, values(ExtensionType), UP_TO_64K),
        (key_ids() | csb_id_extensions() | bcasts() | sdp_ids()).map(wrap),
    )


def _field16() -> SearchStrategy[bytes]:
    return SHORT.map(lambda data: len(data).to_bytes(2, "big") + data)


@st.composite
def opaques(draw: DrawFn) -> Opaque:
    kind = draw(
        st.sampled_from(
            [
                PayloadType.TR,
                PayloadType.RANDR,
                PayloadType.TP,
                PayloadType.TICKET,
            ]
        )
    )
    if kind is PayloadType.TR:
        ts_type, value = draw(sized(dict(TS_OCTETS)))
        return Opaque(kind, bytes([draw(U8), ts_type]) + value)
    if kind is PayloadType.RANDR:
        rand = draw(UP_TO_255)
        return Opaque(kind, bytes([draw(U8), len(rand)]) + rand)
    head, fields = {
        PayloadType.TP: (7, 1),
        PayloadType.TICKET: (7, 3),
    }[kind]
    body = draw(st.binary(min_size=head, max_size=head))
    return Opaque(kind, body + b"".join(draw(_field16()) for _ in range(fields)))


def payloads() -> SearchStrategy[Payload]:
    """Any payload that can stand in the chain."""
    return st.one_of(
        timestamps(),
        rands(),
        ids(),
        certs(),
        chashes(),
        vs(),
        sps(),
        kemacs(),
        pkes(),
        dhs(),
        signs(),
        errs(),
        extensions(),
        idrs(),
        sakkes(),
        opaques(),
    )


@st.composite
def chains(draw: DrawFn, header: Hdr) -> list[Payload]:
    """Payloads that may stand together behind a header, in any order that is allowed."""
    free: list[SearchStrategy[Payload]] = [certs(), errs(), extensions(), idrs(), opaques()]
    if not isinstance(header.cs_map, EmptyMap) or header.data_type is DataType.ERROR:
        free.append(sps())
    chain: list[Payload] = [draw(timestamps())]
    chain += draw(st.lists(st.one_of(free), max_size=4))
    once: list[SearchStrategy[Payload]] = [rands(), pkes(), chashes(), sakkes()]
    once += [ids()] * 2
    once += [dhs()] * (2 if header.data_type in TWO_DH else 1)
    if header.data_type not in KEMAC_LAST:
        once.append(kemacs())
    for payload in once:
        if draw(st.booleans()):
            chain.append(draw(payload))
    chain = list(draw(st.permutations(chain)))
    last: SearchStrategy[Payload] = vs() | signs()
    if header.data_type in KEMAC_LAST:
        last = kemacs()
    if header.data_type in DHHMAC:
        last = kemacs() | rfc4650_kemacs()
    if draw(st.booleans()):
        chain.append(draw(last))
    return chain


@st.composite
def messages(draw: DrawFn, data_types: SearchStrategy[DataType] | None = None) -> Message:
    """Any message that `Message.parse` accepts."""
    header = draw(headers(data_types))
    return Message.build(header, draw(chains(header)))


@st.composite
def mutated(draw: DrawFn, octets: bytes) -> bytes:
    """The octets after one to four small injuries."""
    damaged = bytearray(octets)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(damaged) - 1)))
        kind = draw(st.sampled_from(["set", "flip", "insert", "delete", "cut", "repeat"]))
        if kind == "set":
            damaged[place : place + 1] = bytes([draw(U8)])
        elif kind == "flip" and damaged:
            damaged[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "insert":
            damaged[place:place] = draw(st.binary(min_size=1, max_size=8))
        elif kind == "delete":
            del damaged[place : place + draw(st.integers(1, 8))]
        elif kind == "cut":
            del damaged[place:]
        elif kind == "repeat":
            damaged[place:place] = damaged[place : place + draw(st.integers(1, 40))]
    return bytes(damaged)
