"""SrtpPolicy itself: presets, what it refuses, what it derives from its fields."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from mikey.errors import LocalError
from mikey.policy import SrtpPolicy
from mikey.registry import FecOrder, SrtpAuth, SrtpEncr, SrtpPrf

GCM: dict[str, Any] = {
    "encryption": SrtpEncr.AES_GCM,
    "authentication": SrtpAuth.NULL,
    "salt_length": 12,
    "tag_length": 16,
}


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("AES_CM_128_HMAC_SHA1_80", (SrtpEncr.AES_CM, 16, 14, 10, 10, False)),
        ("AES_CM_128_HMAC_SHA1_32", (SrtpEncr.AES_CM, 16, 14, 4, 10, False)),
        ("AES_192_CM_HMAC_SHA1_80", (SrtpEncr.AES_CM, 24, 14, 10, 10, False)),
        ("AES_192_CM_HMAC_SHA1_32", (SrtpEncr.AES_CM, 24, 14, 4, 10, False)),
        ("AES_256_CM_HMAC_SHA1_80", (SrtpEncr.AES_CM, 32, 14, 10, 10, False)),
        ("AES_256_CM_HMAC_SHA1_32", (SrtpEncr.AES_CM, 32, 14, 4, 10, False)),
        ("F8_128_HMAC_SHA1_80", (SrtpEncr.AES_F8, 16, 14, 10, 10, False)),
        ("NULL_HMAC_SHA1_80", (SrtpEncr.NULL, 16, 14, 10, 10, True)),
        ("AEAD_AES_128_GCM", (SrtpEncr.AES_GCM, 16, 12, 16, 16, False)),
        ("AEAD_AES_256_GCM", (SrtpEncr.AES_GCM, 32, 12, 16, 16, False)),
    ],
)
def test_presets(name: str, fields: tuple[object, ...]) -> None:
    policy = SrtpPolicy.named(name)
    assert policy is getattr(SrtpPolicy, name)
    assert policy.name == name
    assert fields == (
        policy.encryption,
        policy.key_length,
        policy.master_salt_length,
        policy.srtp_tag_length,
        policy.srtcp_tag_length,
        policy.is_weak,
    )


def test_there_is_no_other_preset() -> None:
    assert len(SrtpPolicy.presets()) == 10
    with pytest.raises(LocalError, match=r"'AES'; known: AES_CM_128_HMAC_SHA1_80, "):
        SrtpPolicy.named("AES")


def test_the_defaults_are_those_of_rfc_3711() -> None:
    assert SrtpPolicy() == SrtpPolicy.AES_CM_128_HMAC_SHA1_80
    assert len({SrtpPolicy(), SrtpPolicy.named("AES_CM_128_HMAC_SHA1_80")}) == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"encryption": SrtpEncr.SEED_CTR}, "encryption SEED-CTR is not built"),
        ({"encryption": SrtpEncr(99)}, "encryption unassigned 99 is not built"),
        ({"key_length": 20}, "a key of 20 octets does not fit AES-CM"),
        ({"encryption": SrtpEncr.AES_F8, "key_length": 32}, "does not fit AES-F8"),
        ({"encryption": SrtpEncr.NULL, "key_length": 33}, "a key of 33 octets does not fit NULL"),
        (GCM | {"key_length": 24}, "a key of 24 octets does not fit AES-GCM"),
        ({"prf": SrtpPrf.ARIA_CTR}, "key derivation ARIA-CTR is not built"),
        ({"fec_order": FecOrder(1)}, "FEC order unassigned 1 is not built"),
        ({"prefix_length": 4}, "prefix"),
        ({"salt_length": 12}, "a salt of 12 octets does not fit AES-CM"),
        (GCM | {"salt_length": 14}, "a salt of 14 octets does not fit AES-GCM"),
        ({"key_derivation_rate": 3}, "key derivation rate 3"),
        ({"key_derivation_rate": -2}, "key derivation rate -2"),
        ({"key_derivation_rate": 1 << 25}, "key derivation rate 33554432"),
        ({"authentication": SrtpAuth.RCC_M1}, "authentication RCC-M1 is not built"),
        ({"auth_key_length": 10}, "authentication key has 20 octets"),
        ({"tag_length": 3}, "4 to 20"),
        ({"tag_length": 21}, "4 to 20"),
        ({"srtcp_tag": 8}, "10 to 20"),
        ({"srtcp_tag": 21}, "10 to 20"),
        (GCM | {"authentication": SrtpAuth.HMAC_SHA_1}, "RFC 7714 7.1"),
        (GCM | {"srtp_encryption": False}, "RFC 7714 8.2"),
        (GCM | {"tag_length": 8}, "AEAD tag has 16 octets"),
        (GCM | {"srtcp_tag": 10}, "AEAD tag has 16 octets"),
    ],
)
def test_what_nothing_could_run_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        SrtpPolicy(**fields)


@pytest.mark.parametrize("rate", [0, 1, 2, 1 << 10, 1 << 24])
def test_key_derivation_rates(rate: int) -> None:
    assert SrtpPolicy(key_derivation_rate=rate).key_derivation_rate == rate


@pytest.mark.rule("R3711-5.2-1")
@pytest.mark.parametrize(
    ("fields", "srtp", "srtcp"),
    [
        ({}, 10, 10),
        ({"tag_length": 4}, 4, 10),
        ({"tag_length": 20}, 20, 20),
        ({"tag_length": 4, "srtcp_tag": 12}, 4, 12),
        ({"tag_length": 16, "srtcp_tag": 10}, 16, 10),
        ({"srtp_authentication": False}, 0, 10),
        ({"srtp_authentication": False, "tag_length": 16}, 0, 16),
        ({"authentication": SrtpAuth.NULL}, 0, 10),
    ],
)
def test_srtcp_always_has_a_tag_of_80_bits(fields: dict[str, Any], srtp: int, srtcp: int) -> None:
    policy = SrtpPolicy(**fields)
    assert (policy.srtp_tag_length, policy.srtcp_tag_length) == (srtp, srtcp)


def test_one_form_for_one_meaning() -> None:
    assert SrtpPolicy(srtcp_tag=10) == SrtpPolicy()
    assert SrtpPolicy(tag_length=4, srtcp_tag=10) == SrtpPolicy.AES_CM_128_HMAC_SHA1_32
    assert SrtpPolicy(**GCM, srtcp_tag=16) == SrtpPolicy.AEAD_AES_128_GCM
    assert SrtpPolicy(srtcp_tag=12).srtcp_tag == 12


@pytest.mark.parametrize(
    ("fields", "weak", "name"),
    [
        ({"srtp_encryption": False}, True, "AES-CM/128/tag 80, SRTP in clear"),
        ({"srtcp_encryption": False}, True, "AES-CM/128/tag 80, SRTCP in clear"),
        ({"srtp_authentication": False}, True, "AES-CM/128/tag 0"),
        ({"authentication": SrtpAuth.NULL}, True, "AES-CM/128/tag 0"),
        ({"tag_length": 4, "srtcp_tag": 20}, False, "AES-CM/128/tag 32, SRTCP tag 160"),
        ({"key_derivation_rate": 256}, False, "AES-CM/128/tag 80, rate 256"),
        (GCM | {"srtcp_encryption": False}, True, "AES-GCM/128/tag 128, SRTCP in clear"),
    ],
)
def test_others_have_a_description(fields: dict[str, Any], weak: bool, name: str) -> None:
    policy = SrtpPolicy(**fields)
    assert (policy.is_weak, policy.name) == (weak, name)


def test_a_short_tag_for_srtcp_stands_only_where_it_changes_something() -> None:
    short = SrtpPolicy(tag_length=4, short_srtcp_tag=True)
    assert (short.srtp_tag_length, short.srtcp_tag_length) == (4, 4)
    assert short != SrtpPolicy.AES_CM_128_HMAC_SHA1_32
    assert short.name == "AES_CM_128_HMAC_SHA1_32"
    assert SrtpPolicy(short_srtcp_tag=True) == SrtpPolicy()
    gcm = SrtpPolicy.AEAD_AES_128_GCM
    assert dataclasses.replace(gcm, short_srtcp_tag=True) == gcm
    assert SrtpPolicy(tag_length=4, srtcp_tag=12, short_srtcp_tag=True).srtcp_tag_length == 12
