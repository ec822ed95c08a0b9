"""MIKEY-SAKKE: key periods, KMS domains, identifier schemes, devices, and the anonymous."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mikey import (
    AuthenticationError,
    DecodeError,
    LocalError,
    Policy,
    PolicyError,
    ReplayError,
    TimestampError,
)  # fmt: skip
from mikey.credentials import McxUid, RawIdentifier, Sakke
from mikey.policy import SECOND
from mikey.registry import (
    ErrorNumber,
    IdRole,
)
from mikey.wire import (
    Idr,
    Message,
    Sign,
    encode,
)
from mikey.wire import Sakke as SakkePayload
from tests.rules.psk_parties import offer_of, refused
from tests.rules.sakke_parties import (
    ABROAD,
    ALICE,
    BOB,
    CAROL,
    CONTEXT,
    HOME,
    NOW,
    Noon,
    alice,
    at,
    bob,
    first,
    keys,
    kms,
    same_keys,
    signed,
    taken,
    user,
)

DAY = 86_400


@pytest.mark.rule("R6509-3.2-3", "R6509-3.3-1", "R6509-3.3-2")
def test_the_month_is_that_of_t() -> None:
    """Bob's clock says November, T December: the keys are December's."""
    last = at(2026, 11, 30, 23, 59, 0)
    december = keys(ALICE, at(2026, 12, 1))
    hers = user(ALICE, BOB, keys=(keys(ALICE), december))
    message = first(alice(Noon(last + 120 * SECOND), credential=hers))
    both = user(BOB, keys=(keys(BOB), keys(BOB, at(2026, 12, 1))))
    taken(bob(Noon(last), both), message)
    refused(bob(Noon(last)), message, ErrorNumber.INVALID_ID, PolicyError)
    # The other way round: T of November at a Bob who is in December.
    late = first(alice(Noon(last), credential=hers))
    taken(bob(Noon(last + 120 * SECOND), both), late)


@pytest.mark.rule("R6509-3.2-3")
def test_keys_of_another_month_do_not_sign() -> None:
    with pytest.raises(LocalError, match="key period"):
        first(alice(Noon(at(2026, 12, 5))))


@pytest.mark.rule("R6509-3.2-3")
def test_a_signature_of_another_month() -> None:
    """Signed with November's key under a T of December."""
    time = Noon(at(2026, 12, 1))
    both = (keys(ALICE), keys(ALICE, time.now))
    message = Message.parse(first(alice(time, credential=user(ALICE, BOB, keys=both))))
    payloads = [p for p in message.payloads if not isinstance(p, Sign)]
    forged = signed(message, payloads, user(ALICE))
    theirs = user(BOB, keys=(keys(BOB), keys(BOB, time.now)))
    refused(bob(time, theirs), forged, ErrorNumber.AUTH_FAILURE, AuthenticationError)
    taken(bob(time, theirs), message.octets)


@pytest.mark.rule("R6509-3.3-2")
def test_the_old_month_ends_on_the_third_day() -> None:
    """With a skew that would let it pass."""
    sent = at(2026, 11, 30, 12)
    message = first(alice(Noon(sent)))
    wide = Policy(skew=5 * DAY * SECOND)
    taken(bob(Noon(at(2026, 12, 2, 23, 59)), policy=wide), message)
    to = bob(Noon(at(2026, 12, 3)), policy=wide)
    refused(to, message, ErrorNumber.INVALID_TS, TimestampError)


@pytest.mark.rule("R6509-2.1.2-1", "R6509-2.2.1-5")
def test_two_kms_domains() -> None:
    """Alice at home calls Carol abroad: Z is Carol's KMS's, KPAK is that of Alice's."""
    hers = user(ALICE, CAROL, domains=(kms(ABROAD),), peer_kms=ABROAD)
    message = first(alice(credential=hers))
    roles = {idr.role: idr.data.decode() for idr in Message.parse(message).all(Idr)}
    assert (roles[IdRole(6)], roles[IdRole(7)]) == (HOME, ABROAD)
    carols = user(CAROL, keys=(keys(CAROL, uri=ABROAD),), domains=(kms(),))
    assert taken(bob(None, carols), message).peer == ALICE
    # Carol does not know Alice's KMS.
    alone = user(CAROL, keys=(keys(CAROL, uri=ABROAD),))
    refused(bob(None, alone), message, ErrorNumber.AUTH_FAILURE, PolicyError)
    # Carol has keys of another KMS than the message is for.
    refused(bob(None, user(CAROL)), message, ErrorNumber.INVALID_ID, PolicyError)
    with pytest.raises(LocalError, match="are not here"):
        first(alice(credential=user(ALICE, CAROL, peer_kms=ABROAD)))


@pytest.mark.rule("R6509-2.1.2-1")
def test_keys_of_the_peers_domain_sign_there() -> None:
    hers = user(ALICE, CAROL, keys=(keys(ALICE), keys(ALICE, uri=ABROAD)), peer_kms=ABROAD)
    message = first(alice(credential=hers))
    carols = user(CAROL, keys=(keys(CAROL, uri=ABROAD),))
    assert taken(bob(None, carols), message).peer == ALICE


@pytest.mark.rule("R6509-2.1.2-1", "R6509-3.3-1")
def test_old_keys_of_the_peers_domain_do_not_stand_in_the_way_of_our_own() -> None:
    """Those from abroad were October's: November's from home sign."""
    past = keys(ALICE, at(2026, 10, 20), uri=ABROAD)
    hers = user(ALICE, CAROL, keys=(keys(ALICE), past), peer_kms=ABROAD)
    message = first(alice(credential=hers))
    roles = {idr.role: idr.data.decode() for idr in Message.parse(message).all(Idr)}
    assert (roles[IdRole(6)], roles[IdRole(7)]) == (HOME, ABROAD)
    carols = user(CAROL, keys=(keys(CAROL, uri=ABROAD),), domains=(kms(),))
    assert taken(bob(None, carols), message).peer == ALICE


@pytest.mark.rule("R6509-2.2.1-5")
def test_a_kms_that_claims_to_be_another() -> None:
    """Signed under ABROAD's KPAK, saying that it is HOME's."""
    hers = user(ALICE, BOB, keys=(keys(ALICE, uri=ABROAD),), domains=(kms(),), peer_kms=HOME)
    message = Message.parse(first(alice(credential=hers)))
    lied = [
        Idr(p.role, p.id_type, HOME.encode()) if isinstance(p, Idr) and p.role == 6 else p
        for p in message.payloads
        if not isinstance(p, Sign)
    ]
    forged = signed(message, lied, hers)
    refused(bob(), forged, ErrorNumber.AUTH_FAILURE, AuthenticationError)


@pytest.mark.rule("R6509-3.3-3")
def test_a_kms_changes_its_keys_with_the_key_period() -> None:
    """Two generations of public keys, each for its month."""
    november, december = kms().scheme.period(NOW), kms().scheme.period(at(2026, 12, 1))

    def both(who: str) -> tuple[object, ...]:
        return (
            keys(who, period=november),
            keys(who, at(2026, 12, 1), generation=1, period=december),
        )

    for now in (NOW, at(2026, 12, 1)):
        who = alice(Noon(now), credential=user(ALICE, BOB, keys=both(ALICE)))
        taken(bob(Noon(now), user(BOB, keys=both(BOB))), first(who))
    with pytest.raises(LocalError, match="key period"):
        user(ALICE, keys=(replace(keys(ALICE, period=november), period=december),))


@pytest.mark.rule("R6509-2.2.2-1")
@pytest.mark.parametrize("scheme", [McxUid(), RawIdentifier()], ids=["3gpp", "raw"])
@pytest.mark.parametrize("name", ["sip:{}@example.org", "{}"])
def test_other_schemes(scheme: McxUid | RawIdentifier, name: str) -> None:
    alices, bobs = name.format("alice"), name.format("bob")
    hers = Sakke(identity=alices, peer=bobs, keys=(keys(alices, scheme=scheme),))
    his = Sakke(identity=bobs, keys=(keys(bobs, scheme=scheme),))
    message = first(alice(credential=hers))
    assert Message.parse(message).one(SakkePayload).id_scheme is scheme.number
    assert taken(bob(None, his), message).peer == alices
    elsewhere = message.replace(bobs.encode(), b"*" * len(bobs))
    refused(bob(None, user(BOB), his), elsewhere, ErrorNumber.INVALID_ID)


@pytest.mark.rule("R6509-2.3-1")
def test_forking() -> None:
    """All devices have one RSK and open the message; each has an SSK of its own and can answer."""
    devices = [user(BOB, keys=(keys(BOB, device=name),)) for name in ("desk", "pocket")]
    assert devices[0].keys[0].signing is not devices[1].keys[0].signing
    message = first()
    bundles = [taken(bob(None, device), message) for device in devices]
    same_keys(*bundles)
    for device in devices:
        back = first(alice(credential=replace(device, peer=ALICE)))
        assert taken(bob(None, user(ALICE)), back).peer == BOB


@pytest.mark.rule("R6509-2.3-2")
def test_silent_retargeting_fails() -> None:
    """Whoever gets the message in Bob's place has not Bob's RSK, named or not."""
    refused(bob(None, user(CAROL)), first(), ErrorNumber.INVALID_ID, PolicyError)
    unnamed = first(alice(credential=user(ALICE, BOB, send_ids=False)))
    shown = replace(CONTEXT, initiator=ALICE)
    carol = bob(None, user(CAROL))
    refused(carol, unnamed, ErrorNumber.AUTH_FAILURE, AuthenticationError, shown)


@pytest.mark.rule("R6509-2.3-2")
def test_informed_retargeting() -> None:
    """A new message for the new identity: CSB ID, RAND, SSV and T are new."""
    time = Noon()
    old = first(alice(time))
    new = first(alice(time, credential=user(ALICE, CAROL)))
    bobs, carols = taken(bob(time), old), taken(bob(time, user(CAROL)), new)
    assert bobs.csb_id != carols.csb_id
    assert bobs.keys != carols.keys
    assert bobs.rand != carols.rand


@pytest.mark.rule("R6509-6-1")
def test_anonymous_callers() -> None:
    nobody = Sakke(identity=ALICE, peer=BOB, domains=(kms(),), anonymous=True)
    message = first(alice(credential=nobody))
    parsed = Message.parse(message)
    assert parsed.get(Sign) is None
    assert [idr.role for idr in parsed.all(Idr)] == [2, 7]
    refused(bob(), message, ErrorNumber.UNSUPPORTED_MESSAGE, DecodeError)
    to = bob(policy=Policy(allow_unsigned=True))
    offer = offer_of(to, message)
    assert offer.initiator == ""
    assert taken(bob(policy=Policy(allow_unsigned=True)), message).peer == ""
    refused(to, message, None, ReplayError)


@pytest.mark.rule("R6509-6-1")
def test_what_is_unsigned_names_nobody() -> None:
    """Not even in IDRi, and by the signalling neither."""
    message = Message.parse(first())
    bare = encode(message.header, message.payloads[:-1])
    to = bob(policy=Policy(allow_unsigned=True))
    shown = replace(CONTEXT, initiator=ALICE)
    assert offer_of(to, bare, shown).initiator == ""
