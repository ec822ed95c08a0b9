"""The named profiles: what each makes us send, octet for octet, and where."""

from __future__ import annotations

import pytest

from mikey import Clock, Context, Initiator, LocalError, NoKey, Policy, SrtpPolicy, Stream
from mikey.carriage.rtsp import KeyMgmt
from mikey.policy import PROFILES, Compat, KeyFlow, product_sp
from mikey.registry import KeyType, MacAlg
from mikey.wire import Id, Kemac, Message, Rand, Sp, parse_key_data
from tests.unit.carriage import rtsp_texts as t

TLS = Context(secure=True)
CM, CM_32 = SrtpPolicy.AES_CM_128_HMAC_SHA1_80, SrtpPolicy.AES_CM_128_HMAC_SHA1_32
CM_256 = SrtpPolicy.AES_256_CM_HMAC_SHA1_80
GCM, GCM_256 = SrtpPolicy.AEAD_AES_128_GCM, SrtpPolicy.AEAD_AES_256_GCM

MATERIAL = bytes(range(100, 150))


def sender(profile: str, policy: SrtpPolicy = CM) -> Initiator:
    draws = iter([b"\x6a\xd5\xa2\x58", bytes(range(16))])

    def random(length: int) -> bytes:
        return next(draws, MATERIAL)[:length]

    credential = NoKey("rtsp:client", "rtsp://camera", PROFILES[profile])
    return Initiator(credential, policies=[policy], clock=Clock(lambda: t.NOW), random=random)


def sent(profile: str, policy: SrtpPolicy = CM) -> bytes:
    streams = [Stream(ssrc=0xC20F551C)]
    return sender(profile, policy).start(streams, context=TLS, respond=False)


@pytest.mark.parametrize(
    ("profile", "policy", "params", "key", "salt", "spi"),
    [
        ("onvif-cm", CM, t.CM_RFC, 30, None, True),
        ("onvif-cm", CM_32, t.CM_RFC | {11: 4}, 30, None, True),
        ("onvif-gcm", GCM, t.GCM_ONVIF, 16, 12, True),
        ("onvif-gcm", GCM_256, t.GCM_ONVIF | {1: 32}, 32, 12, True),
        ("gst-legacy", CM, t.CM_GST, 30, None, False),
        ("gst-legacy", CM_256, t.CM_GST | {1: 32}, 46, None, False),
        ("gst-sha1-32", CM_32, t.CM_GST | {3: 4, 11: 4}, 30, None, False),
        ("gst-gcm", GCM, t.GCM_GST, 28, None, False),
        ("gst-gcm", GCM_256, t.GCM_GST | {1: 32}, 44, None, False),
        ("live555", CM, t.CM_LIVE555, 30, None, True),
        ("mediamtx", CM, t.CM_RFC, 30, None, False),
    ],
)
def test_the_octets_of_each_profile(
    profile: str, policy: SrtpPolicy, params: dict[int, int], key: int, salt: int | None, spi: bool
) -> None:
    """Q1 to Q4, Q7 to Q10: HDR, T, RAND, SP, KEMAC and nothing else, policy 0, one CS, V=0."""
    rest = salt if salt is None else MATERIAL[:salt]
    assert sent(profile, policy) == t.message(
        params, key=MATERIAL[:key], salt=rest, spi=b"\0\0\0\1" if spi else b""
    )


def test_gstreamers_own_message_is_of_the_same_form() -> None:
    ours, theirs = Message.parse(sent("gst-legacy")), Message.parse(t.DESCRIBE)
    assert [type(p) for p in ours.payloads] == [type(p) for p in theirs.payloads]
    assert ours.spans == theirs.spans
    assert ours.one(Sp) == theirs.one(Sp)


def test_the_rfc_names_both_parties_and_sends_a_tgk() -> None:
    message = Message.parse(sent("rfc"))
    assert len(message.all(Id)) == 2
    (key,) = parse_key_data(message.one(Kemac).encr_data)
    assert key.key_type is KeyType.TGK


def test_identities_stay_where_something_proves_them() -> None:
    """`without_identities` is for MIKEY-NULL: a pre-shared key is found by them."""
    from mikey import Psk, Secret

    key = Psk(
        Secret(bytes(range(16))), "sip:a@example.com", "sip:b@example.com", PROFILES["live555"]
    )
    message = Message.parse(Initiator(key).start([Stream(1)]))
    assert len(message.all(Id)) == 2
    assert message.one(Kemac).mac_alg is MacAlg.HMAC_SHA_1_160


@pytest.mark.parametrize("profile", ["gst-legacy", "onvif-cm"])
def test_q15_updates(profile: str) -> None:
    compat = PROFILES[profile]
    alice = Initiator(
        NoKey("rtsp:client", "rtsp://camera", compat), clock=Clock(lambda: t.NOW), mki_length=4
    )
    first = alice.start([Stream(7)], context=TLS, respond=False)
    octets = alice.rekey(alice.early_bundle(first), context=TLS, respond=False)
    message = Message.parse(octets)
    full = profile == "gst-legacy"
    assert (message.get(Rand) is not None, message.get(Sp) is not None) == (full, full)
    if full:
        assert message.one(Rand) == Message.parse(first).one(Rand)
    assert not message.all(Id)
    (key,) = parse_key_data(message.one(Kemac).encr_data)
    assert key.key_type is KeyType.TEK


def test_whose_key_protects_what() -> None:
    flows = {name: c.flow for name, c in PROFILES.items() if c.flow is not KeyFlow.ANSWER}
    assert flows == {
        "onvif-cm": KeyFlow.CLIENT_KEY,
        "onvif-gcm": KeyFlow.CLIENT_KEY,
        "gst-legacy": KeyFlow.TWO_KEYS,
        "gst-sha1-32": KeyFlow.TWO_KEYS,
        "gst-gcm": KeyFlow.TWO_KEYS,
        "live555": KeyFlow.SERVER_KEY,
        "mediamtx": KeyFlow.TWO_KEYS,
    }
    assert [name for name, c in PROFILES.items() if c.server_key_in_setup] == ["mediamtx"]


def test_q13_q15_the_text_around_a_message() -> None:
    spec = KeyMgmt("mikey", "rtsp://a/b", b"\1")
    forms = {name: spec.encode(blanks=not c.compact_key_mgmt) for name, c in PROFILES.items()}
    assert forms["live555"] == forms["rfc"] == 'prot=mikey; uri="rtsp://a/b"; data="AQ=="'
    assert forms["onvif-cm"] == forms["gst-gcm"] == 'prot=mikey;uri="rtsp://a/b";data="AQ=="'
    rekeys = [name for name, compat in PROFILES.items() if compat.rekey_in_key_mgmt]
    assert rekeys == ["gst-legacy", "gst-sha1-32", "gst-gcm"]


def test_what_a_profile_cannot_say() -> None:
    odd = SrtpPolicy(key_derivation_rate=16)
    assert product_sp(odd, 0, Compat()) == odd.to_sp(0)
    with pytest.raises(LocalError, match="no way to say"):
        product_sp(odd, 0, PROFILES["gst-legacy"])
    with pytest.raises(LocalError):
        sent("live555", odd)


def test_a_tek_is_sent_for_peers_that_know_what_it_is() -> None:
    credential = NoKey("a", "b")
    with pytest.raises(LocalError, match="TEK"):
        Initiator(credential, key_type=KeyType.TEK)
    alice = Initiator(credential, policy=Policy(allow_null=True))
    keys = parse_key_data(Message.parse(sent("onvif-cm")).one(Kemac).encr_data)
    with pytest.raises(LocalError, match="TEK"):
        alice.start([Stream(1)], keys=keys)


@pytest.mark.parametrize("profile", ["onvif-cm", "gst-legacy"])
@pytest.mark.rule("R3830-6.2-13")
def test_readable_keys_need_a_transport_that_hides_them(profile: str) -> None:
    for context in (None, Context()):
        with pytest.raises(LocalError, match="allow_null"):
            sender(profile).start([Stream(1)], context=context)


def test_a_short_tag_for_srtcp_only_where_the_peer_has_it() -> None:
    for profile, length in (("gst-sha1-32", 4), ("onvif-cm", 10)):
        alice = sender(profile, CM_32)
        first = alice.start([Stream(1)], context=TLS, respond=False)
        (session,) = alice.early_bundle(first).crypto_sessions
        assert session.policy.srtcp_tag_length == length
        assert session.policy.name == "AES_CM_128_HMAC_SHA1_32"
