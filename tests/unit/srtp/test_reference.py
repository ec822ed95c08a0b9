"""The slow reference and the package against the numbers that RFCs and libsrtp publish."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mikey.policy import SrtpPolicy
from mikey.secret import Secret
from mikey.srtp import MasterKey, Receiver, Sender
from tests.unit.srtp import reference
from tests.unit.srtp.packets import vectors

h = bytes.fromhex


@pytest.mark.parametrize(
    "vector",
    vectors("srtp-rfc3711", "kdf") + vectors("srtp-rfc6188", "kdf"),
    ids=lambda v: v["section"],
)
@pytest.mark.rule("R3711-4.3.1-1", "R6188-3.1-1")
def test_session_keys_of_the_rfcs(vector: dict[str, Any]) -> None:
    for expected in vector["keys"]:
        key = h(expected["key"])
        master = h(vector["master_key"]), h(vector["master_salt"])
        assert reference.derive(*master, expected["label"], vector["r"], len(key)) == key


@pytest.mark.parametrize(
    "vector",
    vectors("srtp-rfc3711", "aes-cm") + vectors("srtp-rfc6188", "aes-cm"),
    ids=lambda v: v["section"],
)
def test_key_streams_of_the_rfcs(vector: dict[str, Any]) -> None:
    iv = int.from_bytes(h(vector["salt"])) << 16
    stream = reference.counter_mode(h(vector["key"]), iv, bytes(vector["keystream_octets"]))
    for block in vector["blocks"]:
        at = 16 * (int(block["counter"], 16) & 0xFFFF)
        assert stream[at : at + 16] == h(block["keystream"])


def test_f8_packet_of_rfc_3711() -> None:
    (vector,) = vectors("srtp-rfc3711", "aes-f8")
    key, salt, iv = h(vector["key"]), h(vector["salt"]), h(vector["iv"])
    assert reference.f8_mode(key, salt, iv, h(vector["plaintext"])) == h(vector["ciphertext"])


@pytest.mark.parametrize(
    "vector",
    vectors("srtp-rfc7714", "gcm-srtp") + vectors("srtp-rfc7714", "gcm-srtcp"),
    ids=lambda v: v["section"],
)
def test_gcm_ivs_and_tags_of_rfc_7714(vector: dict[str, Any]) -> None:
    iv = int.from_bytes(h(vector["salt"])) ^ (vector["ssrc"] << 48 | vector["index"])
    assert iv.to_bytes(12) == h(vector["iv"])
    clear = 12 if vector["kind"] == "gcm-srtp" else 8
    data = h(vector["packet"])[clear:] if vector["encrypted"] else b""
    sealed = AESGCM(h(vector["key"])).encrypt(iv.to_bytes(12), data, h(vector["aad"]))
    assert sealed[-16:] == h(vector["tag"])
    assert sealed in h(vector["protected"])


@pytest.mark.rule("R7714-12-1")
def test_a_96_bit_master_salt_is_taken_as_libsrtp_takes_it() -> None:
    (vector,) = vectors("srtp-libsrtp", "srtp-packet")
    policy = SrtpPolicy.named(vector["policy"])
    master = MasterKey(Secret(h(vector["master_key"])), Secret(h(vector["master_salt"])))
    packet, protected = h(vector["packet"]), h(vector["protected"])
    sender = Sender(policy, [master], ssrc=vector["ssrc"], roc=vector["roc"])
    assert sender.protect(packet) == protected
    assert Receiver(policy, [master], ssrc=None).unprotect(protected) == packet
    key, salt = master.key.expose(), master.salt.expose()
    index = int.from_bytes(packet[2:4])
    assert reference.protect(policy, key, salt, index, packet) == protected
