"""Keying a group by SAKKE: one key, and a signed message for each member (RFC 6509 2.4).

Encapsulating the key to a member is nearly all of the work, so it is what an executor gets, in
units of plain octets. Everything else, signatures above all, stays here.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from mikey.credentials import Sakke
from mikey.crypto import sakke as arithmetic
from mikey.errors import LibraryError, LocalError
from mikey.methods import sakke
from mikey.methods._common.exchange import Draft
from mikey.policy import Clock
from mikey.registry import KeyType, MapType, PrfFunc
from mikey.secret import Secret
from mikey.session.bundle import Bundle, Role
from mikey.session.cs_map import to_map, to_names
from mikey.session.group import Group
from mikey.session.keys import mki_of
from mikey.session.stream import describe, to_sps
from mikey.wire import Hdr, KeyData, Rand, T

UNIT = 64
"""The members of a work unit: fewer would not pay for a task, nor fill the batches of eight."""


@dataclass(frozen=True, slots=True)
class Member:
    """Whom a group is to have: an identity, and the URI of its KMS if that is not ours."""

    uri: str
    kms: str | None = None


class Invitation(NamedTuple):
    """The message for a member, ready to be sent."""

    member: Member
    message: bytes


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """What a worker gets: plain octets, among them the key of the group, and nothing else.

    `ssv` is the shared secret, `public_key` the Z of a KMS, `recipients` the identifiers to
    encapsulate to. Whoever runs workers, and whoever carries units to them, has the key.
    """

    ssv: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    recipients: tuple[bytes, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.recipients)


def encapsulate(unit: WorkUnit) -> list[bytes]:
    """Do a unit: return the Encapsulated Data for each recipient. This is what workers call."""
    return _public_key(unit.public_key).encapsulate_many(unit.recipients, Secret(unit.ssv))


def key_group(
    members: Iterable[Member | str],
    group: Group,
    credential: Sakke,
    *,
    executor: Executor | None = None,
    unit: int = UNIT,
    in_flight: int | None = None,
    clock: Clock | None = None,
    random: Callable[[int], bytes] = secrets.token_bytes,
    prf: PrfFunc = PrfFunc.MIKEY_1,
) -> Generator[Invitation, None, None]:
    """Yield a signed message for each member as they are ready, in no certain order.

    All bring the one TGK, RAND and CSB ID of `group`, which is made for SAKKE
    (`Group.new(..., tgk_length=16)`); each has a T and a signature of its own (R6509-2.4-2).
    `credential` signs; its peer does not matter. `executor` is any of `concurrent.futures`,
    None for a thread on each core. Members go out in work units of `unit`, 64 at least, of which
    `in_flight` (by default two for each core) are under way at a time, however many there are.

    The messages are made while they are iterated over. Raises LocalError for a member who is no
    identity of the scheme or whose KMS is not known and for a sender who does not sign, and what
    the executor raises.
    """
    if unit < UNIT:
        raise LocalError(f"a work unit has at least {UNIT} members")
    if credential.anonymous:
        raise LocalError("the messages of a group are signed, which an anonymous sender cannot")
    limit = in_flight or 2 * (os.cpu_count() or 1)
    keying = _Keying(group, credential, clock or Clock(), random, prf)
    with ExitStack() as stack:
        if executor is None:
            executor = stack.enter_context(ThreadPoolExecutor(os.cpu_count()))
        waiting: dict[Future[list[bytes]], list[_Pending]] = {}
        try:
            for work, pending in keying.units(members, unit):
                while len(waiting) >= limit:
                    yield from keying.finished(waiting)
                waiting[executor.submit(encapsulate, work)] = pending
            while waiting:
                yield from keying.finished(waiting)
        finally:
            for future in waiting:
                future.cancel()


def group_bundle(
    group: Group,
    credential: Sakke,
    *,
    clock: Clock | None = None,
    prf: PrfFunc = PrfFunc.MIKEY_1,
) -> Bundle:
    """Return the sender's own end of a group: the keys that members derive from its messages."""
    key = _key_of(group)
    sessions, policies = describe(group.streams, group.policies[0])
    return Bundle(
        csb_id=group.csb_id,
        method=sakke.NAME,
        role=Role.INITIATOR,
        identity=credential.identity,
        peer=credential.peer,
        prf=prf,
        rand=group.rand,
        sessions=sessions,
        policies=policies,
        keys=group.keys,
        t=(clock or Clock()).timestamp(),
        credential=credential,
        message_key=None,
        names=to_names(group.streams, mki_of(key)),
    )


class _Pending(NamedTuple):
    member: Member
    t: T
    recipient: sakke.Recipient


class _Keying:
    """What all messages of a group have in common."""

    def __init__(
        self,
        group: Group,
        credential: Sakke,
        clock: Clock,
        random: Callable[[int], bytes],
        prf: PrfFunc,
    ) -> None:
        bundle = group_bundle(group, credential, clock=clock, prf=prf)
        self._ssv = bundle.keys[0].key
        self._header = Hdr(
            data_type=sakke.REQUEST,
            csb_id=bundle.csb_id,
            cs_map=to_map(MapType.GENERIC_ID, bundle.sessions, bundle.names),
            prf=prf,
        )
        self._rand = Rand(bundle.rand)
        self._policies = to_sps(bundle.policies, credential.compat)
        self._credential = credential
        self._clock = clock
        self._random = random

    def units(
        self, members: Iterable[Member | str], size: int
    ) -> Iterator[tuple[WorkUnit, list[_Pending]]]:
        """Yield units of `size` members, fewer for the last of each KMS."""
        gathered: dict[str | None, list[Member]] = {}
        for each in members:
            member = Member(each) if isinstance(each, str) else each
            some = gathered.setdefault(member.kms, [])
            some.append(member)
            if len(some) == size:
                yield from self._prepared(gathered.pop(member.kms))
        for some in gathered.values():
            yield from self._prepared(some)

    def _prepared(self, members: Sequence[Member]) -> Iterator[tuple[WorkUnit, list[_Pending]]]:
        """Yield the unit of some members of a KMS, two of them if a key period begins meanwhile.

        T is taken now, so that no message grows old while others are gathered.
        """
        by_key: dict[bytes, list[_Pending]] = {}
        for member in members:
            t = self._clock.timestamp()
            recipient = sakke.recipient_of(self._credential, t, member.uri, member.kms)
            pending = _Pending(member, t, recipient)
            by_key.setdefault(recipient.kms.sakke.octets, []).append(pending)
        for public_key, some in by_key.items():
            recipients = tuple(pending.recipient.identifier for pending in some)
            yield WorkUnit(self._ssv.expose(), public_key, recipients), some

    def finished(self, waiting: dict[Future[list[bytes]], list[_Pending]]) -> Iterator[Invitation]:
        """Wait for a unit at least, take what is done out of `waiting`, and sign it."""
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            pending = waiting.pop(future)
            encapsulations = future.result()
            if len(encapsulations) != len(pending):
                raise LibraryError("a worker did not do the whole of its unit")
            for each, data in zip(pending, encapsulations, strict=True):
                yield Invitation(each.member, self._message(each, data))

    def _message(self, pending: _Pending, data: bytes) -> bytes:
        draft = Draft(
            header=self._header,
            t=pending.t,
            rand=self._rand,
            idi=None,
            idr=None,
            policies=self._policies,
        )
        return sakke.build_message(
            draft, data, pending.recipient, self._credential, random=self._random
        )


def _key_of(group: Group) -> KeyData:
    key, *more = group.keys
    fits = key.key_type is KeyType.TGK and len(key.key) == sakke.SSV_OCTETS
    if more or not fits:
        raise LocalError(f"a group of SAKKE has one TGK of {sakke.SSV_OCTETS} octets")
    return key


@lru_cache(maxsize=8)
def _public_key(octets: bytes) -> arithmetic.PublicKey:
    """Return the public key of a KMS; its tables are made once in a worker."""
    return arithmetic.PublicKey(octets)
