"""Which policy and which streams an RSA-R exchange comes to (RFC 4738 3.4 to 3.7)."""

from __future__ import annotations

from functools import partial

import pytest

from mikey.errors import DecodeError, PolicyError
from mikey.methods import rsar
from mikey.policy import Compat, SrtpPolicy
from mikey.registry import (
    DataType,
    ErrorNumber,
    SrtpParam,
)
from mikey.wire import Hdr, Message, Rand, Sp, SpParam, SrtpId, SrtpIdMap
from tests.naive import encode as e
from tests.naive.decode import SP, decode, one
from tests.naive.parties import (
    MINE,
    YOURS,
)
from tests.naive.vectors import CSB_ID, IDR, RAND_VALUE
from tests.rules.method_parties import (
    POLICY,
    received,
    refused,
)
from tests.rules.rsar_parties import (
    SEALED,
    STAMP,
    answered,
    certs,
    crafted,
    grant,
    group_grant,
    listening,
    opening,
    sp,
)

F8 = SrtpPolicy.named("F8_128_HMAC_SHA1_80")
GCM = SrtpPolicy.named("AEAD_AES_128_GCM")


def offer(*policies: SrtpPolicy) -> tuple[Sp, ...]:
    return tuple(policy.to_sp(number) for number, policy in enumerate(policies))


@pytest.mark.rule("R4738-3.5-1", "R4738-3.5-4")
def test_one_of_the_offered_policies_is_chosen() -> None:
    first = opening(policies=offer(POLICY, F8, GCM))
    message = Message.parse(first.octets)
    every = rsar.choose_policy(message, lambda policy: True, Compat())
    assert every == (POLICY.to_sp(0), POLICY)
    chosen, policy = rsar.choose_policy(message, lambda policy: policy == GCM, Compat())
    assert (chosen, policy) == (GCM.to_sp(2), GCM)
    entries = SrtpIdMap((SrtpId(2, MINE), SrtpId(2, YOURS)))
    header = Hdr(DataType.RSA_R_RESP, CSB_ID, entries)
    told = answered(first.octets, grant(policies=(chosen,)), header=header)
    assert received(first, told).policies == (chosen,)
    assert one(decode(told), SP).fields["policy_no"] == 2
    refused(
        lambda: rsar.choose_policy(message, lambda policy: False, Compat()),
        ErrorNumber.INVALID_SPPAR,
        PolicyError,
    )


@pytest.mark.rule("R4738-3.5-4")
def test_the_map_names_the_preferred_policy() -> None:
    header = Hdr(DataType.RSA_R_INIT, CSB_ID, SrtpIdMap((SrtpId(1, MINE), SrtpId(1, 0))))
    first = opening(policies=offer(POLICY, F8), header=header)
    message = Message.parse(first.octets)
    assert rsar.choose_policy(message, lambda policy: True, Compat()) == (F8.to_sp(1), F8)
    none = opening(policies=offer(POLICY, F8), header=Hdr(DataType.RSA_R_INIT, CSB_ID, SrtpIdMap()))
    chosen, _ = rsar.choose_policy(Message.parse(none.octets), lambda policy: True, Compat())
    assert chosen.policy_no == 0


@pytest.mark.rule("R4738-3.5-4")
def test_a_repeated_type_is_a_list_of_options() -> None:
    tags = [SpParam(SrtpParam.AUTH_TAG_LEN, bytes([length])) for length in (10, 4)]
    base = tuple(item for item in POLICY.to_sp(0).params if item.param != SrtpParam.AUTH_TAG_LEN)
    listed = Sp(0, POLICY.to_sp(0).prot_type, (*base, *tags))
    first = opening(policies=(listed,))
    message = Message.parse(first.octets)
    chosen, policy = rsar.choose_policy(message, lambda p: p.tag_length == 4, Compat())
    assert policy == SrtpPolicy.AES_CM_128_HMAC_SHA1_32
    assert chosen.params == (*base, tags[1])
    told = answered(first.octets, grant(policies=(chosen,)))
    assert received(first, told).policies == (chosen,)
    # The list itself is no choice.
    again = crafted(
        first.octets, e.t(*STAMP), e.ident(IDR), *certs(),
        e.sp([(int(item.param), item.value) for item in listed.params], 0), *SEALED(),
    )  # fmt: skip
    refused(partial(received, first, again), None, DecodeError)
    twice = opening(policies=(listed, listed))
    refused(
        lambda: rsar.choose_policy(Message.parse(twice.octets), lambda p: True, Compat()),
        ErrorNumber.INVALID_SPPAR,
    )


@pytest.mark.rule("R4738-3.7-1", "R4738-3.5-4")
@pytest.mark.parametrize("case", range(6))
def test_a_policy_that_was_not_offered_is_dropped_silently(case: int) -> None:
    first = opening(policies=offer(POLICY, F8))
    null = dict(e.AES_CM_128_HMAC_SHA1_80) | {0: b"\0"}
    policies: list[list[e.Payload]] = [
        [],
        [sp(2)],
        [e.sp(list(null.items()), 0)],
        [sp(1)],
        [sp(0), sp(0)],
        [sp(0), sp(7)],
    ]
    told = crafted(first.octets, e.t(*STAMP), e.ident(IDR), *certs(), *policies[case], *SEALED())
    refused(partial(received, first, told), None, DecodeError)


@pytest.mark.rule("R4738-3.5-4")
def test_several_policies_are_taken_if_each_was_offered() -> None:
    first = opening(policies=offer(POLICY, F8))
    f8 = e.sp([(int(item.param), item.value) for item in F8.to_sp(1).params], 1)
    entries = ((0, MINE, 0), (1, YOURS, 0))
    payloads = [e.t(*STAMP), e.ident(IDR), *certs(), sp(), f8, *SEALED()]
    assert len(received(first, crafted(first.octets, *payloads, cs=entries)).policies) == 2
    stray = crafted(first.octets, *payloads, cs=((0, MINE, 0), (2, YOURS, 0)))
    refused(partial(received, first, stray), None, DecodeError)


def test_the_policy_may_come_from_the_responder() -> None:
    first = opening(policies=())
    told = answered(first.octets, grant(policies=(F8.to_sp(0),)))
    assert received(first, told).policies == (F8.to_sp(0),)
    assert received(first, answered(first.octets, grant(policies=()))).policies == ()


@pytest.mark.rule("R4738-3.6-1")
def test_the_map_is_filled_and_not_altered() -> None:
    first = opening()
    payloads = [e.t(*STAMP), e.ident(IDR), *certs(), sp(), *SEALED()]
    for entries, fits in (
        (((0, MINE, 0), (0, YOURS, 0), (0, 7, 0)), True),
        (((0, MINE, 0), (0, YOURS, 9)), True),
        (((0, MINE, 0),), False),
        (((0, MINE + 1, 0), (0, YOURS, 0)), False),
        (((0, MINE, 1), (0, YOURS, 0)), False),
        ((), False),
    ):
        told = crafted(first.octets, *payloads, cs=entries)
        if fits:
            assert received(first, told)
        else:
            refused(partial(received, first, told), None, DecodeError)
    # A listener described nothing, and in a group the responder writes all of it.
    assert received(listening(rand=Rand(RAND_VALUE)), answered(listening().octets, group_grant()))
