"""MIKEY-SAKKE between sessions (RFC 6509): the message, its checks, their order, and errors."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mikey import (
    AuthenticationError,
    Clock,
    Context,
    DecodeError,
    LocalError,
    PolicyError,
    Psk,
    ReplayError,
    ReportedError,
    Secret,
    SrtpPolicy,
    TimestampError,
    UnsupportedError,
)  # fmt: skip
from mikey.crypto import prf
from mikey.policy import SECOND, Compat
from mikey.registry import (
    CertType,
    DataType,
    ErrorNumber,
    IdRole,
    IdType,
    KeyType,
    PrfFunc,
    ProtType,
    SakkeIdScheme,
    SakkeParams,
    SignType,
    TsType,
)
from mikey.wire import (
    Cert,
    GeneralExtension,
    GenericId,
    GenericIdMap,
    Id,
    Idr,
    Message,
    Payload,
    Rand,
    Sign,
    Sp,
    T,
    encode,
)
from mikey.wire import Sakke as SakkePayload
from tests.rules.psk_parties import offer_of, refused
from tests.rules.sakke_parties import (
    ALICE,
    BOB,
    CAROL,
    HOME,
    NOW,
    Noon,
    alice,
    bob,
    changed,
    first,
    kms,
    same_keys,
    signed,
    taken,
    user,
)


@pytest.mark.rule("R6509-2.1-1", "R6509-2.2.1-1", "R6509-2.2.1-5", "R6509-3.2-1", "R6043-6.1.1-5")
def test_the_message() -> None:
    message = Message.parse(first())
    header = message.header
    assert header.data_type is DataType.SAKKE
    assert header.v is False
    assert [type(payload) for payload in message.payloads] == [
        T, Rand, Idr, Idr, Idr, Idr, Sp, SakkePayload, GeneralExtension, Sign
    ]  # fmt: skip
    assert message.one(T).ts_type is TsType.NTP_UTC
    assert [(idr.role, idr.id_type, idr.data) for idr in message.all(Idr)] == [
        (1, IdType.URI, ALICE.encode()),
        (2, IdType.URI, BOB.encode()),
        (6, IdType.URI, HOME.encode()),
        (7, IdType.URI, HOME.encode()),
    ]
    payload = message.one(SakkePayload)
    assert (payload.params, payload.id_scheme, len(payload.data)) == (1, 1, 273)
    sign = message.one(Sign)
    assert (sign.s_type, len(sign.signature)) == (2, 129)
    assert isinstance(header.cs_map, GenericIdMap)
    assert header.cs_map.sessions == (
        GenericId(1, ProtType.SRTP, (0,), bytes.fromhex("000000a1"), b"\1"),
        GenericId(2, ProtType.SRTP, (0,), b"", b"\1"),
    )


@pytest.mark.rule("R6509-2.1-1", "R6509-3.1-1")
@pytest.mark.parametrize("func", list(PrfFunc))
def test_exchange(func: PrfFunc) -> None:
    who = alice(prf=func)
    message = first(who)
    theirs = taken(bob(), message)
    ours = who.early_bundle(message)
    same_keys(ours, theirs)
    assert (ours.method, ours.identity, ours.peer) == ("SAKKE", ALICE, BOB)
    assert (theirs.method, theirs.identity, theirs.peer) == ("SAKKE", BOB, ALICE)
    tgk = theirs.keys[0]
    assert (tgk.key_type, len(tgk.key)) == (KeyType.TGK, 16)
    # RFC 3830 4.1.3, written out: const || cs_id || csb_id || RAND
    for session in theirs.crypto_sessions:
        rest = bytes([session.cs_id]) + theirs.csb_id.to_bytes(4) + theirs.rand
        master = session.keys[0]
        assert master.key == prf(func, tgk.key, bytes.fromhex("2AD01C64") + rest, 16)
        assert master.salt == prf(func, tgk.key, bytes.fromhex("39A2C14B") + rest, 14)
        assert master.mki == b"\1"


@pytest.mark.rule("R6509-2.2.1-1")
def test_csb_id_rand_and_key_are_fresh() -> None:
    time = Noon()
    messages = [first(alice(time)) for _ in range(2)]
    bundles = [taken(bob(time), message) for message in messages]
    assert bundles[0].csb_id != bundles[1].csb_id
    assert bundles[0].rand != bundles[1].rand
    assert bundles[0].keys != bundles[1].keys


@pytest.mark.rule("R6509-2.2.1-1")
def test_v_is_ignored() -> None:
    message = Message.parse(first())
    asking = Message(replace(message.header, v=True), message.payloads, message.spans, b"")
    payloads = [p for p in message.payloads if not isinstance(p, Sign)]
    offer = offer_of(bob(), signed(asking, payloads))
    assert not offer.wants_response
    assert offer.accept({2: 1})[0] is None


@pytest.mark.rule("R6509-2.2.1-2")
@pytest.mark.parametrize("ts_type", [TsType.NTP_UTC, TsType.NTP])
def test_timestamps_with_a_date(ts_type: TsType) -> None:
    taken(bob(), first(alice(clock=Clock(Noon(), ts_type=ts_type))))


@pytest.mark.rule("R6509-2.2.1-2")
@pytest.mark.parametrize("stamp", [T(TsType.COUNTER, b"\0\0\0\1"), T(TsType.NTP_UTC_32, bytes(4))])
def test_timestamps_without(stamp: T) -> None:
    refused(bob(), changed(first(), T, stamp), ErrorNumber.INVALID_TS, TimestampError)
    with pytest.raises(LocalError, match="NTP"):
        first(alice(clock=Clock(Noon(), ts_type=TsType.COUNTER)))


@pytest.mark.rule("R6509-2.2.1-1", "R6509-2.1-1")
@pytest.mark.parametrize("kind", [T, Rand, SakkePayload])
def test_what_has_to_be_there(kind: type[Payload]) -> None:
    refused(bob(), changed(first(), kind, None), ErrorNumber.UNSUPPORTED_MESSAGE, DecodeError)


@pytest.mark.rule("R6509-2.2.1-3", "R6509-6-1")
def test_a_message_is_signed() -> None:
    message = Message.parse(first())
    bare = encode(message.header, message.payloads[:-1])
    refused(bob(), bare, ErrorNumber.UNSUPPORTED_MESSAGE, DecodeError)


@pytest.mark.rule("R6509-2.2.1-3", "R6507-5.2.2-1")
@pytest.mark.parametrize("part", [0, 32, 64, 65, 97], ids=["r", "s", "form", "x", "y"])
def test_a_signature_with_one_bit_turned(part: int) -> None:
    message = bytearray(first())
    message[-129 + part + 5 * (part != 64)] ^= 1
    refused(bob(), bytes(message), ErrorNumber.AUTH_FAILURE, AuthenticationError)


@pytest.mark.rule("R6507-3.3-1", "R6509-2.1.1-1")
@pytest.mark.parametrize("length", [0, 128, 130])
def test_a_signature_of_another_length(length: int) -> None:
    message = Message.parse(first())
    odd = encode(message.header, (*message.payloads[:-1], Sign(SignType.ECCSI, bytes(length))))
    refused(bob(), odd, ErrorNumber.UNSUPPORTED_MESSAGE, DecodeError)


@pytest.mark.rule("R6509-2.2.1-3")
def test_a_signature_of_a_type_that_nobody_knows() -> None:
    message = Message.parse(first())
    odd = encode(message.header, (*message.payloads[:-1], Sign(SignType(9), bytes(129))))
    refused(bob(), odd, ErrorNumber.AUTH_FAILURE, UnsupportedError)


@pytest.mark.rule("R6509-2.2.1-3")
def test_certificates_do_not_stand_beside_eccsi() -> None:
    message = Message.parse(first())
    payloads = [*message.payloads[:-1], Cert(CertType.X509, b"x")]
    refused(bob(), signed(message, payloads), ErrorNumber.UNSUPPORTED_MESSAGE, DecodeError)


@pytest.mark.rule("R6509-2.2.1-4")
def test_the_signature_covers_the_head_of_sign() -> None:
    """All octets but the signature's own, S type and length among them."""
    message = first()
    home = kms()
    identifier = home.identifier(ALICE, NOW)
    home.eccsi.verify(identifier, message[:-129], message[-129:])
    with pytest.raises(AuthenticationError):
        home.eccsi.verify(identifier, message[:-131], message[-129:])


@pytest.mark.rule("R6509-2.2.1-4")
def test_a_signature_without_the_head_needs_a_profile() -> None:
    product = Compat(sign_without_head=True)
    message = first(alice(credential=user(ALICE, BOB, compat=product)))
    kms().eccsi.verify(kms().identifier(ALICE, NOW), message[:-131], message[-129:])
    refused(bob(), message, ErrorNumber.AUTH_FAILURE, AuthenticationError)
    tolerant = user(BOB, compat=product)
    taken(bob(None, tolerant), message)
    taken(bob(None, tolerant), first())


@pytest.mark.rule("R6509-2.2.1-5", "R6509-2.1.2-1")
@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("kms_ids", [True, False])
def test_identities_may_be_left_to_the_signalling(ids: bool, kms_ids: bool) -> None:
    message = first(alice(credential=user(ALICE, BOB, send_ids=ids, send_kms=kms_ids)))
    assert len(Message.parse(message).all(Idr)) == 2 * ids + 2 * kms_ids
    shown = Context(protocols=("mikey",), initiator=ALICE, responder=BOB)
    assert taken(bob(), message, shown).peer == ALICE
    if ids:
        return
    refused(bob(), message, ErrorNumber.INVALID_ID, PolicyError)
    assert taken(bob(None, user(BOB, ALICE)), message).peer == ALICE
    wrong = replace(shown, initiator=CAROL)
    refused(bob(), message, ErrorNumber.AUTH_FAILURE, AuthenticationError, wrong)


@pytest.mark.rule("R6509-2.2.1-5")
@pytest.mark.parametrize("role", [1, 2, 6, 7])
def test_two_identities_of_one_role(role: int) -> None:
    message = Message.parse(first())
    double = Idr(IdRole(role), IdType.URI, BOB.encode())
    payloads = [*message.payloads[:2], double, *message.payloads[2:-1]]
    refused(bob(), signed(message, payloads), ErrorNumber.UNSUPPORTED_MESSAGE, DecodeError)


@pytest.mark.rule("R6509-3.2-2", "R6509-2.2.1-5")
def test_an_identity_in_another_form() -> None:
    """The identifier is the same, and the URI is not the one in it."""
    named = Idr(IdRole.INITIATOR, IdType.URI, b"TEL:" + ALICE[4:].encode())
    message = changed(first(), Idr, named)
    refused(bob(), message, ErrorNumber.INVALID_ID, PolicyError)
    with pytest.raises(LocalError, match="is written"):
        user(ALICE, "TEL" + BOB[3:])


def test_id_payloads_have_no_place() -> None:
    message = changed(first(), Idr, Id(IdType.URI, ALICE.encode()))
    refused(bob(), message, ErrorNumber.UNSUPPORTED_MESSAGE, DecodeError)


@pytest.mark.rule("R6509-2.2.2-1")
def test_strangers_are_refused() -> None:
    refused(bob(None, user(BOB, CAROL)), first(), ErrorNumber.AUTH_FAILURE, AuthenticationError)


@pytest.mark.rule("R6509-2.2.2-1")
def test_replay() -> None:
    to, message = bob(), first()
    taken(to, message)
    refused(to, message, None, ReplayError)


@pytest.mark.rule("R6507-6-2")
def test_the_mirrored_signature_is_a_replay() -> None:
    """(r, q - s, PVT) verifies as well: what tells messages apart is not the signature."""
    q = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    to, message = bob(), first()
    s = int.from_bytes(message[-97:-65])
    mirrored = message[:-97] + (q - s).to_bytes(32) + message[-65:]
    assert taken(bob(), mirrored).peer == ALICE
    taken(to, message)
    refused(to, mirrored, None, ReplayError)


@pytest.mark.rule("R6509-2.2.2-1")
@pytest.mark.parametrize("seconds", [-301, 301])
def test_skew(seconds: int) -> None:
    refused(bob(Noon(NOW + seconds * SECOND)), first(), ErrorNumber.INVALID_TS, TimestampError)


@pytest.mark.rule("R6509-2.2.2-1", "R6508-6.2.2-1")
@pytest.mark.parametrize("place", [0, 1, 129, 257, 272], ids=["form", "x", "y", "H", "H's end"])
def test_damaged_encapsulations_under_a_good_signature(place: int) -> None:
    payload = Message.parse(first()).one(SakkePayload)
    data = bytearray(payload.data)
    data[place] ^= 1
    message = changed(first(), SakkePayload, replace(payload, data=bytes(data)))
    refused(bob(), message, ErrorNumber.AUTH_FAILURE, AuthenticationError)


@pytest.mark.rule("R6508-4-2", "R6508-2.3-1", "R6509-2.2.2-2")
@pytest.mark.parametrize(
    "change",
    [
        {"data": b""},
        {"data": bytes(272)},
        {"data": bytes(274)},
        {"params": SakkeParams(2)},
        {"id_scheme": SakkeIdScheme.MCX_HASHED_UID},
        {"id_scheme": SakkeIdScheme(0)},
    ],
)
def test_sakke_payloads_that_are_not_for_us(change: dict[str, object]) -> None:
    payload = replace(Message.parse(first()).one(SakkePayload), **change)  # type: ignore[arg-type]
    message = changed(first(), SakkePayload, payload)
    refused(bob(), message, ErrorNumber.UNSUPPORTED_MESSAGE)


@pytest.mark.rule("R6509-2.2.2-2")
def test_a_responder_without_keys_for_the_method() -> None:
    to = bob(None, Psk(Secret(bytes(16)), BOB, ALICE))  # type: ignore[arg-type]
    error = refused(to, first(), ErrorNumber.UNSUPPORTED_MESSAGE, UnsupportedError)
    assert to.refuse(error) is not None


@pytest.mark.rule("R6509-2.2.1-6")
def test_a_policy_that_does_not_suit() -> None:
    """Said before a pairing is computed, authenticated, and with what would suit."""
    who = alice(policies=[SrtpPolicy.AES_CM_128_HMAC_SHA1_32])
    message = first(who)
    to = bob(policies=[SrtpPolicy.AEAD_AES_128_GCM])
    error = refused(to, message, ErrorNumber.INVALID_SPPAR, PolicyError)
    answer = to.refuse(error)
    assert answer is not None
    with pytest.raises(ReportedError) as caught:
        who.receive(answer)
    assert caught.value.numbers == (ErrorNumber.INVALID_SPPAR,)
    assert caught.value.authenticated
    assert len(caught.value.offered) == 1


def test_errors_are_signed_for_those_who_signed() -> None:
    who = alice()
    message = first(who)
    answer = offer_of(bob(), message).reject(ErrorNumber.UNSPECIFIED)
    assert answer is not None
    damaged = bytearray(answer)
    damaged[-1] ^= 1
    with pytest.raises(AuthenticationError):
        who.receive(bytes(damaged))
    with pytest.raises(ReportedError) as caught:
        who.receive(answer)
    assert caught.value.authenticated
    # Whom nobody authenticated gets a hint.
    unsure = alice()
    refusing = bob(None, user(BOB, CAROL))
    error = refused(refusing, first(unsure), ErrorNumber.AUTH_FAILURE)
    hint = refusing.refuse(error)
    assert hint is not None
    with pytest.raises(PolicyError):  # it is for another CSB of hers
        unsure.receive(answer)
    with pytest.raises(ReportedError) as caught:
        unsure.receive(hint)
    assert not caught.value.authenticated


def test_no_response_is_taken() -> None:
    who = alice()
    message = first(who)
    with pytest.raises(DecodeError):
        who.receive(message)


def test_there_is_no_update() -> None:
    who = alice()
    message = first(who)
    with pytest.raises(LocalError, match="no update"):
        who.rekey(who.early_bundle(message))
