"""A policy comes back from its SP payload, whatever it is; no SP payload does more than fail."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.errors import LocalError, PeerError
from mikey.policy import Compat, SrtpPolicy, alternatives, srtp_policy
from mikey.registry import ProtType, SrtpAuth, SrtpEncr
from mikey.wire import Sp, SpParam

FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "encryption": st.sampled_from([SrtpEncr.NULL, SrtpEncr.AES_CM, SrtpEncr.AES_F8]),
        "key_length": st.sampled_from([16, 24, 32]),
        "authentication": st.sampled_from([SrtpAuth.NULL, SrtpAuth.HMAC_SHA_1]),
        "key_derivation_rate": st.integers(0, 24).map(lambda n: 1 << n),
        "srtp_encryption": st.booleans(),
        "srtcp_encryption": st.booleans(),
        "srtp_authentication": st.booleans(),
        "tag_length": st.integers(4, 20),
        "srtcp_tag": st.integers(10, 20),
    },
)
PARAMS = st.lists(
    st.builds(
        SpParam,
        st.one_of(st.integers(0, 21), st.integers(0, 255)),
        st.one_of(
            st.sampled_from([bytes([n]) for n in (0, 1, 4, 6, 10, 12, 14, 16, 20, 32)]),
            st.binary(max_size=6),
        ),
    ),
    max_size=14,
)


@pytest.mark.parametrize("number", [0, 1, 255])
@pytest.mark.parametrize("name", SrtpPolicy.presets())
def test_every_preset_comes_back(name: str, number: int) -> None:
    policy = SrtpPolicy.named(name)
    sp = policy.to_sp(number)
    assert (sp.policy_no, sp.prot_type) == (number, ProtType.SRTP)
    assert srtp_policy(sp) == policy
    # The quirk changes nothing in what follows the RFC.
    assert srtp_policy(sp, Compat(tag_length_in_type_3=True)) == policy


@given(FIELDS)
def test_any_policy_comes_back(fields: dict[str, Any]) -> None:
    try:
        policy = SrtpPolicy(**fields)
    except LocalError:
        return
    again = srtp_policy(policy.to_sp(3))
    assert again == policy
    assert again.srtcp_tag_length == policy.srtcp_tag_length


@given(st.sampled_from(list(ProtType)), PARAMS, st.booleans())
def test_any_payload_is_a_policy_or_a_peer_error(
    prot_type: ProtType, params: list[SpParam], quirk: bool
) -> None:
    sp = Sp(0, prot_type, tuple(params))
    assert len(alternatives(sp)) <= 64
    try:
        policy = srtp_policy(sp, Compat(tag_length_in_type_3=quirk))
    except PeerError:
        return
    assert srtp_policy(policy.to_sp(0)) == policy
    assert alternatives(policy.to_sp(0)) == (policy,)
