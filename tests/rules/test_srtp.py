"""What the checklists ask of SRTP and no other test names: lengths, tags, salts, switches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mikey.errors import AuthenticationError, LocalError, PolicyError
from mikey.policy import SrtpPolicy
from mikey.srtp import Receiver, Sender
from tests.unit.srtp import reference
from tests.unit.srtp.packets import CM, GCM, POLICIES, SSRC, master, rtcp, rtp


@pytest.mark.rule("R3711-5.2-1")
@pytest.mark.parametrize("tag", [4, 8, 10, 16, 20])
def test_srtcp_keeps_80_bits_whatever_srtp_has(tag: int) -> None:
    sender = Sender(replace(CM, tag_length=tag), [master()], ssrc=SSRC)
    assert len(sender.protect(rtp(1))) == len(rtp(1)) + tag
    assert len(sender.protect_rtcp(rtcp())) == len(rtcp()) + 4 + max(tag, 10)


@pytest.mark.rule("R3711-5.2-1")
def test_srtcp_is_authenticated_where_srtp_is_not() -> None:
    policy = POLICIES["authentication off"]
    sender = Sender(policy, [master()], ssrc=SSRC)
    assert len(sender.protect(rtp(1))) == len(rtp(1))
    packet = bytearray(sender.protect_rtcp(rtcp()))
    packet[-1] ^= 1
    with pytest.raises(AuthenticationError):
        Receiver(policy, [master()], ssrc=SSRC).unprotect_rtcp(bytes(packet))


@pytest.mark.rule("R3711-4.2-1")
def test_the_tag_covers_the_roc_and_not_the_mki() -> None:
    """Two MKIs, one key: all but the MKI is the same. Two ROCs: the tag is not."""
    tags = {}
    for mki, roc in ((b"\x01", 0), (b"\x02", 0), (b"\x01", 1)):
        policy = POLICIES["NULL_HMAC_SHA1_80"]
        sender = Sender(policy, [master(policy, 1, mki)], ssrc=SSRC, roc=roc)
        protected = sender.protect(rtp(1))
        assert protected[:-10] == rtp(1) + mki
        tags[mki, roc] = protected[-10:]
    assert tags[b"\x01", 0] == tags[b"\x02", 0] != tags[b"\x01", 1]


@pytest.mark.rule("R3711-4.3.1-2")
@pytest.mark.parametrize("rate", [3, 5, (1 << 24) + 1, 1 << 25, -1])
def test_the_derivation_rate_is_a_power_of_two_up_to_2_24(rate: int) -> None:
    with pytest.raises(LocalError, match="rate"):
        Sender(replace(CM, key_derivation_rate=rate), [master()], ssrc=SSRC)


@pytest.mark.rule("R3711-4.3.1-2")
def test_a_derivation_happens_even_at_rate_0() -> None:
    """No packet is ever encrypted under the master key itself."""
    key = master()
    protected = Sender(CM, [key], ssrc=SSRC).protect(rtp(1, bytes(16)))
    iv = int.from_bytes(key.salt.expose()) << 16 ^ SSRC << 64 ^ 1 << 16
    assert protected[12:28] != reference.counter_mode(key.key.expose(), iv, bytes(16))


@pytest.mark.rule("R6188-3.1-1")
@pytest.mark.parametrize("name", ["AES_192_CM_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"])
def test_longer_keys_are_derived_with_the_longer_cipher(name: str) -> None:
    """With the AES-128 PRF half of the master key would do nothing."""
    policy = SrtpPolicy.named(name)
    key = master(policy)
    secret, salt = key.key.expose(), key.salt.expose()
    protected = Sender(policy, [key], ssrc=SSRC).protect(rtp(1, bytes(16)))
    session_salt = int.from_bytes(reference.derive(secret, salt, 2, 0, 14))
    iv = session_salt << 16 ^ SSRC << 64 ^ 1 << 16
    session_key = reference.derive(secret, salt, 0, 0, policy.key_length)
    assert protected[12:28] == reference.counter_mode(session_key, iv, bytes(16))
    weaker = reference.derive(secret[:16], salt, 0, 0, policy.key_length)
    assert session_key != weaker


@pytest.mark.rule("R7714-12-1")
@pytest.mark.parametrize("name", ["AEAD_AES_128_GCM", "AEAD_AES_256_GCM"])
def test_both_gcm_ciphers_with_a_salt_of_96_bits(name: str) -> None:
    policy = SrtpPolicy.named(name)
    key = master(policy)
    assert len(key.salt) == 12
    protected = Sender(policy, [key], ssrc=SSRC).protect(rtp(7))
    secrets = key.key.expose(), key.salt.expose()
    assert protected == reference.protect(policy, *secrets, 7, rtp(7))
    assert Receiver(policy, [key], ssrc=SSRC).unprotect(protected) == rtp(7)


@pytest.mark.rule("R7714-7.1-1")
def test_gcm_has_one_tag() -> None:
    sender = Sender(GCM, [master(GCM)], ssrc=SSRC)
    assert len(sender.protect(rtp(1))) == len(rtp(1)) + 16
    assert len(sender.protect_rtcp(rtcp())) == len(rtcp()) + 16 + 4


@pytest.mark.rule("R7714-8.2-1")
def test_gcm_always_encrypts_srtp_and_authenticates_srtcp() -> None:
    with pytest.raises(LocalError, match="encrypts"):
        replace(GCM, srtp_encryption=False)
    policy = replace(GCM, srtcp_encryption=False, srtp_authentication=False)
    sender = Sender(policy, [master(GCM)], ssrc=SSRC)
    receiver = Receiver(policy, [master(GCM)], ssrc=SSRC)
    media, control = sender.protect(rtp(1)), sender.protect_rtcp(rtcp(b"word"))
    assert rtp(1)[12:] not in media
    assert control[: len(rtcp(b"word"))] == rtcp(b"word")
    for octets, open_ in ((media, receiver.unprotect), (control, receiver.unprotect_rtcp)):
        damaged = bytearray(octets)
        damaged[13 if octets is media else 9] ^= 1
        with pytest.raises(AuthenticationError):
            open_(bytes(damaged))


@pytest.mark.rule("R7714-13.1-1")
@pytest.mark.parametrize("policy", [CM, GCM], ids=["CM", "GCM"])
def test_indices_run_on_across_a_rekey(policy: SrtpPolicy) -> None:
    sender = Sender(policy, [master(policy, 1)], ssrc=SSRC, roc=9, lifetime=3)
    for seq in range(3):
        sender.protect(rtp(seq))
    sender.protect_rtcp(rtcp())
    sender.install([master(policy, 2)])
    key = master(policy, 2)
    secrets = key.key.expose(), key.salt.expose()
    expected = reference.protect(policy, *secrets, 9 << 16 | 3, rtp(3))
    assert sender.protect(rtp(3)) == expected
    assert sender.protect_rtcp(rtcp()) == reference.protect_rtcp(policy, *secrets, 1, rtcp())


@pytest.mark.rule("R7714-13.1-1")
def test_processing_stops_where_the_key_is_used_up() -> None:
    key = master(GCM)
    sender = Sender(GCM, [key], ssrc=SSRC, lifetime=2)
    receiver = Receiver(GCM, [key], ssrc=SSRC, lifetime=2)
    long_lived = Sender(GCM, [key], ssrc=SSRC)
    for seq in range(2):
        sender.protect(rtp(seq))
        receiver.unprotect(long_lived.protect(rtp(seq)))
    for _ in range(3):
        with pytest.raises(LocalError, match="no master key is left"):
            sender.protect(rtp(2))
    with pytest.raises(PolicyError, match="lifetime"):
        receiver.unprotect(long_lived.protect(rtp(2)))
