"""What products send, and each deviation with the message that made it necessary."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mikey import (
    Bundle,
    Clock,
    Context,
    Initiator,
    NoKey,
    Responder,
    Secret,
    SrtpPolicy,
    Stream,
    drive,
)  # fmt: skip
from mikey.carriage.rtsp import Presentation, filetime, first_message, update_message
from mikey.errors import DecodeError, PeerError, PolicyError, TimestampError
from mikey.policy import PROFILES, SECOND, Compat
from mikey.registry import KeyType
from mikey.wire import Message, SrtpId, T
from tests.unit.carriage import rtsp_texts as t

TLS = Context(secure=True)
RTSP = PROFILES["onvif-cm"]
GST = PROFILES["gst-legacy"]


def clock(later: int = 0) -> Clock:
    return Clock(lambda: t.NOW + later * SECOND)


def responder(compat: Compat, context: Context = TLS) -> Responder:
    return Responder([NoKey("rtsp:client", "rtsp://camera", compat)], clock=clock())


def accept(octets: bytes, compat: Compat, *, restate: bool = True) -> Bundle:
    if restate:
        octets = first_message(octets, compat=compat, clock=clock())
    offer = drive(responder(compat).receive(octets, context=TLS))
    assert not offer.wants_response
    return offer.accept()[1]


def needs(octets: bytes, profile: Compat, error: type[PeerError], **fields: object) -> Bundle:
    """The message is refused without these fields of the profile, and accepted with them."""
    with pytest.raises(error):
        accept(octets, replace(profile, **fields))  # type: ignore[arg-type]
    return accept(octets, profile)


def key_of(bundle: Bundle) -> bytes:
    master = bundle.masters(1)[0]
    return master.key.expose() + master.salt.expose()


@pytest.mark.parametrize(
    ("octets", "csb_id", "ssrc", "start", "end"),
    [
        (t.DESCRIBE, 0x6DD34D3B, 979787205, "452ab9ec", "2a5c67"),
        (t.SETUP, 0xD0F0BFCE, 0x26FE439A, "254a25e9", "9d1700"[:6]),
    ],
)
def test_gstreamer_on_the_wire(octets: bytes, csb_id: int, ssrc: int, start: str, end: str) -> None:
    bundle = accept(octets, GST)
    assert bundle.csb_id == csb_id
    (session,) = bundle.crypto_sessions
    assert (session.ssrc, session.roc) == (ssrc, 0)
    assert session.policy == SrtpPolicy.AES_CM_128_HMAC_SHA1_80
    assert key_of(bundle) == octets[81:111]
    assert key_of(bundle).hex().startswith(start)
    assert octets[:4] == bytes.fromhex("01000500")
    assert octets[111] == 0
    assert len(octets) == 112


def test_a_message_of_live555() -> None:
    """123 octets, an MKI of four, the map's SSRC of no stream."""
    octets = t.message(t.CM_LIVE555, spi=b"\x12\x34\x56\x78")
    assert len(octets) == 123
    bundle = accept(octets, PROFILES["live555"])
    assert key_of(bundle) == t.KEY + t.SALT
    assert bundle.masters(1)[0].mki == b"\x12\x34\x56\x78"


@pytest.mark.parametrize(
    ("params", "key", "salt", "profile", "policy"),
    [
        (t.CM_RFC, 30, None, "onvif-cm", "AES_CM_128_HMAC_SHA1_80"),
        (t.CM_NX, 30, None, "onvif-cm", "AES_CM_128_HMAC_SHA1_80"),
        (t.CM_GST | {1: 32}, 46, None, "gst-legacy", "AES_256_CM_HMAC_SHA1_80"),
        (t.CM_GST | {3: 4}, 30, None, "gst-sha1-32", "AES_CM_128_HMAC_SHA1_32"),
        (t.CM_RFC | {11: 4}, 30, None, "onvif-cm", "AES_CM_128_HMAC_SHA1_32"),
        (t.CM_GST | {3: 10, 11: 4}, 30, None, "gst-sha1-32", "AES_CM_128_HMAC_SHA1_32"),
        (t.GCM_GST, 28, None, "gst-gcm", "AEAD_AES_128_GCM"),
        (t.GCM_GST | {1: 32}, 44, None, "gst-gcm", "AEAD_AES_256_GCM"),
        (t.GCM_ONVIF, 16, 12, "onvif-gcm", "AEAD_AES_128_GCM"),
        (t.GCM_ONVIF | {1: 32}, 32, 12, "onvif-gcm", "AEAD_AES_256_GCM"),
        (t.GCM_NX, 28, None, "onvif-gcm", "AEAD_AES_128_GCM"),
        (t.GCM_NX | {11: 16}, 16, 12, "onvif-gcm", "AEAD_AES_128_GCM"),
    ],
)
@pytest.mark.parametrize("spi", [b"", b"\1", b"\1\2\3\4", bytes(range(255))])
def test_every_suite_and_form_of_key(
    params: dict[int, int], key: int, salt: int | None, profile: str, policy: str, spi: bytes
) -> None:
    """Q1, Q2, Q3, Q4."""
    octets = t.message(
        params, key=bytes(range(key)), salt=None if salt is None else bytes(range(salt)), spi=spi
    )
    bundle = accept(octets, PROFILES[profile])
    assert bundle.crypto_sessions[0].policy.name == policy
    (master,) = bundle.masters(1)
    wanted = bytes(range(key)) + (b"" if salt is None else bytes(range(salt)))
    assert key_of(bundle) == wanted
    assert master.mki == spi


def test_q1_the_tag_length_where_the_keys_belongs() -> None:
    needs(t.DESCRIBE, GST, PolicyError, tag_length_in_type_3=False)


def test_q1_a_short_tag_is_srtcps_too() -> None:
    octets = t.message(t.CM_GST | {3: 4})
    assert accept(octets, GST).crypto_sessions[0].policy.srtcp_tag_length == 4
    without = replace(GST, short_srtcp_tag=False)
    assert accept(octets, without).crypto_sessions[0].policy.srtcp_tag_length == 10
    asked = Responder(
        [NoKey("rtsp:client", "rtsp://camera", GST)],
        clock=clock(),
        policies=[SrtpPolicy.AES_CM_128_HMAC_SHA1_32],
    )
    octets = first_message(octets, compat=GST, clock=clock())
    assert drive(asked.receive(octets, context=TLS)).streams[0].policy is not None


def test_q3_key_and_salt_in_one_field() -> None:
    needs(t.message(t.CM_RFC), RTSP, PolicyError, tek_with_salt=False)


def test_q3_a_key_without_any_salt() -> None:
    octets = t.message(t.CM_RFC, key=t.KEY)
    with pytest.raises(PolicyError):
        accept(octets, RTSP)
    allowed = accept(octets, replace(RTSP, tek_needs_salt=False))
    assert key_of(allowed) == t.KEY + bytes(14)


def test_q5_a_windows_filetime_in_t() -> None:
    octets = t.message(t.CM_RFC, t=t.FILETIME)
    needs(octets, RTSP, TimestampError, unchecked_timestamp=False)
    said = filetime(octets)
    assert said is not None
    assert said // SECOND == 1516031962  # 2018-01-15 15:59:22 UTC
    assert filetime(t.message(t.CM_RFC)) is None
    assert filetime(t.message(t.CM_RFC, t=None)) is None
    assert filetime(b"garbage") is None


def test_q6_no_timestamp() -> None:
    octets = t.message(t.CM_RFC, t=None)
    needs(octets, RTSP, DecodeError, missing_timestamp=False, unchecked_timestamp=False)
    assert accept(octets, replace(RTSP, unchecked_timestamp=False))


def test_q6_no_rand() -> None:
    octets = t.message(t.CM_RFC, rand=None)
    needs(octets, RTSP, DecodeError, missing_rand=False)
    assert accept(t.message(t.CM_RFC, t=None, rand=None), RTSP)


def test_q6_a_tgk_without_rand_derives_nothing() -> None:
    octets = t.message(t.CM_RFC, key=t.KEY, key_type=KeyType.TGK, rand=None)
    with pytest.raises(DecodeError):
        accept(octets, RTSP)


def test_q7_several_crypto_sessions_share_a_key() -> None:
    sessions = (SrtpId(0, 1), SrtpId(0, 2, 7), SrtpId(0, 0))
    bundle = accept(t.message(t.CM_RFC, sessions=sessions), RTSP)
    assert [(s.ssrc, s.roc) for s in bundle.crypto_sessions] == [(1, 0), (2, 7), (None, 0)]
    assert len({s.fingerprint for s in bundle.crypto_sessions}) == 1


def test_q7_a_map_that_fits_no_lines() -> None:
    """In a description the lines are counted; a vendor's sample has a CS for each stream."""
    octets = t.message(t.CM_RFC, sessions=tuple(SrtpId(0, n) for n in range(1, 6)))
    (carried,) = Presentation(t.sdp(octets), "rtsp://camera/", context=TLS).messages()
    for fields, fits in (({}, True), ({"any_session_count": False}, False)):
        bob = responder(replace(RTSP, **fields))  # type: ignore[arg-type]
        if fits:
            assert len(drive(bob.receive(carried.octets, context=carried.context)).streams) == 5
        else:
            with pytest.raises(PolicyError, match="do not fit"):
                bob.receive(carried.octets, context=carried.context)


def test_q7_no_map_at_all() -> None:
    octets = t.message(t.CM_RFC, sessions=())
    (session,) = accept(octets, RTSP).crypto_sessions
    assert session.ssrc is None
    assert not accept(octets, replace(RTSP, missing_map=False)).crypto_sessions


def test_a_late_joiner_gets_the_current_key_and_roc() -> None:
    """ONVIF's answer to GET_PARAMETER: the key of the stream in a message of its own."""
    alice = Initiator(NoKey("rtsp://camera", "rtsp:client", RTSP), clock=clock())
    first = alice.start([Stream(9)], context=TLS, respond=False)
    bundle = alice.early_bundle(first)
    now = alice.start([Stream(9, roc=41)], context=TLS, respond=False, keys=bundle.keys)
    joined = accept(now, RTSP)
    (session,) = joined.crypto_sessions
    assert (session.ssrc, session.roc, session.keys) == (9, 41, bundle.masters(1))


def test_q11_zeros_behind_the_end() -> None:
    for octets in (t.DESCRIBE + bytes(1), t.message(t.CM_GST) + bytes(40)):
        needs(octets, GST, DecodeError, trailing_zeros=False)
    for octets in (t.DESCRIBE + b"\0\1", t.DESCRIBE[:-1], t.DESCRIBE[:60] + bytes(1)):
        with pytest.raises(DecodeError):
            accept(octets, GST)


def test_unknown_parameters_are_skipped() -> None:
    octets = t.message(t.CM_RFC | {200: 1, 255: 255})
    needs(octets, RTSP, PolicyError, unknown_parameters=False)


def test_q20_what_crashes_others() -> None:
    """Parameters of no octets, KEMAC without a key, a policy longer than the message."""
    at = t.DESCRIBE.index(bytes.fromhex("000101010110"))
    empty = t.DESCRIBE[:at] + b"\0\0" + t.DESCRIBE[at + 3 :]
    empty = empty.replace(b"\0\x15\0\0", b"\0\x14\0\0")
    no_key = t.DESCRIBE[:73] + bytes(5)
    overrun = t.DESCRIBE.replace(b"\0\x15\0\1\1", b"\xff\xff\0\1\1")
    no_policy = t.message({}, key=bytes(29))
    for octets in (empty, no_key, overrun, no_policy, t.DESCRIBE[:47], b""):
        with pytest.raises(PeerError):
            accept(octets, GST)


def test_a_message_with_a_mac_stays_as_it_came() -> None:
    from tests.rules import psk_parties as p

    octets = p.offer()
    assert first_message(octets, compat=RTSP, clock=clock()) == octets
    assert first_message(octets + bytes(1), compat=RTSP, clock=clock()) == octets
    rfc = accept(t.message(t.CM_RFC), RTSP)
    assert update_message(octets, rfc, clock=clock()) == octets


def test_the_rfc_changes_nothing() -> None:
    octets = t.message(t.CM_RFC, t=t.FILETIME)
    assert first_message(octets, compat=Compat(), clock=clock()) == octets


# Rekeying


NEW = bytes(range(60, 90))


@pytest.mark.parametrize(
    "octets",
    [
        t.message(None, key=NEW, spi=b"\0\0\0\2", rand=None, t=None, sessions=()),  # ONVIF
        t.message(None, key=NEW, spi=b"\0\0\0\2", rand=None, t=t.FILETIME),
        t.message(t.CM_RFC, key=NEW, spi=b"\0\0\0\2", csb_id=5, sessions=(SrtpId(0, 77),)),
        t.message(t.CM_GST, key=NEW, spi=b"\0\0\0\2", csb_id=5) + bytes(1),
    ],
)
def test_a_rekey_brings_a_key_and_nothing_else(octets: bytes) -> None:
    first = t.message(t.CM_RFC, spi=b"\0\0\0\1", sessions=(SrtpId(0, 9, 3),))
    bob = responder(RTSP)
    said = first_message(first, compat=RTSP, clock=clock())
    _, bundle = drive(bob.receive(said, context=TLS)).accept()
    update = update_message(octets, bundle, clock=clock(1))
    assert Message.parse(update).header.csb_id == bundle.csb_id
    offer = drive(bob.receive(update, context=TLS))
    assert offer.is_update
    _, renewed = offer.accept()
    (session,) = renewed.crypto_sessions
    assert (session.ssrc, session.roc) == (9, 3)  # the ROC goes on (Q15)
    assert [m.mki for m in session.keys] == [b"\0\0\0\2", b"\0\0\0\1"]  # the old key stays
    assert session.keys[0].key.expose() + session.keys[0].salt.expose() == NEW


def test_a_rekey_without_mkis_replaces_the_key() -> None:
    bob = responder(GST)
    said = first_message(t.DESCRIBE, compat=GST, clock=clock())
    _, bundle = drive(bob.receive(said, context=TLS)).accept()
    update = update_message(t.message(t.CM_GST, key=NEW), bundle, clock=clock(1))
    _, renewed = drive(bob.receive(update, context=TLS)).accept()
    assert [m.key for m in renewed.masters(1)] == [Secret(NEW[:16])]


def test_a_rekey_changes_no_algorithm() -> None:
    bundle = accept(t.message(t.CM_RFC, spi=b"\0\0\0\1"), RTSP)
    with pytest.raises(PolicyError, match="changes the SRTP policy"):
        update_message(t.message(t.CM_RFC | {11: 4}), bundle, clock=clock(1))
    with pytest.raises(PolicyError, match="TEK"):
        update_message(t.message(None, key=t.KEY, key_type=KeyType.TGK), bundle, clock=clock(1))
    for octets in (b"", b"garbage", t.message(None)[:-3]):
        with pytest.raises(PeerError):
            update_message(octets, bundle, clock=clock(1))


def test_our_time_takes_the_place_of_theirs() -> None:
    said = Message.parse(
        first_message(t.message(t.CM_RFC, t=t.FILETIME), compat=RTSP, clock=clock())
    )
    assert said.one(T).value == t.message(t.CM_RFC)[21:29]
