"""What the caller allows, how peers deviate."""

from __future__ import annotations

import dataclasses

import pytest

from mikey.errors import LocalError
from mikey.policy import PROFILES, SECOND, Compat, Context, KeyFlow, Policy
from mikey.registry import KeyType


def test_the_defaults_are_safe() -> None:
    policy = Policy()
    assert policy.skew == 300 * SECOND
    assert policy.minimum_rand == 16
    assert not policy.allow_null
    assert not policy.responder_may_update
    assert not Context().secure


@pytest.mark.parametrize("fields", [{"skew": 0}, {"skew": -1}, {"minimum_rand": -1}])
def test_a_policy_that_means_nothing(fields: dict[str, int]) -> None:
    with pytest.raises(LocalError):
        Policy(**fields)  # type: ignore[arg-type]


def test_no_deviation_by_default_and_each_in_some_profile() -> None:
    names = {field.name for field in dataclasses.fields(Compat)}
    rfc = Compat()
    switches = [name for name in names if isinstance(getattr(rfc, name), bool)]
    assert not any(getattr(rfc, name) for name in switches)
    assert (rfc.key_type, rfc.mki_length, rfc.sp_parameters) == (KeyType.TGK, 0, None)
    assert rfc.flow is KeyFlow.ANSWER
    assert PROFILES["rfc"] == rfc
    used = {
        name
        for profile in PROFILES.values()
        for name in names
        if getattr(profile, name) != getattr(rfc, name)
    }
    assert names - used == {"deduplicated_sdp_ids"}  # no product is known to need it
