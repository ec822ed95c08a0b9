"""The SRTP-ID map, SSRCs and what keys each stream (area srtp-map)."""

from __future__ import annotations

import pytest

from mikey import Bundle, ErrorNumber, Secret, Stream
from mikey.errors import DecodeError, LocalError, PeerError, PolicyError
from mikey.policy import Compat, SrtpPolicy
from mikey.registry import KeyType
from mikey.wire import KeyData, KvInterval
from tests.naive import encode as e
from tests.naive.decode import decode
from tests.naive.vectors import IDI, IDR, PSK, TGK
from tests.rules.psk_parties import (
    CONTEXT,
    ENTRIES,
    MINE,
    STREAMS,
    YOURS,
    Craft,
    Time,
    accepted,
    alice,
    answer_to,
    answered,
    bob,
    offer,
    offered,
    refused,
)

TEK = bytes(range(0x40, 0x50))
SALT = bytes(range(14))


def rtp(ssrc: int, sequence: int = 1) -> bytes:
    return b"\x80\x60" + sequence.to_bytes(2) + bytes(4) + ssrc.to_bytes(4) + b"media"


def rtcp(ssrc: int) -> bytes:
    return b"\x80\xc9\x00\x01" + ssrc.to_bytes(4)


def exchange(streams: tuple[Stream, ...] = STREAMS) -> tuple[Bundle, Bundle]:
    """Return our and the peer's bundle of an exchange without damage."""
    initiator = alice()
    answer, theirs = accepted(bob(), initiator.start(streams, context=CONTEXT))
    assert answer is not None
    return answered(initiator, answer), theirs


@pytest.mark.rule("R3830-6.1.1-4")
def test_a_stream_has_exactly_its_ssrc() -> None:
    ours, theirs = exchange()
    assert [session.ssrc for session in ours.crypto_sessions] == [MINE, YOURS]
    sender, receiver = ours.srtp_sender(1), theirs.srtp_receiver(1)
    assert receiver.unprotect(sender.protect(rtp(MINE))) == rtp(MINE)
    with pytest.raises(LocalError):
        sender.protect(rtp(MINE + 1))
    stray = ours.srtp_sender(1, ssrc=MINE + 1).protect(rtp(MINE + 1))
    with pytest.raises(PeerError):
        receiver.unprotect(stray)


@pytest.mark.rule("R3830-6.1.1-5")
def test_each_side_chooses_the_ssrcs_of_its_own_streams() -> None:
    initiator = alice()
    first = initiator.start([Stream(MINE), Stream(), Stream(MINE + 1), Stream()], context=CONTEXT)
    assert [s["ssrc"] for s in decode(first)[0].fields["cs_map"]] == [MINE, 0, MINE + 1, 0]
    verified = offered(bob(), first)
    answer, theirs = verified.accept({2: YOURS, 4: YOURS + 1}, rocs={4: 7})
    assert answer is not None
    filled = decode(answer)[0].fields["cs_map"]
    assert [s["ssrc"] for s in filled] == [MINE, YOURS, MINE + 1, YOURS + 1]
    assert [s["roc"] for s in filled] == [0, 0, 0, 7]
    ours = answered(initiator, answer)
    assert [(s.ssrc, s.roc) for s in ours.crypto_sessions] == [
        (MINE, 0), (YOURS, 0), (MINE + 1, 0), (YOURS + 1, 7),
    ]  # fmt: skip
    assert ours.crypto_sessions == theirs.crypto_sessions


@pytest.mark.rule("R3830-6.1.1-6")
def test_an_ssrc_that_stays_0_is_bound_by_the_first_authentic_packet() -> None:
    initiator = alice()
    first = initiator.start(STREAMS, context=CONTEXT)
    answer, theirs = offered(bob(), first).accept()
    assert answer is not None
    ours = answered(initiator, answer)
    assert ours.crypto_sessions[1].ssrc is None
    with pytest.raises(LocalError, match="no SSRC yet"):
        theirs.srtp_sender(2)
    receiver = ours.srtp_receiver(2)
    assert receiver.ssrc is None
    sender = theirs.srtp_sender(2, ssrc=0x77777777)
    forged = bytearray(sender.protect(rtp(0x77777777, 1)))
    forged[-1] ^= 1
    with pytest.raises(PeerError):
        receiver.unprotect(bytes(forged))
    assert receiver.ssrc is None
    receiver.unprotect(sender.protect(rtp(0x77777777, 2)))
    assert receiver.ssrc == 0x77777777


@pytest.mark.rule("R3830-6.1.1-7")
def test_nobody_alters_an_ssrc_that_its_sender_chose() -> None:
    verified = offered(bob(), offer())
    with pytest.raises(LocalError, match="its sender's to choose"):
        verified.accept({1: YOURS})
    initiator = alice()
    first = initiator.start(STREAMS, context=CONTEXT)
    for entry in ((0, MINE + 1, 0), (0, 0, 0), (0, MINE, 1), (1, MINE, 0)):
        altered = answer_to(first, cs_map=e.srtp_map([entry, (0, YOURS, 0)]))
        with pytest.raises(DecodeError, match="fixed"):
            answered(initiator, altered.response([e.t(*altered.ts)]))
    right = answer_to(first)
    answered(initiator, right.response([e.t(*right.ts)]))


@pytest.mark.rule("R3830-6.1.1-9", "R3711-9.1-1", "R3830-6.13-9")
@pytest.mark.parametrize("key_type", [2, 3])
def test_streams_under_one_tek_have_different_ssrcs(key_type: int) -> None:
    keys = [e.key_data(TEK, key_type, salt=SALT if key_type == 3 else None)]
    twice = offer(keys=keys, cs=((0, MINE, 0), (0, 0, 0), (0, MINE, 0)))
    error = refused(bob(), twice, ErrorNumber.INVALID_SPPAR, PolicyError)
    assert "share a TEK and an SSRC" in error.reason
    verified = offered(bob(), offer(keys=keys))
    with pytest.raises(PolicyError, match="share a TEK and an SSRC"):
        verified.accept({2: MINE})
    # With a TGK each stream has a TEK of its own: the same SSRC does no harm.
    accepted(bob(), offer(cs=((0, MINE, 0), (0, 0, 0), (0, MINE, 0))))


@pytest.mark.rule("R3830-6.1.1-9", "R3711-9.1-1")
def test_an_initiator_neither_offers_nor_accepts_a_two_time_pad() -> None:
    tek = KeyData(KeyType.TEK_SALT, Secret(TEK), Secret(SALT))
    with pytest.raises(LocalError, match="share a TEK and an SSRC"):
        alice().start([Stream(MINE), Stream(MINE)], context=CONTEXT, keys=[tek])
    initiator = alice()
    first = initiator.start(STREAMS, context=CONTEXT, keys=[tek])
    with pytest.raises(PeerError, match="share a TEK and an SSRC"):
        answered(initiator, e.psk_answer(PSK, first, {2: MINE}))


@pytest.mark.rule("R3711-9.1-1", "R3830-6.1.1-9")
def test_streams_under_one_tgk_share_no_master_key() -> None:
    ours, _ = exchange(tuple(Stream(n) for n in range(1, 11)))
    masters = [session.keys[0] for session in ours.crypto_sessions]
    assert len({master.key.expose() for master in masters}) == 10
    assert len({master.salt.expose() for master in masters}) == 10


@pytest.mark.rule("R3830-6.1.1-10", "R3830-6.10.1-7")
@pytest.mark.parametrize("number", [0, 5, 255])
def test_without_any_sp_the_defaults_hold_for_every_number(number: int) -> None:
    first = offer(policies=(), cs=((number, MINE, 0), (0, 0, 0)))
    verified = offered(bob(), first)
    assert {s.policy for s in verified.streams} == {SrtpPolicy.AES_CM_128_HMAC_SHA1_80}


@pytest.mark.rule("R3830-6.1.1-10")
def test_a_number_that_no_sp_defines_is_error_10() -> None:
    first = offer(cs=((0, MINE, 0), (1, 0, 0)))
    error = refused(bob(), first, ErrorNumber.INVALID_SPPAR, PolicyError)
    assert "no SP payload defines policy 1" in error.reason


@pytest.mark.rule("R3830-6.10-3")
def test_a_policy_number_stands_once() -> None:
    craft = Craft()
    for params in (e.AES_CM_128_HMAC_SHA1_80, ()):
        again = [*craft.payloads(), e.sp(params)]
        error = refused(bob(), craft.message(again), ErrorNumber.INVALID_SPPAR, PolicyError)
        assert "policy 0 is defined twice" in error.reason
    accepted(bob(), craft.message([*craft.payloads(), e.sp((), no=1)]))


@pytest.mark.rule("R3830-6.1.1-11", "R3830-A.1-2")
def test_a_crypto_session_is_one_stream_with_its_srtcp() -> None:
    """A two-way line takes two: each direction has keys of its own, for SRTP and SRTCP."""
    ours, theirs = exchange()
    there, back = ours.srtp_sender(1), theirs.srtp_sender(2)
    packet, report = there.protect(rtp(MINE)), there.protect_rtcp(rtcp(MINE))
    hears = theirs.srtp_receiver(1)
    assert hears.unprotect(packet) == rtp(MINE)
    assert hears.unprotect_rtcp(report) == rtcp(MINE)
    assert ours.srtp_receiver(2).unprotect(back.protect(rtp(YOURS))) == rtp(YOURS)
    for wrong in (theirs.srtp_receiver(2, ssrc=None), theirs.srtp_receiver(2)):
        with pytest.raises(PeerError):
            wrong.unprotect(packet)
        with pytest.raises(PeerError):
            wrong.unprotect_rtcp(report)


@pytest.mark.rule("R3830-6.13-9", "R3830-A.1-2", "R3830-6.14-4")
@pytest.mark.parametrize("key_type", [0, 2])
def test_several_keys_serve_all_sessions_by_mki(key_type: int) -> None:
    keys = [e.key_data(bytes([n]) * 16, key_type, spi=bytes([0, n])) for n in (1, 2, 3)]
    _, bundle = accepted(bob(), offer(keys=keys))
    for session in bundle.crypto_sessions:
        assert [master.mki for master in session.keys] == [b"\0\1", b"\0\2", b"\0\3"]
    if key_type == 2:
        assert bundle.masters(1) == bundle.masters(2)
        assert bundle.masters(1)[1].key.expose() == b"\2" * 16
    sender = bundle.srtp_sender(1)
    packet = sender.protect(rtp(MINE))
    assert packet[-12:-10] == b"\0\1"
    assert bundle.srtp_receiver(1).unprotect(packet) == rtp(MINE)


@pytest.mark.rule("R3830-A.1-2", "R3830-6.14-4")
def test_the_index_chooses_among_keys_with_intervals() -> None:
    keys = [
        KeyData(KeyType.TGK, Secret(bytes([n]) * 16), None, KvInterval(first, last))
        for n, first, last in ((1, b"", (9).to_bytes(6)), (2, (10).to_bytes(6), b""))
    ]
    initiator = alice()
    first = initiator.start(STREAMS, context=CONTEXT, keys=keys)
    answer, theirs = accepted(bob(), first)
    assert answer is not None
    ours = answered(initiator, answer)
    sender, receiver = ours.srtp_sender(1), theirs.srtp_receiver(1)
    only = [ours.masters(1)[n] for n in (0, 1)]
    assert [(m.mki, m.valid_from, m.valid_to) for m in only] == [
        (b"", 0, 9), (b"", 10, (1 << 48) - 1),
    ]  # fmt: skip
    for sequence in (9, 10):
        packet = sender.protect(rtp(MINE, sequence))
        assert receiver.unprotect(packet) == rtp(MINE, sequence)


@pytest.mark.rule("R3830-6.14-4")
def test_an_spi_without_octets_is_no_mki() -> None:
    _, bundle = accepted(bob(), offer(keys=[e.key_data(TGK, spi=b"")]))
    assert bundle.masters(1)[0].mki == b""
    plain = len(bundle.srtp_sender(1).protect(rtp(MINE)))
    _, named = accepted(bob(), offer(keys=[e.key_data(TGK, spi=bytes(255))]))
    assert len(named.srtp_sender(1).protect(rtp(MINE))) == plain + 255


@pytest.mark.rule("R3830-6.14-4", "R3830-6.13-9")
@pytest.mark.parametrize(
    "keys",
    [
        [e.key_data(TGK), e.key_data(TEK)],
        [e.key_data(TGK, spi=b"\1"), e.key_data(TEK, spi=b"\0\2")],
        [e.key_data(TGK, spi=b"\1"), e.key_data(TEK, spi=b"\1")],
        [e.key_data(TGK, 2), e.key_data(TEK, 2)],
    ],
)
def test_several_keys_that_nothing_tells_apart(keys: list[e.Payload]) -> None:
    refused(bob(), offer(keys=keys), ErrorNumber.UNSPECIFIED, DecodeError)


@pytest.mark.rule("R3830-6.13-8")
def test_teks_with_and_without_their_salt() -> None:
    joined = offer(keys=[e.key_data(TEK + SALT, 2)])
    refused(bob(), joined, ErrorNumber.INVALID_SPPAR, PolicyError)
    flagged = Compat(tek_with_salt=True)
    _, bundle = accepted(bob(compat=flagged), joined)
    master = bundle.masters(2)[0]
    assert (master.key.expose(), master.salt.expose()) == (TEK, SALT)
    _, bundle = accepted(bob(), offer(keys=[e.key_data(TEK, 2)]))
    assert bundle.masters(1)[0].salt.expose() == bytes(14)
    for key in (e.key_data(TEK[:-1], 2), e.key_data(TEK * 2, 2), e.key_data(TEK * 2, 3, salt=SALT)):
        refused(bob(), offer(keys=[key]), ErrorNumber.INVALID_SPPAR, PolicyError)
    # We always send the salt beside the key.
    with pytest.raises(LocalError):
        alice(key_type=KeyType.TEK)
    first = alice(key_type=KeyType.TEK_SALT).start(STREAMS, context=CONTEXT)
    assert len(accepted(bob(), first)[1].masters(1)[0].salt) == 14


def test_a_bundle_has_no_other_sessions() -> None:
    _, bundle = accepted(bob(), offer())
    assert len(bundle.crypto_sessions) == len(ENTRIES)
    for cs_id in (0, 3, -1):
        with pytest.raises(LocalError, match=f"no crypto session {cs_id}"):
            bundle.masters(cs_id)


@pytest.mark.rule("R3830-6.1-21", "R3830-6.1-22")
def test_the_answer_to_an_update_keeps_its_map() -> None:
    """#CS of an Empty map may be anything (R4563-5-2); the map stays what it was."""
    time = Time()
    responder = bob(time)
    _, bundle = accepted(responder, offer())
    time.advance(1)
    craft = Craft(ts=(0, time.ts()), cs_map=(1, 3, b""))
    payloads = [e.t(*craft.ts), e.ident(IDI), e.ident(IDR), e.general_ext(1, b"mikey")]
    answer, updated = accepted(responder, craft.message(payloads, b""))
    assert answer is not None
    assert answer[8:10] == b"\x03\x01"  # #CS and CS ID map type
    assert updated.sessions == bundle.sessions
