"""Keying a group of 10 000: a signed message for each member, on all cores.

The second row does the same one by one, without vectors. `python -m benchmarks.sakke` prints both.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

from mikey import _native
from mikey.credentials import Kms, Sakke, SakkeKeys
from mikey.crypto import eccsi, sakke
from mikey.group import Group, WorkUnit, key_group
from mikey.session import Stream

MEMBERS = 10_000
SENDER = "tel:+447700900001"

R = TypeVar("R")


class OneByOne(Executor):
    """Threads that encapsulate to one recipient after the other, without vectors."""

    def __init__(self, threads: Executor) -> None:
        self._threads = threads

    def submit(self, _work: Callable[..., R], /, *args: Any, **_: Any) -> Future[R]:
        """Do a unit of the group in the plain way."""
        (unit,) = args
        return self._threads.submit(_encapsulate, unit)  # type: ignore[arg-type]


_public_key = lru_cache(_native.SakkePublicKey)


def _encapsulate(unit: WorkUnit) -> list[bytes]:
    key, ssv = _public_key(unit.public_key), unit.ssv
    return [key.encapsulate(recipient, ssv, vectors=False) for recipient in unit.recipients]


def seconds(*, batch: bool) -> float:
    """Key the group and return the seconds by the clock on the wall."""
    credential = _sender()
    group = Group.new([Stream(0x1234)], tgk_length=16)
    members = [f"tel:+4477{number:08d}" for number in range(MEMBERS)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        executor = threads if batch else OneByOne(threads)
        begin = time.perf_counter()
        made = sum(1 for _ in key_group(members, group, credential, executor=executor))
        elapsed = time.perf_counter() - begin
    if made != MEMBERS:
        raise SystemExit(f"{made} of {MEMBERS} members have a message")
    return elapsed


def _sender() -> Sakke:
    master, signing = sakke.make_master(secrets.token_bytes), eccsi.make_master(secrets.token_bytes)
    kms = Kms("kms.example.org", sakke.make_public_key(master), eccsi.make_public_key(signing))
    now = time.time_ns()
    identifier = kms.identifier(SENDER, now)
    rsk = sakke.make_receiver_key(master, identifier)
    ssk, pvt = eccsi.make_pair(signing, identifier, secrets.token_bytes)
    keys = SakkeKeys(
        kms,
        kms.scheme.period(now),
        sakke.ReceiverKey(kms.sakke, identifier, rsk),
        eccsi.SigningKey(kms.eccsi, identifier, ssk, pvt),
    )
    return Sakke(identity=SENDER, keys=[keys])
