"""Keying a group by SAKKE: messages, work units, executors."""

from __future__ import annotations

import io
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from mikey import Clock, Group, Initiator, LocalError, MikeyError, PeerError, SrtpPolicy, Stream
from mikey.crypto import eccsi
from mikey.errors import LibraryError
from mikey.group import Invitation, Member, WorkUnit, encapsulate, group_bundle, key_group
from mikey.policy import Context
from mikey.secret import Secret
from mikey.wire import Message, Rand, Sign, T
from mikey.wire import Sakke as SakkePayload
from tests.rules.sakke_parties import (
    ABROAD,
    ALICE,
    BOB,
    CAROL,
    HOME,
    Noon,
    bob,
    keys,
    kms,
    octets,
    same_keys,
    taken,
    user,
)

STREAMS = [Stream(0x57D10, policy=SrtpPolicy.AEAD_AES_128_GCM)]
NOWHERE = Context()


def group(seed: str = "group") -> Group:
    return Group.new(STREAMS, tgk_length=16, random=octets(seed))


def numbers(count: int) -> list[str]:
    return [f"tel:+4420{n:08d}" for n in range(count)]


def invited(members: list[Any], **options: Any) -> dict[str, bytes]:
    options.setdefault("clock", Clock(Noon()))
    found = key_group(members, options.pop("group", group()), user(ALICE), **options)
    return {member.uri: message for member, message in found}


def work(pickled: bytes) -> Any:
    """Do as a worker in another process does, errors pickled too."""
    fn, args, kwargs = pickle.loads(pickled)
    try:
        return fn(*args, **kwargs)
    except MikeyError as error:
        raise pickle.loads(pickle.dumps(error)) from None


class Recorder(ThreadPoolExecutor):
    """Keeps what it is given as a worker gets it, and counts what is under way."""

    def __init__(self) -> None:
        super().__init__(2)
        self.pickled: list[bytes] = []
        self.under_way: set[Future[Any]] = set()
        self.most = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.pickled.append(pickle.dumps((fn, args, kwargs)))
        self.under_way = {future for future in self.under_way if not future.done()}
        self.most = max(self.most, len(self.under_way) + 1)
        future = super().submit(work, self.pickled[-1])
        self.under_way.add(future)
        return future


@pytest.mark.rule("R6508-6.3-1", "R6509-2.4-1", "R6509-2.4-2")
def test_members_get_one_key_in_messages_of_their_own() -> None:
    team = group()
    messages = invited([BOB, CAROL, *numbers(3)], group=team)
    assert messages.keys() == {BOB, CAROL, *numbers(3)}
    parsed = [Message.parse(message) for message in messages.values()]
    assert {message.header.csb_id for message in parsed} == {team.csb_id}
    assert {message.one(Rand).value for message in parsed} == {team.rand}
    for part in (T, SakkePayload, Sign):
        assert len({message.one(part) for message in parsed}) == len(parsed)
    ours = group_bundle(team, user(ALICE))
    for who in (BOB, CAROL):
        theirs = taken(bob(None, user(who)), messages[who], NOWHERE)
        same_keys(ours, theirs)
        assert theirs.peer == ALICE
        assert theirs.keys[0].key == team.keys[0].key
    with pytest.raises(PeerError):
        taken(bob(None, user(CAROL)), messages[BOB], NOWHERE)


@pytest.mark.rule("R6509-6.3-1")
def test_members_read_what_the_sender_sends() -> None:
    """One SSRC for each sender, which the group's own streams say."""
    team = Group.new([Stream(1), Stream(2)], tgk_length=16, random=octets("two"))
    messages = invited([BOB, CAROL], group=team)
    sender = group_bundle(team, user(ALICE)).srtp_sender(1)
    packet = sender.protect(bytes.fromhex("80000001 00000000 00000001") + b"to all")
    bundles = [taken(bob(None, user(who)), messages[who], NOWHERE) for who in (BOB, CAROL)]
    for bundle in bundles:
        assert bundle.srtp_receiver(1).unprotect(packet).endswith(b"to all")
    answer = bundles[0].srtp_sender(2).protect(bytes.fromhex("80000001 00000000 00000002") + b"me")
    assert bundles[1].srtp_receiver(2).unprotect(answer).endswith(b"me")
    with pytest.raises(LocalError, match="SSRC"):
        Group.new([Stream(1), Stream()], tgk_length=16)


@pytest.mark.rule("R6509-2.4-1")
def test_a_member_invites_another() -> None:
    """Who has the key may pass it on, signing as himself: same key, RAND and CSB ID."""
    team = group()
    theirs = taken(bob(), invited([BOB], group=team)[BOB], NOWHERE)
    passed = Group(csb_id=theirs.csb_id, rand=theirs.rand, streams=team.streams, keys=theirs.keys)
    message = Initiator(user(BOB, CAROL), clock=Clock(Noon())).start(group=passed)
    third = taken(bob(None, user(CAROL)), message, NOWHERE)
    assert third.peer == BOB
    same_keys(theirs, third)


def test_a_new_key_for_those_who_stay() -> None:
    """A new CSB, whose keys fit into the SRTP contexts of the old one under the next MKI."""
    team = group()
    new = team.renewed(octets("new"), new_csb=True)
    assert new.csb_id != team.csb_id
    assert new.rand != team.rand
    to = bob()
    first = taken(to, invited([BOB], group=team)[BOB], NOWHERE)
    second = taken(to, invited([BOB], group=new)[BOB], NOWHERE)
    receiver = first.srtp_receiver(1)
    receiver.install(second.masters(1))
    sender = group_bundle(team, user(ALICE)).srtp_sender(1)
    rtp = bytes.fromhex("80000001 00000000 00057d10")
    assert receiver.unprotect(sender.protect(rtp)) == rtp
    sender.install(group_bundle(new, user(ALICE)).masters(1))
    later = bytes.fromhex("80000002 00000000 00057d10")
    assert receiver.unprotect(sender.protect(later)) == later


@pytest.mark.rule("R6508-7-3")
def test_workers_get_octets_and_neither_secrets_nor_signing_keys() -> None:
    recorder = Recorder()
    assert len(invited(numbers(70), executor=recorder)) == 70
    assert len(recorder.pickled) == 2
    signing = keys(ALICE).signing
    assert signing is not None
    for pickled in recorder.pickled:
        found: list[tuple[str, str]] = []

        class Named(pickle.Unpickler):
            def find_class(self, module: str, name: str, into: Any = found) -> Any:
                into.append((module, name))
                return super().find_class(module, name)

        _, (unit,), kwargs = Named(io.BytesIO(pickled)).load()
        assert kwargs == {}
        assert {name for _, name in found} <= {"encapsulate", "WorkUnit", "_unpickle"} | {
            name for module, name in found if module in ("copyreg", "builtins", "dataclasses")
        }
        assert all("secret" not in module.lower() for module, _ in found)
        assert type(unit.ssv) is type(unit.public_key) is bytes
        assert {type(item) for item in unit.recipients} == {bytes}
        assert signing.pvt not in pickled
    for holder in (signing, keys(ALICE).receiver):
        with pytest.raises(TypeError):
            pickle.dumps(holder)
    assert isinstance(signing, eccsi.SigningKey)


def test_a_unit_does_not_show_its_key() -> None:
    unit = WorkUnit(b"k" * 16, kms().sakke.octets, (b"identifier",))
    shown = repr(unit) + str(unit) + f"{unit}"
    assert "kkkk" not in shown
    assert "identifier" not in shown
    assert len(unit) == 1
    [data] = encapsulate(WorkUnit(b"k" * 16, kms().sakke.octets, (keys(BOB).identifier,)))
    assert keys(BOB).receiver.decapsulate(data) == Secret(b"k" * 16)


def test_units_in_flight_are_bounded() -> None:
    """However many members there are, and however lazily they come."""
    recorder, asked = Recorder(), 0

    def endless() -> Iterator[str]:
        nonlocal asked
        for number in numbers(10**6):
            asked += 1
            yield number

    made = key_group(endless(), group(), user(ALICE), executor=recorder, in_flight=2)
    got = list(islice(made, 10))
    made.close()
    assert len({invitation.member.uri for invitation in got}) == 10
    assert recorder.most <= 2
    assert asked <= 4 * 64


def test_two_kms_share_no_unit() -> None:
    recorder = Recorder()
    credential = user(ALICE, domains=(kms(ABROAD),))
    members: list[Member | str] = [Member(BOB), Member(CAROL, ABROAD), *numbers(2)]
    found = {
        member.uri: message
        for member, message in key_group(
            members, group(), credential, executor=recorder, clock=Clock(Noon())
        )
    }
    assert len(recorder.pickled) == 2
    carol = user(CAROL, keys=(keys(CAROL, uri=ABROAD),), domains=(kms(HOME),))
    team = taken(bob(None, carol), found[CAROL], NOWHERE)
    same_keys(team, taken(bob(), found[BOB], NOWHERE))


@pytest.mark.parametrize("member", ["sip:bob@example.org", "tel:+44-1", Member(BOB, "elsewhere")])
def test_members_who_cannot_be(member: str | Member) -> None:
    with pytest.raises(LocalError):
        list(key_group([member], group(), user(ALICE)))


def test_groups_that_sakke_cannot_key() -> None:
    with pytest.raises(LocalError, match="16 octets"):
        list(
            key_group(
                [BOB], Group.new([Stream(1, policy=SrtpPolicy.AEAD_AES_256_GCM)]), user(ALICE)
            )
        )
    with pytest.raises(LocalError, match="16 octets"):
        Initiator(user(ALICE, BOB), clock=Clock(Noon())).start(
            group=Group.new([Stream(1, policy=SrtpPolicy.AEAD_AES_256_GCM)])
        )
    with pytest.raises(LocalError, match="at least 64"):
        next(key_group([BOB], group(), user(ALICE), unit=63))


def test_a_sender_who_does_not_sign() -> None:
    with pytest.raises(LocalError, match="anonymous"):
        list(key_group([BOB], group(), replace(user(ALICE), anonymous=True)))


def test_no_members() -> None:
    assert invited([]) == {}


class Lazy(ThreadPoolExecutor):
    """An executor whose workers do less than they should."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(list)


def test_a_worker_that_does_not_work() -> None:
    with pytest.raises(LibraryError, match="whole of its unit"):
        invited(numbers(2), executor=Lazy())


class Broken(Recorder):
    """An executor whose workers have another idea of the public key."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        unit = args[0]
        return super().submit(fn, WorkUnit(unit.ssv, bytes(257), unit.recipients))


def test_errors_of_workers_come_back() -> None:
    with pytest.raises(MikeyError, match="Z:"):
        invited(numbers(2), executor=Broken())


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_executors_of_the_standard_library(kind: Any) -> None:
    spawned = {"mp_context": multiprocessing.get_context("spawn")}
    options = spawned if kind is ProcessPoolExecutor else {}
    team = group()
    with kind(2, **options) as executor:
        messages = invited([BOB, *numbers(65)], group=team, executor=executor)
    assert len(messages) == 66
    same_keys(group_bundle(team, user(ALICE)), taken(bob(), messages[BOB], NOWHERE))


def test_an_invitation_is_a_pair() -> None:
    member, message = Invitation(Member(BOB), b"octets")
    assert (member.uri, member.kms, message) == (BOB, None, b"octets")
