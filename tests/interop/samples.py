"""Messages by the naive encoder: each payload and option of the base methods at least once."""

from __future__ import annotations

import base64
import datetime
import functools

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.naive import decode as d
from tests.naive import encode as e
from tests.naive.encode import Payload
from tests.naive.vectors import ANSWER, IDI, IDR, OFFER, PSK, RAND_VALUE, TGK, TS

T = e.t(0, TS)
RAND = e.rand(RAND_VALUE)
SALT = bytes(range(14))

# VEC-1: the offer and the answer of RFC 4567 5.1.
RFC_4567_OFFER = base64.b64decode(
    "AQAFgM0XflABAAAAAAAAAAAAAAsAyONQ6gAAAAAGEEoo2pee4hp2UaDX8ZE22YwKAAAPZG9uYWxkQGR1Y2suY29tAQAA"
    "AAAAAQAk0JKpgaVkDaawi9whVBtBt0KZ14ymNuu62+Nv3ozPLygwK/GbAV9iemnGUIZ19fWQUOSrzKTAv9zV"
)
RFC_4567_ANSWER = base64.b64decode(
    "AQEFgM0XflABAAAAAAAAAAAAAAYAyONQ6gAAAAAJAAAQbWlja2V5QG1vdXNlLmNvbQABn8HdGE5BMDXFIuGEga+62AgY"
    "5cc="
)


@functools.cache
def certificate() -> bytes:
    """Return a self-signed certificate in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "alice")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1,
        datetime.datetime(2020, 1, 1), datetime.datetime(2050, 1, 1),
    )  # fmt: skip
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def message(*payloads: Payload, data_type: int = 0, cs: tuple[int, int, bytes] | None = None,
            prf: int = 0) -> bytes:  # fmt: skip
    """Return a message of a header, T, and these payloads."""
    cs_map = e.srtp_map([]) if cs is None else cs
    return e.build(data_type, [T, *payloads], csb_id=0x01020304, cs_map=cs_map, prf=prf)


def null(*keys: Payload) -> bytes:
    """Return a MIKEY-NULL offer with these keys."""
    return e.psk_offer(
        b"", keys, csb_id=5, ts=(0, TS), rand_value=RAND_VALUE, cs=[(0, 1, 2)],
        sdp_ids=None, v=False, encr_alg=0, mac_alg=0,
    )  # fmt: skip


def cert(cert_type: int, data: bytes) -> Payload:
    return d.CERT, e.u(cert_type, 1) + e.lv(data, 2)


def dh(group: int, octets: int, reserved_kv: int = 0, validity: bytes = b"") -> Payload:
    return d.DH, e.u(group, 1) + b"\xd5" * octets + e.u(reserved_kv, 1) + validity


def pke(c: int, data: bytes) -> Payload:
    return d.PKE, e.u(c << 14 | len(data), 2) + data


def sign(s_type: int, signature: bytes) -> Payload:
    return d.SIGN, e.u(s_type << 12 | len(signature), 2) + signature


def readable() -> dict[str, bytes]:
    """Return messages that tshark reads to their end."""
    return {
        "RFC 4567 offer": RFC_4567_OFFER,
        "RFC 4567 answer": RFC_4567_ANSWER,
        "VEC-7": OFFER,
        "VEC-8": ANSWER,
        "error": e.error_message(OFFER, [9, 10], policies=[e.AES_CM_128_HMAC_SHA1_80]),
        "authenticated error": e.error_message(OFFER, [10], psk=PSK),
        "update without keys": e.psk_offer(
            PSK, [], csb_id=5, ts=(0, TS), rand_value=RAND_VALUE, idi=IDI, idr=IDR, update=True
        ),
        "COUNTER": e.psk_offer(
            PSK, [e.key_data(TGK)], csb_id=5, ts=(2, b"\0\0\0\1"), rand_value=RAND_VALUE
        ),
        "AES-KW": e.psk_offer(
            PSK, [e.key_data(TGK)], csb_id=5, ts=(1, TS), rand_value=RAND_VALUE, encr_alg=2
        ),
        "no crypto session": message(RAND),
        "Empty map": message(RAND, cs=(1, 0, b"")),
        "Empty map that counts": message(RAND, cs=(1, 3, b"")),
        "many crypto sessions": message(
            RAND, cs=e.srtp_map((i % 3, 0x1000 + i, i) for i in range(255))
        ),
        "TGK": null(e.key_data(TGK)),
        "TGK+SALT with SPI": null(e.key_data(TGK, 1, salt=SALT, spi=b"\1\2\3\4")),
        "TEK with interval": null(e.key_data(TGK, 2, interval=(bytes(6), b"\xff" * 6))),
        "TEK+SALT with open interval": null(e.key_data(TGK, 3, salt=SALT, interval=(b"\1", b""))),
        "TEK+SALT, no salt, no SPI": null(e.key_data(TGK, 3, salt=b"", spi=b"")),
        "GTGK+SALT": null(e.key_data(TGK, 5, salt=SALT, spi=b"\1")),
        "several keys": null(e.key_data(TGK, spi=b"\1"), e.key_data(PSK, 3, salt=SALT, spi=b"\2")),
        "NULL encryption of PKE": message(
            e.kemac(0, e.chain([e.ident(IDI), e.key_data(TGK)])), pke(1, b"x" * 256), data_type=2
        ),
        "public key": message(
            RAND, e.ident(IDI), cert(0, certificate()), cert(2, certificate()),
            e.kemac(1, b"x" * 40, 1, b"m" * 20), pke(2, b"x" * 128), sign(1, b"s" * 256),
            data_type=2,
        ),
        "D-H init": message(RAND, e.ident(IDI), dh(0, 192), sign(0, b"s" * 384), data_type=4),
        "D-H resp": message(e.ident(IDI), dh(1, 96, 0xF0), dh(2, 128), sign(0, b""), data_type=5),
        "DHHMAC": message(RAND, dh(2, 128), e.kemac(0, b"", 1, b"m" * 20), data_type=7),
        "RSA-R": message(
            e.general_ext(4, b"\1\2\3\4"), e.ident(b"a@b.example", 0), sign(2, b"s"), data_type=10
        ),
        "identities": message(
            e.ident(b"", 0), e.ident("sip:müller@example.org".encode()),
            e.ident(bytes(range(256)), 2), e.ident(b"]]>&<\"'", 1),
        ),
        "extensions": message(*(e.general_ext(number, b"a\0b") for number in range(9))),
        "empty extension": message(e.general_ext(1, b""), e.general_ext(0, b"")),
        "policies": message(
            e.sp([(number, b"\1") for number in range(21)], no=3), e.sp([], no=4),
            e.sp([(6, b"\0\0\1\0"), (3, b"\0\x14"), (13, b"\0\1"), (200, b"")], no=255),
            e.sp([(1, b"\0"), (5, TS), (9, b"")], no=1, prot_type=1),
        ),
        "SAKKE": message(
            (d.IDR, b"\1\1" + e.lv(IDI, 2)), (d.SAKKE, b"\1\1" + e.lv(b"s" * 273, 2)),
            sign(2, b"s" * 129), data_type=26,
        ),
        "empty RAND": message(e.rand(b"")),
    }  # fmt: skip


def unreadable() -> dict[str, bytes]:
    """Return a message for each entry of UNREADABLE, by what the entry is called."""
    ticket = bytes(7) + e.lv(b"policy", 2)
    return {
        "GENERIC-ID map": message(RAND, cs=e.generic_map([(1, [0], b"\0\0\0\1", b"\1\2")])),
        "CERT of type URL": message(cert(1, b"https://example.org/alice.der"), RAND),
        "CERT that holds no certificate": message(cert(0, b"none"), RAND),
        "CHASH, and all after it": message((d.CHASH, b"\0" + b"h" * 20), RAND),
        "Mac alg 2 in KEMAC": message(e.kemac(3, b"x" * 24, 2, b"m" * 32)),
        "Auth alg 2 in V": message((d.V, b"\2" + b"v" * 32), data_type=1),
        "TS type 3": e.build(0, [e.t(3, TS[:4]), RAND], csb_id=1),
        "DH with a key validity": message(dh(2, 128, 1, b"\2\1\1"), RAND, data_type=4),
        "TR": message((d.TR, b"\1\0" + TS), RAND),
        "RANDR": message((d.RANDR, b"\1" + e.lv(RAND_VALUE, 1)), RAND),
        "TP": message((d.TP, ticket), RAND),
        "TICKET": message((d.TICKET, ticket + e.lv(b"ticket", 2) + e.lv(b"", 2)), RAND),
        "SRTP parameter of no octets": message(e.sp([(1, b"")]), RAND),
        "SRTP parameter above four octets": message(e.sp([(1, bytes(4) + b"\x10")]), RAND),
    }
