"""From SP payloads to policies: every parameter's bad values, quirks, lists of alternatives."""

from __future__ import annotations

import base64

import pytest

from mikey.errors import PolicyError, UnsupportedError
from mikey.policy import PROFILES, Compat, SrtpPolicy, alternatives, srtp_policy
from mikey.registry import ErrorNumber, ProtType, SrtpAuth
from mikey.wire import Message, Sp, SpParam

QUIRK = Compat(tag_length_in_type_3=True)

# From gst-rtsp-server and rtspsrc 1.22, see docs/conformance/base.md IMPL-7.
GSTREAMER = base64.b64decode(
    "AQAFAG3TTTsBAAA6Zl3FAAAAAAsA7q5huArg0j0KEPzYe1XmTpEd6KQ58OFrQasBAAAAFQABAQEBEAIBAQMBCgcBAQgBAQ"
    "oBAQAAACIAIAAeRSq57LIst9eMSMGiwenQR0yQf2MMc8q27olGKlxnAA=="
)


def sp(*params: tuple[int, int | bytes], prot_type: ProtType = ProtType.SRTP) -> Sp:
    values = [(t, v if isinstance(v, bytes) else bytes([v])) for t, v in params]
    return Sp(0, prot_type, tuple(SpParam(*item) for item in values))


def refused(*params: tuple[int, int | bytes], compat: Compat | None = None) -> str:
    with pytest.raises(PolicyError) as caught:
        srtp_policy(sp(*params), compat)
    assert caught.value.number is ErrorNumber.INVALID_SPPAR
    return caught.value.reason


def test_nothing_is_the_default_policy() -> None:
    assert srtp_policy(sp()) == SrtpPolicy.AES_CM_128_HMAC_SHA1_80


@pytest.mark.parametrize("prot_type", [ProtType.TESLA, ProtType(7)])
def test_another_security_protocol_is_error_9(prot_type: ProtType) -> None:
    with pytest.raises(UnsupportedError) as caught:
        srtp_policy(sp(prot_type=prot_type))
    assert caught.value.number is ErrorNumber.INVALID_SP


@pytest.mark.rule("R3830-6.10.1-11")
@pytest.mark.parametrize("number", [21, 42, 200, 255])
def test_an_unknown_type_is_never_dropped(number: int) -> None:
    assert f"parameter {number} is unknown" in refused((number, 1))


@pytest.mark.rule("R3830-6.10.1-11")
@pytest.mark.parametrize(
    ("number", "values"),
    [
        (0, [3, 4, 5, 7, 8, 9, 255]),  # SEED, ARIA, unassigned
        (1, [0, 15, 20, 33, 255]),
        (2, [2, 3, 4, 5, 255]),  # RCC, unassigned
        (3, [0, 10, 19, 21, 255]),
        (4, [0, 12, 13, 15, 255]),
        (5, [1, 2, 3, 255]),
        (6, [3, 5, 255]),
        (7, [2, 255]),
        (8, [2, 255]),
        (9, [1, 255]),
        (10, [2, 255]),
        (11, [0, 3, 21, 255]),
        (12, [1, 255]),
        (13, [0, 1, 255]),  # needs RCC
        (14, [2, 3, 4, 5, 255]),
        (15, [0, 2, 3, 4, 5, 255]),
        (16, [0, 19, 21]),
        (17, [0, 19, 21]),
        (18, [0, 3, 21]),
        (19, [0, 4, 9, 21]),
        (20, [16]),  # without an AEAD cipher
    ],
)
def test_every_unsupported_value_is_error_10(number: int, values: list[int]) -> None:
    for value in values:
        assert refused((number, value)), value


@pytest.mark.parametrize("number", range(21))
def test_zero_and_oversized_lengths(number: int) -> None:
    assert "has 0 octets" in refused((number, b""))
    assert "has 5 octets" in refused((number, bytes(4) + b"\1"))
    assert "has 255 octets" in refused((number, bytes(255)))


@pytest.mark.parametrize("number", [0, 2, 5, 9, 14, 15])
@pytest.mark.parametrize("value", [b"\0\1", b"\1\0", b"\xff\xff", bytes(3)])
def test_algorithms_take_one_octet(number: int, value: bytes) -> None:
    """Two octets could name what no registry holds, and end in another exception."""
    assert f"has {len(value)} octets" in refused((number, value))


@pytest.mark.rule("R3830-6.10.1-9")
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_lengths_are_octets_in_any_width(width: int) -> None:
    wide = [(number, value.to_bytes(width)) for number, value in ((1, 32), (3, 20), (4, 14))]
    assert srtp_policy(sp(*wide)) == SrtpPolicy.AES_256_CM_HMAC_SHA1_80
    assert "128 octets" in refused((1, 128))


@pytest.mark.rule("R3830-6.10.1-10", "R3711-4.3.1-2")
def test_the_key_derivation_rate_is_no_exponent() -> None:
    for value, rate in ((b"\0", 0), (b"\1", 1), (b"\x10", 16), (b"\1\0\0\0", 1 << 24)):
        assert srtp_policy(sp((6, value))).key_derivation_rate == rate
    for value in (b"\x18", b"\1\0\1", b"\2\0\0\0", b"\xff" * 4):
        assert "key derivation rate" in refused((6, value))


@pytest.mark.rule("R3830-6.10.1-12")
@pytest.mark.parametrize("params", [[(0, 1), (0, 1)], [(0, 1), (1, 16), (0, 6)], [(6, 0)] * 3])
def test_a_type_that_stands_twice(params: list[tuple[int, int | bytes]]) -> None:
    assert "stands twice" in refused(*params)


def test_an_unknown_algorithm_is_seen_behind_its_override() -> None:
    assert "unknown" in refused((2, 9), (14, 1))
    assert "unknown" in refused((2, 9), (14, 1), (15, 1))


def test_special_parameters_beat_the_general_ones() -> None:
    policy = srtp_policy(sp((2, 1), (11, 10), (18, 4)))
    assert (policy.srtp_tag_length, policy.srtcp_tag_length) == (4, 10)
    policy = srtp_policy(sp((11, 4), (19, 20)))
    assert (policy.srtp_tag_length, policy.srtcp_tag_length) == (4, 20)
    policy = srtp_policy(sp((18, 20)))
    assert (policy.srtp_tag_length, policy.srtcp_tag_length) == (20, 10)
    policy = srtp_policy(sp((14, 0), (15, 1), (17, 20), (19, 10)))
    assert (policy.authentication, policy.srtcp_tag_length) == (SrtpAuth.NULL, 10)
    assert srtp_policy(sp((3, 99), (16, 20), (17, 20))) == SrtpPolicy()
    assert refused((3, 99), (16, 20))


@pytest.mark.rule("R3711-5.2-1")
@pytest.mark.parametrize(
    "params",
    [[(2, 0)], [(2, 0), (3, 0), (11, 0)], [(10, 0)], [(11, 4)], [(2, 0), (11, 4)]],
)
def test_srtcp_stays_authenticated(params: list[tuple[int, int | bytes]]) -> None:
    assert srtp_policy(sp(*params)).srtcp_tag_length == 10


@pytest.mark.rule("R7714-15-1x", "R7714-15-1", "R7714-12-1", "R7714-7.1-1")
@pytest.mark.parametrize(
    ("params", "policy"),
    [
        ([(0, 6)], SrtpPolicy.AEAD_AES_128_GCM),
        ([(0, 6), (1, 16), (20, 16)], SrtpPolicy.AEAD_AES_128_GCM),
        ([(0, 6), (1, 32)], SrtpPolicy.AEAD_AES_256_GCM),
        ([(0, 6), (1, 32), (2, 0), (4, 12), (5, 0), (20, 16)], SrtpPolicy.AEAD_AES_256_GCM),
        # Axis and GStreamer; Nx Witness
        ([(0, 6), (1, 32), (2, 0), (3, 0), (7, 1), (8, 1), (10, 1)], SrtpPolicy.AEAD_AES_256_GCM),
        ([(0, 6), (1, 16), (2, 0), (3, 20), (7, 1), (20, 16)], SrtpPolicy.AEAD_AES_128_GCM),
        ([(0, 6), (2, 0), (11, 16)], SrtpPolicy.AEAD_AES_128_GCM),
    ],
)
def test_gcm(params: list[tuple[int, int | bytes]], policy: SrtpPolicy) -> None:
    assert srtp_policy(sp(*params)) == policy
    assert srtp_policy(sp(*params), QUIRK) == policy


@pytest.mark.rule("R7714-15-1x", "R7714-15-1", "R7714-7.1-1", "R7714-8.2-1")
@pytest.mark.parametrize(
    "param",
    [(1, 24), (2, 1), (4, 14), (5, 1), (7, 0), (11, 10), (14, 1), (18, 10), (20, 8), (20, 12)],
)
def test_what_gcm_does_not_take(param: tuple[int, int | bytes]) -> None:
    assert refused((0, 6), param)


@pytest.mark.rule("R7714-8.2-1")
def test_gcm_keeps_its_tag_whatever_is_switched_off() -> None:
    policy = srtp_policy(sp((0, 6), (10, 0)))
    assert policy == SrtpPolicy.AEAD_AES_128_GCM
    policy = srtp_policy(sp((0, 6), (8, 0)))
    assert (policy.srtp_tag_length, policy.srtcp_tag_length) == (16, 16)
    assert policy.is_weak


@pytest.mark.parametrize(
    ("params", "tag"),
    [
        ([(3, 10)], 10),
        ([(3, 4)], 4),
        ([(3, 4), (11, 10)], 10),
        ([(3, 10), (11, 4)], 4),
        ([(3, 20), (11, 4)], 4),
        ([(3, 20)], 10),
    ],
)
def test_the_tag_length_in_type_3(params: list[tuple[int, int | bytes]], tag: int) -> None:
    assert srtp_policy(sp(*params), QUIRK).tag_length == tag
    if params[0][1] != 20:
        assert refused(*params)
        assert refused(*params, compat=Compat())


def test_a_message_of_gstreamer() -> None:
    message = Message.parse(GSTREAMER)
    (policy,) = message.all(Sp)
    assert srtp_policy(policy, PROFILES["gst-legacy"]) == SrtpPolicy.AES_CM_128_HMAC_SHA1_80
    with pytest.raises(PolicyError, match="key has 20 octets"):
        srtp_policy(policy)


def test_the_policy_of_onvif() -> None:
    cm = [(0, 1), (1, 16), (2, 1), (3, 20), (4, 14), (5, 0), (7, 1), (8, 1), (10, 1), (11, 10)]
    assert srtp_policy(sp(*cm)) == SrtpPolicy.AES_CM_128_HMAC_SHA1_80
    gcm = [(0, 6), (1, 16), (2, 0), (4, 12), (5, 0), (7, 1), (8, 1), (20, 16)]
    assert srtp_policy(sp(*gcm)) == SrtpPolicy.AEAD_AES_128_GCM


def test_alternatives_of_an_error_message() -> None:
    listed = alternatives(sp((0, 1), (1, 16), (1, 32), (11, 10), (11, 4)))
    assert set(listed) == {
        SrtpPolicy.AES_CM_128_HMAC_SHA1_80,
        SrtpPolicy.AES_CM_128_HMAC_SHA1_32,
        SrtpPolicy.AES_256_CM_HMAC_SHA1_80,
        SrtpPolicy.AES_256_CM_HMAC_SHA1_32,
    }
    assert alternatives(sp()) == (SrtpPolicy(),)


def test_alternatives_leave_out_what_is_not_built() -> None:
    assert alternatives(sp((0, 1), (0, 3), (0, 7))) == (SrtpPolicy(),)
    assert alternatives(sp((1, 16), (1, 16))) == (SrtpPolicy(),)
    assert alternatives(sp((99, 1))) == ()
    assert alternatives(sp(prot_type=ProtType.TESLA)) == ()
    assert alternatives(sp((0, b""))) == ()


def test_alternatives_without_end_are_not_tried() -> None:
    endless = [(number, value) for number in range(12) for value in range(200)]
    assert alternatives(sp(*endless)) == ()
    most = [(number, 0) for number in (1, 3, 4, 6, 11, 12)] + [(1, 16), (3, 20), (4, 14)]
    most += [(6, 1), (11, 10), (12, 0)]
    assert len(alternatives(sp(*most))) == 2  # of 64: both rates
    assert alternatives(sp(*[(1, 16)] * 65)) == ()
