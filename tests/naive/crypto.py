"""Key derivation, ciphers and MACs as RFC 3830 4.1 and 4.2.3 write them, one line after another."""

from __future__ import annotations

import hashlib
import hmac as hmac_lib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.naive.decode import ID, KEMAC, KEY_DATA, RAND, Fields, Part, T, decode, decode_keys, one

TEK, AUTH, ENCR, SALT = 0x2AD01C64, 0x1B5C7973, 0x15798CEF, 0x39A2C14B
MESSAGE_ENCR, MESSAGE_AUTH, MESSAGE_SALT = 0x150533E1, 0x2D22AC75, 0x29B88916


def hmac(func: int, key: bytes, data: bytes) -> bytes:
    return hmac_lib.new(key, data, hashlib.sha256 if func == 1 else hashlib.sha1).digest()


def prf(func: int, inkey: bytes, label: bytes, length: int) -> bytes:
    """RFC 3830 4.1.2: blocks of 32 octets, the last one as short as it is; XOR of the P's."""
    out = 0
    for at in range(0, len(inkey), 32):
        out ^= int.from_bytes(_p(func, inkey[at : at + 32], label, length), "big")
    return out.to_bytes(length, "big")


def _p(func: int, s: bytes, label: bytes, length: int) -> bytes:
    out, a = b"", label
    while len(out) < length:
        a = hmac(func, s, a)
        out += hmac(func, s, a + label)
    return out[:length]


def label(constant: int, cs_id: int, csb_id: int, rand: bytes) -> bytes:
    return constant.to_bytes(4, "big") + bytes([cs_id]) + csb_id.to_bytes(4, "big") + rand


def message_keys(
    secret: bytes, csb_id: int, rand: bytes, *, func: int = 0, encr_alg: int = 1, mac_alg: int = 1
) -> tuple[bytes, bytes, bytes]:
    """Return encr_key, auth_key and salt of a PSK or an envelope key (RFC 3830 4.1.4)."""

    def key(constant: int, length: int) -> bytes:
        return prf(func, secret, label(constant, 0xFF, csb_id, rand), length)

    return (
        key(MESSAGE_ENCR, 32 if encr_alg == 3 else 16),
        key(MESSAGE_AUTH, 32 if mac_alg == 2 else 20),
        key(MESSAGE_SALT, 8 if encr_alg == 2 else 14),
    )


def session_keys(
    key: Fields, cs_id: int, csb_id: int, rand: bytes, *,
    func: int = 0, key_length: int = 16, salt_length: int = 14,
) -> tuple[bytes, bytes]:  # fmt: skip
    """Return master key and master salt of a crypto session from one Key data (RFC 3830 4.1.3)."""
    tek, salt = key["key"], key["salt"]
    if key["key_type"] in (0, 1):
        tek = prf(func, key["key"], label(TEK, cs_id, csb_id, rand), key_length)
    if salt is None:
        salt = prf(func, key["key"], label(SALT, cs_id, csb_id, rand), salt_length)
    return tek, salt


def wide_t(ts_type: int, value: bytes) -> bytes:
    """Return T in 64 bits: COUNTER grows on the left, NTP-UTC-32 on the right."""
    return value.ljust(8, b"\0") if ts_type == 3 else value.rjust(8, b"\0")


def iv(salt: bytes, csb_id: int, ts_type: int, ts_value: bytes) -> bytes:
    mask = bytes(2) + csb_id.to_bytes(4, "big") + wide_t(ts_type, ts_value)
    return bytes(a ^ b for a, b in zip(salt, mask, strict=True)) + bytes(2)


def aes(key: bytes, block: bytes, *, decrypt: bool = False) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.ECB())
    context = cipher.decryptor() if decrypt else cipher.encryptor()
    return context.update(block) + context.finalize()


def aes_cm(key: bytes, first: bytes, data: bytes) -> bytes:
    """Counter mode, block by block; encrypting is decrypting."""
    out = b""
    for number, at in enumerate(range(0, len(data), 16)):
        counter = (int.from_bytes(first, "big") + number) % 2**128
        stream = aes(key, counter.to_bytes(16, "big"))
        out += bytes(a ^ b for a, b in zip(data[at : at + 16], stream, strict=False))
    return out


def kw_wrap(key: bytes, initial: bytes, plaintext: bytes) -> bytes:
    """RFC 3394 2.2.1, with MIKEY's own initial value."""
    a, r = initial, [plaintext[at : at + 8] for at in range(0, len(plaintext), 8)]
    for step in range(6 * len(r)):
        i = step % len(r)
        block = aes(key, a + r[i])
        a = (int.from_bytes(block[:8], "big") ^ (step + 1)).to_bytes(8, "big")
        r[i] = block[8:]
    return a + b"".join(r)


def kw_unwrap(key: bytes, initial: bytes, wrapped: bytes) -> bytes:
    a, *r = [wrapped[at : at + 8] for at in range(0, len(wrapped), 8)]
    for step in reversed(range(6 * len(r))):
        i = step % len(r)
        mixed = (int.from_bytes(a, "big") ^ (step + 1)).to_bytes(8, "big")
        block = aes(key, mixed + r[i], decrypt=True)
        a, r[i] = block[:8], block[8:]
    if a != initial:
        raise ValueError("AES-KW: the initial value does not come out")
    return b"".join(r)


def kw_pad(plaintext: bytes) -> bytes:
    return plaintext.ljust(max(-(-len(plaintext) // 8) * 8, 16), b"\0")


def mac(alg: int, key: bytes, data: bytes) -> bytes:
    return b"" if alg == 0 else hmac(alg - 1, key, data)


def encrypt(alg: int, key: bytes, salt: bytes, csb_id: int, t: Fields, plaintext: bytes) -> bytes:
    if alg == 2 and plaintext:
        return kw_wrap(key, salt, kw_pad(plaintext))
    if alg in (1, 3):
        return aes_cm(key, iv(salt, csb_id, t["ts_type"], t["value"]), plaintext)
    return plaintext


def decrypt(alg: int, key: bytes, salt: bytes, csb_id: int, t: Fields, data: bytes) -> bytes:
    return (
        kw_unwrap(key, salt, data)
        if alg == 2 and data
        else encrypt(alg, key, salt, csb_id, t, data)
    )


def kemac_parts(
    octets: bytes,
    secret: bytes,
    *,
    rand: bytes | None = None,
    envelope: bool = False,
    csb_id: int | None = None,
) -> list[Part]:
    """Check the MAC of a message's KEMAC, decrypt it, and return its sub-payloads.

    ``secret`` is the PSK or, with ``envelope``, the envelope key: then the MAC covers the
    KEMAC alone with its Next payload taken as 0, and an ID comes first (R3830-6.2-11).
    ``rand`` is the initial RAND, for an update that carries none; ``csb_id`` is the one that
    replaces the header's (R4738-3.6-3).
    """
    parts = decode(octets)
    hdr, t, kemac = parts[0].fields, one(parts, T).fields, one(parts, KEMAC)
    alg, mac_alg = kemac.fields["encr_alg"], kemac.fields["mac_alg"]
    csb_id = hdr["csb_id"] if csb_id is None else csb_id
    rand = one(parts, RAND).fields["value"] if rand is None else rand
    encr_key, auth_key, salt = message_keys(
        secret, csb_id, rand, func=hdr["prf_func"], encr_alg=alg, mac_alg=mac_alg
    )
    end = kemac.offset + kemac.length - len(kemac.fields["mac"])
    covered = b"\0" + octets[kemac.offset + 1 : end] if envelope else octets[:end]
    if mac(mac_alg, auth_key, covered) != kemac.fields["mac"]:
        raise ValueError("the MAC of the KEMAC is wrong")
    plaintext = decrypt(alg, encr_key, salt, csb_id, t, kemac.fields["encr_data"])
    return decode_keys(plaintext, ID if envelope else KEY_DATA, padded=alg == 2)


def v_data(
    octets: bytes, auth_key: bytes, alg: int, idi: bytes, idr: bytes, ts_value: bytes
) -> bytes:
    """Return the Ver data for a message given up to and including its Auth alg (R3830-5.2-6)."""
    return mac(alg, auth_key, octets + idi + idr + ts_value)
