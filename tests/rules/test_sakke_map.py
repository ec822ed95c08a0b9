"""MIKEY-SAKKE: the CS ID maps of its message, and what no credential is made of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mikey import (
    Initiator,
    LocalError,
    MapType,
    Method,
    PeerError,
    Psk,
    Secret,
    Stream,
)  # fmt: skip
from mikey.credentials import Kms, Sakke
from mikey.registry import (
    ErrorNumber,
    KeyType,
    ProtType,
)
from mikey.wire import (
    EmptyMap,
    GenericId,
    GenericIdMap,
    KeyData,
    KvInterval,
    KvSpi,
    Message,
    Sign,
    Sp,
    SrtpIdMap,
    Validity,
)
from tests.rules.psk_parties import offer_of, refused
from tests.rules.sakke_parties import (
    ABROAD,
    ALICE,
    BOB,
    CONTEXT,
    HOME,
    alice,
    bob,
    first,
    keys,
    kms,
    same_keys,
    signed,
    taken,
    user,
)


@pytest.mark.parametrize("map_type", [MapType.EMPTY, MapType.SRTP_ID])
def test_other_maps(map_type: MapType) -> None:
    who = alice(map_type=map_type)
    message = first(who)
    header = Message.parse(message).header
    assert type(header.cs_map) is (EmptyMap if map_type is MapType.EMPTY else SrtpIdMap)
    assert bool(Message.parse(message).all(Sp)) is (map_type is not MapType.EMPTY)
    theirs = taken(bob(), message, replace(CONTEXT, lines=1))
    same_keys(who.early_bundle(message), theirs)
    assert not theirs.crypto_sessions[0].keys[0].mki
    with pytest.raises(LocalError, match="GENERIC-ID"):
        alice(map_type=map_type, mki_length=4)


def test_the_mki_tells_the_messages_of_an_initiator_apart() -> None:
    """New keys for streams that run come in a new CSB, and both are in use for a while."""
    who, to = alice(), bob()
    bundles = [taken(to, first(who)) for _ in range(3)]
    assert [bundle.masters(1)[0].mki for bundle in bundles] == [b"\1", b"\2", b"\3"]
    receiver = bundles[0].srtp_receiver(1)
    for bundle in bundles[1:]:
        receiver.install(bundle.masters(1))
    packet = bytes.fromhex("8000000100000000000000a1") + b"hello"
    assert receiver.unprotect(bundles[1].srtp_sender(1).protect(packet)) == packet


@pytest.mark.rule("R6043-6.1.1-8", "R6043-6.1.1-5")
def test_blocks_of_a_generic_id_map() -> None:
    """CS IDs, MKIs, SSRCs and ROCs as they stand there; SSRC 0 is one, no octets are none."""
    message = Message.parse(first())
    blocks = (
        GenericId(4, ProtType.SRTP, (0,), bytes(4), b"\4\4"),
        GenericId(0, ProtType.SRTP, (0, 9), bytes.fromhex("0000000a 00000002 0005"), b"\0", True),
        GenericId(9, ProtType.SRTP, (0,), b"", b"", True),
    )
    header = replace(message.header, cs_map=GenericIdMap(blocks))
    payloads = [p for p in message.payloads if not isinstance(p, Sign)]
    odd = signed(Message(header, (), (), b""), payloads)
    offer = offer_of(bob(), odd)
    assert offer.cs_ids == (4, 0, 9)
    with pytest.raises(LocalError, match="its sender's"):
        offer.accept({4: 7})
    _, bundle = offer.accept({9: 7})
    sessions = bundle.crypto_sessions
    assert [(s.cs_id, s.ssrc, s.roc) for s in sessions] == [(4, 0, 0), (0, 10, 2), (9, 7, 0)]
    assert [s.keys[0].mki for s in sessions] == [b"\4\4", b"\0", b""]
    assert bundle.masters(0)[0].mki == b"\0"
    with pytest.raises(LocalError):
        bundle.masters(1)


@pytest.mark.rule("R6043-6.1.1-4")
@pytest.mark.parametrize(
    ("block", "number"),
    [
        (GenericId(1, ProtType.SRTP, (), bytes(4), b"\1"), ErrorNumber.INVALID_SPPAR),
        (GenericId(1, ProtType.SRTP, (3,), bytes(4), b"\1"), ErrorNumber.INVALID_SPPAR),
        (GenericId(1, ProtType(1), (0,), bytes(4), b"\1"), ErrorNumber.INVALID_SP),
        (GenericId(2, ProtType.SRTP, (0,), bytes(4), b"\1"), ErrorNumber.UNSPECIFIED),
    ],
    ids=["no policy", "no such policy", "no SRTP", "twice"],
)
def test_blocks_that_nobody_can_complete(block: GenericId, number: ErrorNumber) -> None:
    message = Message.parse(first())
    other = GenericId(2, ProtType.SRTP, (0,), b"", b"\1")
    header = replace(message.header, cs_map=GenericIdMap((block, other)))
    payloads = [p for p in message.payloads if not isinstance(p, Sign)]
    refused(bob(), signed(Message(header, (), (), b""), payloads), number, PeerError)


def test_a_rollover_counter_in_the_map() -> None:
    who = alice()
    message = first(who, [Stream(0xA1, roc=7, seq=0x1234), Stream()])
    cs_map = Message.parse(message).header.cs_map
    assert isinstance(cs_map, GenericIdMap)
    assert cs_map.sessions[0].s is True
    assert cs_map.sessions[0].session_data.hex() == "000000a1000000071234"
    theirs = taken(bob(), message)
    assert [session.roc for session in theirs.crypto_sessions] == [7, 0]
    assert [name.seq for name in theirs.names] == [0x1234, 0]
    same_keys(who.early_bundle(message), theirs)


@pytest.mark.rule("R6043-6.1.1-5")
def test_who_comes_late_hears_a_stream_whose_numbers_go_round_meanwhile() -> None:
    """Told ROC 7 at sequence number 65535; the first packet that arrives is of ROC 8."""
    who = alice()
    message = first(who, [Stream(0xA1, roc=7, seq=0xFFFF), Stream()])
    receiver = taken(bob(), message).srtp_receiver(1)
    sender = who.early_bundle(message).srtp_sender(1)
    rtp = [bytes.fromhex(f"8000{seq:04x} 00000000 000000a1") for seq in (0xFFFF, 0, 1)]
    packets = [sender.protect(packet) for packet in rtp]
    assert receiver.unprotect(packets[2]) == rtp[2]
    assert receiver.roc == 8
    assert receiver.unprotect(packets[0]) == rtp[0]


def test_what_no_credential_is_made_of() -> None:
    with pytest.raises(LocalError, match="at least one KMS"):
        Sakke(identity=ALICE)
    with pytest.raises(LocalError, match="not those of"):
        Sakke(identity=BOB, keys=(keys(ALICE),))
    with pytest.raises(LocalError, match="twice"):
        Sakke(identity=ALICE, keys=(keys(ALICE), keys(ALICE, device="other")))
    with pytest.raises(LocalError, match="twice"):
        user(ALICE, domains=(Kms(HOME, kms().sakke, kms().eccsi),))
    elsewhere = replace(keys(ALICE), kms=kms(ABROAD))
    with pytest.raises(LocalError, match="another KMS"):
        Sakke(identity=ALICE, keys=(elsewhere,))
    with pytest.raises(LocalError, match="tel URI"):
        Sakke(identity="sip:alice@example.org", domains=(kms(),))
    with pytest.raises(LocalError, match="names both"):
        Initiator(user(ALICE))
    with pytest.raises(LocalError, match="another kind"):
        Initiator(user(ALICE, BOB), method=Method.PSK)
    with pytest.raises(LocalError, match="another kind"):
        Initiator(Psk(Secret(bytes(16)), ALICE, BOB), method=Method.SAKKE)
    with pytest.raises(LocalError, match="a TGK"):
        Initiator(user(ALICE, BOB), key_type=KeyType.TEK_SALT)
    with pytest.raises(LocalError, match="SRTP-ID"):
        Initiator(Psk(Secret(bytes(16)), ALICE, BOB), map_type=MapType.GENERIC_ID)


@pytest.mark.rule("R6508-7-3")
def test_no_key_in_any_repr() -> None:
    who = alice()
    message = first(who)
    for value in (user(ALICE, BOB), keys(ALICE), who.early_bundle(message), taken(bob(), message)):
        shown = repr(value)
        assert "Secret" not in shown or "octets>" in shown
        assert who.early_bundle(message).keys[0].key.expose().hex() not in shown


@pytest.mark.parametrize("validity", [KvSpi(b"\1"), KvInterval(b"", b"")])
def test_a_key_validity_that_no_payload_carries(validity: Validity) -> None:
    key = KeyData(KeyType.TGK, Secret(bytes(range(16))), None, validity)
    with pytest.raises(LocalError, match="no key validity"):
        first(alice(map_type=MapType.SRTP_ID), keys=[key])
    if isinstance(validity, KvSpi):
        who = alice()
        message = first(who, keys=[key])
        same_keys(who.early_bundle(message), taken(bob(), message))
        return
    with pytest.raises(LocalError, match="no key validity"):
        first(alice(), keys=[key])


@pytest.mark.parametrize("length", [15, 17, 32])
def test_a_key_of_another_length(length: int) -> None:
    with pytest.raises(LocalError, match="16 octets"):
        first(keys=[KeyData(KeyType.TGK, Secret(bytes(range(length))))])
