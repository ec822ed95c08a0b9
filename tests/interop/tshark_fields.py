"""What tshark 4.0.17 shows of a payload, told from the naive decoder; and what it cannot read.

Its small faults (the length of CERT, the value of COUNTER, all but the first Key data) are part
of ``expected``, so each comparison proves them anew; where it gives up stands in UNREADABLE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from cryptography import x509

from tests.naive import decode as d
from tests.naive.decode import Fields, Part, decode_keys

# A masked or plain number, or octets.
Value = int | bytes
Pairs = Iterator[tuple[str, Value]]

NAMES = {
    d.HDR: "hdr", d.KEMAC: "kemac", d.PKE: "pke", d.DH: "dh", d.SIGN: "sign", d.T: "t", d.ID: "id",
    d.CERT: "cert", d.CHASH: "chash", d.V: "v", d.SP: "sp", d.RAND: "rand", d.ERR: "err",
    d.GENERAL_EXT: "ext", d.IDR: "idr", d.SAKKE: "sakke",
}  # fmt: skip

PARAM_NAMES = (
    "encr_alg", "encr_len", "auth_alg", "auth_key_len", "salt_len", "prf", "kd_rate", "srtp_encr",
    "srtcp_encr", "fec", "srtp_auth", "auth_tag_len", "srtp_prefix",
)  # fmt: skip


class Gap(NamedTuple):
    """Something tshark cannot read: a test for the payload, and what happens there.

    ``silent``: it stops inside this payload, without a mark. ``malformed``: the same with the
    mark. ``adrift``: it goes on at the wrong octet. ``unsure``: what follows depends on chance.
    ``marked``: the mark is set, though all is read and right.
    """

    what: str
    effect: Literal["silent", "malformed", "adrift", "unsure", "marked"]
    applies: Callable[[Part], bool]


def _is(payload: int, test: Callable[[Fields], bool] = lambda _: True) -> Callable[[Part], bool]:
    return lambda part: part.type == payload and test(part.fields)


def _srtp_param(test: Callable[[int], bool]) -> Callable[[Fields], bool]:
    """Whether a parameter that tshark takes for a number has such a length."""
    return lambda f: (
        f["prot_type"] == 0 and any(n < len(PARAM_NAMES) and test(len(v)) for n, v in f["params"])
    )


UNREADABLE = (
    Gap("GENERIC-ID map", "adrift", _is(d.HDR, lambda f: f["cs_id_map_type"] == 2 and f["cs_map"])),
    Gap("CERT of type URL", "malformed", _is(d.CERT, lambda f: f["cert_type"] == 1)),
    Gap(
        "CERT that holds no certificate",
        "unsure",
        _is(d.CERT, lambda f: f["cert_type"] != 1 and not _is_certificate(f["data"])),
    ),
    Gap("CHASH, and all after it", "silent", _is(d.CHASH)),
    Gap("Mac alg 2 in KEMAC", "silent", _is(d.KEMAC, lambda f: f["mac_alg"] == 2)),
    Gap("Auth alg 2 in V", "silent", _is(d.V, lambda f: f["auth_alg"] == 2)),
    Gap("TS type 3", "silent", _is(d.T, lambda f: f["ts_type"] == 3)),
    Gap("DH with a key validity", "silent", _is(d.DH, lambda f: f["kv"] != 0)),
    Gap("TR", "silent", _is(d.TR)),
    Gap("RANDR", "silent", _is(d.RANDR)),
    Gap("TP", "silent", _is(d.TP)),
    Gap("TICKET", "silent", _is(d.TICKET)),
    Gap("SRTP parameter of no octets", "malformed", _is(d.SP, _srtp_param(lambda n: n == 0))),
    Gap("SRTP parameter above four octets", "marked", _is(d.SP, _srtp_param(lambda n: n > 4))),
)

# Values of the registries that it prints as "Unknown": it reads their octets all the same.
UNNAMED: dict[str, tuple[int, ...]] = {
    "mikey.type": tuple(range(11, 26)),
    "mikey.prf_func": (1,),
    "mikey.cs_id_map_type": (1, 2),
    "mikey.err.no": (13, 14, 15),
    "mikey.ext.type": (2, 3, 4, 5, 6, 7),
    "mikey.t.ts_type": (3,),
    "mikey.kemac.encr_alg": (3,),
    "mikey.kemac.mac_alg": (2,),
    "mikey.v.auth_alg": (2,),
    "mikey.key.type": (4, 5, 6, 7),
    "mikey.sp.proto_type": (1,),
    "mikey.sp.encr_alg": (3, 4, 5, 6, 7, 8),
    "mikey.sp.auth_alg": (2, 3, 4),
    "mikey.sp.prf": (1, 2),
}


def first_gap(parts: list[Part]) -> tuple[int, Gap] | None:
    """Return the place and the reason where tshark stops, if it does."""
    for index, part in enumerate(parts):
        for gap in UNREADABLE:
            if gap.effect != "marked" and gap.applies(part):
                return index, gap
    return None


def is_marked(part: Part) -> bool:
    """Whether this payload gets the mark of a malformed message, though it is read."""
    return any(gap.effect == "marked" and gap.applies(part) for gap in UNREADABLE)


def expected(part: Part, data_type: int) -> list[tuple[str, Value]]:
    """Return every field that tshark shows below a payload, in its order."""
    f = part.fields
    pairs: list[tuple[str, Value]] = []
    if part.type not in (d.HDR, d.SIGN):
        pairs.append(("next_payload", part.next_payload))
    pairs += _kemac(f, data_type) if part.type == d.KEMAC else _READERS.get(part.type, _nothing)(f)
    return [(f"mikey.{name}" if name else "", value) for name, value in pairs]


def _nothing(f: Fields) -> Pairs:
    yield from ()


def _hdr(f: Fields) -> Pairs:
    yield "version", f["version"]
    yield "type", f["data_type"]
    yield "next_payload", f["next_payload"]
    yield "v.set", f["v"]
    yield "prf_func", f["prf_func"]
    yield "csb_id", f["csb_id"]
    yield "cs_count", f["cs_count"]
    yield "cs_id_map_type", f["cs_id_map_type"]
    for entry in f["cs_map"] if f["cs_id_map_type"] == 0 else ():
        yield "srtp_id", b""
        yield "srtp_id.policy_no", entry["policy_no"]
        yield "srtp_id.ssrc", entry["ssrc"]
        yield "srtp_id.roc", entry["roc"]


def _kemac(f: Fields, data_type: int) -> Pairs:
    data = f["encr_data"]
    yield "kemac.encr_alg", f["encr_alg"]
    yield "kemac.key_data_len", len(data)
    if f["encr_alg"] == 0 and data_type == 0 and data:
        yield "key", b""
        yield from _first_key(decode_keys(data)[0])
    else:
        yield "kemac.key_data", data
    yield "kemac.mac_alg", f["mac_alg"]
    yield "kemac.mac", f["mac"]


def _first_key(part: Part) -> Pairs:
    """Of several Key data it shows the first, without its Next payload."""
    f = part.fields
    yield "key.type", f["key_type"]
    yield "key.kv", f["kv"]
    yield "key.data.len", len(f["key"])
    yield "key.data", f["key"]
    if f["key_type"] == 5:
        # It takes the salt's length for that of the validity.
        yield from _validity({"kv": f["kv"], "spi": b"", "valid_from": b"", "valid_to": b""})
        return
    if f["salt"]:
        yield "key.salt.len", len(f["salt"])
        yield "key.salt", f["salt"]
    yield from _validity(f)


def _validity(f: Fields) -> Pairs:
    fields = {0: (), 1: ("spi",), 2: ("valid_from", "valid_to")}[f["kv"]]
    for field in fields:
        name = field.removeprefix("valid_")
        yield f"key.kv.{name}.len", len(f[field])
        if f[field]:
            yield f"key.kv.{name}", f[field]


def _pke(f: Fields) -> Pairs:
    yield "pke.c", f["c"]
    yield "pke.len", len(f["data"])
    yield "pke.data", f["data"]


def _dh(f: Fields) -> Pairs:
    yield "dh.group", f["group"]
    yield "dh.value", f["value"]
    yield "dh.reserv", f["reserved"]
    yield "dh.kv", f["kv"]


def _sign(f: Fields) -> Pairs:
    yield "sign.type", f["s_type"]
    yield "sign.len", len(f["signature"])
    yield "sign.data", f["signature"]


def _t(f: Fields) -> Pairs:
    yield "t.ts_type", f["ts_type"]
    if f["ts_type"] in (0, 1):
        yield "t.ntp", f["value"]


def _id(f: Fields) -> Pairs:
    yield "id.type", f["id_type"]
    yield "id.len", len(f["data"])
    yield "id.data", f["data"]


def _cert(f: Fields) -> Pairs:
    """It takes the length one octet too early."""
    yield "cert.type", f["cert_type"]
    yield "cert.len", f["cert_type"] << 8 | len(f["data"]) >> 8
    yield "cert.data", f["data"]


def _v(f: Fields) -> Pairs:
    yield "v.auth_alg", f["auth_alg"]
    yield "v.ver_data", f["ver_data"]


def _sp(f: Fields) -> Pairs:
    yield "sp.no", f["policy_no"]
    yield "sp.proto_type", f["prot_type"]
    yield "sp.param_len", sum(2 + len(value) for _, value in f["params"])
    for number, value in f["params"]:
        yield _param_name(f["prot_type"], number), value
        yield "sp.param.type", number
        yield "sp.param.len", len(value)
        yield "sp.patam.value", value


def _param_name(prot_type: int, number: int) -> str:
    """Type 13 has a field without a name."""
    if prot_type or number > 13:
        return "sp.param"
    return "" if number == 13 else f"sp.{PARAM_NAMES[number]}"


def _rand(f: Fields) -> Pairs:
    yield "rand.len", len(f["value"])
    yield "rand.data", f["value"]


def _err(f: Fields) -> Pairs:
    yield "err.no", f["number"]
    yield "err.reserved", f["reserved"]


def _ext(f: Fields) -> Pairs:
    yield "ext.type", f["ext_type"]
    yield "ext.len", len(f["data"])
    yield ("ext.value" if f["ext_type"] == 1 else "ext.data"), f["data"]


def _idr(f: Fields) -> Pairs:
    yield "id.role", f["role"]
    yield from _id({"id_type": f["id_type"], "data": f["data"]})


def _sakke(f: Fields) -> Pairs:
    yield "sakke.params", f["params"]
    yield "sakke.idscheme", f["id_scheme"]
    yield "sakke.len", len(f["data"])
    yield "sakke.data", f["data"]


_READERS: dict[int, Callable[[Fields], Iterable[tuple[str, Value]]]] = {
    d.HDR: _hdr, d.PKE: _pke, d.DH: _dh, d.SIGN: _sign, d.T: _t, d.ID: _id, d.CERT: _cert, d.V: _v,
    d.SP: _sp, d.RAND: _rand, d.ERR: _err, d.GENERAL_EXT: _ext, d.IDR: _idr, d.SAKKE: _sakke,
}  # fmt: skip


def _is_certificate(data: bytes) -> bool:
    try:
        x509.load_der_x509_certificate(data)
    except ValueError:
        return False
    return True
